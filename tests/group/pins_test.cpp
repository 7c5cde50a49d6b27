// Pins: what keeps a former owner's view readable, shared and given back.
#include "group/pins.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "group/grouping.hpp"
#include "log/free_chunks.hpp"

namespace shmq {
namespace {

using test::GroupForge;

constexpr ChunkSpan third{2, 1};

TEST(Pins, name_the_holder_and_its_chunks_and_tell_it) {
    GroupForge forge;
    const auto pin = reserve_pin(forge.segment(), 1, 2, {3, 2});
    ASSERT_TRUE(pin);
    EXPECT_TRUE(pin->fresh);
    const PinWord word = unpack_pin(forge.segment().pin(pin->cell).load(memory_order_seq_cst));
    EXPECT_EQ(word.consumer, consumer_number(forge.geometry(), 1, 2));
    EXPECT_EQ(word.chunk, 3u);
    EXPECT_EQ(word.count, 2u);
    EXPECT_NE(forge.segment().consumer(1, 2).pinned.load(memory_order_seq_cst), 0u);
    EXPECT_FALSE(is_pinned(forge.segment(), 2));
    EXPECT_TRUE(is_pinned(forge.segment(), 3));
    EXPECT_TRUE(is_pinned(forge.segment(), 4));
    EXPECT_FALSE(is_pinned(forge.segment(), 5));
}

TEST(Pins, of_one_holder_and_chunk_share_a_cell) {
    GroupForge forge;
    const auto first = reserve_pin(forge.segment(), 0, 1, third);
    const auto second = reserve_pin(forge.segment(), 0, 1, third);
    EXPECT_EQ(first->cell, second->cell);
    EXPECT_FALSE(second->fresh);
    EXPECT_EQ(forge.pins_used(), 1u);
    reserve_pin(forge.segment(), 0, 2, third);
    reserve_pin(forge.segment(), 0, 1, {2, 2});
    EXPECT_EQ(forge.pins_used(), 3u) << "another holder, other chunks";
}

TEST(Pins, returned_after_a_taking_that_failed_are_free) {
    GroupForge forge;
    const auto pin = reserve_pin(forge.segment(), 0, 1, third);
    return_pin(forge.segment(), *pin);
    EXPECT_EQ(forge.pins_used(), 0u);
    EXPECT_FALSE(is_pinned(forge.segment(), 2));
}

TEST(Pins, that_somebody_shares_meanwhile_are_not_taken_from_him) {
    GroupForge forge;
    const auto first = reserve_pin(forge.segment(), 0, 1, third);
    const auto second = reserve_pin(forge.segment(), 0, 1, third);  // relies on it from now on
    ASSERT_TRUE(first->fresh);
    return_pin(forge.segment(), *first);  // the first one's taking failed
    EXPECT_TRUE(is_pinned(forge.segment(), 2)) << "the second one's may have succeeded";
    return_pin(forge.segment(), *second);
    EXPECT_TRUE(is_pinned(forge.segment(), 2)) << "the holder frees it when it closes its batch";
}

TEST(Pins, returned_late_hit_no_pin_of_another) {
    GroupForge forge;
    const auto old = reserve_pin(forge.segment(), 0, 1, third);
    free_pins(forge.segment(), 0, 1, [](ChunkSpan) { return false; });
    const auto again = reserve_pin(forge.segment(), 0, 1, third);
    EXPECT_EQ(old->cell, again->cell);
    return_pin(forge.segment(), *old);
    EXPECT_TRUE(is_pinned(forge.segment(), 2)) << "the generation tells them apart";
}

TEST(Pins, are_refused_when_the_table_is_used_up) {
    GroupForge forge;
    const std::uint32_t cells = forge.geometry().pins;
    for (std::uint32_t i = 0; i < cells; ++i) ASSERT_TRUE(reserve_pin(forge.segment(), 0, i % 4, {i / 4, 1})) << i;
    EXPECT_EQ(forge.pins_used(), cells);
    EXPECT_FALSE(reserve_pin(forge.segment(), 1, 0, {0, 1}));
    EXPECT_TRUE(reserve_pin(forge.segment(), 0, 1, {0, 1})) << "one that is there already is shared";
    free_pins(forge.segment(), 0, 3, [](ChunkSpan) { return false; });
    EXPECT_TRUE(reserve_pin(forge.segment(), 1, 0, {0, 1}));
}

TEST(Pins, are_freed_of_one_holder_but_for_chunks_it_still_looks_at) {
    GroupForge forge;
    reserve_pin(forge.segment(), 0, 1, {2, 1});
    reserve_pin(forge.segment(), 0, 1, {3, 1});
    reserve_pin(forge.segment(), 0, 2, {4, 1});
    free_pins(forge.segment(), 0, 1, [](ChunkSpan span) { return span.first == 3; });
    EXPECT_FALSE(is_pinned(forge.segment(), 2));
    EXPECT_TRUE(is_pinned(forge.segment(), 3));
    EXPECT_TRUE(is_pinned(forge.segment(), 4)) << "another holder's";
}

TEST(Pins, reserved_by_threads_at_once_leave_each_that_relies_on_one_pinned) {
    for (int round = 0; round < 300; ++round) {
        GroupForge forge;
        Atomic<std::uint32_t> relying(0);
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 3; ++t)
            threads.emplace_back([&, t] {
                for (unsigned i = 0; i < 50; ++i) {
                    const auto pin = reserve_pin(forge.segment(), 0, 1, third);
                    ASSERT_TRUE(pin);
                    if ((i + t) % 2 == 0) {
                        return_pin(forge.segment(), *pin);  // failed
                    } else {
                        relying.fetch_add(1, memory_order_seq_cst);
                        ASSERT_TRUE(is_pinned(forge.segment(), 2));
                    }
                    ASSERT_TRUE(relying.load(memory_order_seq_cst) == 0 || is_pinned(forge.segment(), 2));
                }
            });
        for (std::thread& thread : threads) thread.join();
        if (HasFatalFailure()) return;
    }
}

TEST(ChunksOf, an_entry_are_those_its_bytes_lie_in) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;
    GroupForge forge(options);
    ASSERT_TRUE(forge.adder.add("small"));
    ASSERT_TRUE(forge.adder.add(std::string(1'400, 'x')));
    const auto place = [&](Sequence s) {
        return unpack_slot(forge.geometry(), forge.segment().slot(s).load(memory_order_acquire)).place;
    };
    EXPECT_EQ(chunks_of(forge.segment(), place(1))->first, 0u);
    EXPECT_EQ(chunks_of(forge.segment(), place(1))->count, 1u);
    EXPECT_EQ(chunks_of(forge.segment(), place(2))->first, 5u);
    EXPECT_EQ(chunks_of(forge.segment(), place(2))->count, 3u);
    EXPECT_FALSE(chunks_of(forge.segment(), low_mask(forge.geometry().place_bits)));
}

TEST(ChunksOf, an_entry_that_ends_where_its_chunk_does_are_that_one) {
    GroupForge forge;
    ASSERT_TRUE(forge.adder.add(std::string(forge.geometry().chunk_size - sizeof(EntryHeader), 'x')));
    const std::uint64_t slot = forge.segment().slot(1).load(memory_order_acquire);
    EXPECT_EQ(chunks_of(forge.segment(), unpack_slot(forge.geometry(), slot).place)->count, 1u);
}

}  // namespace
}  // namespace shmq
