// Who the predecessor of an entry is, in a group that keeps an order (order.hpp).
//
// With `strict` it is the entry before, with `by_key` the last one before it of the same *stripe*, which is a hash of
// the key. It follows from the log alone. Two words save the search: a stripe's last entry that was met, and a link
// from each met entry to its predecessor. Both are written before the record of the entry changes.
//
// An entry is parked when everything of its group before it is finished or parked, and leaves its link behind in the
// ring. So its predecessor is the highest one below it that is parked and of its stripe, which the cell knows; if there
// is none, all of the stripe before it is finished.
#pragma once

#include <optional>

#include "layout/segment.hpp"

namespace shmq {

/// The stripe of the entry at a place; none without a key. The bytes may change meanwhile if the entry is finished:
/// `is_kept` behind it tells.
[[nodiscard]] std::optional<std::uint32_t> stripe_of(const Segment& segment, std::uint64_t place) noexcept;

/// Whether the trim point has not passed the entry: what was read of it, and of its slot and link, was its own (COPY).
[[nodiscard]] bool is_kept(const Segment& segment, Sequence sequence) noexcept;

/// The predecessor of an entry that is met for the first time, or by others at the same moment; everything before it
/// was met. 0: none.
Sequence meet(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint32_t stripe) noexcept;

/// The predecessor of an entry that was met and is not finished; 0 if it has none, or they are all finished.
[[nodiscard]] Sequence predecessor_of(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// The highest entry of the stripe of `sequence`, or of a strict group, that was met; `sequence` if there is none
/// above.
[[nodiscard]] Sequence last_met(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// The record of an entry that was met, with the ring's tag, wherever it is; nullopt if the entry is finished, which is
/// for good. One load while it is in the ring.
[[nodiscard]] std::optional<PendingWord> unfinished_record(const Segment& segment, std::uint32_t group,
                                                           Sequence sequence) noexcept;

}  // namespace shmq
