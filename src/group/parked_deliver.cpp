// Parked entries on their way to consumers. The rules are those of the ring (deliver.cpp); only the place of the record
// is another, and a claim needs no look at the trim point, since a live cell keeps the bytes.
#include <algorithm>

#include "group/dead_move.hpp"
#include "group/delays.hpp"
#include "group/group_options.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "group/retry_index.hpp"
#include "group/taking.hpp"

namespace shmq {

namespace {

/// Takes a parked entry over from the record value `at` was seen with: hand-over + 1, ours.
bool take_over_parked(Member& member, Taking& taking, Sequence sequence, const RecordAt& at) noexcept {
    const Geometry& g = member.segment.geometry();
    const std::size_t size = size_of(member.segment, taking, at.place);
    if (!fits(taking, size)) return false;
    PendingWord mine = unpack_pending(g, at.value);
    const bool again = mine.handover != 0;  // else it waited for earlier ones of its key
    mine.consumer = member.consumer + 1;
    ++mine.handover;
    mine.state = PendingState::delivered;
    std::uint64_t seen = at.value;
    // seq_cst: one order with the group's word that check_claims loads (DROP).
    if (!at.record->compare_exchange(seen, pack_pending(g, mine), memory_order_seq_cst, memory_order_relaxed))
        return false;
    const std::uint32_t deliveries = clock_again(*at.delivery, mine, taking.now_ms);
    // Held with the ring's tag, like every other, so that no word about it can fit a record of a later lap.
    const std::uint64_t held = with_tag(g, pack_pending(g, mine), g.record_tag(sequence));
    put(taking, {sequence, held, at.place, deliveries, again, true}, size);
    return true;
}

/// Whether the one before `entry` of its stripe in a list from `first` on keeps it waiting: a look that spares most of
/// those that wait the whole one. Who ends that wait later wakes readers.
bool waits_behind(const Member& member, const ParkedEntry* first, const ParkedEntry* entry) noexcept {
    const Geometry& g = member.segment.geometry();
    for (const ParkedEntry* before = entry; entry->stripe != 0 && before != first;) {
        if ((--before)->stripe != entry->stripe) continue;
        const Word& record = member.segment.parking(before->cell).record;
        const PendingWord now = unpack_pending(g, record.load(memory_order_relaxed));  // a guess
        const bool is_ours = now.state == PendingState::delivered && now.consumer == member.consumer + 1;
        return now.tag == pending_tag(g, before->record) && now.state != PendingState::acked && !is_ours;
    }
    return false;
}

}  // namespace

void take_parked_retry(Member& member, Taking& taking, bool own) noexcept {
    const Segment& segment = member.segment;
    if (cells_in_use(segment) == 0) return;
    const ParkedList parked(segment, member.group);
    for (const ParkedEntry& entry : parked) {
        if (taking.is_full()) return;
        const PendingWord pending = unpack_pending(segment.geometry(), entry.record);
        if (pending.state != PendingState::retry || (own && pending.consumer != member.consumer + 1)) continue;
        if (waits_behind(member, parked.begin(), &entry)) continue;
        const Standing standing = standing_of(member, entry.sequence);
        if (standing.turn == Turn::waits) continue;
        if (take_over_parked(member, taking, entry.sequence, record_at(segment, entry)))
            stands_in_order(member, taking, standing);
        else if (taking.count != 0)
            return;
    }
}

bool take_parked_stale(Member& member, Taking& taking, std::uint64_t idle_ms, std::uint64_t& soonest) noexcept {
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    if (cells_in_use(segment) == 0) return true;
    const std::uint32_t group = member.group.row;
    for (const ParkedEntry& entry : ParkedList(segment, member.group)) {
        if (taking.is_full()) return true;
        RecordAt at = record_at(segment, entry);
        const PendingWord pending = unpack_pending(g, entry.record);
        if (pending.state != PendingState::delivered) continue;
        const DeliveryFacts facts = clock_read(*at.delivery, pending, taking.now_ms);
        if (!facts.idle_ms) clock_start(*at.delivery, pending, taking.now_ms);
        const std::uint64_t idle = facts.idle_ms.value_or(0);
        if (idle < idle_ms) {
            soonest = std::min(soonest, taking.now_ms + (idle_ms - idle));
            continue;
        }
        if (pending.handover >= last_handover || pending.consumer == 0 || pending.consumer > g.consumers) continue;
        const auto chunks = chunks_of(segment, entry.place);
        if (!chunks) continue;
        if (!fits(taking, size_of(segment, taking, entry.place))) {
            soonest = taking.now_ms;  // for the next call
            continue;
        }
        const Standing standing = standing_of(member, entry.sequence);
        if (standing.turn == Turn::waits) continue;
        // The cell keeps the chunk as long as the entry is pending; the former owner's view may outlive that.
        const auto pin = reserve_pin(segment, group, pending.consumer - 1, *chunks);
        if (!pin) return false;
        const DeliveryWord ended =
            clock_end(*at.delivery, segment.group(group).delivery_limit, pending, Ending::claimed, taking.now_ms);
        if (is_at_limit(segment.group(group), ended)) {
            if (!end_delivery(segment, group, entry.sequence, at, PendingState::dead, ended, taking.now_ms))
                return_pin(segment, *pin);
        } else if (take_over_parked(member, taking, entry.sequence, at)) {
            stands_in_order(member, taking, standing);
        } else {
            return_pin(segment, *pin);
        }
    }
    return true;
}

bool parked_waits_at(const Segment& segment, GroupId group, Sequence sequence) noexcept {
    const std::uint32_t used = cells_in_use(segment);
    const std::uint64_t index = segment.geometry().index_of(sequence);
    ParkedEntry entry{};
    for (std::uint32_t cell = 0; cell < used; ++cell)
        // relaxed: a guess, read again together with the rest.
        if (segment.geometry().index_of(segment.parking(cell).sequence.load(memory_order_relaxed)) == index &&
            look_at_cell(segment, cell, entry) && entry.group() == group &&
            segment.geometry().index_of(entry.sequence) == index && pending_state(entry.record) == PendingState::retry)
            return true;
    return false;
}

unsigned ripen_parked(const Segment& segment, std::uint32_t group, std::uint64_t now_ms,
                      std::uint64_t& soonest) noexcept {
    if (cells_in_use(segment) == 0) return 0;
    unsigned came = 0;
    for (const ParkedEntry& entry : ParkedList(segment, group_in(segment, group))) {
        const PendingWord pending = unpack_pending(segment.geometry(), entry.record);
        if (pending.state != PendingState::delayed) continue;
        const RecordAt at = record_at(segment, entry);
        const std::uint64_t rest = clock_rest(*at.delivery, pending, now_ms);
        if (rest != 0) {
            soonest = std::min(soonest, rest);
            continue;
        }
        std::uint64_t record = entry.record;
        mark_retry(segment, group, entry.sequence);  // the mark first, and again after: as in the ring
        if (!at.record->compare_exchange(record, with_state(record, PendingState::retry), memory_order_seq_cst,
                                         memory_order_relaxed))
            continue;
        mark_retry(segment, group, entry.sequence);
        ++came;
    }
    return came;
}

void sweep_parked(Member& member, std::uint64_t count, std::uint64_t now_ms) noexcept {
    const Segment& segment = member.segment;
    const std::uint32_t used = cells_in_use(segment);
    const std::uint32_t group = member.group.row;
    ParkedEntry entry{};
    for (count = std::min<std::uint64_t>(count, used); count > 0; --count) {
        if (member.sweep_cell >= used) member.sweep_cell = 0;
        if (!look_at_cell(segment, member.sweep_cell++, entry) || entry.group() != member.group) continue;
        const PendingWord pending = unpack_pending(segment.geometry(), entry.record);
        if (pending.state == PendingState::retry && !is_marked_retry(segment, group, entry.sequence))
            mark_retry(segment, group, entry.sequence);
        if (pending.state == PendingState::delayed)
            lower_due(segment, group, now_ms + clock_rest(*record_at(segment, entry).delivery, pending, now_ms),
                      now_ms);
        if (pending.state == PendingState::dead && has_dead_letter(segment.group(group)))
            expect_dead(segment, group, now_ms, move_again_ms);
    }
}

}  // namespace shmq
