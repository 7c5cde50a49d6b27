// Buckets of delays, and the rows they are counted in.
#include "group/histograms.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "group/grouping.hpp"

namespace shmq::test {
namespace {

/// A segment with the group "h", which keeps histograms.
struct Kept : GroupForge {
    Kept() {
        GroupOptions options;
        options.histograms = true;
        const auto made = create_group(segment(), handle.visits, "h", Position::oldest(), options);
        if (made)
            kept = *made;
        else
            ADD_FAILURE() << made.error().message();
    }
    GroupId kept;
};

constexpr std::size_t last_bucket = histogram_buckets - 1;

TEST(HistogramBuckets, each_boundary_begins_its_bucket_and_ends_the_one_before) {
    EXPECT_EQ(lowest_of(0), 0u);
    for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket) {
        EXPECT_EQ(bucket_of(lowest_of(bucket)), bucket);
        EXPECT_LT(lowest_of(bucket), lowest_of(bucket + 1));
        EXPECT_EQ(bucket_of(lowest_of(bucket + 1) - 1), bucket);
        const std::size_t next = std::min(bucket + 1, last_bucket);
        EXPECT_EQ(bucket_of(lowest_of(bucket + 1)), next);
    }
}

TEST(HistogramBuckets, cover_from_below_a_microsecond_to_hours) {
    EXPECT_EQ(lowest_of(1), 512u);
    EXPECT_EQ(lowest_of(histogram_parts), 4'096u);
    EXPECT_EQ(lowest_of(histogram_buckets), std::uint64_t{1} << 43);
    EXPECT_GT(lowest_of(histogram_buckets), 2 * 3'600 * 1'000'000'000ull);
    EXPECT_EQ(bucket_of(~std::uint64_t{0}), last_bucket);
    EXPECT_EQ(bucket_of((std::uint64_t{1} << 43) - 1), last_bucket);
}

TEST(HistogramBuckets, the_middle_is_at_most_a_sixteenth_away_from_any_value) {
    for (std::size_t bucket = histogram_parts; bucket < histogram_buckets; ++bucket) {
        const std::uint64_t lowest = lowest_of(bucket);
        const std::uint64_t half = (lowest_of(bucket + 1) - lowest) / 2;
        EXPECT_LE(half * 16, lowest) << bucket;
    }
}

TEST(HistogramBuckets, every_value_of_the_first_units_falls_into_the_bucket_that_holds_it) {
    for (std::uint64_t ns = 0; ns < 100'000; ++ns) {
        const std::size_t bucket = bucket_of(ns);
        ASSERT_LE(lowest_of(bucket), ns);
        ASSERT_LT(ns, lowest_of(bucket + 1));
    }
}

TEST(Histogram, percentiles_are_the_middle_of_the_bucket_they_fall_into) {
    Histogram histogram;
    EXPECT_EQ(histogram.percentile(50), Duration{0});
    EXPECT_EQ(histogram.most(), Duration{0});
    histogram.buckets = {
        {Duration{0}, Duration{511}, 50}, {Duration{1024}, Duration{1535}, 49}, {Duration{1 << 20}, forever, 1}};
    histogram.count = 100;
    EXPECT_EQ(histogram.percentile(0), Duration{256});
    EXPECT_EQ(histogram.percentile(50), Duration{256});
    EXPECT_EQ(histogram.percentile(50.1), Duration{1280});
    EXPECT_EQ(histogram.percentile(99), Duration{1280});
    EXPECT_EQ(histogram.percentile(100), Duration{1 << 20});
    EXPECT_EQ(histogram.percentile(1000), Duration{1 << 20});
    EXPECT_EQ(histogram.percentile(-1), Duration{256});
    EXPECT_EQ(histogram.most(), forever);
    EXPECT_EQ(histogram.percentile(std::nan("")), Duration{1 << 20});
    histogram.buckets.pop_back();
    EXPECT_EQ(histogram.percentile(100), Duration{1280}) << "also where the buckets hold less than the count says";
}

TEST(HistogramRows, of_all_consumers_are_added_up) {
    const Kept forge;
    const std::uint32_t group = forge.kept.row;
    ASSERT_TRUE(keeps_histograms(forge.segment(), group));
    for (std::uint32_t consumer = 0; consumer < forge.geometry().consumers; ++consumer)
        count_delay(histograms_of(forge.segment(), group, consumer)->added_to_delivered, 5'000, consumer + 1);
    count_delay(histograms_of(forge.segment(), group, 0)->delivered_to_acked, 1ull << 50, 2);
    const GroupLatency latency = latency_of(forge.segment(), group);
    const std::uint64_t consumers = forge.geometry().consumers;
    ASSERT_EQ(latency.added_to_delivered.buckets.size(), 1u);
    EXPECT_EQ(latency.added_to_delivered.count, consumers * (consumers + 1) / 2);
    EXPECT_LE(latency.added_to_delivered.buckets[0].lowest, Duration{5'000});
    EXPECT_GE(latency.added_to_delivered.buckets[0].highest, Duration{5'000});
    EXPECT_EQ(latency.delivered_to_acked.count, 2u);
    EXPECT_EQ(latency.delivered_to_acked.most(), forever);
}

TEST(HistogramRows, a_bucket_ends_before_the_next_begins) {
    const Kept forge;
    const std::uint32_t group = forge.kept.row;
    for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket)
        count_delay(histograms_of(forge.segment(), group, 0)->added_to_delivered, lowest_of(bucket), 1);
    const auto buckets = latency_of(forge.segment(), group).added_to_delivered.buckets;
    ASSERT_EQ(buckets.size(), histogram_buckets);
    for (std::size_t i = 1; i < buckets.size(); ++i)
        EXPECT_EQ(buckets[i - 1].highest + Duration{1}, buckets[i].lowest) << i;
}

TEST(HistogramRows, counters_of_any_value_add_up_to_the_most_at_most) {
    const Kept forge;
    const std::uint32_t group = forge.kept.row;
    for (std::uint32_t consumer = 0; consumer < forge.geometry().consumers; ++consumer)
        for (Word& counter : forge.segment().histograms(group, consumer).added_to_delivered)
            counter.store(~std::uint64_t{0}, memory_order_relaxed);
    const GroupLatency latency = latency_of(forge.segment(), group);
    EXPECT_EQ(latency.added_to_delivered.count, ~std::uint64_t{0});
    EXPECT_EQ(latency.added_to_delivered.buckets.size(), histogram_buckets);
    EXPECT_EQ(latency.delivered_to_acked.count, 0u);
    EXPECT_GT(latency.added_to_delivered.percentile(50), Duration{0});
}

TEST(HistogramRows, begin_anew_with_a_new_group_in_the_row) {
    Kept forge;
    const std::uint32_t row = forge.kept.row;
    GroupOptions options;
    options.histograms = true;
    for (std::uint32_t consumer = 0; consumer < forge.geometry().consumers; ++consumer)
        count_delay(histograms_of(forge.segment(), row, consumer)->delivered_to_acked, 7, 3);
    EXPECT_TRUE(drop_group(forge.segment(), forge.handle.visits, "h"));
    const auto again = create_group(forge.segment(), forge.handle.visits, "i", Position::oldest(), options);
    ASSERT_TRUE(again);
    ASSERT_EQ(again->row, row);
    EXPECT_EQ(latency_of(forge.segment(), row).delivered_to_acked.count, 0u);
}

TEST(HistogramRows, are_not_kept_without_room_or_without_the_wish) {
    const GroupForge forge;
    EXPECT_EQ(histograms_of(forge.segment(), forge.group.row, 0), nullptr);
    EXPECT_FALSE(latency_of(forge.segment(), forge.group.row).kept);
    StreamOptions options = tiny_options();
    options.histograms = false;
    GroupForge without_room(options);
    GroupOptions wish;
    wish.histograms = true;
    const auto group = create_group(without_room.segment(), without_room.handle.visits, "h", Position::oldest(), wish);
    ASSERT_TRUE(group);
    EXPECT_EQ(histograms_of(without_room.segment(), group->row, 0), nullptr);
    EXPECT_FALSE(latency_of(without_room.segment(), group->row).kept);
}

}  // namespace
}  // namespace shmq::test
