// The trim point T: entries below it may be overwritten. Lifted only when room is needed or an operator says so, and
// never over an entry that an active group has not finished (invariant 5 of docs/protocol.md).
//
// Two words that only grow, so that making a group needs no lock (synchronisation TRIM): a mover raises `trim_goal`,
// reads the groups again, and only then raises `trim_point` up to the goal; a maker of a group publishes its row
// starting at the goal and raises its start until the goal stands still (group/group_row.cpp). Any number of movers may
// run, and any may stop for ever.
#pragma once

#include "layout/segment.hpp"

namespace shmq {

/// Who needs the entry that the trim point cannot pass.
struct Blocked {
    bool known = false;
    std::uint32_t group = 0;
    Sequence sequence = 0;
};

struct Lifted {
    Sequence trim = 0;  // where the trim point is now
    Blocked blocked;    // set if that is below what was wanted
};

/// Lifts the trim point to `wanted` or as near as the groups allow. The caller has seen every entry below `wanted`
/// published.
Lifted lift_trim(const Segment& segment, Sequence wanted) noexcept;

/// The first sequence in [from, to) that the group has not finished, or `to`. Reads the records themselves, with
/// acquire (ACK); what is parked is done with here, once its cell is live (PARK).
Sequence finished_until(const Segment& segment, std::uint32_t group, Sequence from, Sequence to) noexcept;

/// `full` with the names of the group and consumer that hold it, and whether the parking table is full. Nobody known:
/// the lowest parked entry is named, whose chunk may be missed. `what`: "slot" or "chunk".
Error blocked_error(const Segment& segment, const char* what, const Blocked& blocked) noexcept;

}  // namespace shmq
