// Counting and listing what a group has pending. Reads only; every number was true at some moment of the call.
#pragma once

#include "group/deliver.hpp"
#include "group/finish.hpp"
#include "group/order.hpp"
#include "log/publish.hpp"

namespace shmq {

/// Calls `visit(sequence, PendingWord)` for every pending entry of a group from `from` to `to`, both included,
/// ascending, until it answers false.
template <class Visitor>
void each_pending(const Segment& segment, std::uint32_t group, Sequence from, Sequence to, Visitor visit) {
    const Sequence end = find_cursor(segment, group);
    for (Sequence s = std::max(from, find_base(segment, group)); s < end && s <= to; ++s) {
        const std::uint64_t record = pending_record(segment, group, s);
        if (record == 0 || find_begin(segment) > s) continue;  // of an entry that was trimmed since we began
        if (!visit(s, unpack_pending(segment.geometry(), record))) return;
    }
}

struct GroupCounts {
    Sequence start = 0;
    Sequence floor = 0;         // every entry below is finished
    Sequence next = 0;          // first entry never delivered
    std::uint64_t lag = 0;      // never delivered, those that wait for their key included
    std::uint64_t waiting = 0;  // for their key
    std::uint64_t delivered = 0;
    std::uint64_t retry = 0;    // with the two below
    std::uint64_t delayed = 0;  // waiting until they are due
    std::uint64_t dead = 0;     // delivered no more
    Sequence lowest = 0;
    Sequence highest = 0;
};

inline GroupCounts count_group(const Segment& segment, std::uint32_t group) noexcept {
    GroupCounts counts;
    counts.start = start_of(segment.group(group), memory_order_acquire);
    counts.next = find_cursor(segment, group);
    const Sequence end = find_end(segment);
    counts.lag = end > counts.next ? end - counts.next : 0;
    counts.floor = counts.next;
    each_pending(segment, group, 0, ~Sequence{0}, [&](Sequence s, const PendingWord& pending) {
        if (is_waiting(pending))
            ++counts.waiting, ++counts.lag;
        else
            ++(pending.state == PendingState::delivered ? counts.delivered : counts.retry);
        if (pending.state == PendingState::delayed) ++counts.delayed;
        if (pending.state == PendingState::dead) ++counts.dead;
        if (counts.lowest == 0) counts.lowest = counts.floor = s;
        counts.highest = s;
        return true;
    });
    return counts;
}

}  // namespace shmq
