// The retry index against a plain set, in several geometries.
#include "group/retry_index.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <random>
#include <set>
#include <thread>
#include <vector>

#include "group/grouping.hpp"

namespace shmq {
namespace {

using test::Forge;

class RetryIndexOf : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Slots, RetryIndexOf, testing::Values(8, 16, 64, 128, 4096, 8192, std::uint64_t{1} << 18));

/// The lowest sequence of the set in [from, to), or `to`; the set holds indices of the ring.
Sequence expected_next(const std::set<std::uint64_t>& marked, std::uint64_t slots, Sequence from, Sequence to) {
    const std::uint64_t first = from & (slots - 1);
    Sequence best = to;
    const auto after = marked.lower_bound(first);
    if (after != marked.end()) best = std::min(best, from + (*after - first));
    if (!marked.empty()) best = std::min(best, from + (*marked.begin() + slots - first) % slots);
    return best;
}

TEST_P(RetryIndexOf, finds_what_a_plain_set_finds_under_random_marks) {
    const std::uint64_t slots = GetParam();
    const Forge forge(test::options_with_slots(slots));
    const Segment& segment = forge.segment();
    std::mt19937_64 random(slots);
    std::set<std::uint64_t> marked;
    for (int step = 0; step < 20'000; ++step) {
        // Mostly near each other, so that words fill and empty; else anywhere.
        const Sequence s = random() % 4 != 0 ? 1'000'000'007 * slots + random() % 70 : random() % (3 * slots);
        const std::uint64_t index = s & (slots - 1);
        if (random() % 5 < 2) {
            mark_retry(segment, 1, s);
            marked.insert(index);
        } else {
            unmark_retry(segment, 1, s);
            marked.erase(index);
        }
        ASSERT_EQ(is_marked_retry(segment, 1, s), marked.count(index) != 0);
        ASSERT_EQ(any_retry(segment, 1), !marked.empty());
        const Sequence from = random() % 3 == 0 ? s : random() % (5 * slots);
        const Sequence to = from + random() % (slots + 1);
        ASSERT_EQ(next_marked(segment, 1, from, to), expected_next(marked, slots, from, to)) << from << " to " << to;
    }
    EXPECT_FALSE(any_retry(segment, 0)) << "of another group";
    EXPECT_FALSE(any_retry(segment, 2)) << "of another group";
}

TEST_P(RetryIndexOf, finds_each_single_mark_from_everywhere) {
    const std::uint64_t slots = GetParam();
    const Forge forge(test::options_with_slots(slots));
    const std::uint64_t step = slots <= 128 ? 1 : slots / 64 - 1;
    for (std::uint64_t index = 0; index < slots; index += step) {
        mark_retry(forge.segment(), 0, index);
        for (std::uint64_t from = 7 * slots; from < 8 * slots; from += step) {
            const Sequence found = next_marked(forge.segment(), 0, from, from + slots);
            ASSERT_EQ(found & (slots - 1), index);
            ASSERT_LT(found - from, slots);
            ASSERT_EQ(next_marked(forge.segment(), 0, from, found), found) << "not before the end";
        }
        unmark_retry(forge.segment(), 0, index);
        ASSERT_FALSE(any_retry(forge.segment(), 0));
    }
}

TEST_P(RetryIndexOf, walks_all_marks_in_order_over_the_wrap) {
    const std::uint64_t slots = GetParam();
    const Forge forge(test::options_with_slots(slots));
    const Sequence from = 5 * slots + slots / 2 + 1;
    std::set<Sequence> marked;
    for (std::uint64_t i = 0; i < slots; i += std::max<std::uint64_t>(1, slots / 37)) {
        mark_retry(forge.segment(), 0, from + i);
        marked.insert(from + i);
    }
    std::set<Sequence> found;
    for (Sequence s = next_marked(forge.segment(), 0, from, from + slots); s < from + slots;
         s = next_marked(forge.segment(), 0, s + 1, from + slots))
        found.insert(s);
    EXPECT_EQ(found, marked);
}

TEST(RetryIndex, of_an_empty_range_is_its_end) {
    const Forge forge;
    mark_retry(forge.segment(), 0, 5);
    EXPECT_EQ(next_marked(forge.segment(), 0, 5, 5), 5u);
    EXPECT_EQ(next_marked(forge.segment(), 0, 9, 4), 4u);
}

TEST(RetryIndex, marked_by_threads_keeps_every_mark_that_was_set_last) {
    // Each thread marks and unmarks sequences of its own that share words and levels with the others'.
    constexpr std::uint64_t slots = 8192;
    const Forge forge(test::options_with_slots(slots));
    for (unsigned round = 0; round < 20; ++round) {
        std::vector<std::set<Sequence>> marked(3);
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < marked.size(); ++t)
            threads.emplace_back([&, t] {
                std::mt19937_64 random(round * 10 + t);
                for (int step = 0; step < 4'000; ++step) {
                    const Sequence s = random() % (slots / 3) * 3 + t;
                    if (random() % 8 == 0) {
                        mark_retry(forge.segment(), 0, s);
                        marked[t].insert(s);
                    } else {
                        unmark_retry(forge.segment(), 0, s);
                        marked[t].erase(s);
                    }
                }
            });
        for (std::thread& thread : threads) thread.join();
        std::set<Sequence> all, found;
        for (const auto& mine : marked) all.insert(mine.begin(), mine.end());
        for (Sequence s = next_marked(forge.segment(), 0, 0, slots); s < slots;
             s = next_marked(forge.segment(), 0, s + 1, slots))
            found.insert(s);
        ASSERT_EQ(found, all) << "round " << round;
        for (const Sequence s : all) unmark_retry(forge.segment(), 0, s);
        ASSERT_FALSE(any_retry(forge.segment(), 0));
    }
}

/// Some nanoseconds a step, so that two threads meet at every distance.
void wait_a_little(std::uint64_t steps) {
    for (; steps > 0; --steps) compiler_fence();
}

TEST(RetryIndex, a_mark_beside_the_last_one_that_is_taken_away_is_found) {
    // The taker finds the word empty and takes the bits above it away, which the other has just set.
    const Forge forge(test::options_with_slots(std::uint64_t{1} << 18));
    const Segment& segment = forge.segment();
    constexpr std::uint64_t rounds = 30'000;
    Atomic<std::uint64_t> round(0), ready(0);
    std::thread other([&] {
        for (std::uint64_t i = 1; i <= rounds; ++i) {
            for (int spins = 0; round.load(memory_order_seq_cst) < i; ++spins)
                if (spins > 1'000) sched_yield();
            wait_a_little(i % 61);
            mark_retry(segment, 0, 1);
            ready.store(i, memory_order_seq_cst);
        }
    });
    std::uint64_t lost = 0;
    for (std::uint64_t i = 1; i <= rounds; ++i) {
        mark_retry(segment, 0, 0);
        round.store(i, memory_order_seq_cst);
        wait_a_little(i / 61 % 127);
        unmark_retry(segment, 0, 0);
        while (ready.load(memory_order_seq_cst) < i) sched_yield();
        lost += next_marked(segment, 0, 0, 64) != 1;
        unmark_retry(segment, 0, 1);
    }
    other.join();
    EXPECT_EQ(lost, 0u);
    EXPECT_FALSE(any_retry(segment, 0));
}

TEST(RetryIndex, of_garbage_stays_in_the_ring_and_ends) {
    std::mt19937_64 random(1);
    for (const std::uint64_t slots : {std::uint64_t{8}, std::uint64_t{128}, std::uint64_t{8192}}) {
        const Forge forge(test::options_with_slots(slots));
        const std::uint64_t words = forge.geometry().area(AreaKind::retry).stride / 8;
        Word* const first = forge.segment().retry_level(0, forge.geometry().retry_levels - 1);
        for (int round = 0; round < 200; ++round) {
            for (std::uint64_t word = 0; word < words; ++word)
                first[word].store(random() % 3 == 0 ? random() : 0, memory_order_relaxed);
            const Sequence from = random() % (4 * slots);
            for (Sequence s = from; s < from + slots;) {
                const Sequence next = next_marked(forge.segment(), 0, s, from + slots);
                ASSERT_GE(next, s);
                ASSERT_LE(next, from + slots);
                s = next + 1;
            }
            unmark_retry(forge.segment(), 0, random());
        }
    }
}

TEST(RetryIndex, of_each_depth_says_to_a_member_whether_anything_is_marked) {
    for (const std::uint64_t slots : {8u, 64u, 128u, 8192u}) {
        test::GroupForge forge(test::options_with_slots(slots));
        test::Reader reader(forge.handle, forge.group, "r");
        EXPECT_FALSE(reader.member().any_retry()) << slots;
        mark_retry(forge.segment(), forge.group.row, 3);
        EXPECT_TRUE(reader.member().any_retry()) << slots;
        unmark_retry(forge.segment(), forge.group.row, 3);
        EXPECT_FALSE(reader.member().any_retry()) << slots;
    }
}

TEST(RetryIndex, of_one_group_takes_no_mark_from_its_neighbours) {
    for (const std::uint64_t slots : {8u, 128u, 8192u}) {
        const test::Forge forge(test::options_with_slots(slots));
        for (const std::uint32_t group : {0u, 1u, 2u})
            for (Sequence s = 0; s < slots; ++s) mark_retry(forge.segment(), group, s);
        for (Sequence s = 0; s < slots; ++s) unmark_retry(forge.segment(), 1, s);
        EXPECT_FALSE(any_retry(forge.segment(), 1)) << slots;
        for (const std::uint32_t group : {0u, 2u}) {
            EXPECT_TRUE(any_retry(forge.segment(), group)) << slots;
            for (Sequence s = 0; s < slots; ++s) ASSERT_TRUE(is_marked_retry(forge.segment(), group, s)) << s;
        }
    }
}

}  // namespace
}  // namespace shmq
