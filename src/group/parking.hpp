// Moving a stuck entry out of the way: what a producer does that finds the ring full.
#pragma once

#include "group/visit.hpp"

namespace shmq {

/// Parks what the trim point can't pass, if that helps: an entry that was delivered and is not finished, while its
/// group has finished others in the middle of what is kept. A group that merely lags is not helped: it is waited for.
/// True if the caller should try again: the trim point passed what was parked.
bool park_for_room(const Segment& segment, Visits& visits) noexcept;

/// Whether that could help now; for who would wake a producer to try. Changes nothing.
[[nodiscard]] bool can_park(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

}  // namespace shmq
