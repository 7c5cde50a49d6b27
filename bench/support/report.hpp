// Running a program's measurements and showing what came out: Google Benchmark's console while they run, then one
// readable table, and the same figures in bench.json, where each program replaces its own measurements and leaves the
// others'.
//
// A measurement is taken in rounds (Google Benchmark's repetitions). In each round the peers it compares run one right
// after the other, in changing order, so that other load on the machine meets both; a ratio is formed within a round,
// and the figure is the median of the rounds' ratios. A round that others disturbed is taken again (support/quiet.hpp).
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <span>
#include <string>

#include "support/results.hpp"

namespace bench {

/// One round of a measurement: what it found goes into counters named with their unit ("shmq M/s"); the reported time
/// is set by `took`. `round` counts from 0 on.
class Taking {
public:
    Taking(benchmark::State& state, std::uint64_t round) : state_(state), round_(round) {}
    [[nodiscard]] std::uint64_t round() const { return round_; }
    /// A figure of this round; `name` ends in its unit.
    void figure(const std::string& name, double value) { state_.counters[name] = value; }
    /// What Google Benchmark shows as time, in nanoseconds.
    void took(double ns) { state_.SetIterationTime(ns * 1e-9); }
    /// Runs 0 to `count` - 1, beginning at another one in each round.
    void in_turns(std::size_t count, const std::function<void(std::size_t)>& run) const;
    /// Runs both peers, in changing order from round to round.
    void in_turns(const std::function<void()>& one, const std::function<void()>& other) const;

private:
    benchmark::State& state_;
    std::uint64_t round_;
};

/// A number as the beginning of a figure's name, with blanks before it so that names sort as their numbers do.
std::string sortable(std::uint64_t number);

/// Registers a measurement. An exception of `take` ends it, and is shown as Google Benchmark's error.
void measure(const std::string& name, const std::function<void(Taking&)>& take);

/// The whole of a benchmark's main: takes the flags, has `add_measurements` register, runs, prints the table, writes
/// bench.json, and with --check says which bars are met. Returns main's status.
int run_measurements(int argument_count, char** arguments, const std::function<void()>& add_measurements,
                     std::span<const Bar> bars = {});

}  // namespace bench
