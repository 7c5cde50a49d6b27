// The files that the consumer of `audit` writes, and their reader.
//
// A file is a row of records, each an AuditHead and, unless the same key and text stand earlier in the file already,
// the key and the text. The demo's input is repeated many times over, so nearly every record is a head that names the
// place of its text; the file still says of each entry, byte for byte, what it was.
//
// Every start of the consumer writes a file of its own, so at most the last record of a file is torn, and a place never
// points out of its file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "shmq/entry.hpp"
#include "tools/shmq/demo_folder.hpp"

namespace shmq::tools {

struct AuditHead {
    std::uint64_t sequence = 0;
    std::uint64_t delivered_ns = 0;  ///< CLOCK_REALTIME
    std::uint64_t delay_ns = 0;      ///< from add to delivery
    std::uint64_t place = 0;         ///< of key and text, bytes from the beginning of the file; right behind: its own
    EntryHead entry;                 ///< no producer's if the payload is too short for one
    std::uint32_t text_size = 0;
    std::uint16_t key_size = 0;
    std::uint16_t deliveries = 0;
};
static_assert(sizeof(AuditHead) == 56 && std::has_unique_object_representations_v<AuditHead>);

/// Turns entries into bytes to append to one file.
class AuditWriter {
public:
    /// Appends the record of one entry, delivered at `now` (CLOCK_REALTIME, ns), to `unwritten()`.
    void take(const Entry& entry, std::uint64_t now);
    /// What goes to the end of the file next.
    [[nodiscard]] std::span<const std::byte> unwritten() const noexcept { return std::as_bytes(std::span(buffer_)); }
    void written() noexcept;

private:
    /// Where key and text stand in the file; appends them if they do not yet, `next` being where they would.
    std::uint64_t place_of(const Entry& entry, std::string_view text, std::uint64_t next);

    std::unordered_map<std::string, std::uint64_t> places_;  // by key and text
    std::string body_;                                       // key and text of the entry at hand
    std::vector<char> buffer_;
    std::uint64_t file_size_ = 0;  // without the buffer
};

struct AuditRecord {
    AuditHead head;
    std::string_view key;
    std::string_view text;  ///< of the payload, after the EntryHead
};

/// One file, read from its beginning.
class AuditFile {
public:
    explicit AuditFile(const std::string& path) : file_(path) {}
    /// False where the file ends, its last record is torn, or a place is not of this file. The views live as long as
    /// this object.
    bool next(AuditRecord& record);

private:
    MappedFile file_;
    std::size_t offset_ = 0;
};

}  // namespace shmq::tools
