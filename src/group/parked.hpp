// What happens to an entry that left the ring unfinished: it keeps its sequence and stays pending, and its record is in
// a cell of the parking table (log/parking.hpp) from the moment the ring's record names that cell.
//
// Who holds an entry need not know: words are held with the ring's tag, an exchange on the ring's record fails once the
// entry is parked, and only then the table is looked at. Entries move from the ring to a cell and never back, so who
// looks for all of them looks at the ring first, or remembers where the ring began. Nobody looks at a table that was
// never used.
#pragma once

#include <array>
#include <optional>

#include "group/deliver.hpp"
#include "group/finish.hpp"
#include "group/pins.hpp"
#include "log/parking.hpp"

namespace shmq {

/// The group that is in the row now.
[[nodiscard]] inline GroupId group_in(const Segment& segment, std::uint32_t row) noexcept {
    return {row, unpack_group(segment.group(row).word.load(memory_order_acquire)).incarnation};
}

/// Whether an entry of the group is parked and unfinished. One load as long as nothing was ever parked.
[[nodiscard]] bool is_parked(const Segment& segment, GroupId group, Sequence sequence) noexcept;

/// Where the record of a pending entry is.
struct RecordAt {
    Word* record = nullptr;
    Word* delivery = nullptr;
    std::uint64_t value = 0;            // the record as it was seen
    std::uint64_t place = 0;            // of the entry
    std::optional<ParkedEntry> parked;  // its cell, unless it is in the ring

    /// The held word `word`, which has the ring's tag, as it stands there.
    [[nodiscard]] std::uint64_t as_there(const Geometry& g, std::uint64_t word) const noexcept {
        return parked ? with_tag(g, word, parked->word.generation) : word;
    }
};

/// The record of an entry that is delivered, retry, delayed or dead, wherever it is; nullopt if the group has it not
/// pending.
std::optional<RecordAt> find_pending(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// Where an entry went whose record in the ring was found to be `found` instead of a held word; nullopt if it is not
/// parked.
std::optional<RecordAt> find_moved(const Segment& segment, std::uint32_t group, Sequence sequence,
                                   std::uint64_t found) noexcept;

/// Ends the delivery that is at `at`, as it was seen there, in `state`, with marks and hints; `ended` says how it was
/// counted. False if the record is another by now: at.value has it.
bool end_delivery(const Segment& segment, std::uint32_t group, Sequence sequence, RecordAt& at, PendingState state,
                  const DeliveryWord& ended, std::uint64_t now_ms) noexcept;

/// Why a word about the delivery `held` comes too late, when `found` is in the ring, and the entry in no cell.
Finish refused_everywhere(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held,
                          std::uint64_t found) noexcept;

/// After the entry was finished: its cell is free, and producers may have room.
void leave_parking(const Segment& segment, const ParkedEntry& entry) noexcept;

/// The unfinished entries of a group that are parked, lowest first, as they were at some moment of the making.
class ParkedList {
public:
    ParkedList(const Segment& segment, GroupId group) noexcept;
    [[nodiscard]] const ParkedEntry* begin() const noexcept { return entries_.data(); }
    [[nodiscard]] const ParkedEntry* end() const noexcept { return entries_.data() + count_; }

private:
    std::array<ParkedEntry, most_parked> entries_;
    std::size_t count_ = 0;
};

[[nodiscard]] RecordAt record_at(const Segment& segment, const ParkedEntry& entry) noexcept;

/// Takes parked entries that wait for retry, lowest first; of `own`, only those this consumer held before.
void take_parked_retry(Member& member, Taking& taking, bool own) noexcept;
/// As take_stale, over the parked ones. Lowers `soonest` to when the next can have been idle for so long.
bool take_parked_stale(Member& member, Taking& taking, std::uint64_t idle_ms, std::uint64_t& soonest) noexcept;
/// Whether a parked entry of the group waits for retry under this sequence's mark in the retry index.
[[nodiscard]] bool parked_waits_at(const Segment& segment, GroupId group, Sequence sequence) noexcept;
/// As `ripen`, over the parked ones: how many came due. Lowers `soonest` to the rest of the next one.
unsigned ripen_parked(const Segment& segment, std::uint32_t group, std::uint64_t now_ms,
                      std::uint64_t& soonest) noexcept;
/// As `sweep`: looks at a few cells, going round.
void sweep_parked(Member& member, std::uint64_t count, std::uint64_t now_ms) noexcept;

/// Frees the cells of a group that is gone. Living holders' views were pinned before.
void free_cells_of(const Segment& segment, GroupId group) noexcept;
/// Whether nobody needs a cell's content any more: the entry is finished, or its group is gone.
[[nodiscard]] bool is_done_with(const Segment& segment, const ParkedEntry& entry) noexcept;
/// Frees what deaths left: cells of finished entries and of groups that are gone.
void free_left_cells(const Segment& segment) noexcept;
}  // namespace shmq
