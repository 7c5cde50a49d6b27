// The three compare-and-swaps of an entry's life.
#include "support/bare_ring.hpp"

#include <stdexcept>

namespace bench {

namespace {

constexpr std::uint64_t entries_ahead = 4;  // how far ahead the producer fetches its own lines for writing

}  // namespace

bool BareProducer::add(std::span<const std::byte> payload) {
    const std::uint64_t room =
        (sizeof(BareHeader) + payload.size() + BareRing::unit - 1) / BareRing::unit * BareRing::unit;
    if (offset_ + room > BareRing::payload_size) offset_ = 0;
    // The hint may be behind; it is never ahead.
    std::uint64_t sequence = ring_.tail.load(std::memory_order_relaxed);
    if (sequence - floor_ >= BareRing::slots) {
        floor_ = ring_.floor.load(std::memory_order_acquire);
        if (sequence - floor_ >= BareRing::slots) return false;
    }
    std::byte* to = ring_.payload + offset_;
    for (std::uint64_t byte = 0; byte < room; byte += 64) __builtin_prefetch(to + entries_ahead * room + byte, 1, 3);
    const BareHeader header{static_cast<std::uint32_t>(payload.size()), 1, 1, ++number_, 0};
    std::memcpy(to, &header, sizeof header);
    std::memcpy(to + sizeof header, payload.data(), payload.size());
    // Each turn but the last means that another producer published there.
    for (;; ++sequence) {
        if (sequence - floor_ >= BareRing::slots) return false;
        auto& slot = ring_.slot[sequence % BareRing::slots];
        std::uint64_t before = slot.load(std::memory_order_relaxed);
        if (before >= BareRing::lap_word(sequence)) continue;
        if (slot.compare_exchange_strong(before, BareRing::lap_word(sequence) | offset_ / BareRing::unit)) break;
    }
    if (ring_.tail.load(std::memory_order_relaxed) <= sequence)
        ring_.tail.store(sequence + 1, std::memory_order_relaxed);
    offset_ += room;
    return true;
}

std::size_t BareConsumer::take(std::size_t limit, std::uint64_t first) {
    std::size_t count = 0;
    for (; count < limit; ++count) {
        const std::uint64_t sequence = first + count;
        const std::uint64_t word = ring_.slot[sequence % BareRing::slots].load(std::memory_order_acquire);
        if (word >> BareRing::place_bits != BareRing::lap_word(sequence) >> BareRing::place_bits) break;
        auto& record = ring_.record[sequence % BareRing::slots];
        std::uint64_t before = record.load(std::memory_order_relaxed);
        if (!record.compare_exchange_strong(before, sequence << 16 | delivered)) break;
        const std::uint64_t place = word & ((std::uint64_t{1} << BareRing::place_bits) - 1);
        taken_[count] = ring_.payload + place * BareRing::unit;
        __builtin_prefetch(taken_[count]);
        __builtin_prefetch(taken_[count] + 64);
    }
    if (count != 0) ring_.cursor.store(first + count, std::memory_order_relaxed);
    return count;
}

void BareConsumer::finish(std::uint64_t sequence) {
    std::uint64_t before = sequence << 16 | delivered;
    if (!ring_.record[sequence % BareRing::slots].compare_exchange_strong(before, sequence << 16 | acked))
        throw std::logic_error("a record of the bare ring changed under its only consumer");
}

}  // namespace bench
