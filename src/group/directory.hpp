// Which groups there are: making, finding, dropping and moving them.
//
// A group row goes free -> preparing -> active -> closing -> dropped -> preparing (of the next incarnation). Rows are
// prepared unpinned; the group exists from the one compare-and-swap on the directory word that sets its bit, which also
// decides between two makers of one name. Its start is then raised to the trim goal until that stands still (TRIM,
// log/trim.cpp), by its maker or by anybody who finds it so. Dropping makes the row closing, which decides: claims are
// void from then on, and there is no way back. What is left, anybody may do (closing.hpp): pin what living consumers
// still look at, then take the bit away. Moving a cursor prepares a new row first and names it in the closing word; the
// exchange that takes the old bit away sets the new one.
#pragma once

#include <optional>

#include "group/group_row.hpp"

namespace shmq {

/// The group of this name; finishes its making, dropping or moving first if that was left half-done. None, too, if its
/// end waits for a pin cell.
std::optional<GroupId> find_group(const Segment& segment, Visits& visits, std::string_view name) noexcept;

/// Errors: `exists`, `bad_option`, `too_many_groups`, `trimmed`, `out_of_range`; `too_many_pins` if one of this name is
/// being dropped and can't go for want of pin cells.
Result<GroupId> create_group(const Segment& segment, Visits& visits, std::string_view name, Position from,
                             const GroupOptions& options = {}) noexcept;

/// Errors: `no_group`; `too_many_pins`, then nothing was changed. Without an error it is decided; if the pin cells ran
/// out in between, room and name come free once there are some.
Result<void> drop_group(const Segment& segment, Visits& visits, std::string_view name) noexcept;

/// Gives the group a new row that starts at `to`, with the same options and nothing pending. Errors: as `drop_group`,
/// and those of making.
Result<GroupId> move_group(const Segment& segment, Visits& visits, std::string_view name, Position to) noexcept;

}  // namespace shmq
