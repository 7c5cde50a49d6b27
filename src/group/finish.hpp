// Ending a delivery: ack, nack, giving back. Each is one compare-and-swap from exactly the word that was held, so a
// former owner's late word fails and says so.
#pragma once

#include "group/delivery_clock.hpp"
#include "group/visit.hpp"

namespace shmq {

enum class Finish : std::uint8_t { done, fenced, not_pending };

/// Finishes the delivery `held` of `sequence`. One locked instruction.
Finish finish_entry(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held) noexcept;

/// Hands the delivery `held` to retry, counted as `ending` says. The caller wakes sleepers when it is through
/// (entries_came).
Finish give_back(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held, Ending ending,
                 std::uint64_t now_ms) noexcept;

/// The pending record of an entry if it is delivered, retry or exhausted; 0 if the group has it not pending.
std::uint64_t pending_record(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// After entries of a group were finished: lifts the trim point if a producer asked for it and this group has no more
/// say in it, and wakes producers. Two loads if none asked.
void after_finishing(const Segment& segment, std::uint32_t group) noexcept;

/// An operator's words, whoever holds the entry. Errors: `not_pending`, `too_many_pins`.
Result<void> operator_ack(const Segment& segment, std::uint32_t group, Sequence sequence,
                          std::uint64_t now_ms) noexcept;
Result<void> operator_nack(const Segment& segment, std::uint32_t group, Sequence sequence,
                           std::uint64_t now_ms) noexcept;

}  // namespace shmq
