// The search itself, on programs of which every book says what may come of them.
#include "litmus/memory_model.hpp"

#include <gtest/gtest.h>

namespace shmq {
namespace {

using namespace test;

constexpr unsigned x = 0, y = 1;
constexpr auto relaxed = memory_order_relaxed, acquire = memory_order_acquire, release = memory_order_release,
               acq_rel = memory_order_acq_rel, seq_cst = memory_order_seq_cst;

bool both_missed(const Outcome& o) { return o.registers[0] == 0 && o.registers[1] == 0; }
/// The second of two was seen, and not the first.
bool came_alone(const Outcome& o) { return o.registers[0] == 1 && o.registers[1] == 0; }

Program store_buffering(std::memory_order stores, std::memory_order loads) {
    return {{0, 0}, 2, {{store(x, 1, stores), load(y, loads, 0)}, {store(y, 1, stores), load(x, loads, 1)}}};
}
Program message_passing(std::memory_order stores, std::memory_order loads) {
    return {{0, 0}, 2, {{store(x, 1, relaxed), store(y, 1, stores)}, {load(y, loads, 0), load(x, relaxed, 1)}}};
}

TEST(MemoryModel, store_buffering_needs_sequential_consistency_on_all_four) {
    EXPECT_TRUE(executions_of(store_buffering(release, acquire)).any(both_missed));
    EXPECT_TRUE(executions_of(store_buffering(seq_cst, acquire)).any(both_missed));
    EXPECT_TRUE(executions_of(store_buffering(release, seq_cst)).any(both_missed));
    const Executions all = executions_of(store_buffering(seq_cst, seq_cst));
    EXPECT_FALSE(all.any(both_missed));
    EXPECT_EQ(all.outcomes.size(), 3u);
}

TEST(MemoryModel, fences_between_store_and_load_do_the_same) {
    const auto with = [](std::memory_order one, std::memory_order other) {
        return executions_of({{0, 0},
                              2,
                              {{store(x, 1, relaxed), barrier(one), load(y, relaxed, 0)},
                               {store(y, 1, relaxed), barrier(other), load(x, relaxed, 1)}}});
    };
    EXPECT_FALSE(with(seq_cst, seq_cst).any(both_missed));
    EXPECT_TRUE(with(seq_cst, acq_rel).any(both_missed));
}

TEST(MemoryModel, message_passing_needs_a_release_and_an_acquire) {
    EXPECT_FALSE(executions_of(message_passing(release, acquire)).any(came_alone));
    EXPECT_TRUE(executions_of(message_passing(relaxed, acquire)).any(came_alone));
    EXPECT_TRUE(executions_of(message_passing(release, relaxed)).any(came_alone));
}

TEST(MemoryModel, message_passing_by_fences) {
    const auto with = [](std::memory_order before, std::memory_order behind) {
        return executions_of({{0, 0},
                              2,
                              {{store(x, 1, relaxed), barrier(before), store(y, 1, relaxed)},
                               {load(y, relaxed, 0), barrier(behind), load(x, relaxed, 1)}}});
    };
    EXPECT_FALSE(with(release, acquire).any(came_alone));
    EXPECT_TRUE(with(release, relaxed).any(came_alone));
    EXPECT_TRUE(with(relaxed, acquire).any(came_alone));
}

TEST(MemoryModel, an_exchange_goes_on_a_release_and_a_store_does_not) {
    const auto with = [](Step between) {
        return executions_of(
            {{0, 0},
             2,
             {{store(x, 1, relaxed), store(y, 1, release)}, {between}, {load(y, acquire, 0), load(x, relaxed, 1)}}});
    };
    const auto lost = [](const Outcome& o) { return o.registers[0] == 2 && o.registers[1] == 0; };
    EXPECT_FALSE(with(exchange(y, 1, 2, relaxed)).any(lost));
    EXPECT_TRUE(with(store(y, 2, relaxed)).any(lost));
}

TEST(MemoryModel, two_readers_agree_on_two_writers_only_by_sequential_consistency) {
    const auto with = [](std::memory_order loads) {
        return executions_of({{0, 0},
                              4,
                              {{store(x, 1, seq_cst)},
                               {store(y, 1, seq_cst)},
                               {load(x, loads, 0), load(y, loads, 1)},
                               {load(y, loads, 2), load(x, loads, 3)}}});
    };
    const auto disagree = [](const Outcome& o) { return o.registers == std::vector<Value>{1, 0, 1, 0}; };
    EXPECT_FALSE(with(seq_cst).any(disagree));
    EXPECT_TRUE(with(acquire).any(disagree));
}

TEST(MemoryModel, a_place_never_goes_back_for_a_reader) {
    const Executions all =
        executions_of({{0}, 2, {{store(x, 1, relaxed)}, {load(x, relaxed, 0), load(x, relaxed, 1)}}});
    EXPECT_FALSE(all.any(came_alone));
    EXPECT_EQ(all.outcomes.size(), 3u);
}

TEST(MemoryModel, of_two_exchanges_from_one_value_one_is_done) {
    const Executions all =
        executions_of({{0}, 2, {{exchange(x, 0, 1, relaxed, relaxed, 0)}, {exchange(x, 0, 2, relaxed, relaxed, 1)}}});
    EXPECT_EQ(all.outcomes.size(), 2u);
    EXPECT_FALSE(all.any(both_missed)) << "the second finds what the first left";
}

TEST(MemoryModel, no_bit_that_was_set_is_lost) {
    const Executions all = executions_of({{0}, 0, {{set_bits(x, 1, relaxed)}, {set_bits(x, 2, relaxed)}}});
    ASSERT_EQ(all.outcomes.size(), 1u);
    EXPECT_EQ(all.outcomes.begin()->places[0], 3u);
}

TEST(MemoryModel, a_step_is_made_only_where_its_register_says_so) {
    const Executions all =
        executions_of({{0}, 1, {{store(x, 1, relaxed)}, {load(x, relaxed, 0), store(x, 2, relaxed).when(0, 1)}}});
    EXPECT_EQ(all.count, 2u);
    EXPECT_EQ(all.outcomes.size(), 2u);
}

}  // namespace
}  // namespace shmq
