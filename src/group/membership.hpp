// Joining and leaving a group: one living owner per consumer name.
//
// A consumer row goes free -> attaching -> live -> free, or away if it is named: an away row keeps its name, so that
// what the consumer held can come back to it first. A name exists in one row at most. Of several processes that join
// under one new name at once at most one wins: each announces its row with the name, moves the group's `joins` word on,
// and only then looks for the name in the others. The second to move it sees the first, so both cannot miss each other;
// of two that see each other the lower row goes on. One that is stopped while it joins, or several that meet very
// closely, may leave the others with `busy` although nobody is joined yet.
#pragma once

#include <optional>

#include "group/visit.hpp"

namespace shmq {

/// A row that was joined.
struct Joined {
    std::uint32_t consumer = 0;  // row in the group
    bool came_back = false;      // under a name that was here before
};

/// What joining meets: an owner that has to be proven dead or alive by a room above.
struct NameTaken {
    OwnerWord owner;
};

/// Joins under `name`, or anonymously if it is empty. Errors: `too_many_consumers`, and `busy`, whereupon `taken` has
/// the owner; the caller may prove it dead, repair, and try again. The caller is inside the group's row.
Result<Joined> join_group(const Segment& segment, AttachmentId me, std::uint32_t group, std::string_view name,
                          NameTaken& taken) noexcept;

/// Leaves; everything held was given back before, every batch is closed.
void leave_group(const Segment& segment, AttachmentId me, std::uint32_t group, std::uint32_t consumer) noexcept;

}  // namespace shmq
