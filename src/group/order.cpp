// The rule and its two saved searches; the numbered cases stand above each loop.
#include "group/order.hpp"

#include <algorithm>

#include "group/group_options.hpp"
#include "group/pins.hpp"
#include "group/retry_index.hpp"
#include "log/publish.hpp"
#include "log/sleep.hpp"

namespace shmq {

namespace {

// A link: [ low bits of the entry's record tag : 20 | distance to its predecessor : 44 ]; distance 0 is none. A process
// that slept before it stored a link puts an old tag there, which matches no entry before 2^20 laps.
constexpr unsigned distance_bits = 44;

std::uint64_t pack_link(const Geometry& g, Sequence sequence, std::uint64_t distance) noexcept {
    return g.record_tag(sequence) << distance_bits | (distance <= low_mask(distance_bits) ? distance : 0);
}

/// FNV-1a over eight bytes at a time, folded: keys are short, and a stripe is all that is wanted of it.
std::uint64_t hash_of(const std::byte* key, std::size_t size) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (; size != 0;) {
        std::uint64_t word = 0;
        const std::size_t part = std::min<std::size_t>(size, sizeof word);
        std::memcpy(&word, key, part);
        hash = (hash ^ word ^ size) * 0x100'0000'01b3;
        hash ^= hash >> 29;
        key += part;
        size -= part;
    }
    hash *= 0x9e37'79b9'7f4a'7c15;
    return hash ^ hash >> 32;
}

/// Finds the predecessor in the log itself. Only where no link tells: its writer was overtaken by laps, or damage.
Sequence search(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    const auto place_of = [&](Sequence s) { return unpack_slot(g, segment.slot(s).load(memory_order_acquire)).place; };
    const auto stripe = stripe_of(segment, place_of(sequence));
    if (!stripe) return 0;
    const Sequence base = std::max(find_begin(segment), start_of(segment.group(group), memory_order_acquire));
    for (Sequence s = sequence; s > base && sequence - s < g.slots;)
        if (stripe_of(segment, place_of(--s)) == stripe) return s;
    return 0;
}

/// The predecessor as the link says.
Sequence linked(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    // acquire: written before the stripe's word, or the record, that led us here.
    const std::uint64_t link = segment.key_link(group, sequence).load(memory_order_acquire);
    if (link >> distance_bits != (g.record_tag(sequence) & low_mask(64 - distance_bits)))
        return search(segment, group, sequence);
    const std::uint64_t distance = link & low_mask(distance_bits);
    return distance == 0 || distance >= sequence ? 0 : sequence - distance;
}

/// The predecessor of an entry that is met for the first time, or by others at the same moment; everything before it
/// was met.
Sequence meet(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint32_t stripe) noexcept {
    const Geometry& g = segment.geometry();
    Word& last = segment.key_stripe(group, stripe);
    Sequence seen = last.load(memory_order_acquire);
    // (1) the stripe's word is below the entry: it names the predecessor, since all before was met. The link first, so
    // that whoever sees the word has it. (2) Somebody met the entry too: the link is there.
    while (seen < sequence) {  // (1), else (2)
        segment.key_link(group, sequence)
            .store(pack_link(g, sequence, seen == 0 ? 0 : sequence - seen), memory_order_relaxed);
        if (last.compare_exchange(seen, sequence, memory_order_seq_cst, memory_order_acquire)) return seen;
    }
    return linked(segment, group, sequence);
}

bool is_finished(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    if (sequence < start_of(segment.group(group), memory_order_relaxed)) return true;
    // seq_cst: ORDER. Finished is for good, so no later look is needed.
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_seq_cst);
    if (pending_tag(g, record) == g.record_tag(sequence)) return pending_state(record) == PendingState::acked;
    // An earlier lap: not given out yet. A later one: the trim point passed it.
    return !tag_earlier(pending_tag(g, record), g.record_tag(sequence), g.record_tag_bits);
}

bool is_held(const Geometry& g, std::uint64_t word, Sequence sequence, std::uint32_t consumer) noexcept {
    const PendingWord record = unpack_pending(g, word);
    return record.tag == g.record_tag(sequence) && record.state == PendingState::delivered &&
           record.consumer == consumer + 1;
}

Turn turn_behind(const Member& member, Sequence predecessor) noexcept {
    if (predecessor == 0 || is_finished(member.segment, member.group.row, predecessor)) return Turn::free;
    const std::uint64_t record = member.segment.record(member.group.row, predecessor).load(memory_order_seq_cst);
    const bool ours = is_held(member.segment.geometry(), record, predecessor, member.consumer);
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

/// The highest entry of the stripe of `sequence`, or of a strict group, that was met; `sequence` if there is none
/// above.
Sequence last_met(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    if (order_of(segment.group(group)) == Order::strict) {
        Sequence s = sequence;  // seq_cst: walked, not taken from the hint (ORDER)
        while (s - sequence < g.slots &&
               pending_tag(g, segment.record(group, s + 1).load(memory_order_seq_cst)) == g.record_tag(s + 1))
            ++s;
        return s;
    }
    const SlotWord slot = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire));
    const auto stripe = slot.tag == g.slot_tag(sequence) ? stripe_of(segment, slot.place) : std::nullopt;
    // seq_cst: what was taken before our entry changed hands was met before (ORDER).
    return stripe ? segment.key_stripe(group, *stripe).load(memory_order_seq_cst) : sequence;
}

/// One look at each entry behind `sequence`, from the last down: takes back those of holders that `from` names. How
/// many were found so; nullopt if the pin table refused one.
template <class From>
std::optional<unsigned> take_back_once(const Segment& segment, std::uint32_t group, Sequence sequence,
                                       std::uint64_t now_ms, From from) noexcept {
    const Geometry& g = segment.geometry();
    unsigned found = 0;
    Sequence s = last_met(segment, group, sequence);
    // Down the predecessors; at most a ring of them.
    for (std::uint64_t looks = 0; s > sequence && looks < g.slots; ++looks, s = predecessor_of(segment, group, s)) {
        const std::uint64_t word = segment.record(group, s).load(memory_order_seq_cst);
        const PendingWord record = unpack_pending(g, word);
        if (record.consumer == 0 || record.consumer > g.consumers || !from(record.consumer - 1)) continue;
        if (!is_held(g, word, s, record.consumer - 1)) continue;
        const auto chunks = chunks_of(segment, unpack_slot(g, segment.slot(s).load(memory_order_acquire)).place);
        const auto pin = chunks ? reserve_pin(segment, group, record.consumer - 1, *chunks) : std::nullopt;
        if (!pin) return std::nullopt;
        if (give_back(segment, group, s, word, Ending::released, now_ms, 0) != Finish::done) return_pin(segment, *pin);
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

}  // namespace

std::optional<std::uint32_t> stripe_of(const Segment& segment, std::uint64_t place) noexcept {
    EntryAt at;
    if (segment.geometry().key_stripes == 0 || !find_entry(segment, place, at) || at.header.key_size == 0)
        return std::nullopt;
    const std::uint64_t hash = hash_of(segment.payload() + at.offset + sizeof(EntryHeader), at.header.key_size);
    return static_cast<std::uint32_t>((hash & 0xffff'ffff) * segment.geometry().key_stripes >> 32);
}

Sequence predecessor_of(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Order order = order_of(segment.group(group));
    if (order == Order::strict) return sequence - 1;
    const Geometry& g = segment.geometry();
    const std::uint64_t slot = segment.slot(sequence).load(memory_order_acquire);
    if (order == Order::none || unpack_slot(g, slot).tag != g.slot_tag(sequence)) return 0;
    return stripe_of(segment, unpack_slot(g, slot).place) ? linked(segment, group, sequence) : 0;
}

bool may_finish(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Sequence predecessor = predecessor_of(segment, group, sequence);
    return predecessor == 0 || is_finished(segment, group, predecessor);
}

Turn turn_of(const Member& member, Sequence sequence) noexcept {
    return turn_behind(member, predecessor_of(member.segment, member.group.row, sequence));
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
        Sequence predecessor = c - 1;
        if (!strict) {
            const auto stripe = stripe_of(segment, slot.place);
            predecessor = stripe ? meet(segment, group, c, *stripe) : 0;
        }
        const Turn turn = turn_behind(member, predecessor);
        if (turn == Turn::waits) {  // (2)
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
        if (turn == Turn::behind && turn_behind(member, predecessor) == Turn::waits) {  // (4)
            const Taken& taken = taking.room[--taking.count];
            give_back(segment, group, taken.sequence, taken.record, Ending::released, taking.now_ms, 0);
        }
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
    if (!may_finish(segment, group, sequence)) {
        const std::uint64_t found = segment.record(group, sequence).load(memory_order_acquire);
        return found == held ? Finish::too_early : refused(held, found);
    }
    return finish_entry(segment, group, sequence, held);
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
        if (active.compare_exchange(seen, next_turn(seen, member.consumer + 1), memory_order_acq_rel,
                                    memory_order_acquire))
            return true;
    }
}

void seize_turn(const Member& member) noexcept {
    Word& active = member.segment.group(member.group.row).active;
    std::uint64_t seen = active.load(memory_order_acquire);
    while ((seen & low_mask(turn_bits)) != member.consumer + 1)  // as above
        if (active.compare_exchange(seen, next_turn(seen, member.consumer + 1), memory_order_acq_rel,
                                    memory_order_acquire))
            return;
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
