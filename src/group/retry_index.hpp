// Where the entries that wait for retry are, without walking all pending ones: a bit per slot and group, and above it
// levels in which a bit says that a word below is not zero. All of it is a hint (invariant 8): the records are the
// truth.
//
// A bit is set before its record becomes retry and taken away after the record was seen claimed or finished, followed
// by another look. A process that dies between two of these steps can at worst hide an entry; the sweep
// (group/deliver.hpp) finds and marks it.
#pragma once

#include "layout/segment.hpp"

namespace shmq {

void mark_retry(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;
void unmark_retry(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;
[[nodiscard]] bool is_marked_retry(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// Whether any entry may wait for retry: one load of a line that is read-mostly.
[[nodiscard]] inline bool any_retry(const Segment& segment, std::uint32_t group) noexcept {
    // relaxed: a hint; what it leads to is checked.
    return segment.retry_level(group, segment.geometry().retry_levels - 1)->load(memory_order_relaxed) != 0;
}

/// The first marked sequence in [from, to), or `to`; at most a lap apart. Costs in the order of the levels, not of what
/// is pending.
[[nodiscard]] Sequence next_marked(const Segment& segment, std::uint32_t group, Sequence from, Sequence to) noexcept;

}  // namespace shmq
