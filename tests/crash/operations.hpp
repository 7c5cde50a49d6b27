// The operations that are interrupted: what the process does before, unobserved, and what it does while it is watched.
#pragma once

#include <span>

#include "support/stream_test.hpp"

namespace shmq::test {

/// The process that will be interrupted. What it holds or has acked it tells the survivor, through the link if it has a
/// process of its own.
struct Actor {
    std::string path;
    std::string suffix;  // of its names, where there are two actors
    Stream stream;
    Consumer consumer;
    Consumer other;
    Batch batch;
    Batch other_batch;
    Batch behind;  // read while `batch` is held
    Producer producer;
    std::vector<Sequence> dead;  // entries it made so
    Link* link = nullptr;
    std::vector<Sequence> told;             // without a link
    std::uint64_t next_number = 1'000'000;  // of what it adds

    [[nodiscard]] std::string next_payload(std::size_t size) { return payload_of(next_number++, size); }
    [[nodiscard]] std::string named(const char* name) const { return std::string(name) + suffix; }
    /// Tells that this entry may be, or is, acked by the actor.
    void tell(Sequence sequence) {
        if (link != nullptr)
            link->send(sequence);
        else
            told.push_back(sequence);
    }
};

/// What an operation may do to the group besides delivering and acking.
enum class Effect : std::uint8_t { none, drops, moves };

struct Operation {
    const char* name;
    Effect effect;
    bool may_ack;  // what the actor holds may be acked afterwards
    bool opens;    // opening the stream is itself the operation
    void (*prepare)(Actor&);
    void (*act)(Actor&);
    Order order = Order::none;    // of the group
    bool survivor_holds = false;  // the first entries of the group
};

[[nodiscard]] std::span<const Operation> operations();

/// How the ring stands when the actor comes.
enum class Ring : std::uint8_t { empty, middle, wrap, full };
inline constexpr Ring rings[] = {Ring::empty, Ring::middle, Ring::wrap, Ring::full};
/// How it may stand for this operation: one that parks fills it first, so that little is left of what it was.
[[nodiscard]] inline std::span<const Ring> rings_for(const Operation& operation) {
    constexpr static Ring before_parking[] = {Ring::middle, Ring::full};
    const bool parks = std::string_view(operation.name).find("park") != std::string_view::npos;
    return parks ? std::span<const Ring>(before_parking) : std::span<const Ring>(rings);
}

}  // namespace shmq::test
