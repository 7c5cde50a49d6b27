// Handing entries to a consumer: new ones, those waiting for retry, and stale ones of others.
//
// A delivery is one compare-and-swap on the entry's pending record, from a value that is strictly earlier (or retry, or
// the stale delivery) to (sequence, consumer, hand-over, delivered). A consumer claims entry c only after it saw c-1
// delivered, so what was delivered is a contiguous beginning and lag is exact; the cursor is a hint. After its claims
// it loads the trim point and the group's word once: a claim below the one, or in a group that closes, is void and
// given back (DROP).
#pragma once

#include <span>

#include "group/visit.hpp"

namespace shmq {

/// One consumer of a group, as this room needs it. One thread at a time.
struct Member {
    Segment segment;
    GroupId group;
    std::uint32_t consumer = 0;       // row in the group
    Sequence delivered_seen = 0;      // an entry seen delivered: the one before the cursor needs no second look
    Sequence sweep_at = 0;            // where the sweep goes on
    bool own_first = false;           // came back under its name: what it held before comes first
    std::uint64_t next_stale_ms = 0;  // no entry can have been idle for stale_for_ms or longer before then
    std::uint64_t stale_for_ms = 0;
};

/// One entry a consumer was given.
struct Taken {
    Sequence sequence = 0;
    std::uint64_t record = 0;  // the pending word we hold; 0 once it is no longer ours
    std::uint64_t place = 0;
    std::uint32_t deliveries = 1;
    bool taken_over = false;
};

/// Where taken entries go, and how much may be taken.
struct Taking {
    std::span<Taken> room;
    std::size_t count = 0;      // used of room
    std::size_t max_bytes = 0;  // payload
    std::size_t bytes = 0;
    std::uint64_t now_ms = 0;
    [[nodiscard]] bool is_full() const noexcept { return count == room.size() || (count != 0 && bytes >= max_bytes); }
};

/// Entries never delivered, in order.
void take_new(Member& member, Taking& taking) noexcept;
/// Entries that wait for retry, lowest first; a consumer that came back gets its own before others'.
void take_retry(Member& member, Taking& taking) noexcept;
/// Entries delivered at least `idle_ms` ago and not finished, lowest first. False if the pin table refused one.
bool take_stale(Member& member, Taking& taking, std::uint64_t idle_ms) noexcept;

/// Gives back what is void of `taking`, which holds at least one entry and stands in sequence order; true if the group
/// is gone.
bool check_claims(Member& member, Taking& taking) noexcept;

/// Looks at `count` records below the cursor, going round: marks retry entries that a death left unmarked.
void sweep(Member& member, std::uint64_t count) noexcept;

/// Where the group's undelivered entries begin. Exact at some moment of the call.
Sequence find_cursor(const Segment& segment, std::uint32_t group) noexcept;
/// The lowest entry the group may be concerned with: a lower bound of its floor.
Sequence find_base(const Segment& segment, std::uint32_t group) noexcept;

}  // namespace shmq
