// The door to atomics: the same size and place as the plain word, and each operation what its name says.
#include "base/atomic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace shmq {
namespace {

template <class T>
class AtomicOf : public testing::Test {};
using Words = testing::Types<std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(AtomicOf, Words);

TYPED_TEST(AtomicOf, has_the_layout_of_the_plain_word) {
    using Word = Atomic<TypeParam>;
    EXPECT_EQ(sizeof(Word), sizeof(TypeParam));
    EXPECT_EQ(alignof(Word), sizeof(TypeParam));
    EXPECT_TRUE(std::is_standard_layout_v<Word>);
    Word word(TypeParam{7});
    EXPECT_EQ(word.address(), static_cast<const void*>(&word));
    EXPECT_EQ(*static_cast<const TypeParam*>(word.address()), TypeParam{7});
}

TYPED_TEST(AtomicOf, each_operation_does_what_it_says) {
    Atomic<TypeParam> word(TypeParam{1});
    word.store(5, memory_order_relaxed);
    EXPECT_EQ(word.load(memory_order_acquire), 5u);
    EXPECT_EQ(word.exchange(6, memory_order_acq_rel), 5u);
    EXPECT_EQ(word.fetch_add(2, memory_order_relaxed), 6u);
    EXPECT_EQ(word.fetch_or(0x30, memory_order_seq_cst), 8u);
    EXPECT_EQ(word.fetch_and(0x18, memory_order_seq_cst), 0x38u);
    EXPECT_EQ(word.load(memory_order_seq_cst), 0x18u);
}

TYPED_TEST(AtomicOf, a_compare_exchange_that_fails_says_what_it_found) {
    Atomic<TypeParam> word(TypeParam{9});
    TypeParam expected = 8;
    EXPECT_FALSE(word.compare_exchange(expected, 1, memory_order_seq_cst, memory_order_relaxed));
    EXPECT_EQ(expected, 9u);
    EXPECT_TRUE(word.compare_exchange(expected, 1, memory_order_seq_cst, memory_order_relaxed));
    EXPECT_EQ(word.load(memory_order_relaxed), 1u);
}

TEST(RaiseTo, only_grows_and_says_who_raised) {
    Atomic<std::uint64_t> word(10);
    EXPECT_TRUE(raise_to<std::uint64_t>(word, 11, memory_order_seq_cst));
    EXPECT_FALSE(raise_to<std::uint64_t>(word, 11, memory_order_seq_cst));
    EXPECT_FALSE(raise_to<std::uint64_t>(word, 3, memory_order_seq_cst));
    EXPECT_EQ(word.load(memory_order_relaxed), 11u);
}

TEST(RaiseTo, of_many_threads_ends_at_the_highest_and_is_never_seen_to_fall) {
    constexpr std::uint64_t values = 20'000;
    Atomic<std::uint64_t> word(0);
    Atomic<std::uint64_t> raised(0);
    std::vector<std::thread> threads;
    for (std::uint64_t offset = 0; offset < 3; ++offset)
        threads.emplace_back([&, offset] {
            std::uint64_t before = 0;
            for (std::uint64_t i = 0; i < values; ++i) {
                const std::uint64_t value = (i * 7919 + offset * 31) % values + 1;
                if (raise_to(word, value, memory_order_seq_cst)) raised.fetch_add(1, memory_order_relaxed);
                const std::uint64_t seen = word.load(memory_order_seq_cst);
                EXPECT_GE(seen, std::max(before, value));
                before = seen;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(word.load(memory_order_relaxed), values);
    EXPECT_GE(raised.load(memory_order_relaxed), 1u);
    EXPECT_LE(raised.load(memory_order_relaxed), values);
}

}  // namespace
}  // namespace shmq
