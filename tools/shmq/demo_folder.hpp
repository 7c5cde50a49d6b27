// What the processes of the demo leave for each other: the plan, and the files in the demo's folder.
//
// Every start of a consumer writes a file of its own, by appending, and always before it acks; so a killed consumer
// loses nothing it acked, and at most the last record of its file is torn. What was written and then delivered again
// stands in two files; the proof counts it once. The director appends what it did to the file `facts`, before it does
// it.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "shmq/options.hpp"
#include "tools/shmq/demo_records.hpp"

namespace shmq::tools {

inline constexpr std::uint32_t producer_count = 2;
inline constexpr std::uint32_t index_consumer_count = 3;
inline constexpr std::string_view index_group = "index";
inline constexpr std::string_view audit_group = "audit";

/// Fixed before the first worker starts; every process has a copy.
struct Plan {
    std::string stream;               ///< its name
    std::string folder;               ///< for outputs
    std::string inspect_path;         ///< of shmq-inspect
    std::string input;                ///< as people read it
    std::uint64_t total = 0;          ///< entries, a multiple of the records of the input
    std::uint64_t unhurried = 0;      ///< the last so many of each producer are added one a millisecond
    std::uint64_t least_time_ns = 0;  ///< producers of a small input take at least so long
    std::uint64_t started_ns = 0;     ///< CLOCK_REALTIME

    /// Entries of one producer, 0-based: producer 0 adds records 0, 2, 4, ..., producer 1 adds 1, 3, 5, ...
    [[nodiscard]] std::uint64_t count_of(std::uint32_t producer) const noexcept {
        return (total + producer_count - 1 - producer) / producer_count;
    }
    [[nodiscard]] static std::uint64_t record_of(std::uint32_t producer, std::uint64_t number) noexcept {
        return number * producer_count + producer;
    }
    [[nodiscard]] bool is_unhurried(std::uint32_t producer, std::uint64_t number) const noexcept {
        return number + unhurried >= count_of(producer);
    }
};

inline constexpr std::uint32_t no_producer = 0xffff'ffff;

/// The first bytes of each payload; the record's text follows.
struct EntryHead {
    std::uint32_t producer = no_producer;  ///< 0-based
    std::uint32_t pid = 0;                 ///< of the process that added it
    std::uint64_t number = 0;              ///< of this producer's entries, from 0 on
};
static_assert(sizeof(EntryHead) == 16 && std::has_unique_object_representations_v<EntryHead>);
/// The head of a payload; no producer's if it is too short for one.
EntryHead head_of(std::string_view payload) noexcept;
/// The record's text in a payload.
std::string_view text_in(std::string_view payload) noexcept;

/// One record of an `index` consumer's file.
struct IndexResult {
    std::uint64_t sequence = 0;
    std::uint64_t delivered_ns = 0;  ///< CLOCK_REALTIME
    std::uint64_t delay_ns = 0;      ///< from add to delivery
    std::uint64_t amount = 0;        ///< amount_of the record
    std::uint32_t deliveries = 0;
    std::uint32_t category_size = 0;
    std::array<char, max_category> category{};
};
static_assert(sizeof(IndexResult) == 64 && std::has_unique_object_representations_v<IndexResult>);

/// Makes the next file of a worker, "index-2.0", "index-2.1", ..., for appending; -1 and errno if it cannot.
int create_output(const Plan& plan, std::string_view worker);
/// The files of the workers whose name begins so, by worker, then in the order they were made.
std::vector<std::string> outputs_of(const Plan& plan, std::string_view worker_prefix);
/// Writes all of it; false and errno if the file system refuses.
bool write_whole(int file, std::span<const std::byte> bytes);

/// A file mapped for reading. Empty if it cannot be read.
class MappedFile {
public:
    explicit MappedFile(const std::string& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {bytes_, size_}; }

private:
    const std::byte* bytes_ = nullptr;
    std::size_t size_ = 0;
};

/// What the director did or saw.
struct Fact {
    enum class Kind : std::uint8_t {
        planned_kill,  ///< the director kills a worker on purpose
        death          ///< a worker, or the director, died without being asked to
    };
    Kind kind = Kind::death;
    std::string worker;
    std::int64_t pid = 0;
    std::uint64_t time_ns = 0;
    std::vector<Sequence> held;  ///< what a consumer held, delivered and not acked, when it was killed on purpose
};
/// Appends one fact. False if it cannot be written.
bool append_fact(const Plan& plan, const Fact& fact);
std::vector<Fact> read_facts(const Plan& plan);

}  // namespace shmq::tools
