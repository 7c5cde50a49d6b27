// Histograms of delays: from an entry's time stamp to its first delivery, and from a delivery to its ack.
//
// Each consumer row has one HistogramRow, written by the row's present owner alone, so that a counter is moved on by a
// load and a store. Whoever takes the row next adds to what it holds; a group's histogram is the sum over its rows,
// living or dead, and begins anew when a group row is prepared. A former owner cannot write late: only a close or its
// proven death takes a consumer row from it, and a group row is not prepared while it is inside (VISIT). A death loses
// the counts of the one read or ack that was under way.
//
// Buckets are log-linear, as in HdrHistogram (Gil Tene, hdrhistogram.org) and DTrace's llquantize: each power of two is
// cut into eight equal parts. Values in nanoseconds, in units of 512:
//
//   bucket 0 to 7     512 ns each, up to 4,096 ns
//   bucket 8 to 255   an eighth of 2^k units, k = 3 to 33: the middle is at most 1/16 away from any value in it
//   bucket 255        ends at 2^43 - 1 ns (2 h 26 min), and holds all that is longer too
#pragma once

#include <algorithm>
#include <bit>

#include "layout/segment.hpp"
#include "shmq/latency.hpp"

namespace shmq {

inline constexpr unsigned histogram_unit_bits = 9;  // 512 ns
inline constexpr unsigned histogram_part_bits = 3;  // eight parts of a power of two
inline constexpr std::uint64_t histogram_parts = 1u << histogram_part_bits;

/// The bucket of a delay.
[[nodiscard]] constexpr std::size_t bucket_of(std::uint64_t ns) noexcept {
    const std::uint64_t units = ns >> histogram_unit_bits;
    if (units < histogram_parts) return static_cast<std::size_t>(units);
    const auto shift = static_cast<unsigned>(std::bit_width(units)) - 1 - histogram_part_bits;
    const std::uint64_t bucket = (shift + 1) * histogram_parts + ((units >> shift) & (histogram_parts - 1));
    return static_cast<std::size_t>(std::min<std::uint64_t>(bucket, histogram_buckets - 1));
}

/// The shortest delay in a bucket, ns; of `histogram_buckets`, what is longer than all but the last can tell.
[[nodiscard]] constexpr std::uint64_t lowest_of(std::size_t bucket) noexcept {
    if (bucket < histogram_parts) return std::uint64_t{bucket} << histogram_unit_bits;
    const auto shift = static_cast<unsigned>(bucket / histogram_parts) - 1;
    return (histogram_parts + bucket % histogram_parts) << (shift + histogram_unit_bits);
}

/// Counts `count` delays. For the owner of the row.
inline void count_delay(Word (&counters)[histogram_buckets], std::uint64_t ns, std::uint64_t count) noexcept {
    Word& counter = counters[bucket_of(ns)];
    // relaxed: one writer, and whoever sums the counters wants each of them alone.
    counter.store(counter.load(memory_order_relaxed) + count, memory_order_relaxed);
}

/// Whether a group keeps histograms: it was made so, and the stream has room for them.
[[nodiscard]] bool keeps_histograms(const Segment& segment, std::uint32_t group) noexcept;

/// The row a consumer counts in; null if its group keeps none.
[[nodiscard]] HistogramRow* histograms_of(const Segment& segment, std::uint32_t group, std::uint32_t consumer) noexcept;

/// Zeroes what a former group left in the rows of a group row that is being prepared.
void clear_histograms(const Segment& segment, std::uint32_t group) noexcept;

/// Sums of all rows of a group. Counters that damage made huge add up to 2^64 - 1 at most.
[[nodiscard]] GroupLatency latency_of(const Segment& segment, std::uint32_t group);

}  // namespace shmq
