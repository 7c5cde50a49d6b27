// Relations over the events of an execution, as rows of bits, and the axioms that make one consistent; the terms are
// those of the paper that memory_model.hpp names.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/atomic.hpp"

namespace shmq::test {

inline constexpr unsigned most_events = 32;
using EventSet = std::uint32_t;
[[nodiscard]] constexpr EventSet only(unsigned event) { return EventSet{1} << event; }

/// Row i has the events that i stands before.
struct Relation {
    std::array<EventSet, most_events> rows{};
    [[nodiscard]] bool has(unsigned a, unsigned b) const { return (rows[a] >> b & 1) != 0; }
    void add(unsigned a, unsigned b) { rows[a] |= only(b); }
    Relation& operator|=(const Relation& other) {
        for (unsigned i = 0; i < most_events; ++i) rows[i] |= other.rows[i];
        return *this;
    }
    [[nodiscard]] EventSet image(EventSet from) const;
    [[nodiscard]] bool is_acyclic() const;
};
[[nodiscard]] Relation operator|(Relation a, const Relation& b);
/// a, then b.
[[nodiscard]] Relation then(const Relation& a, const Relation& b);
[[nodiscard]] Relation closure(Relation relation);

/// One access or fence that was made, or the initial value of a place (thread -1).
struct Event {
    int thread = -1;
    unsigned step = 0;  // in its thread
    bool reads = false, writes = false, is_fence = false;
    unsigned place = 0;
    std::memory_order order = memory_order_relaxed;
    std::uint32_t value_written = 0;
    unsigned reads_from = 0;
};

/// A part of an execution: what was made so far, and for each place its writes in their order.
struct Execution {
    std::vector<Event> events;
    std::vector<std::vector<unsigned>> writes;  // of each place, in modification order
};

/// Whether the memory model allows it. What is not allowed stays so, whatever is made after it.
[[nodiscard]] bool is_consistent(const Execution& execution);

}  // namespace shmq::test
