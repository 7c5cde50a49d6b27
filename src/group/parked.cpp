// Finding parked records, and what deaths leave of them; handing them out is in parked_deliver.cpp.
#include "group/parked.hpp"

#include <algorithm>

#include "log/publish.hpp"
#include "log/sleep.hpp"

namespace shmq {

namespace {

bool is_pending_state(PendingState state) noexcept {
    return state == PendingState::delivered || state == PendingState::retry || state == PendingState::delayed ||
           state == PendingState::dead;
}

/// The cell an entry is in, finished or not, if `from` to `to` has it.
std::optional<RecordAt> find_in_cells(const Segment& segment, GroupId group, Sequence sequence, std::uint32_t from,
                                      std::uint32_t to) noexcept {
    ParkedEntry entry{};
    for (std::uint32_t cell = from; cell < to; ++cell)
        // relaxed: a guess, read again together with the rest.
        if (segment.parking(cell).sequence.load(memory_order_relaxed) == sequence &&
            look_at_cell(segment, cell, entry) && entry.group() == group && entry.sequence == sequence)
            return record_at(segment, entry);
    return std::nullopt;
}

}  // namespace

RecordAt record_at(const Segment& segment, const ParkedEntry& entry) noexcept {
    ParkingCell& cell = segment.parking(entry.cell);
    return {&cell.record, &cell.delivery, entry.record, entry.place, entry};
}

std::optional<RecordAt> find_moved(const Segment& segment, std::uint32_t group, Sequence sequence,
                                   std::uint64_t found) noexcept {
    const Geometry& g = segment.geometry();
    if (pending_tag(g, found) != g.record_tag(sequence))  // of a later lap: the trim point passed the entry
        return find_in_cells(segment, group_in(segment, group), sequence, 0, cells_in_use(segment));
    if (pending_state(found) != PendingState::parked) return std::nullopt;  // in the ring, another delivery
    const auto cell = cell_of(g, found);
    if (!cell) return std::nullopt;
    return find_in_cells(segment, group_in(segment, group), sequence, *cell, *cell + 1);
}

std::optional<RecordAt> find_pending(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    // seq_cst, here and of a cell's record: after the hint or the exchange that led us here (LETTER).
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_seq_cst);
    // Of another lap, or of an entry before the group's start, whose record only stands in for a finished one.
    if (pending_tag(g, record) == g.record_tag(sequence) && is_pending_state(pending_state(record))) {
        const std::uint64_t place = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire)).place;
        if (find_begin(segment) <= sequence)  // after the record; else it is of another lap, or was parked since
            return RecordAt{&segment.record(group, sequence), &segment.delivery(group, sequence), record, place, {}};
    }
    const std::uint64_t now = segment.record(group, sequence).load(memory_order_seq_cst);
    const auto at = find_moved(segment, group, sequence, now);
    return at && is_pending_state(pending_state(at->value)) ? at : std::nullopt;
}

Finish refused_everywhere(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held,
                          std::uint64_t found) noexcept {
    const Geometry& g = segment.geometry();
    if (pending_tag(g, found) == g.record_tag(sequence) && pending_state(found) != PendingState::parked)
        return refused(held, found);
    // A cell that was freed keeps what stood in it until it is used anew, so as a rule it can still be told whether the
    // entry was finished in our name. Nothing is changed by it.
    const GroupId here = group_in(segment, group);
    const std::uint64_t packed = std::uint64_t{here.row} | std::uint64_t{here.incarnation} << 32;
    for (std::uint32_t cell = 0; cell < cells_in_use(segment); ++cell) {
        const ParkingCell& row = segment.parking(cell);
        // relaxed: a guess, as is the answer between two kinds of too late.
        if (row.sequence.load(memory_order_relaxed) != sequence || row.group.load(memory_order_relaxed) != packed)
            continue;
        const std::uint64_t record = row.record.load(memory_order_acquire);
        if (record == with_state(with_tag(g, held, pending_tag(g, record)), PendingState::acked))
            return Finish::not_pending;
    }
    return Finish::fenced;
}

Finish finish_elsewhere(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held,
                        std::uint64_t found) noexcept {
    const auto at = find_moved(segment, group, sequence, found);
    if (!at) return refused_everywhere(segment, group, sequence, held, found);
    const std::uint64_t mine = at->as_there(segment.geometry(), held);
    std::uint64_t seen = mine;
    // seq_cst: as finish_entry (ACK, SLEEP).
    if (!at->record->compare_exchange(seen, with_state(mine, PendingState::acked), memory_order_seq_cst,
                                      memory_order_acquire))
        return refused(mine, seen);
    leave_parking(segment, *at->parked);
    return Finish::done;
}

bool is_parked(const Segment& segment, GroupId group, Sequence sequence) noexcept {
    const auto at = find_in_cells(segment, group, sequence, 0, cells_in_use(segment));
    return at && is_unfinished(*at->parked);
}

void leave_parking(const Segment& segment, const ParkedEntry& entry) noexcept {
    free_cell(segment, entry);
    room_came(segment);  // a producer may wait for the chunk
}

ParkedList::ParkedList(const Segment& segment, GroupId group) noexcept {
    const std::uint32_t used = cells_in_use(segment);
    for (std::uint32_t cell = 0; cell < used; ++cell) {
        ParkedEntry& entry = entries_[count_];
        if (look_at_cell(segment, cell, entry) && entry.group() == group &&
            is_pending_state(pending_state(entry.record)))
            ++count_;
    }
    std::sort(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count_),
              [](const ParkedEntry& a, const ParkedEntry& b) { return a.sequence < b.sequence; });
}

void free_cells_of(const Segment& segment, GroupId group) noexcept {
    const std::uint32_t used = cells_in_use(segment);
    ParkedEntry entry{};
    for (std::uint32_t cell = 0; cell < used; ++cell)
        if (look_at_cell(segment, cell, entry) && entry.group() == group) free_cell(segment, entry);
}

bool is_done_with(const Segment& segment, const ParkedEntry& entry) noexcept {
    if (!is_unfinished(entry) || entry.group_row >= segment.geometry().group_rows) return true;  // or damage
    const GroupWord word = unpack_group(segment.group(entry.group_row).word.load(memory_order_seq_cst));
    return word.incarnation != entry.group_incarnation || word.state == GroupState::dropped ||
           word.state == GroupState::free;
}

void free_left_cells(const Segment& segment) noexcept {
    const std::uint32_t used = cells_in_use(segment);
    ParkedEntry entry{};
    for (std::uint32_t cell = 0; cell < used; ++cell)
        if (look_at_cell(segment, cell, entry) && is_done_with(segment, entry)) free_cell(segment, entry);
}

}  // namespace shmq
