// What a peer is asked to carry, and how a peer looks.
//
// A peer is a class with these members; the loops of works.hpp call them directly, so that a bare queue is not charged
// for a call through a table:
//
//     static constexpr const char* name
//     static constexpr bool looks        there if it never waits, so that the pause between two looks matters
//     static std::string missing()       why it can't be measured here; empty if it can
//     explicit Peer(const Shape&)        in the parent, before its processes are forked: makes what they share
//     class Sender { Sender(Peer&, unsigned who); bool send(std::uint64_t number); void flush(); }
//         opened in its process; false means no room now; flush sends what was held back
//     class Receiver { explicit Receiver(Peer&); std::size_t receive(Sink); }
//         calls sink(std::span<const std::byte>) for each message; 0 means that nothing was there
//
// A peer of the kernel waits in send and receive instead, unless the shape polls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/processes.hpp"

namespace bench {

struct Shape {
    std::size_t size = 64;  // bytes of a message, a multiple of 8
    unsigned producers = 1;
    std::size_t batch = 64;      // messages that one call may take or send together, where a peer can
    std::uint64_t pauses = 300;  // before who found nothing, or no room, looks again
    bool polls = false;          // peers of the kernel are asked not to wait
    bool answers = false;        // what is received is finished once it was answered
    bool crowded = false;        // more processes than processors: who found nothing lets others run

    void idle() const {
        pause_times(pauses);
        if (crowded) yield();
    }
    static void yield();
};

template <class Peer>
concept Looks = requires(Peer) {
    Peer::looks;
};

/// Every word of a message is its number.
inline void fill(std::uint64_t number, std::span<std::byte> to) {
    for (std::size_t at = 0; at + 8 <= to.size(); at += 8) std::memcpy(to.data() + at, &number, 8);
}

/// Numbers of producer `who`: who << 40, and up.
constexpr std::uint64_t number_of(unsigned who, std::uint64_t count) { return std::uint64_t{who} << 40 | count; }

/// What a receiver does with each message: sums its words, and compares its number with the one its producer must send
/// next. Throws if a message is lost, doubled, torn or out of order.
class Checker {
public:
    explicit Checker(std::size_t size, unsigned producers = 1) : size_(size), next_(producers, 0) {}
    void operator()(std::span<const std::byte> message) {
        const std::uint64_t number = check_alone(message, size_);
        const std::uint64_t who = number >> 40;
        if (who >= next_.size() || (number & low) != next_[who]++)
            throw std::runtime_error("another message came than was sent");
    }
    /// Its number; whether others came before it is not asked. Throws if it is torn.
    static std::uint64_t check_alone(std::span<const std::byte> message, std::size_t size) {
        if (message.size() != size) throw std::runtime_error("a message has another size than was sent");
        std::uint64_t number;
        std::memcpy(&number, message.data(), 8);
        std::uint64_t sum = 0;
        for (std::size_t at = 0; at < message.size(); at += 8) {
            std::uint64_t word;
            std::memcpy(&word, message.data() + at, 8);
            sum += word;
        }
        if (sum != number * (size / 8)) throw std::runtime_error("a message came torn");
        return number;
    }

private:
    static constexpr std::uint64_t low = (std::uint64_t{1} << 40) - 1;
    std::size_t size_;
    std::vector<std::uint64_t> next_;
};

}  // namespace bench
