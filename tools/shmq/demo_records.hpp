// The input of the demo, and what the group `index` computes of each record.
//
// The package database gives one record a package, its key the package's name; any other text file gives one record a
// line, empty lines too, without keys. The input is read once, before any fork, so every process sees the same bytes.
// The same two functions, category_of and amount_of, serve the consumers and the proof.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shmq::tools {

inline constexpr std::string_view package_database = "/var/lib/dpkg/status";

enum class InputKind : std::uint8_t {
    packages,  ///< stanzas of the package database
    lines      ///< one line a record
};

struct Record {
    std::string_view text;  ///< without the newline that ends it
    std::string_view key;   ///< empty for lines; at most shmq::max_key bytes
};

/// The records of one input, in its order. Owns the bytes; moves keep the views valid.
class Records {
public:
    /// Cuts `bytes` into records.
    Records(std::vector<char> bytes, InputKind kind);

    [[nodiscard]] InputKind kind() const noexcept { return kind_; }
    [[nodiscard]] std::size_t count() const noexcept { return records_.size(); }
    [[nodiscard]] const Record& operator[](std::size_t index) const noexcept { return records_[index]; }
    /// Text and keys of all records together, bytes.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// The largest record, bytes.
    [[nodiscard]] std::uint64_t largest() const noexcept { return largest_; }

private:
    void cut_packages(std::string_view all);
    void cut_lines(std::string_view all);
    void append(std::string_view text, std::string_view key);

    std::vector<char> bytes_;
    std::vector<Record> records_;
    std::uint64_t size_ = 0;
    std::uint64_t largest_ = 0;
    InputKind kind_;
};

/// All bytes of a file or pipe; nullopt with errno set if it cannot be read.
std::optional<std::vector<char>> read_whole_file(const std::string& path);

/// The value of a field such as "Section" in a stanza; empty if it has none.
std::string_view field_of(std::string_view stanza, std::string_view name);

inline constexpr std::size_t max_category = 24;  ///< bytes; longer ones are cut

/// What a record is counted under: a package's section, or the first word of a line.
std::string_view category_of(std::string_view text, InputKind kind);
/// What is summed up: a package's installed size in KiB, or the bytes of a line.
std::uint64_t amount_of(std::string_view text, InputKind kind);

}  // namespace shmq::tools
