// What the hardware gives to the idea behind shmq: the bare hot path, with nothing around it. A peer to be measured in
// turns with shmq, so that the ratio of the two says what the rest of shmq costs on the machine at hand.
//
// It does the same work for an entry: the producer fills header and payload where only it writes and publishes by one
// compare-and-swap on a slot; the consumer is given an entry by one compare-and-swap on its record and acks it by
// another. There is one group with one consumer. There are no attachments, no recovery, no sleepers, no bounds checks
// of what others wrote, no trim point; the payload is one ring that is large enough never to be reused before its slots
// are.
//
//   ring        tail | floor | cursor (a cache line each) | slots | records | payload
//   slot word   [ lap + 1 : 34 | place in units of 32 bytes : 30 ]
//   record      [ sequence : 48 | 14 bits unused | state : 2 ]
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "support/processes.hpp"

namespace bench {

struct BareRing {
    static constexpr std::uint64_t slots = 65'536;            // as many as shmq's default
    static constexpr std::uint64_t payload_size = 32u << 20;  // bytes, likewise
    static constexpr std::uint64_t unit = 32;                 // bytes
    static constexpr unsigned place_bits = 30;
    static constexpr std::uint64_t largest = payload_size / slots - 32;  // bytes of an entry's payload

    alignas(64) std::atomic<std::uint64_t> tail;    // hint: the next sequence
    alignas(64) std::atomic<std::uint64_t> floor;   // all below are acked
    alignas(64) std::atomic<std::uint64_t> cursor;  // the next to be delivered
    alignas(64) std::atomic<std::uint64_t> slot[slots];
    alignas(64) std::atomic<std::uint64_t> record[slots];
    alignas(64) std::byte payload[payload_size];

    static std::uint64_t lap_word(std::uint64_t sequence) { return (sequence / slots + 1) << place_bits; }
};

struct BareHeader {
    std::uint32_t size;
    std::uint32_t kind;
    std::uint64_t producer;
    std::uint64_t number;
    std::uint64_t time_ns;
};
static_assert(sizeof(BareHeader) == 32);

class BareProducer {
public:
    explicit BareProducer(BareRing& ring) : ring_(ring) {}
    /// Adds an entry of at most `largest` bytes; false if there is no slot for it.
    bool add(std::span<const std::byte> payload);

private:
    BareRing& ring_;
    std::uint64_t offset_ = 0;  // bytes into the payload ring
    std::uint64_t floor_ = 0;   // as last seen
    std::uint64_t number_ = 0;
};

class BareConsumer {
public:
    static constexpr std::size_t most = 256;

    explicit BareConsumer(BareRing& ring) : ring_(ring) {}
    /// Takes up to `limit` entries (at most `most`), calls `use` with the payload of each, acks them. Returns how many.
    template <class Use>
    std::size_t read_and_ack(std::size_t limit, Use use);

private:
    static constexpr std::uint64_t delivered = 1;
    static constexpr std::uint64_t acked = 2;

    std::size_t take(std::size_t limit, std::uint64_t first);
    void finish(std::uint64_t sequence);

    BareRing& ring_;
    const std::byte* taken_[most] = {};
};

template <class Use>
std::size_t BareConsumer::read_and_ack(std::size_t limit, Use use) {
    const std::uint64_t first = ring_.cursor.load(std::memory_order_relaxed);
    const std::size_t count = take(limit, first);
    for (std::size_t i = 0; i < count; ++i) {
        BareHeader header;
        std::memcpy(&header, taken_[i], sizeof header);
        use(std::span<const std::byte>(taken_[i] + sizeof header, header.size));
    }
    for (std::size_t i = 0; i < count; ++i) finish(first + i);
    if (count != 0) ring_.floor.store(first + count, std::memory_order_release);
    return count;
}

/// A ring in bytes that processes forked later share.
class SharedBareRing {
public:
    SharedBareRing() : bytes_(sizeof(BareRing)), ring_(new (bytes_.data()) BareRing) {}
    BareRing& operator*() const { return *ring_; }

private:
    SharedBytes bytes_;
    BareRing* ring_;
};

}  // namespace bench
