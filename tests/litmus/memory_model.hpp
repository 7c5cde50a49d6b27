// Every execution that the memory model of C++20 allows to a few threads of a few steps each: a search without chance.
//
// A program is a list of steps for each thread: loads, stores, exchanges and fences with their orders, on places that
// start with given values. What a step read goes into a register, and a step may be made only where a register has a
// value. Bytes that are not atomic are written and read relaxed here: where they are torn or racing, that is what the
// synchronisation under test has to find out.
//
// The axioms are those of "Repairing Sequential Consistency in C/C++11" (Lahav, Vafeiadis, Kang, Hur, Dreyer, 2017),
// which C++20 took over: coherence, atomicity, and one order of all seq_cst accesses and fences. As there, no value
// comes from nowhere: an execution in which two threads each read what the other will write is not looked at.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/atomic.hpp"

namespace shmq::test {

using Value = std::uint32_t;
inline constexpr Value unset = ~Value{0};  // of a register: its step was not made

struct Step {
    enum class Kind : std::uint8_t { load, store, exchange, set_bits, fence };
    Kind kind = Kind::fence;
    unsigned place = 0;
    Value value = 0;     // stored, or the bits to be set
    Value expected = 0;  // of an exchange
    std::memory_order order = memory_order_relaxed;
    std::memory_order failure = memory_order_relaxed;  // of an exchange
    int into = -1;                                     // the register that gets the value that was there
    int if_register = -1;                              // made only if this register ...
    Value if_value = 0;                                // ... has this value
    [[nodiscard]] Step when(int reg, Value is) const {
        Step step = *this;
        step.if_register = reg;
        step.if_value = is;
        return step;
    }
};
inline Step load(unsigned place, std::memory_order order, int into) {
    return {Step::Kind::load, place, 0, 0, order, order, into, -1, 0};
}
inline Step store(unsigned place, Value value, std::memory_order order) {
    return {Step::Kind::store, place, value, 0, order, order, -1, -1, 0};
}
/// A compare-and-swap; it was done if `into` has `expected` afterwards.
inline Step exchange(unsigned place, Value expected, Value value, std::memory_order order,
                     std::memory_order failure = memory_order_relaxed, int into = -1) {
    return {Step::Kind::exchange, place, value, expected, order, failure, into, -1, 0};
}
inline Step set_bits(unsigned place, Value bits, std::memory_order order, int into = -1) {
    return {Step::Kind::set_bits, place, bits, 0, order, order, into, -1, 0};
}
inline Step barrier(std::memory_order order) { return {Step::Kind::fence, 0, 0, 0, order, order, -1, -1, 0}; }

/// How an execution ended.
struct Outcome {
    std::vector<Value> registers;
    std::vector<Value> places;
    bool operator<(const Outcome& other) const {
        return registers != other.registers ? registers < other.registers : places < other.places;
    }
};

struct Program {
    std::vector<Value> initial;  // of each place
    unsigned registers = 0;
    std::vector<std::vector<Step>> threads;
};

struct Executions {
    std::uint64_t count = 0;  // executions that differ in what is read from where, or in the order of stores
    std::set<Outcome> outcomes;
    [[nodiscard]] bool any(const std::function<bool(const Outcome&)>& is) const;
};

/// All of them. At most 30 steps and places together.
Executions executions_of(const Program& program);

}  // namespace shmq::test
