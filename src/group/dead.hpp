// Entries that failed too often: pending, holding their room, and delivered no more until somebody decides.
#pragma once

#include "group/visit.hpp"

namespace shmq {

/// Makes a pending entry dead, whoever holds it, as an operator: it is taken from its holder as a nack does, and
/// delivered no more. What is dead already is left as it is. Errors: `not_pending`, `too_many_pins`.
Result<void> make_dead(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t now_ms) noexcept;

/// Gives a dead entry back for retry, its counts begun anew. Errors: `not_pending` if it is not dead, or was handed
/// over as often as can be; `busy` if it is being moved to another stream. The caller is inside the row.
Result<void> requeue_dead(const Segment& segment, std::uint32_t group, Sequence sequence,
                          std::uint64_t now_ms) noexcept;

/// Finishes a dead entry. Errors: `not_pending` if it is not dead; `out_of_order`; `busy` as above.
Result<void> drop_dead(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

}  // namespace shmq
