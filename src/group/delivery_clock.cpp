// Every change is a compare-and-swap on one entry's delivery word, so that it is counted once.
#include "group/delivery_clock.hpp"

#include <algorithm>
#include <utility>

#include "group/group_options.hpp"

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
/// The delivery that follows this one.
PendingWord next_of(PendingWord held) noexcept {
    ++held.handover;
    return held;
}
/// What is known of an entry whose word speaks of another delivery: every earlier hand-over may have been a failure.
DeliveryWord unknown(const PendingWord& held) noexcept {
    return {0, low_tag(held), low_handover(held), false, std::min(held.handover - 1, highest_count), 0};
}

/// What is known of the delivery `held` from a word that may still speak of the one before, whose consumer died before
/// it wrote its own.
DeliveryWord known(const DeliveryWord& d, const PendingWord& held) noexcept {
    if (delivery_matches(d, held)) return d;
    PendingWord before = held;
    --before.handover;
    if (held.handover < 2 || !delivery_matches(d, before)) return unknown(held);
    return {d.time_ms, low_tag(held), low_handover(held), false, d.failures, d.deaths};
}
/// The time of a dead entry: four milliseconds count as one, which leaves room for how its last delivery ended.
constexpr std::uint64_t ending_bits = 3;
std::uint64_t dead_time(std::uint64_t now_ms, Ending ending) noexcept {
    return (now_ms & low_mask(time_bits) & ~ending_bits) | static_cast<std::uint64_t>(ending);
}

/// Whether `time` comes after `other`; both go round.
bool is_later(std::uint64_t time, std::uint64_t other) noexcept {
    const std::uint64_t ahead = (time - other) & low_mask(time_bits);
    return ahead != 0 && ahead <= low_mask(time_bits - 1);
}

}  // namespace

std::uint32_t DelayRule::after(std::uint32_t failures) const noexcept {
    const std::uint64_t doublings = failures == 0 ? 0 : std::min<std::uint32_t>(failures - 1, 31);
    const std::uint64_t longest = std::min<std::uint64_t>(most_ms, low_mask(31));
    return static_cast<std::uint32_t>(std::min(std::uint64_t{first_ms} << doublings, longest));
}

DeliveryWord clock_end(Word& word, std::uint32_t delivery_limit, const PendingWord& held, Ending ending,
                       std::uint64_t now_ms, const DelayRule& delay) noexcept {
    const PendingWord after = next_of(held);
    DeliveryWord ended{};
    change(word, [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        ended = {};
        if (delivery_matches(d, after)) return std::nullopt;  // handed on meanwhile: this end came too late
        ended = known(d, held);
        const bool counts = !ended.counted;
        const bool failed = ending == Ending::failed || ending == Ending::claimed;
        if (counts && failed) ended.failures = std::min(ended.failures + 1, highest_count);
        if (counts && ending == Ending::died) ended.deaths = std::min(ended.deaths + 1, highest_count);
        const std::uint32_t wait = ending == Ending::released ? 0 : delay.after(ended.failures + ended.deaths);
        const std::uint64_t time = (now_ms + wait) & low_mask(time_bits);
        const bool waits_longer = ending == Ending::failed && wait != 0 && is_later(time, ended.time_ms);
        const bool dead = held.handover >= last_handover || is_at_limit(delivery_limit, ended);
        if (!counts && (dead || !waits_longer)) return std::nullopt;
        ended.counted = true;
        ended.time_ms = dead ? dead_time(now_ms, ending) : time;
        return ended;
    });
    return ended;
}

std::uint32_t clock_again(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept {
    PendingWord before = held;
    --before.handover;
    std::uint32_t deliveries = 0;
    change(word, [&](DeliveryWord d) -> std::optional<DeliveryWord> {
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

DeliveryFacts clock_read(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept {
    const DeliveryWord d = unpack_delivery(word.load(memory_order_acquire));
    if (!delivery_matches(d, held)) {
        const DeliveryWord guess = unknown(held);
        return {std::nullopt, held.handover, guess.failures, guess.deaths, Ending::released};
    }
    const bool dead = held.state == PendingState::dead;
    const std::uint64_t since = dead ? d.time_ms & ~ending_bits : d.time_ms;
    // A clock that reads slightly behind the stamp of another processor is no idle time, not an age of 8 years.
    const std::uint64_t idle = (now_ms - since) & low_mask(time_bits);
    const std::uint32_t running = held.state == PendingState::delivered ? 1 : 0;
    return {idle > low_mask(time_bits - 1) ? 0 : idle, d.failures + d.deaths + running, d.failures, d.deaths,
            dead ? static_cast<Ending>(d.time_ms & ending_bits) : Ending::released};
}

std::uint64_t clock_rest(Word& word, const PendingWord& delayed, std::uint64_t now_ms) noexcept {
    const DeliveryWord d = unpack_delivery(word.load(memory_order_acquire));
    const std::uint64_t rest = (d.time_ms - now_ms) & low_mask(time_bits);
    return delivery_matches(d, delayed) && rest <= low_mask(31) ? rest : 0;
}

void clock_extend(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept {
    const PendingWord after = next_of(held);
    change(word, [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        if (delivery_matches(d, after)) return std::nullopt;  // it is somebody else's by now
        const bool runs = delivery_matches(d, held);
        d = known(d, held);
        if (runs && !is_later(now_ms & low_mask(time_bits), d.time_ms)) return std::nullopt;
        d.time_ms = now_ms & low_mask(time_bits);
        return d;
    });
}

void clock_forget(Word& word, const PendingWord& dead, std::uint64_t now_ms) noexcept {
    const PendingWord after = next_of(dead);
    change(word, [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        if (delivery_matches(d, after)) return std::nullopt;  // delivered again by now
        return DeliveryWord{dead_time(now_ms, Ending::released), low_tag(dead), low_handover(dead), true, 0, 0};
    });
}

void clock_start(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept {
    change(word, [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        if (delivery_matches(d, held)) return std::nullopt;
        d = unknown(held);
        d.time_ms = now_ms & low_mask(time_bits);
        return d;
    });
}

void clock_restamp(Word& word, const PendingWord& held, std::uint64_t now_ms) noexcept {
    const PendingWord after = next_of(held);
    bool done = false;
    change(word, [&](DeliveryWord d) -> std::optional<DeliveryWord> {
        // Somebody else set it meanwhile, or handed the entry on: to a time of this boot.
        if (std::exchange(done, true) || delivery_matches(d, after)) return std::nullopt;
        if (!delivery_matches(d, held)) d = unknown(held);
        d.time_ms = held.state == PendingState::dead ? dead_time(now_ms, static_cast<Ending>(d.time_ms & ending_bits))
                                                     : now_ms & low_mask(time_bits);
        return d;
    });
}

}  // namespace shmq
