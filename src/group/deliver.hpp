// Handing entries to a consumer: new ones, those waiting for retry (delayed ones once they are due), and stale ones of
// others.
//
// A delivery is one compare-and-swap on the entry's pending record, from a value that is strictly earlier (or retry, or
// the stale delivery) to (sequence, consumer, hand-over, delivered). A consumer claims entry c only after it saw c-1
// delivered, so what was delivered is a contiguous beginning and lag is exact; the cursor is a hint. After its claims
// it loads the trim point and the group's word once: a claim below the one, or in a group that closes, is void and
// given back (DROP).
#pragma once

#include <span>
#include <vector>

#include "group/delivery_clock.hpp"
#include "group/visit.hpp"
#include "shmq/consumer.hpp"

namespace shmq {

/// What the words of one lap's entries are made of, so that nobody shifts for each entry. A word holds the tag of its
/// lap above everything else, so whose lap it is, and what stands below the tag, is told by a difference.
struct LapWords {
    LapWords() = default;
    /// Of the lap of `sequence`; `delivered_to_us` is a record at its first delivery, without its tag.
    LapWords(const Geometry& g, Sequence sequence, std::uint64_t delivered_to_us) noexcept
        : begin(sequence & ~(g.slots - 1)), published(g.slot_tag(sequence) << g.place_bits),
          unpublished(published - g.place_mask - 1),
          undelivered((g.record_tag(sequence) << g.record_shift) - g.record_lap),
          delivered(undelivered + g.record_lap + delivered_to_us),
          first_delivery(shmq::first_delivery(g.record_tag(sequence))) {}

    Sequence begin = 0;
    std::uint64_t published = 0;       // slot, without its place
    std::uint64_t unpublished = 0;     // the same of the lap before
    std::uint64_t undelivered = 0;     // record of the lap before: its tag alone
    std::uint64_t delivered = 0;       // record at its first delivery to us
    std::uint64_t first_delivery = 0;  // delivery word, without its time
};

/// One consumer of a group, as this room needs it. One thread at a time.
struct Member {
    Member() = default;
    /// `came_back`: under a name that was here before.
    Member(const Segment& s, GroupId g, std::uint32_t consumer_row, bool came_back) noexcept;

    /// The record of an entry in the group.
    [[nodiscard]] Word& record(Sequence sequence) const noexcept {
        return records[segment.geometry().index_of(sequence)];
    }
    /// As is_active of visit.hpp, which says why seq_cst; and as any_retry of retry_index.hpp.
    [[nodiscard]] bool is_active() const noexcept { return row->word.load(memory_order_seq_cst) == active_word; }
    [[nodiscard]] bool any_retry() const noexcept { return retry_top->load(memory_order_relaxed) != 0; }

    /// Makes `lap` that of `sequence`.
    const LapWords& enter_lap(Sequence sequence) noexcept {
        if (sequence - lap.begin >= segment.geometry().slots) [[unlikely]]
            lap = LapWords(segment.geometry(), sequence, delivered_to_us);
        return lap;
    }

    Segment segment;
    GroupId group;
    // Where the group's words begin, so that nobody multiplies for each entry.
    GroupRow* row = nullptr;
    std::uint64_t active_word = 0;  // of the group as long as it exists
    Word* records = nullptr;
    Word* deliveries = nullptr;
    const Word* retry_top = nullptr;
    Word* pinned = nullptr;             // of our row of the group's consumers
    std::uint32_t consumer = 0;         // row in the group
    std::uint64_t delivered_to_us = 0;  // a record of ours at its first delivery, without its tag
    Sequence next = 0;                  // all before it were seen delivered, or do not concern the group
    LapWords lap;                       // of the entry looked at last
    Sequence sweep_at = 0;              // where the sweep goes on
    Order order = Order::none;          // of the group
    std::uint32_t waiting = 0;          // entries the last look found waiting for earlier ones (order.hpp)
    bool own_first = false;             // came back under its name: what it held before comes first
    std::uint64_t next_stale_ms = 0;    // no entry can have been idle for stale_for_ms or longer before then
    std::uint64_t stale_for_ms = 0;
    bool copies = false;           // it is given copies: the trim point does not wait for the group (log/retention.hpp)
    Sequence told_below = 0;       // of such a one: what was lost below was told when it looked
    Sequence claims_at = 0;        // of such a one: it looked for losses below, and claims from here on
    std::uint32_t sweep_cell = 0;  // as sweep_at, among the parking cells
    Sequence floor_at = 0;         // as sweep_at, below the floor
};

/// One entry a consumer was given.
struct Taken {
    Sequence sequence = 0;
    std::uint64_t record = 0;  // the pending word we hold; 0 once it is no longer ours
    std::uint64_t place = 0;
    std::uint32_t deliveries = 1;
    bool taken_over = false;
    bool parked = false;  // out of the ring, so the trim point says nothing about it
};

/// Where taken entries go, and how much may be taken.
struct Taking {
    std::span<Taken> room;
    std::size_t count = 0;      // used of room
    std::size_t max_bytes = 0;  // payload
    std::size_t bytes = 0;
    std::uint64_t now_ms = 0;
    std::vector<LostRange>* lost = nullptr;  // of copies: unfinished entries whose records were taken; has room for all
    [[nodiscard]] bool is_full() const noexcept { return count == room.size() || (count != 0 && bytes >= max_bytes); }
};

/// The slot word of `next`, whose lap is the member's from then on. One load, for who polls; behind it the bytes of the
/// entry may be read (PUBLISH).
[[nodiscard]] inline std::uint64_t look_at_next(Member& member) noexcept {
    member.enter_lap(member.next);
    return member.segment.slot(member.next).load(memory_order_acquire);
}
/// Whether the entry at `next` was surely not published when its slot was looked at: the slot is of the lap before.
[[nodiscard]] inline bool is_unpublished(const Member& member, std::uint64_t slot) noexcept {
    return slot - member.lap.unpublished <= member.segment.geometry().place_mask;
}

/// Sends for the first line or two of an entry, so that they are on their way while it is claimed. Always inline: a
/// call of what does nothing but this is one that compilers leave out.
[[gnu::always_inline]] inline void prefetch_entry(const Segment& segment, std::uint64_t place) noexcept {
    const std::byte* bytes = segment.payload() + (place << segment.geometry().unit_bits);
    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + cache_line);
}

/// Sends for what follows `next` two lines on, its slots, and its records and delivery words to write them, once a
/// line: who reads one at a time touches each of these lines so rarely that the processor does not see the stride. Not
/// where less than a line of entries waits, whose slots are left to the producer that is about to write them.
inline void send_for_later(const Member& member) noexcept {
    constexpr Sequence words_per_line = cache_line / sizeof(Word);
    if (member.next % words_per_line != 0) return;
    const Segment& segment = member.segment;
    const Geometry& g = segment.geometry();
    // relaxed: nothing is read by it.
    const std::uint64_t last_of_line = segment.slot(member.next + words_per_line - 1).load(memory_order_relaxed);
    if (last_of_line - member.lap.published > g.place_mask) return;
    const std::uint64_t index = g.index_of(member.next + 2 * words_per_line);
    __builtin_prefetch(&segment.slot(index));
    prefetch_for_writing(&member.records[index]);
    prefetch_for_writing(&member.deliveries[index]);
}

/// Claims the entry at `next`, whose slot word is `slot`, in the common case, inline: it is there, and nobody else was
/// given it. False if anything is unusual: nothing was claimed then, and `take_new` finds out why.
inline bool take_next(Member& member, std::uint64_t slot, std::uint64_t now_ms, Taken& taken) noexcept {
    const Geometry& g = member.segment.geometry();
    const Sequence c = member.next;
    const std::uint64_t index = g.index_of(c);
    Word& word = member.records[index];
    std::uint64_t record = word.load(memory_order_relaxed);  // the exchange decides, and orders
    const std::uint64_t place = slot - member.lap.published;
    if (place > g.place_mask || record - member.lap.undelivered >= g.record_lap) return false;
    const std::uint64_t mine = member.lap.delivered;
    // seq_cst: DROP and PREFIX, as in take_new.
    if (!word.compare_exchange(record, mine, memory_order_seq_cst, memory_order_relaxed)) return false;
    clock_first(member.deliveries[index], member.lap.first_delivery, now_ms);
    taken = {c, mine, place, 1, false};
    member.next = c + 1;
    Word& cursor = member.row->cursor;
    if (cursor.load(memory_order_relaxed) <= c) cursor.store(c + 1, memory_order_relaxed);  // relaxed: a hint
    return true;
}

/// Whether claims from `first` on stand: the group exists still, and the trim point had not passed. Asked after them.
[[nodiscard]] inline bool claims_stand(const Member& member, Sequence first) noexcept {
    // seq_cst: one order with the claims (DROP).
    return member.is_active() && first >= member.segment.control().trim_point.load(memory_order_seq_cst);
}

/// Claims one entry from a record of an earlier lap. False if it does not fit, or the record changed.
bool take_unclaimed(Member& member, Taking& taking, Sequence sequence, std::uint64_t record,
                    std::uint64_t place) noexcept;

/// Entries never delivered, in order.
void take_new(Member& member, Taking& taking) noexcept;
/// Entries that wait for retry, lowest first; a consumer that came back gets its own before others'.
void take_retry(Member& member, Taking& taking) noexcept;
/// Entries delivered at least `idle_ms` ago and not finished, lowest first. False if the pin table refused one.
bool take_stale(Member& member, Taking& taking, std::uint64_t idle_ms) noexcept;

/// Payload bytes of an entry of a group that hands out copies, whose bytes may be overwritten meanwhile; 0 if they are.
std::size_t size_of_copy(const Segment& segment, Sequence sequence) noexcept;

/// Gives back what is void of `taking`, which holds at least one entry and stands in sequence order; true if the group
/// is gone.
bool check_claims(Member& member, Taking& taking) noexcept;

/// Looks at `count` records below the cursor, going round: marks retry entries that a death left unmarked, and lowers
/// the due hint to what is delayed. Likewise below the floor, which it lowers if anything there is not finished.
void sweep(Member& member, std::uint64_t count, std::uint64_t now_ms) noexcept;

/// Where the group's undelivered entries begin. Exact at some moment of the call.
Sequence find_cursor(const Segment& segment, std::uint32_t group) noexcept;
/// The lowest entry the group may be concerned with: a lower bound of its floor.
Sequence find_base(const Segment& segment, std::uint32_t group) noexcept;

}  // namespace shmq
