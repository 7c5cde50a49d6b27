// How a group row closes: the end of a drop and of a move. From the exchange that makes the row `closing` on, the group
// is gone for good and every claim is void; the rest is anybody's work, so that nobody who stops there holds others up.
//
// The word says what is left to do: whose bit is set when this row's is taken away (a move's successor, prepared and
// waiting), or nobody's (a drop). Helpers pin what living consumers look at, exchange the directory, and make the row
// dropped; each step is an exchange from a value that can't come back. Who helps: whoever looks for the group by its
// name, producers that find no room, an operator's trim, and every scan.
#pragma once

#include "group/group_row.hpp"

namespace shmq {

/// Whether there are pin cells enough for what living consumers hold, asked before anything is changed.
[[nodiscard]] bool has_enough_pins(const Segment& segment, std::uint32_t row) noexcept;

/// Decides: closes an active row, for `successor` to take its place. False if it was not active; nothing is changed
/// then. The caller is inside the row, and has prepared the successor.
bool begin_closing(const Segment& segment, GroupId group, std::optional<GroupId> successor) noexcept;

/// Does what is left to do for a row, if it is closing. False if that has to wait until a pin cell is free.
bool finish_closing(const Segment& segment, Visits& visits, std::uint32_t row) noexcept;

/// The same for the group of this name, and for every group.
bool finish_closing_of(const Segment& segment, Visits& visits, std::string_view name) noexcept;
void finish_closings(const Segment& segment, Visits& visits) noexcept;

/// Whether a closing row names this one as its successor: it belongs to whoever finishes that closing.
[[nodiscard]] bool is_successor(const Segment& segment, GroupId group) noexcept;

}  // namespace shmq
