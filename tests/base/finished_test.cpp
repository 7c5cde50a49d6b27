// FinishedSet against std::set, and its bytes.
#include "shmq/finished.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

namespace shmq {
namespace {

using Span = FinishedSet::Run;

std::vector<Span> runs_of(const FinishedSet& set) { return {set.runs().begin(), set.runs().end()}; }

/// What a set must look like that holds `model`, and all below `floor`.
void expect_same(const FinishedSet& set, const std::set<Sequence>& model, Sequence floor, Sequence highest) {
    while (model.contains(floor)) ++floor;
    ASSERT_EQ(set.floor(), floor);
    std::vector<Span> runs;
    for (const Sequence s : model) {
        if (s < floor) continue;
        if (!runs.empty() && runs.back().last + 1 == s)
            runs.back().last = s;
        else
            runs.push_back({s, s});
    }
    ASSERT_EQ(runs_of(set), runs);
    for (Sequence s = 0; s <= highest; ++s) ASSERT_EQ(set.contains(s), s < floor || model.contains(s)) << s;
}

TEST(FinishedSet, taken_in_order_is_a_floor_alone) {
    FinishedSet set;
    EXPECT_EQ(set.floor(), 1u);
    for (Sequence s = 1; s <= 1000; ++s) EXPECT_TRUE(set.insert(s));
    EXPECT_EQ(set.floor(), 1001u);
    EXPECT_TRUE(set.runs().empty());
    EXPECT_EQ(set.encode().size(), 24u);
    EXPECT_FALSE(set.insert(7)) << "it is there";
}

TEST(FinishedSet, taken_out_of_order_keeps_runs_until_the_gaps_are_closed) {
    FinishedSet set(5);
    for (const Sequence s : {6u, 9u, 7u, 11u, 10u}) EXPECT_TRUE(set.insert(s));
    EXPECT_EQ(runs_of(set), (std::vector<Span>{{6, 7}, {9, 11}}));
    EXPECT_TRUE(set.contains(4) && set.contains(10));
    EXPECT_FALSE(set.contains(5) || set.contains(8) || set.contains(12));
    EXPECT_TRUE(set.insert(8));
    EXPECT_EQ(runs_of(set), (std::vector<Span>{{6, 11}}));
    EXPECT_TRUE(set.insert(5));
    EXPECT_EQ(set.floor(), 12u);
    EXPECT_TRUE(set.runs().empty());
}

TEST(FinishedSet, raised_over_gaps_forgets_them) {
    FinishedSet set;
    for (const Sequence s : {3u, 5u, 6u, 9u}) set.insert(s);
    set.raise_floor(5);
    EXPECT_EQ(set.floor(), 7u);
    EXPECT_EQ(runs_of(set), (std::vector<Span>{{9, 9}}));
    set.raise_floor(2);
    EXPECT_EQ(set.floor(), 7u) << "never lowered";
    set.raise_floor(100);
    EXPECT_EQ(set.floor(), 100u);
    EXPECT_TRUE(set.runs().empty());
}

TEST(FinishedSet, holds_any_sequence_but_the_highest_number) {
    constexpr Sequence highest = ~Sequence{0};
    FinishedSet set;
    EXPECT_TRUE(set.insert(highest - 1));
    EXPECT_TRUE(set.contains(highest - 1));
    EXPECT_FALSE(set.insert(highest));
    EXPECT_FALSE(set.contains(highest));
    EXPECT_FALSE(set.insert(0)) << "no entry has it";
    set.raise_floor(highest - 1);
    EXPECT_EQ(set.floor(), highest);
    EXPECT_EQ(FinishedSet(0).floor(), 1u);
}

TEST(FinishedSet, is_what_a_set_is_in_any_order) {
    const auto seed = std::random_device()();
    RecordProperty("seed", static_cast<int>(seed));
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    for (int turn = 0; turn < 200; ++turn) {
        const Sequence first = 1 + random() % 50;
        const Sequence count = 1 + random() % 120;
        std::vector<Sequence> order(count);
        std::iota(order.begin(), order.end(), first);
        // Nearly in order, as with a few retries, or in any order at all.
        if (turn % 2 == 0) {
            std::shuffle(order.begin(), order.end(), random);
        } else {
            for (int swaps = 0; swaps < 5; ++swaps) std::swap(order[random() % count], order[random() % count]);
        }
        FinishedSet set(first);
        std::set<Sequence> model;
        Sequence floor = first;
        for (const Sequence s : order) {
            if (random() % 16 == 0) {
                const Sequence to = first + random() % count;
                set.raise_floor(to);
                floor = std::max(floor, to);
            }
            const bool there = s < floor || model.contains(s);
            ASSERT_EQ(set.insert(s), !there) << s;
            model.insert(s);
            ASSERT_FALSE(set.insert(s));
            expect_same(set, model, floor, first + count + 2);
            const auto parsed = FinishedSet::parse(set.encode());
            ASSERT_TRUE(parsed);
            ASSERT_EQ(*parsed, set);
        }
        EXPECT_TRUE(set.runs().empty());
    }
}

TEST(FinishedSet, bytes_that_are_cut_or_changed_are_refused) {
    FinishedSet set(7);
    for (const Sequence s : {9u, 12u, 13u}) set.insert(s);
    const std::vector<std::byte> bytes = set.encode();
    ASSERT_EQ(bytes.size(), 24u + 2 * 16u);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(FinishedSet::parse(Bytes(bytes).first(size))) << size;
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::vector<std::byte> changed = bytes;
            changed[at] ^= static_cast<std::byte>(1 << bit);
            const auto parsed = FinishedSet::parse(changed);
            ASSERT_FALSE(parsed) << at;
            EXPECT_EQ(parsed.error().code(), Code::corrupt);
        }
    std::vector<std::byte> longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(FinishedSet::parse(longer));
}

}  // namespace
}  // namespace shmq
