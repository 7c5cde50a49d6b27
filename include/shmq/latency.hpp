// How long the entries of a group waited, as Stream::latency gives it.
#pragma once

#include <cstdint>
#include <vector>

#include "shmq/options.hpp"

namespace shmq {

/// How many delays of about one length there were.
struct LatencyBucket {
    Duration lowest{0};
    Duration highest{0};  ///< included; `forever` for the last bucket there is
    std::uint64_t count = 0;
};

/// Delays in log-linear buckets: eight for each doubling, so that the middle of a bucket is at most a sixteenth away
/// from what was counted in it. Below 4,096 ns the buckets are 512 ns wide; from 2^43 ns (2 h 26 min) on there is one.
struct Histogram {
    std::vector<LatencyBucket> buckets;  ///< those that hold something, ascending
    std::uint64_t count = 0;             ///< of all buckets

    /// The delay that `percent` (0 to 100) of all do not exceed, as the middle of its bucket (the beginning of the
    /// last one there is). 0 if nothing was counted.
    [[nodiscard]] Duration percentile(double percent) const noexcept;
    /// No delay was longer: the end of the highest bucket in use. 0 if nothing was counted.
    [[nodiscard]] Duration most() const noexcept { return buckets.empty() ? Duration{0} : buckets.back().highest; }
};

/// The delays of a group since it was made or moved: what all its consumers counted, those that ended or died too.
struct GroupLatency {
    bool kept = false;  ///< the group was made with histograms, in a stream with room for them
    /// From an entry's time stamp to its first delivery; a later one is not counted. Nothing in a stream without time
    /// stamps. A clock that was set in between is counted as it is; what seems to lie in the future counts as 0.
    Histogram added_to_delivered;
    /// From a delivery to its ack by the consumer that was given it; an operator's ack is not counted.
    Histogram delivered_to_acked;
};

}  // namespace shmq
