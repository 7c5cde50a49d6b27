// Everything a screen says about one stream, gathered through a read-only mapping.
//
// A snapshot is not one moment: each number was true at some moment of the gathering. A group or an entry that goes
// away meanwhile is left out. Nothing here writes to the segment, takes a lock or wakes anybody. Called by the
// commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shmq/stream.hpp"
#include "tools/inspect/processes.hpp"

namespace shmq::inspect {

struct GroupFacts {
    GroupInfo info;
    PendingSummary pending;
    std::vector<ConsumerInfo> consumers;  ///< open ones, with those of dead owners
    std::optional<PendingEntry> lowest;   ///< the lowest entry that is delivered or waits for retry
    std::optional<PendingEntry> holder;   ///< the lowest of these that is in the ring and holds its room
    /// Of the lowest `looked_for_deaths` pending ones, that which most consumers died with; nullopt below two deaths.
    std::optional<PendingEntry> deadliest;
};
inline constexpr std::size_t looked_for_deaths = 1'024;

/// Where the bytes of the segment file are. The sum of all parts is `total`.
struct ByteFacts {
    std::uint64_t total = 0;
    std::uint64_t tables = 0;   ///< header, rows of attachments, producers, chunks, groups, consumers and pins; padding
    std::uint64_t slots = 0;    ///< one word for each slot
    std::uint64_t records = 0;  ///< pending record and delivery time, for each slot and group row
    std::uint64_t retry = 0;    ///< retry index of all group rows
    std::uint64_t payload = 0;  ///< chunks
};

struct StreamFacts {
    StreamInfo info;
    ByteFacts bytes;
    std::vector<GroupFacts> groups;
    std::vector<AttachmentInfo> attachments;
    std::vector<ProcessState> states;  ///< of the attachments, in their order
    std::uint64_t first_time_ns = 0;   ///< of the oldest entry kept; 0 if there is none or the stream keeps no times
    std::uint64_t last_time_ns = 0;    ///< of the newest entry

    [[nodiscard]] std::uint64_t kept() const noexcept { return info.next - info.first; }
    /// The handle in a row, null if it is gone.
    [[nodiscard]] const AttachmentInfo* attachment(std::uint32_t row) const noexcept;
    /// Whether owners cannot be told living from dead, because this is a copied file.
    [[nodiscard]] bool owners_unknown() const noexcept;
    /// The group with the most entries that it still needs, null if none needs any.
    [[nodiscard]] const GroupFacts* holding_group() const noexcept;
    /// Entries that some group has not finished.
    [[nodiscard]] std::uint64_t needed() const noexcept;
};

/// Opens for looking only: maps read-only, attaches nothing, repairs nothing.
Result<Stream> open_to_look(std::string_view name);

/// As Stream::info; `corrupt` also if its numbers cannot be true together.
Result<StreamInfo> gather_info(const Stream& stream);
Result<GroupFacts> gather_group(const Stream& stream, std::string_view name);
Result<StreamFacts> gather(const Stream& stream);

/// open_to_look and gather.
Result<StreamFacts> look_at(std::string_view name);
/// The stream that was named, or all of the folder if none was.
Result<std::vector<std::string>> names_to_look_at(const std::string& name);

/// Of all groups of a stream together.
struct Totals {
    std::uint64_t lag = 0;       ///< sum
    std::uint64_t most_lag = 0;  ///< of one group
    std::uint64_t pending = 0;
    std::uint64_t retry = 0;
    std::uint64_t dead = 0;
    std::optional<Duration> oldest_age;  ///< nullopt if no group knows one

    void add(const StreamFacts& facts);
};
[[nodiscard]] Totals totals_of(const StreamFacts& facts);

/// One word: "alive", "dead", "unknown", "none".
[[nodiscard]] std::string_view owner_word(Owner owner) noexcept;
/// Consumers of a group whose process is not known to be dead.
[[nodiscard]] std::size_t living_consumers(const GroupFacts& group) noexcept;
/// The consumer of that name in the group, null if it is not open.
[[nodiscard]] const ConsumerInfo* find_consumer(const GroupFacts& group, std::string_view name) noexcept;

}  // namespace shmq::inspect
