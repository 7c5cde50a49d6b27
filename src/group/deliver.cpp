// Claims: see deliver.hpp for the rules; the numbered cases stand above each loop.
#include "group/deliver.hpp"

#include <algorithm>

#include "group/dead_move.hpp"
#include "group/delays.hpp"
#include "group/finish.hpp"
#include "group/group_options.hpp"
#include "group/losses.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "group/pins.hpp"
#include "group/retry_index.hpp"
#include "group/taking.hpp"
#include "log/copy.hpp"
#include "log/publish.hpp"
#include "log/retention.hpp"

namespace shmq {

namespace {

/// The record of `sequence` as this consumer holds it.
std::uint64_t held_word(const Member& member, Sequence sequence, std::uint32_t handover) noexcept {
    const Geometry& g = member.segment.geometry();
    return pack_pending(g, {g.record_tag(sequence), member.consumer + 1, handover, PendingState::delivered});
}

/// Whether the record says that `sequence` was delivered at some time: it is of its lap.
bool was_delivered(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    // acquire: what its claimer saw delivered is delivered for us too (PREFIX).
    return pending_tag(g, segment.record(group, sequence).load(memory_order_acquire)) == g.record_tag(sequence);
}

/// As size_of of taking.hpp; the bytes of what is copied may be overwritten while we look.
std::size_t size_of(const Member& member, const Taking& taking, Sequence sequence, std::uint64_t place) noexcept {
    if (!member.copies) return size_of(member.segment, taking, place);
    return taking.max_bytes == ~std::size_t{0} ? 0 : size_of_copy(member.segment, sequence);
}

/// Of copies: the claim of `sequence` took the record `before`, of an earlier lap. If that entry had been given back,
/// nobody else may see any more that it is lost (LOSS).
void keep_loss(const Member& member, Taking& taking, Sequence sequence, std::uint64_t before) {
    const Geometry& g = member.segment.geometry();
    const PendingState state = pending_state(before);
    if (state != PendingState::retry && state != PendingState::delayed && state != PendingState::dead) return;
    const std::uint64_t laps = (g.record_tag(sequence) - pending_tag(g, before)) & g.record_tag_mask;
    if (laps > sequence >> g.slot_bits) return;
    const Sequence lost = sequence - laps * g.slots;
    // Not `skipped` as it is now: who raised it since the claim saw our record there (LOSS).
    if (lost >= member.told_below && taking.lost != nullptr) append_lost(*taking.lost, lost, lost);
}

/// Takes over an entry from the record value `seen` (retry, or a delivery of somebody): hand-over + 1, ours.
bool take_over(Member& member, Taking& taking, Sequence sequence, std::uint64_t seen) noexcept {
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    const PendingWord before = unpack_pending(g, seen);
    const SlotWord slot = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire));
    if (slot.tag != g.slot_tag(sequence)) return false;
    const std::size_t size = size_of(member, taking, sequence, slot.place);
    if (!fits(taking, size)) return false;
    const std::uint64_t mine = held_word(member, sequence, before.handover + 1);
    if (!segment.record(member.group.row, sequence)
             .compare_exchange(seen, mine, memory_order_seq_cst, memory_order_relaxed))
        return false;
    const std::uint32_t deliveries =
        clock_again(segment, member.group.row, sequence, unpack_pending(g, mine), taking.now_ms);
    put(taking, {sequence, mine, slot.place, deliveries, before.handover != 0}, size);
    return true;
}

/// Whether the trim point passed what we took because it was parked since: the cell keeps it for us.
bool was_parked(const Member& member, const Taken& taken) noexcept {
    const Segment& segment = member.segment;
    return is_parked(segment, member.group, taken.sequence) &&
           look_at_delivery(segment, member.group.row, taken.sequence, taken.record) == Finish::done;
}

}  // namespace

Member::Member(const Segment& s, GroupId g, std::uint32_t consumer_row, bool came_back) noexcept
    : segment(s), group(g), row(&s.group(g.row)), active_word(group_word(GroupState::active, g.incarnation)),
      records(&s.record(g.row, 0)), deliveries(&s.delivery(g.row, 0)),
      retry_top(s.retry_level(g.row, s.geometry().retry_levels - 1)), pinned(&s.consumer(g.row, consumer_row).pinned),
      consumer(consumer_row),
      delivered_to_us(pack_pending(s.geometry(), {0, consumer_row + 1, 1, PendingState::delivered})),
      next(find_cursor(s, g.row)), lap(s.geometry(), next, delivered_to_us), order(order_of(s.group(g.row))),
      own_first(came_back), copies(hands_out_copies(s.group(g.row))) {}

Sequence find_base(const Segment& segment, std::uint32_t group) noexcept {
    const Sequence base = std::max(find_begin(segment), start_of(segment.group(group), memory_order_acquire));
    const Sequence floor =
        segment.group(group).floor.load(memory_order_relaxed);  // a hint, believed only within the ring
    return floor > base && floor - base <= segment.geometry().slots ? floor : base;
}

Sequence find_cursor(const Segment& segment, std::uint32_t group) noexcept {
    const std::uint64_t slots = segment.geometry().slots;
    const Sequence base = std::max(find_begin(segment), start_of(segment.group(group), memory_order_acquire));
    Sequence c = segment.group(group).cursor.load(memory_order_relaxed);  // a hint
    if (c < base || c - base > slots) c = base;
    while (c > base && !was_delivered(segment, group, c - 1)) --c;
    while (c - base < slots && segment.published(c, memory_order_acquire) && was_delivered(segment, group, c)) ++c;
    return c;
}

bool take_unclaimed(Member& member, Taking& taking, Sequence sequence, std::uint64_t record,
                    std::uint64_t place) noexcept {
    const Segment& segment = member.segment;
    const std::size_t size = size_of(member, taking, sequence, place);
    if (!fits(taking, size)) return false;
    const std::uint64_t mine = held_word(member, sequence, 1);
    // seq_cst: DROP and PREFIX, as in take_new; ORDER.
    if (!segment.record(member.group.row, sequence)
             .compare_exchange(record, mine, memory_order_seq_cst, memory_order_relaxed))
        return false;
    prefetch_entry(segment, place);
    clock_first(segment, member.group.row, sequence, taking.now_ms);
    put(taking, {sequence, mine, place, 1, false}, size);
    return true;
}

void take_new(Member& member, Taking& taking) noexcept {
    if (member.order != Order::none) return take_new_in_order(member, taking);
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    const std::uint32_t group = member.group.row;
    GroupRow& row = segment.group(group);
    // Of copies: from where the losses end. If the trim point passed that meanwhile, what is claimed below it is lost
    // and known to be, and nothing is passed over untold (LOSS).
    const Sequence trim = member.copies ? member.claims_at : find_begin(segment);
    const Sequence base =
        std::max(trim, start_of(row, memory_order_relaxed));  // it stands still once the group is active
    Sequence c = row.cursor.load(memory_order_relaxed);       // a hint
    if (c < member.next) c = member.next;
    if (c < base || c - base > g.slots) c = base;
    while (c > base && c > member.next && !was_delivered(segment, group, c - 1)) --c;
    // Copies, which the stores below cannot change under the compiler's eyes.
    const std::uint64_t index_mask = g.slots - 1, place_mask = g.place_mask, record_lap = g.record_lap;
    Word* const records = member.records;
    Word* const deliveries = member.deliveries;
    LapWords lap = member.enter_lap(c);
    const bool limited = taking.max_bytes != ~std::size_t{0};
    std::size_t count = taking.count;
    // (1) c is not published, or the ring went round: nothing more  (2) delivered already: go on  (3) the
    // compare-and-swap failed: somebody was given c meanwhile, which is (2)  (4) ours
    while (count < taking.room.size()) {
        if (c - lap.begin > index_mask) [[unlikely]]
            lap = member.enter_lap(c);
        const std::uint64_t slot = segment.slot(c).load(memory_order_acquire);  // the bytes of the entry (PUBLISH)
        const std::uint64_t place = slot - lap.published;
        if (place > place_mask) break;  // (1)
        Word& word = records[c & index_mask];
        std::uint64_t record = word.load(memory_order_relaxed);  // the exchange decides, and orders
        const std::uint64_t since = record - lap.undelivered;
        if (since >= record_lap) [[unlikely]] {
            if (since - record_lap < record_lap) {  // (2)
                ++c;
                continue;
            }
            if (!tag_earlier(pending_tag(g, record), g.record_tag(c), g.record_tag_bits)) {
                if (!member.copies) break;  // (1)
                // A group that is lapped may leave a record alone for more than half of all tags. A later lap's is
                // written only after the slot was: if that is what it was, the record is an earlier one's, whatever its
                // tag.
                fence(memory_order_acquire);
                if (segment.slot(c).load(memory_order_acquire) != slot) break;  // (1)
            }
        }
        taking.count = count;
        const std::size_t size = limited ? size_of(member, taking, c, place) : 0;
        if (limited && (taking.is_full() || !fits(taking, size))) break;
        // seq_cst: one order with the group's word and the trim point that check_claims loads (DROP); release: PREFIX.
        if (!word.compare_exchange(record, lap.delivered, memory_order_seq_cst, memory_order_relaxed)) continue;  // (3)
        if (member.copies) [[unlikely]]
            keep_loss(member, taking, c, record);
        prefetch_entry(segment, place);  // (4)
        clock_first(deliveries[c & index_mask], lap.first_delivery, taking.now_ms);
        taking.room[count++] = {c, lap.delivered, place, 1, false};
        taking.bytes += size;
        ++c;
    }
    taking.count = count;
    member.next = c;
    // relaxed: a hint. Of copies it is raised once their losses are told.
    if (!member.copies && row.cursor.load(memory_order_relaxed) < c) row.cursor.store(c, memory_order_relaxed);
}

std::size_t size_of_copy(const Segment& segment, Sequence sequence) noexcept {
    EntryFields header;
    return copy_header(segment, sequence, header) == Copied::done ? header.size : 0;
}

void take_retry(Member& member, Taking& taking) noexcept {
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    const std::uint32_t group = member.group.row;
    if (is_due(due_hint(segment, group), taking.now_ms)) ripen(segment, group, taking.now_ms);
    member.waiting = 0;
    if (!any_retry(segment, group)) {
        member.own_first = false;
        return;
    }
    const Sequence base = find_base(segment, group);
    const Sequence end = base + g.slots;
    const auto pass = [&](bool own) {
        take_parked_retry(member, taking, own);
        for (Sequence s = next_marked(segment, group, base, end); s < end && !taking.is_full();
             s = next_marked(segment, group, s + 1, end)) {
            const std::uint64_t record = segment.record(group, s).load(memory_order_acquire);
            const PendingWord pending = unpack_pending(g, record);
            const bool of_this_lap = pending.tag == g.record_tag(s);
            if (own && pending.consumer != member.consumer + 1) continue;
            if (of_this_lap && pending.state == PendingState::delivered)
                continue;  // its holder is about to give it back, or was
            Standing standing;
            if (of_this_lap && pending.state == PendingState::retry) standing = standing_of(member, s);
            if (standing.turn == Turn::waits) {
                member.waiting += own ? 0u : 1u;
                continue;
            }
            if (of_this_lap && pending.state == PendingState::retry && !take_over(member, taking, s, record)) {
                if (taking.count != 0) break;  // perhaps for its size; it stays marked
                continue;
            }
            if (!stands_in_order(member, taking, standing)) continue;
            if (parked_waits_at(segment, member.group, s)) continue;
            unmark_retry(segment, group, s);
            // Given back again between our look and the unmarking: mark it again.
            const PendingWord now = unpack_pending(g, segment.record(group, s).load(memory_order_acquire));
            if ((now.state == PendingState::retry && now.tag == g.record_tag(s)) ||
                parked_waits_at(segment, member.group, s))
                mark_retry(segment, group, s);
        }
    };
    if (member.own_first) pass(true);
    if (taking.count == 0 || !member.own_first) {
        member.own_first = false;
        pass(false);
    }
}

bool take_stale(Member& member, Taking& taking, std::uint64_t idle_ms) noexcept {
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    const std::uint32_t group = member.group.row;
    if (taking.now_ms < member.next_stale_ms && idle_ms >= member.stale_for_ms) return true;
    std::uint64_t soonest = taking.now_ms + idle_ms;
    if (!take_parked_stale(member, taking, idle_ms, soonest)) return false;
    const Sequence end = find_cursor(segment, group);
    for (Sequence s = find_base(segment, group); s < end; ++s) {
        if (taking.is_full()) return true;  // the rest is looked at by the next call
        const std::uint64_t record = segment.record(group, s).load(memory_order_acquire);
        const PendingWord pending = unpack_pending(g, record);
        if (pending.tag != g.record_tag(s) || pending.state != PendingState::delivered) continue;
        const DeliveryFacts facts = clock_read(segment, group, s, pending, taking.now_ms);
        if (!facts.idle_ms) clock_start(segment, group, s, pending, taking.now_ms);
        const std::uint64_t idle = facts.idle_ms.value_or(0);
        if (idle < idle_ms) {
            soonest = std::min(soonest, taking.now_ms + (idle_ms - idle));
            continue;
        }
        if (pending.handover >= last_handover || pending.consumer == 0 || pending.consumer > g.consumers) continue;
        const std::uint64_t place = unpack_slot(g, segment.slot(s).load(memory_order_acquire)).place;
        const auto chunks = member.copies ? std::optional(ChunkSpan{}) : chunks_of(segment, place);
        if (!chunks) continue;
        if (!fits(taking, size_of(member, taking, s, place)))
            return true;  // before anything is changed; the rest is for the next call
        const Standing standing = standing_of(member, s);
        if (standing.turn == Turn::waits) continue;
        // A copy needs no pin.
        const auto pin =
            member.copies ? std::optional(PinTicket{}) : reserve_pin(segment, group, pending.consumer - 1, *chunks);
        if (!pin) return false;
        const DeliveryWord ended = clock_end(segment, group, s, pending, Ending::claimed, taking.now_ms);
        if (is_at_limit(segment.group(group), ended)) {
            RecordAt at{&segment.record(group, s), &segment.delivery(group, s), record, place, {}};
            if (!end_delivery(segment, group, s, at, PendingState::dead, ended, taking.now_ms))
                return_pin(segment, *pin);
        } else if (take_over(member, taking, s, record)) {
            stands_in_order(member, taking, standing);
        } else {
            return_pin(segment, *pin);
        }
    }
    member.next_stale_ms = soonest;
    member.stale_for_ms = idle_ms;
    return true;
}

bool check_claims(Member& member, Taking& taking) noexcept {
    // What was taken stands in sequence order, so the first in the ring decides for all.
    const auto taken_end = taking.room.begin() + static_cast<std::ptrdiff_t>(taking.count);
    const auto first = std::find_if(taking.room.begin(), taken_end, [](const Taken& taken) { return !taken.parked; });
    if (claims_stand(member, first == taken_end ? ~Sequence{0} : first->sequence)) [[likely]]
        return false;
    const Segment& segment = member.segment;
    const bool active = member.is_active();
    const Sequence trim = segment.control().trim_point.load(memory_order_seq_cst);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < taking.count; ++i) {
        const Taken& taken = taking.room[i];
        if (active && (taken.parked || taken.sequence >= trim || was_parked(member, taken)))
            taking.room[kept++] = taken;
        else
            give_back(segment, member.group.row, taken.sequence, taken.record, Ending::released, taking.now_ms);
    }
    taking.count = kept;
    return !active;
}

namespace {

/// Only damage lifts the floor over what is not finished, and hides it then from every walk.
void sweep_below_floor(Member& member, std::uint64_t count) noexcept {
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    GroupRow& row = segment.group(member.group.row);
    const Sequence begin = std::max(find_begin(segment), start_of(row, memory_order_acquire));
    const Sequence floor = find_base(segment, member.group.row);
    if (floor <= begin || floor - begin > g.slots) return;
    for (count = std::min(count, floor - begin); count > 0; --count) {
        if (member.floor_at < begin || member.floor_at >= floor) member.floor_at = begin;
        const Sequence s = member.floor_at++;
        const PendingWord pending = unpack_pending(g, segment.record(member.group.row, s).load(memory_order_acquire));
        const bool of_this_lap = pending.tag == g.record_tag(s);
        if (of_this_lap && (pending.state == PendingState::acked || pending.state == PendingState::parked)) continue;
        if (find_begin(segment) > s) return;  // overwritten meanwhile
        // relaxed: a hint. What is not finished below this entry is found by the next looks.
        row.floor.store(s, memory_order_relaxed);
        return;
    }
}

}  // namespace

void sweep(Member& member, std::uint64_t count, std::uint64_t now_ms) noexcept {
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    const std::uint32_t group = member.group.row;
    sweep_parked(member, count, now_ms);
    sweep_below_floor(member, count);
    const Sequence base = find_base(segment, group);
    const Sequence end =
        segment.group(group).cursor.load(memory_order_relaxed);  // a hint; what lies above is not our business
    if (end <= base || end - base > g.slots) return;
    for (count = std::min(count, end - base); count > 0; --count) {
        if (member.sweep_at < base || member.sweep_at >= end) member.sweep_at = base;
        const Sequence s = member.sweep_at++;
        const PendingWord pending = unpack_pending(g, segment.record(group, s).load(memory_order_acquire));
        if (pending.tag != g.record_tag(s)) continue;
        if (pending.state == PendingState::retry && !is_marked_retry(segment, group, s)) mark_retry(segment, group, s);
        if (pending.state == PendingState::delayed)
            lower_due(segment, group, now_ms + clock_rest(segment, group, s, pending, now_ms), now_ms);
        if (pending.state == PendingState::dead && has_dead_letter(segment.group(group)))
            expect_dead(segment, group, now_ms, move_again_ms);
    }
}

}  // namespace shmq
