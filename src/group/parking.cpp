// The steps of parking, in the order that makes each of them safe to die or sleep after:
//
//   (1) reserve a cell: free -> tentative. Dying leaves a tentative cell that nothing names: the scanner frees it.
//   (2) fill it from what the ring says now, after (1): so a cell that is filled for an entry is never yet named for
//   it. (3) the ring's record, from exactly the value that was copied, to one that names the cell (PARK). From here on
//   the
//       cell has the record. Fails if the entry changed hands: the cell is given back.
//   (4) tentative -> live; by us, or by whoever wants to lift the trim point over the record.
#include "group/parking.hpp"

#include <algorithm>

#include "group/group_options.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "log/publish.hpp"
#include "log/retention.hpp"
#include "log/trim.hpp"

namespace shmq {

namespace {

bool is_parkable(PendingState state) noexcept {
    return state == PendingState::delivered || state == PendingState::retry || state == PendingState::delayed ||
           state == PendingState::dead;
}

/// (1); nullopt if every cell is in use.
std::optional<std::uint32_t> reserve_cell(const Segment& segment, AttachmentId owner, CellWord& mine) noexcept {
    const std::uint32_t cells = segment.geometry().parking;
    for (int turn = 0; turn < 2; ++turn) {
        for (std::uint32_t cell = 0; cell < cells; ++cell) {
            Word& word = segment.parking(cell).word;
            std::uint64_t seen = word.load(memory_order_acquire);
            const CellWord found = unpack_cell(seen);
            if (found.state != CellState::free) continue;
            // Before the cell is in use, so that nobody who has to look for it stops short (PARK).
            raise_to(segment.control().parked, std::uint64_t{cell} + 1, memory_order_seq_cst);
            mine = {CellState::tentative, owner.row, found.generation};
            if (word.compare_exchange(seen, pack_cell(mine), memory_order_seq_cst, memory_order_relaxed)) return cell;
        }
        if (turn == 0) free_left_cells(segment);
    }
    return std::nullopt;
}

/// What the delivery word says in a cell: of this very delivery, or of none.
std::uint64_t delivery_in_cell(const Geometry& g, std::uint64_t delivery, std::uint64_t record,
                               std::uint64_t generation) noexcept {
    const PendingWord pending = unpack_pending(g, record);
    DeliveryWord word = unpack_delivery(delivery);
    const bool of_this_lap = word.tag == (pending.tag & low_mask(delivery_tag_bits));
    const std::uint64_t tag = of_this_lap ? generation : generation + 1;
    word.tag = static_cast<std::uint32_t>(tag & low_mask(delivery_tag_bits));
    return pack_delivery(word);
}

/// (2) and (3).
bool move_to_cell(const Segment& segment, GroupId group, Sequence sequence, std::uint32_t cell,
                  std::uint64_t generation) noexcept {
    const Geometry& g = segment.geometry();
    Word& word = segment.record(group.row, sequence);
    std::uint64_t record = word.load(memory_order_seq_cst);
    const SlotWord slot = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire));
    const auto chunks = chunks_of(segment, slot.place);
    if (pending_tag(g, record) != g.record_tag(sequence) || !is_parkable(pending_state(record)) ||
        slot.tag != g.slot_tag(sequence) || !chunks)
        return false;
    const std::uint64_t delivery = segment.delivery(group.row, sequence).load(memory_order_acquire);
    ParkingCell& row = segment.parking(cell);
    // relaxed: made visible by the exchange below. The fence: who still reads of the cell's last entry, and meets one
    // of these, finds behind its own fence that the cell has another generation.
    fence(memory_order_release);
    row.chunks.store(std::uint64_t{chunks->first} | std::uint64_t{chunks->count} << 32, memory_order_relaxed);
    row.group.store(std::uint64_t{group.row} | std::uint64_t{group.incarnation} << 32, memory_order_relaxed);
    row.sequence.store(sequence, memory_order_relaxed);
    row.place.store(slot.place, memory_order_relaxed);
    row.record.store(with_tag(g, record, generation), memory_order_relaxed);
    // Of this entry, if the exchange below finds it unfinished still.
    const auto stripe =
        order_of(segment.group(group.row)) == Order::by_key ? stripe_of(segment, slot.place) : std::nullopt;
    row.stripe.store(stripe ? *stripe + 1 : 0, memory_order_relaxed);
    row.delivery.store(delivery_in_cell(g, delivery, record, generation), memory_order_relaxed);
    // seq_cst: release for who follows the record to the cell (PARK); one order with the mark and due hints, as every
    // change of a record.
    return word.compare_exchange(record, parked_record(g, sequence, cell, generation), memory_order_seq_cst,
                                 memory_order_relaxed);
}

bool park_entry(const Segment& segment, Visits& visits, std::uint32_t row, Sequence sequence) noexcept {
    const Visit visit(visits, row);  // records are changed by a value that was loaded before (VISIT)
    const GroupId group = group_in(segment, row);
    if (!is_active(segment, group)) return false;
    CellWord mine{};
    const auto cell = reserve_cell(segment, visits.owner(), mine);
    if (!cell) return false;
    std::uint64_t tentative = pack_cell(mine);
    const bool moved = move_to_cell(segment, group, sequence, *cell, mine.generation);
    const CellWord after =
        moved ? CellWord{CellState::live, 0, mine.generation} : CellWord{CellState::free, 0, mine.generation + 1};
    // (4). seq_cst: before the trim point passes. It fails if somebody did this step for us.
    segment.parking(*cell).word.compare_exchange(tentative, pack_cell(after), memory_order_seq_cst,
                                                 memory_order_relaxed);
    return moved;
}

}  // namespace

bool can_park(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    // Who is given copies holds up producers for as long as its options say, and no longer.
    if (g.parking == 0 || hands_out_copies(segment.group(group))) return false;
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_acquire);
    if (pending_tag(g, record) != g.record_tag(sequence) || !is_parkable(pending_state(record))) return false;
    // Stuck is what others were finished far behind. What is merely at the front of a group that works through a full
    // ring is about to be acked, and moving it would cost its acker more than it gives the producer. In a strict group
    // nothing is finished behind what is not.
    const Sequence end = find_end(segment);
    if (end <= sequence) return false;
    const Sequence middle = sequence + (end - sequence) / 2;
    const Sequence until = std::min(end, middle + g.parking + 1);  // so many unfinished ones could not be parked
    for (Sequence s = middle; s < until; ++s) {
        const std::uint64_t later = segment.record(group, s).load(memory_order_acquire);
        if (pending_tag(g, later) == g.record_tag(s) && pending_state(later) == PendingState::acked)
            return s != sequence;
    }
    return false;
}

bool park_for_room(const Segment& segment, Visits& visits) noexcept {
    if (segment.geometry().parking == 0) return false;
    const Sequence trim = find_begin(segment);
    if (find_end(segment) <= trim) return false;
    // Each turn parks the entry at the trim point for one group more. If it is in nobody's way, something else is
    // missing, and no more is given up for it.
    for (std::uint32_t turn = 0; turn <= segment.geometry().group_rows; ++turn) {
        const Lifted lifted = lift_trim(segment, trim + 1);
        if (lifted.trim > trim) return turn != 0;
        if (!lifted.blocked.known || lifted.blocked.sequence != trim) return false;
        if (!can_park(segment, lifted.blocked.group, trim)) return false;
        if (!park_entry(segment, visits, lifted.blocked.group, trim)) return false;
    }
    return false;
}

}  // namespace shmq
