// Ending a delivery: ack, nack, giving back. Each is one compare-and-swap from exactly the word that was held, so a
// former owner's late word fails and says so.
#pragma once

#include <optional>

#include "group/delivery_clock.hpp"
#include "group/visit.hpp"

namespace shmq {

enum class Finish : std::uint8_t {
    done,
    fenced,
    not_pending,
    too_early,  // where there is an order: an earlier entry is not finished
    lapped      // of a copy: the trim point passed the entry, so it can't be given back
};

/// Why an exchange from `held` failed, when `found` was there instead.
[[nodiscard]] inline Finish refused(std::uint64_t held, std::uint64_t found) noexcept {
    // The same delivery, finished in our name: by an operator, or by us before.
    return found == with_state(held, PendingState::acked) ? Finish::not_pending : Finish::fenced;
}

/// Finishes the delivery `held`, whose record in the ring was `found` instead: perhaps the entry is parked
/// (group/parked.hpp).
Finish finish_elsewhere(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held,
                        std::uint64_t found) noexcept;

/// Finishes the delivery `held` whose record is there. False if another word is, which `held` is then. One locked
/// instruction.
inline bool finish_at(Word& record, std::uint64_t& held) noexcept {
    const std::uint64_t acked = with_state(held, PendingState::acked);
    // release: our reads of the entry are over before its bytes can be overwritten (ACK); seq_cst: a producer that
    // waits for room either sees it or is seen waiting (SLEEP).
    return record.compare_exchange(held, acked, memory_order_seq_cst, memory_order_acquire);
}

/// Finishes the delivery `held` of `sequence`. One locked instruction.
inline Finish finish_entry(const Segment& segment, std::uint32_t group, Sequence sequence,
                           std::uint64_t held) noexcept {
    std::uint64_t seen = held;
    if (finish_at(segment.record(group, sequence), seen)) return Finish::done;
    return finish_elsewhere(segment, group, sequence, held, seen);
}

/// Gives the delivery `held` back, counted as `ending` says: to retry, to wait first as `delay` says (none: as the
/// group's back-off says), or dead if that was too often. The caller wakes sleepers when it is through (entries_came),
/// also for a delayed one: they have to sleep less.
Finish give_back(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held, Ending ending,
                 std::uint64_t now_ms, std::optional<std::uint32_t> delay_ms = {}) noexcept;

/// `done` if the delivery `held` is running still; else why a word about it would come too late.
[[nodiscard]] Finish look_at_delivery(const Segment& segment, std::uint32_t group, Sequence sequence,
                                      std::uint64_t held) noexcept;

/// Begins the idle time of the delivery `held` anew.
Finish extend_entry(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held,
                    std::uint64_t now_ms) noexcept;

/// The pending record in the ring of an entry if it is delivered, retry, delayed or dead; 0 if the ring has it not
/// pending.
std::uint64_t pending_record(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// Lifts the trim point to where a producer wants it, if this group has no more say in it, and wakes producers. The
/// slow half of after_finishing.
void lift_for_producers(const Segment& segment, std::uint32_t group, Sequence wanted) noexcept;

/// After entries of a group were finished: looks whether a producer asked for room. Two loads if none did.
inline void after_finishing(const Segment& segment, std::uint32_t group) noexcept {
    const Control& control = segment.control();
    // seq_cst: see finish_at.
    const Sequence wanted = control.room_wanted.load(memory_order_seq_cst);
    if (wanted <= control.trim_point.load(memory_order_relaxed)) [[likely]]  // stale is only stricter
        return;
    lift_for_producers(segment, group, wanted);
}

/// An operator's words, whoever holds the entry. Errors: `not_pending`, `too_many_pins`; of an ack `out_of_order`.
Result<void> operator_ack(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;
Result<void> operator_nack(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t now_ms,
                           std::optional<std::uint32_t> delay_ms = {}) noexcept;

}  // namespace shmq
