// Which groups there are: making, finding, dropping and moving them.
//
// A group row goes free -> preparing -> active -> closing -> dropped -> preparing (of the next incarnation). Rows are
// prepared unpinned; the group exists from the one compare-and-swap on the directory word that sets its bit, which also
// decides between two makers of one name. Its start is then raised to the trim goal until that stands still (TRIM,
// log/trim.cpp), by its maker or by anybody who finds it so. Dropping first marks the row closing, after which claims
// are void, then pins what living consumers still look at, then takes the bit away, which decides. Moving a cursor
// swaps a new row in with the same compare-and-swap that takes the old one out. A dropper that dies before it decided
// changed nothing: the scanner makes the row active again. One that is stopped there holds up this one group until it
// goes on or dies.
#pragma once

#include <optional>

#include "group/visit.hpp"

namespace shmq {

/// The group of this name; finishes its making first if that was left half-done.
std::optional<GroupId> find_group(const Segment& segment, Visits& visits, std::string_view name) noexcept;

/// Errors: `exists`, `too_many_groups`, `trimmed`, `out_of_range`.
Result<GroupId> create_group(const Segment& segment, Visits& visits, std::string_view name, Position from) noexcept;

/// Errors: `no_group`, `too_many_pins`.
Result<void> drop_group(const Segment& segment, Visits& visits, std::string_view name) noexcept;

/// Gives the group a new row that starts at `to`, with nothing pending. Errors: as both above.
Result<GroupId> move_group(const Segment& segment, Visits& visits, std::string_view name, Position to) noexcept;

/// Raises the start until the trim goal stands still, settles it, and makes the row active; nothing if it is not
/// preparing. The caller is inside the row, whose bit is set in the directory.
void finish_creation(const Segment& segment, std::uint32_t row) noexcept;

/// Whether a group of this name is being dropped or moved right now.
bool is_closing(const Segment& segment, std::string_view name) noexcept;

/// Whether the row's bit is set in the directory.
[[nodiscard]] inline bool is_in_directory(const Segment& segment, std::uint32_t row) noexcept {
    return (active_groups(segment.control().directory.load(memory_order_seq_cst)) >> row & 1) != 0;
}

}  // namespace shmq
