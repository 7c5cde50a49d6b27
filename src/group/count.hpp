// Counting and listing what a group has pending. Reads only; every number was true at some moment of the call.
#pragma once

#include "group/deliver.hpp"
#include "group/finish.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "log/publish.hpp"

namespace shmq {

/// Calls `visit(sequence, PendingWord, RecordAt)` for every pending entry of a group from `from` to `to`, both
/// included, ascending, until it answers false. Parked entries are among them.
template <class Visitor>
void each_pending(const Segment& segment, std::uint32_t group, Sequence from, Sequence to, Visitor visit) {
    const Sequence end = find_cursor(segment, group);
    const Sequence base = find_base(segment, group);
    const auto show = [&](Sequence s, const RecordAt& at) {
        return visit(s, unpack_pending(segment.geometry(), at.value), at);
    };
    // In this order: what was parked after the look at the table was at `base` or above, where it is found below.
    if (cells_in_use(segment) != 0)
        for (const ParkedEntry& entry : ParkedList(segment, group_in(segment, group)))
            if (entry.sequence >= from && entry.sequence <= to && entry.sequence < base)
                if (!show(entry.sequence, record_at(segment, entry))) return;
    for (Sequence s = std::max(from, base); s < end && s <= to; ++s) {
        const auto at = find_pending(segment, group, s);
        if (at && !show(s, *at)) return;
    }
}

struct GroupCounts {
    Sequence start = 0;
    Sequence floor = 0;         // every entry below is finished
    Sequence held_from = 0;     // likewise, or parked
    Sequence next = 0;          // first entry never delivered
    std::uint64_t lag = 0;      // never delivered, those that wait for their key included
    std::uint64_t waiting = 0;  // for their key
    std::uint64_t delivered = 0;
    std::uint64_t retry = 0;    // with the two below
    std::uint64_t delayed = 0;  // waiting until they are due
    std::uint64_t dead = 0;     // delivered no more
    std::uint64_t parked = 0;   // of all these, out of the ring
    Sequence lowest = 0;
    Sequence highest = 0;
};

inline GroupCounts count_group(const Segment& segment, std::uint32_t group) noexcept {
    GroupCounts counts;
    counts.start = start_of(segment.group(group), memory_order_acquire);
    counts.next = find_cursor(segment, group);
    const Sequence end = find_end(segment);
    counts.lag = end > counts.next ? end - counts.next : 0;
    counts.floor = counts.held_from = counts.next;
    each_pending(segment, group, 0, ~Sequence{0}, [&](Sequence s, const PendingWord& pending, const RecordAt& at) {
        if (is_waiting(pending))
            ++counts.waiting, ++counts.lag;
        else
            ++(pending.state == PendingState::delivered ? counts.delivered : counts.retry);
        if (pending.state == PendingState::delayed) ++counts.delayed;
        if (pending.state == PendingState::dead) ++counts.dead;
        if (at.parked) ++counts.parked;
        if (!at.parked && counts.held_from == counts.next) counts.held_from = s;
        if (counts.lowest == 0) counts.lowest = counts.floor = s;
        counts.highest = s;
        return true;
    });
    return counts;
}

}  // namespace shmq
