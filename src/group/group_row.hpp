// One group row: taken and prepared unseen, and finished once the directory has it. Called by directory.cpp and
// closing.cpp, and by the scanner for what the dead left half-made.
#pragma once

#include "group/visit.hpp"
#include "shmq/stream.hpp"

namespace shmq {

[[nodiscard]] inline std::uint64_t load_directory(const Segment& segment) noexcept {
    // seq_cst: one order with the trim goal and the group words (TRIM, DROP).
    return segment.control().directory.load(memory_order_seq_cst);
}

/// Whether the row's bit is set in the directory.
[[nodiscard]] inline bool is_in_directory(const Segment& segment, std::uint32_t row) noexcept {
    return (active_groups(load_directory(segment)) >> row & 1) != 0;
}

/// The row of this name among those of `directory`; the lowest, if damage named several so.
[[nodiscard]] std::optional<std::uint32_t> row_of(const Segment& segment, std::uint64_t directory,
                                                  std::string_view name) noexcept;

/// Where a group that begins at `from` starts, checked against what is kept and what was added. Errors: `trimmed`,
/// `out_of_range`.
Result<Sequence> start_at(const Segment& segment, Position from) noexcept;

/// Takes a row that is free, or dropped with nobody inside, and prepares it. Errors: `too_many_groups`.
Result<GroupId> prepare_row(const Segment& segment, const Visits& visits, std::string_view name, Sequence start,
                            const GroupOptions& options) noexcept;

/// Gives back a row that was prepared for nothing. Only its maker, and only if neither the directory nor a closing row
/// ever named it: from then on it is everybody's.
void abandon_row(const Segment& segment, GroupId group) noexcept;

/// Raises the start until the trim goal stands still, settles it, and makes the row active; nothing if it is not
/// preparing, or not in the directory. The caller is inside the row.
void finish_creation(const Segment& segment, std::uint32_t row) noexcept;

}  // namespace shmq
