// The word beside each pending record: since when, and how often it went wrong; of a delayed entry, when it is due. For
// people, limits, delays and `idle`; nothing that must be right for safety depends on it.
//
// It names the delivery it speaks of by the low bits of the record's tag and hand-over number; any other is `unknown`.
// The end of a delivery is counted by compare-and-swap *before* the record changes, with a mark, so that it is counted
// once however many try and whoever dies.
//
// Each function works on the word itself, which stands beside the record in the ring or in a parking cell; those that
// take a sequence are the same for the ring's.
#pragma once

#include <optional>

#include "layout/segment.hpp"

namespace shmq {

/// How a delivery ended, for the counts.
enum class Ending : std::uint8_t {
    released = 0,  // in good order: counts nothing
    failed = 1,    // nack
    died = 2,      // its owner died
    claimed = 3    // from somebody alive; counts as a failure
};

/// How long an entry waits after a failure: `first_ms`, doubled with each further one up to `most_ms`.
struct DelayRule {
    std::uint32_t first_ms = 0;
    std::uint32_t most_ms = 0;
    [[nodiscard]] std::uint32_t after(std::uint32_t failures) const noexcept;
};

/// The word of an entry's first delivery, less its time. `tag` is its record's, or has more bits.
[[nodiscard]] inline std::uint64_t first_delivery(std::uint64_t tag) noexcept {
    return pack_delivery({0, static_cast<std::uint32_t>(tag & low_mask(delivery_tag_bits)), 1, false, 0, 0});
}

/// First delivery of an entry, whose word less its time is `first`: one plain store. A process that is stopped right
/// before it may put an old word back, which then matches no delivery and reads as unknown.
inline void clock_first(Word& delivery, std::uint64_t first, std::uint64_t now_ms) noexcept {
    // relaxed: matched against the record before it is believed.
    delivery.store(first | (now_ms & low_mask(time_bits)), memory_order_relaxed);
}

/// Counts the end of the delivery `held`, once, and sets the time to now, or after a failure or a death to when `delay`
/// is over. If it was counted already, a nack can only make the wait longer. Returns the word as it stands then.
/// `delivery_limit` is the group's.
DeliveryWord clock_end(Word& word, std::uint32_t delivery_limit, const PendingWord& held, Ending ending,
                       std::uint64_t now_ms, const DelayRule& delay = {}) noexcept;

/// The entry was handed to somebody again; `held` is the new delivery. Returns its number of deliveries that count.
std::uint32_t clock_again(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept;

/// What the word says of a delivery.
struct DeliveryFacts {
    std::optional<std::uint64_t> idle_ms;  // nullopt if unknown
    std::uint32_t deliveries = 0;          // that count, this one included
    std::uint32_t failures = 0;
    std::uint32_t deaths = 0;
    Ending ending = Ending::released;  // of a dead entry: how its last delivery ended
};
DeliveryFacts clock_read(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept;

/// How long a delayed entry still has to wait, ms. 0 if it is due, or its time is unknown or can't be.
[[nodiscard]] std::uint64_t clock_rest(Word& word, const PendingWord& delayed, std::uint64_t now_ms) noexcept;

/// Begins the idle time of the delivery `held` anew; a later time stays.
void clock_extend(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept;

/// Zeroes the counts of a dead entry that is about to be delivered again.
void clock_forget(Word& word, const PendingWord& dead, std::uint64_t now_ms) noexcept;

/// Starts the clock of a delivery whose idle time is unknown.
void clock_start(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept;

/// Sets the time of a pending entry to now, whatever it was: the times of another boot mean nothing.
void clock_restamp(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept;

// The same for the entry in the ring.
inline void clock_first(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t now_ms) noexcept {
    clock_first(segment.delivery(group, sequence), first_delivery(segment.geometry().record_tag(sequence)), now_ms);
}
inline DeliveryWord clock_end(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                              Ending ending, std::uint64_t now_ms, const DelayRule& delay = {}) noexcept {
    return clock_end(segment.delivery(group, sequence), segment.group(group).delivery_limit, held, ending, now_ms,
                     delay);
}
inline std::uint32_t clock_again(const Segment& segment, std::uint32_t group, Sequence sequence,
                                 const PendingWord& held, std::uint64_t now_ms) noexcept {
    return clock_again(segment.delivery(group, sequence), held, now_ms);
}
inline DeliveryFacts clock_read(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                                std::uint64_t now_ms) noexcept {
    return clock_read(segment.delivery(group, sequence), held, now_ms);
}
[[nodiscard]] inline std::uint64_t clock_rest(const Segment& segment, std::uint32_t group, Sequence sequence,
                                              const PendingWord& delayed, std::uint64_t now_ms) noexcept {
    return clock_rest(segment.delivery(group, sequence), delayed, now_ms);
}
inline void clock_start(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                        std::uint64_t now_ms) noexcept {
    clock_start(segment.delivery(group, sequence), held, now_ms);
}
inline void clock_restamp(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                          std::uint64_t now_ms) noexcept {
    clock_restamp(segment.delivery(group, sequence), held, now_ms);
}

}  // namespace shmq
