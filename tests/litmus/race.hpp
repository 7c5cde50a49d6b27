// Two threads that do one thing each at the same moment, round after round, on this machine's processors: what they
// really do, where the search of memory_model.hpp says what they may. A round begins for both within some nanoseconds,
// each a random while after.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdio>
#include <random>
#include <thread>

#include "base/atomic.hpp"
#include "base/bits.hpp"
#include "support/proof.hpp"

namespace shmq::test {

/// Where the two wait for each other. A wait: ends when the other comes.
class Meeting {
public:
    void meet() {
        const std::uint32_t mine = arrived_.fetch_add(1, memory_order_seq_cst) + 1;
        const std::uint32_t both = mine + (mine & 1);
        for (unsigned look = 0; arrived_.load(memory_order_acquire) < both; ++look)
            look % 2048 == 2047 ? static_cast<void>(::sched_yield()) : pause();
    }

private:
    alignas(cache_line) Atomic<std::uint32_t> arrived_{0};
};

/// So many rounds of `before`, then `one` and `other` at once, then `after`. Before and after run alone, in the thread
/// that calls.
template <class Before, class One, class Other, class After>
void race(const char* name, const char* forbidden, std::uint32_t rounds, Before before, One one, Other other,
          After after) {
    if (whole_proof()) rounds *= 20;
    constexpr std::uint64_t seed = 20'011;
    Meeting begin, end;
    const auto wait_a_while = [](std::mt19937_64& random) {
        for (auto turns = random() % 16; turns > 0; --turns) pause();
    };
    std::thread second([&] {
        std::mt19937_64 random(seed + 1);
        for (std::uint32_t round = 0; round < rounds; ++round) {
            begin.meet();
            wait_a_while(random);
            other();
            end.meet();
        }
    });
    std::mt19937_64 random(seed);
    for (std::uint32_t round = 0; round < rounds; ++round) {
        before();
        begin.meet();
        wait_a_while(random);
        one();
        end.meet();
        after();
    }
    second.join();
    std::printf("%-9s never: %s; %u rounds\n", name, forbidden, rounds);
}

}  // namespace shmq::test
