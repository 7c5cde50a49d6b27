// The rule; the numbered cases stand above each loop.
#include "group/order.hpp"

#include <algorithm>

#include "group/group_options.hpp"
#include "group/parked.hpp"
#include "group/pins.hpp"
#include "group/retry_index.hpp"
#include "log/publish.hpp"
#include "log/sleep.hpp"

namespace shmq {

namespace {

Turn turn_behind(const Member& member, Sequence predecessor) noexcept {
    if (predecessor == 0) return Turn::free;
    // Finished is for good, so no later look is needed.
    const auto record = unfinished_record(member.segment, member.group.row, predecessor);
    if (!record) return Turn::free;
    const bool ours = record->state == PendingState::delivered && record->consumer == member.consumer + 1;
    return ours ? Turn::behind : Turn::waits;
}

/// Makes an entry that is met for the first time wait. False if somebody was given it, or made it wait, meanwhile.
bool make_wait(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t record) noexcept {
    const Geometry& g = segment.geometry();
    mark_retry(segment, group, sequence);  // the mark first: dying in between leaves one too many
    // seq_cst: PREFIX, as a claim; and ORDER: a finisher of the predecessor sees the mark, or we see it finished.
    return segment.record(group, sequence)
        .compare_exchange(record, pack_pending(g, {g.record_tag(sequence), 0, 0, PendingState::retry}),
                          memory_order_seq_cst, memory_order_relaxed);
}

/// One look at each entry behind `sequence`, from the last down: takes back those of holders that `from` names. How
/// many were found so; nullopt if the pin table refused one.
template <class From>
std::optional<unsigned> take_back_once(const Segment& segment, std::uint32_t group, Sequence sequence,
                                       std::uint64_t now_ms, From from) noexcept {
    const Geometry& g = segment.geometry();
    unsigned found = 0;
    Sequence s = last_met(segment, group, sequence);
    // Down the predecessors; at most a ring and a table of them.
    for (std::uint64_t looks = 0; s > sequence && looks < g.slots + g.parking;
         ++looks, s = predecessor_of(segment, group, s)) {
        const auto record = unfinished_record(segment, group, s);
        if (!record || record->state != PendingState::delivered) continue;
        if (record->consumer == 0 || record->consumer > g.consumers || !from(record->consumer - 1)) continue;
        const auto at = find_pending(segment, group, s);  // for its place, in the ring or a cell
        if (!at) continue;
        const auto chunks = chunks_of(segment, at->place);
        const auto pin = chunks ? reserve_pin(segment, group, record->consumer - 1, *chunks) : std::nullopt;
        if (!pin) return std::nullopt;
        if (give_back(segment, group, s, pack_pending(g, *record), Ending::released, now_ms, 0) != Finish::done)
            return_pin(segment, *pin);
        ++found;
    }
    return found;
}

/// Looks until a look finds nothing: while we go down, the holder of a lower one may take one that we have passed. Each
/// further look means that somebody did; bounded all the same.
template <class From>
bool take_back(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t now_ms,
               From from) noexcept {
    for (std::uint64_t look = 0; look < segment.geometry().slots; ++look) {
        const auto found = take_back_once(segment, group, sequence, now_ms, from);
        if (!found) return false;
        if (*found == 0) break;
    }
    return true;
}

/// Makes it this consumer's turn. False if it is no longer as `seen` says, which then has what it is.
bool take_turn(const Member& member, Word& active, std::uint64_t& seen) noexcept {
    // acquire: whose turn it was has ended what it did in it; release: what we did before.
    return active.compare_exchange(seen, next_turn(seen, member.consumer + 1), memory_order_acq_rel,
                                   memory_order_acquire);
}

}  // namespace

bool may_finish(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Sequence predecessor = predecessor_of(segment, group, sequence);
    return predecessor == 0 || !unfinished_record(segment, group, predecessor);
}

Standing standing_of(const Member& member, Sequence sequence) noexcept {
    if (member.order == Order::none) return {};
    const Sequence predecessor = predecessor_of(member.segment, member.group.row, sequence);
    return {turn_behind(member, predecessor), predecessor};
}

bool stands_in_order(const Member& member, Taking& taking, const Standing& standing) noexcept {
    if (standing.turn == Turn::none) return true;
    const Taken taken = taking.room[taking.count - 1];
    const bool stands = standing.turn != Turn::behind || turn_behind(member, standing.predecessor) != Turn::waits;
    // Nobody holds anything behind what was never given out before.
    if (stands && (!taken.taken_over || take_back_from_others(member, taken.sequence, taking.now_ms))) return true;
    --taking.count;
    give_back(member.segment, member.group.row, taken.sequence, taken.record, Ending::released, taking.now_ms, 0);
    return false;
}

void take_new_in_order(Member& member, Taking& taking) noexcept {
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    const std::uint32_t group = member.group.row;
    const bool strict = member.order == Order::strict;
    Sequence c = find_cursor(segment, group);
    // (1) c is not published, or no room for it: nothing more  (2) it is not its turn: with `strict` nothing more, else
    // it is made to wait and flowed past, as long as not too many wait  (3) somebody was given c, or made it wait,
    // since we looked: go on behind it  (4) ours, unless what we took it behind is no longer: given back
    while (!taking.is_full()) {
        const SlotWord slot = unpack_slot(g, segment.slot(c).load(memory_order_acquire));
        if (slot.tag != g.slot_tag(c)) break;  // (1)
        std::uint64_t record = segment.record(group, c).load(memory_order_acquire);
        if (pending_tag(g, record) == g.record_tag(c)) {  // (3)
            ++c;
            continue;
        }
        if (!tag_earlier(pending_tag(g, record), g.record_tag(c), g.record_tag_bits)) break;  // (1) the ring went round
        Standing standing{Turn::none, c - 1};
        if (!strict) {
            const auto stripe = stripe_of(segment, slot.place);
            if (!is_kept(segment, c)) {  // (3), and it was finished: these may be another's bytes
                c = find_begin(segment);
                continue;
            }
            standing.predecessor = stripe ? meet(segment, group, c, *stripe) : 0;
        }
        standing.turn = turn_behind(member, standing.predecessor);
        if (standing.turn == Turn::waits) {  // (2)
            if (strict || member.waiting >= std::min<std::uint64_t>(most_waiting, g.slots / 2)) break;
            member.waiting += make_wait(segment, group, c, record) ? 1u : 0u;
            ++c;
            continue;
        }
        if (!take_unclaimed(member, taking, c, record, slot.place)) {
            if (segment.record(group, c).load(memory_order_acquire) == record) break;  // (1) its size
            continue;                                                                  // (3)
        }
        ++c;
        stands_in_order(member, taking, standing);  // (4)
    }
    member.next = c;
    // relaxed: a hint.
    Word& cursor = segment.group(group).cursor;
    if (cursor.load(memory_order_relaxed) < c) cursor.store(c, memory_order_relaxed);
}

bool take_back_from_others(const Member& member, Sequence sequence, std::uint64_t now_ms) noexcept {
    return take_back(member.segment, member.group.row, sequence, now_ms,
                     [&](std::uint32_t consumer) { return consumer != member.consumer; });
}

bool take_back_from(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint32_t consumer,
                    std::uint64_t now_ms) noexcept {
    if (!is_ordered(segment, group)) return true;
    return take_back(segment, group, sequence, now_ms, [&](std::uint32_t holder) { return holder == consumer; });
}

Finish finish_in_order(const Member& member, Sequence sequence, std::uint64_t held) noexcept {
    const Segment& segment = member.segment;
    const std::uint32_t group = member.group.row;
    if (may_finish(segment, group, sequence)) return finish_entry(segment, group, sequence, held);
    const Finish state = look_at_delivery(segment, group, sequence, held);
    return state == Finish::done ? Finish::too_early : state;
}

Finish give_back_in_order(const Member& member, Sequence sequence, std::uint64_t held, Ending ending,
                          std::uint64_t now_ms, std::optional<std::uint32_t> delay_ms) noexcept {
    if (member.order != Order::none)
        take_back_from(member.segment, member.group.row, sequence, member.consumer, now_ms);
    return give_back(member.segment, member.group.row, sequence, held, ending, now_ms, delay_ms);
}

bool has_turn(const Member& member) noexcept {
    const Segment& segment = member.segment;
    Word& active = segment.group(member.group.row).active;
    std::uint64_t seen = active.load(memory_order_acquire);
    for (;;) {  // each failed exchange is somebody else's turn
        const auto consumer = static_cast<std::uint32_t>(seen & low_mask(turn_bits));
        if (consumer == member.consumer + 1) return true;
        if (consumer != 0 && consumer <= segment.geometry().consumers &&
            unpack_owner(segment.consumer(member.group.row, consumer - 1).word.load(memory_order_acquire)).state ==
                OwnerState::live)
            return false;
        if (take_turn(member, active, seen)) return true;
    }
}

void seize_turn(const Member& member) noexcept {
    Word& active = member.segment.group(member.group.row).active;
    std::uint64_t seen = active.load(memory_order_acquire);
    while ((seen & low_mask(turn_bits)) != member.consumer + 1 && !take_turn(member, active, seen))
        continue;  // as above
}

void give_turn_back(const Member& member) noexcept {
    Word& active = member.segment.group(member.group.row).active;
    std::uint64_t seen = active.load(memory_order_acquire);
    if ((seen & low_mask(turn_bits)) == member.consumer + 1 &&
        active.compare_exchange(seen, next_turn(seen, 0), memory_order_seq_cst, memory_order_relaxed))
        entries_came(member.segment, sleeper_mask(member.group.row), 1);
}

void finished_in_order(const Segment& segment, std::uint32_t group, unsigned count) noexcept {
    // seq_cst: after the exchange that finished; who made an entry wait before it has marked it, who does so after it
    // looks again before it sleeps (ORDER, SLEEP).
    if (segment.retry_level(group, segment.geometry().retry_levels - 1)->load(memory_order_seq_cst) != 0)
        entries_came(segment, sleeper_mask(group), count);
}

}  // namespace shmq
