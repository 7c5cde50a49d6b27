// Every change is a compare-and-swap on one entry's delivery word, so that it is counted once.
#include "group/delivery_clock.hpp"

#include <algorithm>
#include <utility>

namespace shmq {

namespace {

/// Replaces the word as long as `next` wants to, which answers nullopt when there is nothing left to do. Bounded: each
/// failed exchange means that somebody else changed the word of this one entry.
template <class Next>
void change(Word& word, Next next) noexcept {
    std::uint64_t seen = word.load(memory_order_acquire);
    for (;;) {
        const std::optional<DeliveryWord> wanted = next(unpack_delivery(seen));
        if (!wanted || word.compare_exchange(seen, pack_delivery(*wanted), memory_order_acq_rel, memory_order_acquire))
            return;
    }
}

std::uint32_t low_tag(const PendingWord& held) noexcept {
    return static_cast<std::uint32_t>(held.tag & low_mask(delivery_tag_bits));
}
std::uint32_t low_handover(const PendingWord& held) noexcept {
    return held.handover & static_cast<std::uint32_t>(low_mask(delivery_handover_bits));
}
/// What is known of an entry whose word speaks of another delivery: every earlier hand-over may have been a failure.
DeliveryWord unknown(const PendingWord& held) noexcept {
    return {0, low_tag(held), low_handover(held), false, std::min(held.handover - 1, highest_count), 0};
}

}  // namespace

void clock_end(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held, Ending ending,
               std::uint64_t now_ms) noexcept {
    change(segment.delivery(group, sequence), [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        if (!delivery_matches(d, held)) d = unknown(held);
        if (d.counted) return std::nullopt;
        d.counted = true;
        d.time_ms = now_ms & low_mask(time_bits);
        if (ending == Ending::failed) d.failures = std::min(d.failures + 1, highest_count);
        if (ending == Ending::died) d.deaths = std::min(d.deaths + 1, highest_count);
        return d;
    });
}

std::uint32_t clock_again(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                          std::uint64_t now_ms) noexcept {
    PendingWord before = held;
    --before.handover;
    std::uint32_t deliveries = 0;
    change(segment.delivery(group, sequence), [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        if (delivery_matches(d, held)) {  // somebody claimed it from us meanwhile and wrote this already
            deliveries = d.failures + d.deaths + 1;
            return std::nullopt;
        }
        if (!delivery_matches(d, before)) d = unknown(held);
        deliveries = d.failures + d.deaths + 1;
        return DeliveryWord{
            now_ms & low_mask(time_bits), low_tag(held), low_handover(held), false, d.failures, d.deaths};
    });
    return deliveries;
}

DeliveryFacts clock_read(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                         std::uint64_t now_ms) noexcept {
    const DeliveryWord d = unpack_delivery(segment.delivery(group, sequence).load(memory_order_acquire));
    if (!delivery_matches(d, held)) return {std::nullopt, held.handover};
    // A clock that reads slightly behind the stamp of another processor is no idle time, not an age of 8 years.
    const std::uint64_t idle = (now_ms - d.time_ms) & low_mask(time_bits);
    const std::uint32_t running = held.state == PendingState::delivered ? 1 : 0;
    return {idle > low_mask(time_bits - 1) ? 0 : idle, d.failures + d.deaths + running};
}

void clock_start(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                 std::uint64_t now_ms) noexcept {
    change(segment.delivery(group, sequence), [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        if (delivery_matches(d, held)) return std::nullopt;
        d = unknown(held);
        d.time_ms = now_ms & low_mask(time_bits);
        return d;
    });
}

void clock_restamp(const Segment& segment, std::uint32_t group, Sequence sequence, const PendingWord& held,
                   std::uint64_t now_ms) noexcept {
    bool done = false;
    change(segment.delivery(group, sequence), [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        if (std::exchange(done, true)) return std::nullopt;  // somebody else set it meanwhile, to a time of this boot
        if (!delivery_matches(d, held)) d = unknown(held);
        d.time_ms = now_ms & low_mask(time_bits);
        return d;
    });
}

}  // namespace shmq
