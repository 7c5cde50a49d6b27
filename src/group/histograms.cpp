// Clearing and summing histograms; counting is inline.
#include "group/histograms.hpp"

#include <cmath>

#include "group/group_options.hpp"

namespace shmq {

namespace {

std::uint64_t add_up_to_most(std::uint64_t a, std::uint64_t b) noexcept {
    return a + b < a ? ~std::uint64_t{0} : a + b;
}

Duration duration_of(std::uint64_t ns) noexcept { return Duration(static_cast<Duration::rep>(ns)); }

template <class CountersOf>
Histogram sum_of(const Segment& segment, std::uint32_t group, CountersOf counters_of) {
    Histogram sum;
    for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket) {
        std::uint64_t count = 0;
        for (std::uint32_t consumer = 0; consumer < segment.geometry().consumers; ++consumer)
            // relaxed: each counter by itself, true at some moment of the call.
            count = add_up_to_most(count,
                                   counters_of(segment.histograms(group, consumer))[bucket].load(memory_order_relaxed));
        if (count == 0) continue;
        const bool is_last = bucket + 1 == histogram_buckets;
        sum.buckets.push_back(
            {duration_of(lowest_of(bucket)), is_last ? forever : duration_of(lowest_of(bucket + 1) - 1), count});
        sum.count = add_up_to_most(sum.count, count);
    }
    return sum;
}

}  // namespace

bool keeps_histograms(const Segment& segment, std::uint32_t group) noexcept {
    return segment.geometry().histograms && (options_word(segment.group(group)) & option_histograms) != 0;
}

HistogramRow* histograms_of(const Segment& segment, std::uint32_t group, std::uint32_t consumer) noexcept {
    return keeps_histograms(segment, group) ? &segment.histograms(group, consumer) : nullptr;
}

void clear_histograms(const Segment& segment, std::uint32_t group) noexcept {
    if (!keeps_histograms(segment, group)) return;
    // relaxed: the exchange on the directory makes it visible (DIRECTORY). Looked at first, because most are 0, and
    // their pages are best left as they are.
    const auto clear = [](Word& counter) {
        if (counter.load(memory_order_relaxed) != 0) counter.store(0, memory_order_relaxed);
    };
    for (std::uint32_t consumer = 0; consumer < segment.geometry().consumers; ++consumer) {
        HistogramRow& row = segment.histograms(group, consumer);
        for (Word& counter : row.added_to_delivered) clear(counter);
        for (Word& counter : row.delivered_to_acked) clear(counter);
    }
}

GroupLatency latency_of(const Segment& segment, std::uint32_t group) {
    GroupLatency latency;
    latency.kept = keeps_histograms(segment, group);
    if (!latency.kept) return latency;
    latency.added_to_delivered = sum_of(
        segment, group, [](HistogramRow & row) -> auto& { return row.added_to_delivered; });
    latency.delivered_to_acked = sum_of(
        segment, group, [](HistogramRow & row) -> auto& { return row.delivered_to_acked; });
    return latency;
}

Duration Histogram::percentile(double percent) const noexcept {
    if (buckets.empty()) return Duration{0};
    const double share = std::isnan(percent) ? 1.0 : std::clamp(percent, 0.0, 100.0) / 100.0;
    const double wanted = share * static_cast<double>(count);
    double reached = 0;
    for (const LatencyBucket& bucket : buckets) {
        reached += static_cast<double>(bucket.count);
        if (reached < wanted && &bucket != &buckets.back()) continue;
        if (bucket.highest == forever) return bucket.lowest;
        return bucket.lowest + (bucket.highest - bucket.lowest + Duration{1}) / 2;
    }
    return buckets.back().lowest;
}

}  // namespace shmq
