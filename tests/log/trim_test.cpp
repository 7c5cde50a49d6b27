// The trim point: never over what an active group has not finished, and never falling.
#include "log/trim.hpp"

#include <gtest/gtest.h>

#include <random>

#include "log/adding.hpp"

namespace shmq {
namespace {

using test::Forge;

Sequence trim_point(const Forge& forge) { return forge.control().trim_point.load(memory_order_seq_cst); }

TEST(LiftTrim, without_groups_goes_where_it_is_wanted) {
    const Forge forge;
    test::publish_many(forge.segment(), 6);
    const Lifted lifted = lift_trim(forge.segment(), 5);
    EXPECT_EQ(lifted.trim, 5u);
    EXPECT_FALSE(lifted.blocked.known);
    EXPECT_EQ(trim_point(forge), 5u);
    EXPECT_EQ(forge.control().trim_goal.load(memory_order_seq_cst), 5u);
}

TEST(LiftTrim, to_where_it_is_or_below_changes_nothing) {
    const Forge forge;
    test::publish_many(forge.segment(), 6);
    lift_trim(forge.segment(), 4);
    EXPECT_EQ(lift_trim(forge.segment(), 4).trim, 4u);
    EXPECT_EQ(lift_trim(forge.segment(), 0).trim, 4u);
    EXPECT_EQ(trim_point(forge), 4u);
}

TEST(LiftTrim, stops_at_each_state_but_acked_and_parked) {
    for (unsigned state = 0; state < 8; ++state) {
        const Forge forge;
        test::publish_many(forge.segment(), 6);
        test::forge_group(forge.segment(), 0, "g", 1);
        for (Sequence s = 1; s <= 6; ++s) test::forge_record(forge.segment(), 0, s, PendingState::acked);
        test::forge_record(forge.segment(), 0, 3, static_cast<PendingState>(state));
        const Lifted lifted = lift_trim(forge.segment(), 6);
        const auto found = static_cast<PendingState>(state);
        if (found == PendingState::acked || found == PendingState::parked) {
            EXPECT_EQ(lifted.trim, 6u);
            continue;
        }
        EXPECT_EQ(lifted.trim, 3u) << "state " << state;
        EXPECT_TRUE(lifted.blocked.known);
        EXPECT_EQ(lifted.blocked.sequence, 3u);
        EXPECT_EQ(trim_point(forge), 3u);
    }
}

TEST(LiftTrim, does_not_take_an_ack_of_another_lap_for_this_ones) {
    const Forge forge;
    test::publish_many(forge.segment(), 8);
    test::forge_group(forge.segment(), 0, "g", 1);
    EXPECT_EQ(lift_trim(forge.segment(), 8).trim, 1u) << "the lap before is acked";
    test::forge_record(forge.segment(), 0, 1, PendingState::acked);
    test::forge_record(forge.segment(), 0, 2 + 8, PendingState::acked);  // of the next lap, in the same place
    EXPECT_EQ(lift_trim(forge.segment(), 8).trim, 2u);
}

TEST(LiftTrim, stops_at_the_slowest_group_and_names_it) {
    const Forge forge;
    test::publish_many(forge.segment(), 6);
    test::forge_group(forge.segment(), 0, "fast", 1);
    test::forge_group(forge.segment(), 2, "slow", 1);
    for (Sequence s = 1; s <= 5; ++s) test::forge_record(forge.segment(), 0, s, PendingState::acked);
    for (Sequence s = 1; s <= 2; ++s) test::forge_record(forge.segment(), 2, s, PendingState::acked);
    const Lifted lifted = lift_trim(forge.segment(), 7);
    EXPECT_EQ(lifted.trim, 3u);
    EXPECT_EQ(lifted.blocked.group, 2u);
    EXPECT_EQ(lifted.blocked.sequence, 3u);
}

TEST(LiftTrim, passes_what_lies_before_a_groups_start) {
    const Forge forge;
    test::publish_many(forge.segment(), 6);
    test::forge_group(forge.segment(), 0, "late", 5);
    EXPECT_EQ(lift_trim(forge.segment(), 7).trim, 5u);
}

TEST(LiftTrim, does_not_ask_rows_out_of_the_directory) {
    const Forge forge;
    test::publish_many(forge.segment(), 6);
    test::forge_group(forge.segment(), 0, "dropped", 1);
    forge.control().directory.store(next_directory(0, 0), memory_order_seq_cst);
    EXPECT_EQ(lift_trim(forge.segment(), 6).trim, 6u);
}

TEST(LiftTrim, with_a_directory_of_garbage_stays_in_the_segment) {
    for (const std::uint64_t directory : {~std::uint64_t{0}, std::uint64_t{0x8000'0000}, std::uint64_t{0xffff'fff0}}) {
        const Forge forge;
        test::publish_many(forge.segment(), 6);
        forge.control().directory.store(directory, memory_order_seq_cst);
        EXPECT_LE(lift_trim(forge.segment(), 6).trim, 6u);
    }
}

TEST(LiftTrim, by_a_mover_that_died_after_the_goal_is_finished_by_the_next) {
    const Forge forge;
    test::publish_many(forge.segment(), 6);
    forge.control().trim_goal.store(5, memory_order_seq_cst);
    EXPECT_EQ(lift_trim(forge.segment(), 3).trim, 3u);
    EXPECT_EQ(forge.control().trim_goal.load(memory_order_seq_cst), 5u) << "it never falls";
    EXPECT_EQ(lift_trim(forge.segment(), 6).trim, 6u);
}

TEST(LiftTrim, in_random_states_never_passes_what_an_active_group_has_not_finished) {
    std::mt19937_64 random(23);
    for (int round = 0; round < 3'000; ++round) {
        const Forge forge;
        const std::uint64_t count = random() % 8 + 1;
        test::publish_many(forge.segment(), count);
        Sequence expected = count + 1;
        for (std::uint32_t row = 0; row < forge.geometry().group_rows; ++row) {
            if (random() % 3 == 0) continue;
            const Sequence start = random() % (count + 1) + 1;
            test::forge_group(forge.segment(), row, "g", start);
            for (Sequence s = start; s <= count; ++s) {
                const bool acked = random() % 4 != 0;
                test::forge_record(forge.segment(), row, s, acked ? PendingState::acked : PendingState::retry);
                if (!acked) expected = std::min(expected, s);
            }
        }
        ASSERT_EQ(lift_trim(forge.segment(), count + 1).trim, expected);
        ASSERT_EQ(trim_point(forge), expected);
    }
}

TEST(FinishedUntil, is_the_first_unfinished_entry_within_what_was_asked) {
    const Forge forge;
    test::publish_many(forge.segment(), 8);
    test::forge_group(forge.segment(), 0, "g", 2);
    for (Sequence s = 2; s <= 4; ++s) test::forge_record(forge.segment(), 0, s, PendingState::acked);
    EXPECT_EQ(finished_until(forge.segment(), 0, 1, 9), 5u);
    EXPECT_EQ(finished_until(forge.segment(), 0, 1, 4), 4u);
    EXPECT_EQ(finished_until(forge.segment(), 0, 5, 9), 5u);
    EXPECT_EQ(finished_until(forge.segment(), 0, 6, 6), 6u);
}

TEST(BlockedError, names_nobody_when_the_record_is_damaged) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "orders", 1);
    const Geometry& g = forge.geometry();
    forge.segment().record(0, 1).store(pack_pending(g, {g.record_tag(1), 7, 1, PendingState::delivered}),
                                       memory_order_relaxed);
    const std::string text = blocked_error(forge.segment(), "slot", {true, 0, 1}).message();
    EXPECT_NE(text.find("which nobody holds"), std::string::npos) << "row 6 of 4: " << text;
}

TEST(BlockedError, names_the_holder_in_the_highest_row_and_nobody_where_a_delivery_has_no_holder) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "orders", 1);
    const Geometry& g = forge.geometry();
    const auto text_for = [&](std::uint32_t consumer) {
        forge.segment().record(0, 1).store(pack_pending(g, {g.record_tag(1), consumer, 1, PendingState::delivered}),
                                           memory_order_relaxed);
        return blocked_error(forge.segment(), "slot", {true, 0, 1}).message();
    };
    set_row_name(forge.segment().consumer(0, g.consumers - 1).name, "last");
    EXPECT_NE(text_for(g.consumers).find("last"), std::string::npos);
    EXPECT_NE(text_for(0).find("which nobody holds"), std::string::npos);
    EXPECT_NE(text_for(g.consumers + 1).find("which nobody holds"), std::string::npos);
}

}  // namespace
}  // namespace shmq
