// Handing entries out: a contiguous beginning from any hint, retry, stale ones, void claims, the last hand-over.
#include "group/deliver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include "group/grouping.hpp"
#include "log/free_chunks.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Handle;
using test::Reader;
using test::sequences_of;
using Sequences = std::vector<Sequence>;

TEST(TakeNew, gives_entries_in_order_and_each_once) {
    GroupForge forge;
    forge.adder.add_many(6);
    Reader one(forge.handle, forge.group, "one"), two(forge.handle, forge.group, "two");
    EXPECT_EQ(sequences_of(one.read(2)), (Sequences{1, 2}));
    EXPECT_EQ(sequences_of(two.read(3)), (Sequences{3, 4, 5}));
    EXPECT_EQ(sequences_of(one.read(8)), (Sequences{6}));
    EXPECT_TRUE(two.read(8).empty());
    EXPECT_EQ(forge.record(4),
              (PendingWord{forge.geometry().record_tag(4), two.consumer() + 1, 1, PendingState::delivered}));
}

TEST(TakeNew, from_any_cursor_gives_a_contiguous_beginning) {
    for (std::uint64_t delivered = 0; delivered <= 8; ++delivered)
        for (const Sequence hint : {Sequence{0}, Sequence{1}, Sequence{4}, Sequence{8}, Sequence{9}, Sequence{10},
                                    Sequence{1'000}, ~Sequence{0} >> 1, ~Sequence{0}}) {
            GroupForge forge;
            forge.adder.add_many(8);
            {
                Reader first(forge.handle, forge.group, "first");
                const auto taken = delivered == 0 ? std::vector<Taken>{} : first.read(delivered);
                ASSERT_EQ(taken.size(), delivered);
            }
            forge.segment().group(forge.group.row).cursor.store(hint, memory_order_relaxed);
            EXPECT_EQ(find_cursor(forge.segment(), forge.group.row), delivered + 1) << "hint " << hint;
            Reader second(forge.handle, forge.group, "second");
            const auto rest = sequences_of(second.read_new(64));
            ASSERT_EQ(rest.size(), 8 - delivered) << "hint " << hint;
            for (std::size_t i = 0; i < rest.size(); ++i) EXPECT_EQ(rest[i], delivered + 1 + i);
        }
}

TEST(TakeNew, of_a_claim_that_was_overtaken_goes_on_behind_it) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader slow(forge.handle, forge.group, "slow"), fast(forge.handle, forge.group, "fast");
    EXPECT_EQ(sequences_of(slow.read(1)), (Sequences{1}));
    EXPECT_EQ(sequences_of(fast.read(2)), (Sequences{2, 3}));
    forge.segment().group(forge.group.row).cursor.store(2, memory_order_relaxed);  // put back by a store that slept
    EXPECT_EQ(sequences_of(slow.read(8)), (Sequences{4}));
}

TEST(TakeNew, over_many_laps_gives_all_and_never_what_is_not_there) {
    GroupForge forge;
    Reader reader(forge.handle, forge.group, "r");
    Sequence expected = 1;
    for (int lap = 0; lap < 50; ++lap) {
        forge.adder.add_many(static_cast<std::uint64_t>(lap % 8 + 1));
        for (const Taken& taken : reader.read(64)) {
            ASSERT_EQ(taken.sequence, expected++);
            ASSERT_EQ(taken.deliveries, 1u);
            ASSERT_FALSE(taken.taken_over);
            ASSERT_EQ(reader.ack(taken), Finish::done);
        }
        ASSERT_TRUE(reader.read(64).empty());
    }
    EXPECT_EQ(expected, find_end(forge.segment()));
}

TEST(TakeNew, stops_at_max_bytes_but_gives_one_entry_of_any_size) {
    GroupForge forge;
    for (const std::size_t size : {100u, 50u, 60u, 10u}) ASSERT_TRUE(forge.adder.add(std::string(size, 'x')));
    Reader reader(forge.handle, forge.group, "r");
    EXPECT_EQ(sequences_of(reader.read_new(64, 80)), (Sequences{1}));
    EXPECT_EQ(sequences_of(reader.read_new(64, 110)), (Sequences{2, 3}));
    EXPECT_EQ(sequences_of(reader.read_new(64, 1)), (Sequences{4}));
}

TEST(TakeNew, does_not_take_a_record_of_a_later_lap_for_an_earlier_one) {
    GroupForge forge;
    forge.adder.add_many(3);
    const Geometry& g = forge.geometry();
    test::forge_record(forge.segment(), forge.group.row, 2 + 5 * g.slots, PendingState::delivered);
    Reader reader(forge.handle, forge.group, "r");
    EXPECT_EQ(sequences_of(reader.read_new(64)), (Sequences{1}));
}

TEST(CheckClaims, below_the_trim_point_are_void_and_given_back) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader reader(forge.handle, forge.group, "r");
    std::vector<Taken> room(8);
    Taking taking{room, 0, ~std::size_t{0}, 0, 1'000};
    take_new(reader.member(), taking);
    ASSERT_EQ(taking.count, 4u);
    forge.control().trim_point.store(3, memory_order_seq_cst);  // as if they had been finished long ago
    EXPECT_FALSE(check_claims(reader.member(), taking));
    room.resize(taking.count);
    EXPECT_EQ(sequences_of(room), (Sequences{3, 4}));
    EXPECT_EQ(forge.record(1).state, PendingState::retry);
    EXPECT_EQ(forge.record(2).state, PendingState::retry);
}

TEST(CheckClaims, in_a_group_that_was_dropped_are_all_void_and_it_says_so) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader reader(forge.handle, forge.group, "r");
    std::vector<Taken> room(8);
    Taking taking{room, 0, ~std::size_t{0}, 0, 1'000};
    take_new(reader.member(), taking);
    Handle other(forge.segment(), 1);
    ASSERT_TRUE(drop_group(forge.segment(), other.visits, "g"));
    EXPECT_TRUE(check_claims(reader.member(), taking));
    EXPECT_EQ(taking.count, 0u);
    EXPECT_EQ(forge.record(1).state, PendingState::retry);
}

TEST(TakeRetry, gives_nacked_entries_lowest_first_with_their_count) {
    GroupForge forge;
    forge.adder.add_many(5);
    Reader one(forge.handle, forge.group, "one"), two(forge.handle, forge.group, "two");
    const auto taken = one.read(4);
    EXPECT_EQ(one.nack(taken[3]), Finish::done);
    EXPECT_EQ(one.nack(taken[1]), Finish::done);
    const auto again = two.read(64);
    EXPECT_EQ(sequences_of(again), (Sequences{2, 4, 5}));
    EXPECT_TRUE(again[0].taken_over);
    EXPECT_EQ(again[0].deliveries, 2u);
    EXPECT_EQ(again[2].deliveries, 1u);
    EXPECT_FALSE(again[2].taken_over);
    EXPECT_EQ(forge.record(2).handover, 2u);
    EXPECT_FALSE(any_retry(forge.segment(), forge.group.row));
    EXPECT_EQ(one.ack(taken[1]), Finish::fenced) << "the late word of a former owner";
    EXPECT_EQ(two.ack(again[0]), Finish::done);
}

TEST(TakeRetry, released_in_good_order_counts_no_failure) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader one(forge.handle, forge.group, "one"), two(forge.handle, forge.group, "two");
    one.nack(one.read(1)[0], Ending::released);
    const auto again = two.read(1);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].deliveries, 1u);
    EXPECT_TRUE(again[0].taken_over);
    EXPECT_EQ(forge.record(1).handover, 2u) << "but fences all the same";
}

TEST(TakeRetry, gives_a_consumer_that_came_back_its_own_first) {
    GroupForge forge;
    forge.adder.add_many(6);
    Reader other(forge.handle, forge.group, "other");
    for (const Taken& taken : other.read(2)) other.nack(taken);
    {
        Reader first(forge.handle, forge.group, "named");
        // Take 3 and 4, new ones, without the two that wait.
        for (const Taken& taken : first.read_new(2)) first.nack(taken, Ending::released);
    }
    Reader back(forge.handle, forge.group, "named");
    EXPECT_TRUE(back.member().own_first);
    EXPECT_EQ(sequences_of(back.read(2)), (Sequences{3, 4}));
    EXPECT_EQ(sequences_of(back.read(64)), (Sequences{1, 2, 5, 6}));
}

TEST(TakeRetry, takes_away_marks_that_lead_to_nothing) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader reader(forge.handle, forge.group, "r");
    const auto taken = reader.read(3);
    reader.ack(taken[0]);
    for (Sequence s = 1; s <= 8; ++s) mark_retry(forge.segment(), forge.group.row, s);
    EXPECT_EQ(sequences_of(reader.read(64)), (Sequences{4}));
    EXPECT_FALSE(is_marked_retry(forge.segment(), forge.group.row, 1));
    EXPECT_FALSE(is_marked_retry(forge.segment(), forge.group.row, 8));
    EXPECT_TRUE(is_marked_retry(forge.segment(), forge.group.row, 2)) << "its holder may be about to give it back";
}

TEST(Sweep, marks_retry_entries_that_a_death_left_unmarked) {
    GroupForge forge;
    forge.adder.add_many(6);
    Reader reader(forge.handle, forge.group, "r");
    reader.read(5);
    test::forge_record(forge.segment(), forge.group.row, 3, PendingState::retry, reader.consumer());
    EXPECT_TRUE(reader.read(0).empty());
    EXPECT_FALSE(is_marked_retry(forge.segment(), forge.group.row, 3));
    sweep(reader.member(), 2, 1'000);
    EXPECT_FALSE(is_marked_retry(forge.segment(), forge.group.row, 3)) << "not looked at yet";
    sweep(reader.member(), 2, 1'000);
    EXPECT_TRUE(is_marked_retry(forge.segment(), forge.group.row, 3));
    EXPECT_EQ(sequences_of(reader.read(64)), (Sequences{3, 6}));
}

TEST(Sweep, goes_round_and_bears_a_cursor_of_garbage) {
    GroupForge forge;
    forge.adder.add_many(8);
    Reader reader(forge.handle, forge.group, "r");
    reader.read(8);
    for (int i = 0; i < 3; ++i) {
        test::forge_record(forge.segment(), forge.group.row, 2, PendingState::retry, reader.consumer());
        sweep(reader.member(), 8, 1'000);
        EXPECT_TRUE(is_marked_retry(forge.segment(), forge.group.row, 2));
        unmark_retry(forge.segment(), forge.group.row, 2);
    }
    for (const Sequence garbage : {Sequence{0}, Sequence{1}, Sequence{100}, ~Sequence{0}}) {
        forge.segment().group(forge.group.row).cursor.store(garbage, memory_order_relaxed);
        reader.member().sweep_at = garbage;
        sweep(reader.member(), ~std::uint64_t{0}, 1'000);
    }
}

TEST(Sweep, lowers_a_floor_above_what_is_not_finished) {
    GroupForge forge;
    forge.adder.add_many(6);
    Reader reader(forge.handle, forge.group, "r");
    reader.read(6);
    for (const Sequence s : Sequences{1, 3, 4, 5, 6})
        test::forge_record(forge.segment(), forge.group.row, s, PendingState::acked, reader.consumer());
    test::forge_record(forge.segment(), forge.group.row, 2, PendingState::retry, reader.consumer());
    forge.segment().group(forge.group.row).floor.store(6, memory_order_relaxed);
    sweep(reader.member(), 8, 1'000);
    EXPECT_EQ(find_base(forge.segment(), forge.group.row), 2u);
    sweep(reader.member(), 8, 1'000);
    EXPECT_EQ(sequences_of(reader.read(64)), (Sequences{2}));
}

TEST(TakeStale, takes_only_what_is_idle_long_enough) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader holder(forge.handle, forge.group, "holder"), thief(forge.handle, forge.group, "thief");
    holder.read(2, 1'000);
    holder.read(2, 1'500);
    EXPECT_TRUE(thief.claim(600, 1'599).empty());
    EXPECT_EQ(sequences_of(thief.claim(600, 1'600)), (Sequences{1, 2}));
    EXPECT_TRUE(thief.claim(600, 1'700).empty()) << "their clocks began anew";
    const auto rest = thief.claim(600, 2'100);
    EXPECT_EQ(sequences_of(rest), (Sequences{3, 4}));
    EXPECT_EQ(rest[0].deliveries, 2u) << "claimed from somebody alive is a failure";
    EXPECT_TRUE(rest[0].taken_over);
}

TEST(TakeStale, asked_for_a_shorter_time_looks_anew) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader holder(forge.handle, forge.group, "holder"), thief(forge.handle, forge.group, "thief");
    holder.read(1, 1'000);
    EXPECT_TRUE(thief.claim(60'000, 2'000).empty());
    EXPECT_EQ(sequences_of(thief.claim(500, 2'001)), (Sequences{1}));
}

TEST(TakeStale, starts_a_clock_that_is_unknown_and_takes_after_it) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader holder(forge.handle, forge.group, "holder"), thief(forge.handle, forge.group, "thief");
    holder.read(1, 1'000);
    forge.segment().delivery(forge.group.row, 1).store(0, memory_order_seq_cst);
    EXPECT_TRUE(thief.claim(100, 5'000).empty());
    EXPECT_EQ(sequences_of(thief.claim(100, 5'100)), (Sequences{1}));
}

TEST(TakeStale, fences_the_former_owner_and_keeps_its_view_pinned) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader holder(forge.handle, forge.group, "holder"), thief(forge.handle, forge.group, "thief");
    const auto held = holder.read(1, 1'000);
    const auto stolen = thief.claim(0, 2'000);
    ASSERT_EQ(stolen.size(), 1u);
    EXPECT_EQ(forge.pins_used(), 1u);
    EXPECT_TRUE(is_pinned(forge.segment(), 0));
    EXPECT_NE(forge.segment().consumer(forge.group.row, holder.consumer()).pinned.load(memory_order_seq_cst), 0u);
    EXPECT_EQ(holder.ack(held[0]), Finish::fenced);
    EXPECT_EQ(holder.nack(held[0]), Finish::fenced);
    EXPECT_EQ(thief.ack(stolen[0]), Finish::done);
}

TEST(TakeStale, is_refused_when_the_pin_table_is_used_up) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader holder(forge.handle, forge.group, "holder"), thief(forge.handle, forge.group, "thief");
    const auto held = holder.read(1, 1'000);
    test::fill_pins(forge.segment());
    EXPECT_TRUE(thief.claim(0, 2'000).empty());
    EXPECT_TRUE(thief.refused_pin);
    EXPECT_EQ(holder.ack(held[0]), Finish::done) << "it is still its holder's";
}

TEST(TakeStale, leaves_idle_time_and_counts_of_what_does_not_fit_the_batch) {
    GroupForge forge;
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(forge.adder.add(std::string(60, 'x')));
    Reader holder(forge.handle, forge.group, "holder"), thief(forge.handle, forge.group, "thief");
    holder.read(2, 1'000);
    EXPECT_EQ(sequences_of(thief.claim(100, 2'000, 64, 80)), (Sequences{1}));
    EXPECT_EQ(forge.facts(2, 2'000).idle_ms, 1'000u);
    EXPECT_EQ(forge.facts(2, 2'000).deliveries, 1u);
    EXPECT_EQ(forge.pins_used(), 1u);
    EXPECT_EQ(sequences_of(thief.claim(100, 2'000, 64, 80)), (Sequences{2}));
}

TEST(HandOver, the_last_one_given_back_becomes_dead_and_is_never_delivered_again) {
    GroupForge forge;
    forge.adder.add_many(2);
    Reader reader(forge.handle, forge.group, "r");
    reader.read(1);
    test::forge_record(forge.segment(), forge.group.row, 1, PendingState::retry, reader.consumer(),
                       static_cast<std::uint32_t>(last_handover - 1));
    mark_retry(forge.segment(), forge.group.row, 1);
    const auto last = reader.read(1);
    ASSERT_EQ(sequences_of(last), (Sequences{1}));
    EXPECT_EQ(forge.record(1).handover, last_handover);
    EXPECT_TRUE(reader.claim(0, 900'000).empty()) << "no number is left to fence its holder";
    EXPECT_EQ(reader.nack(last[0]), Finish::done);
    EXPECT_EQ(forge.record(1).state, PendingState::dead);
    EXPECT_EQ(sequences_of(reader.read(64)), (Sequences{2}));
    reader.claim(0, 900'000, 1);
    EXPECT_EQ(forge.record(1).state, PendingState::dead);
    EXPECT_TRUE(operator_ack(forge.segment(), forge.group.row, 1));
}

TEST(FindBase, believes_a_floor_only_within_the_ring) {
    GroupForge forge;
    forge.adder.add_many(8);
    Word& floor = forge.segment().group(forge.group.row).floor;
    floor.store(5, memory_order_relaxed);
    EXPECT_EQ(find_base(forge.segment(), forge.group.row), 5u);
    for (const Sequence garbage : {Sequence{0}, Sequence{10}, ~Sequence{0}}) {
        floor.store(garbage, memory_order_relaxed);
        EXPECT_EQ(find_base(forge.segment(), forge.group.row), 1u) << garbage;
    }
}

TEST(Sweep, lowers_a_floor_above_the_very_first_entry) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader reader(forge.handle, forge.group, "r");
    for (const Taken& taken : reader.read(4))
        if (taken.sequence != 1) reader.ack(taken);
    forge.segment().group(forge.group.row).floor.store(4, memory_order_relaxed);
    sweep(reader.member(), 8, 1'000);
    EXPECT_EQ(find_base(forge.segment(), forge.group.row), 1u);
}

TEST(TakeNew, of_copies_leaves_the_cursor_to_who_tells_the_losses) {
    for (const bool copies : {false, true}) {
        GroupForge forge(test::tiny_options(), copies ? test::lossy() : GroupOptions{});
        forge.adder.add_many(3);
        Reader reader(forge.handle, forge.group, "r");
        const Word& cursor = forge.segment().group(forge.group.row).cursor;
        const Sequence before = cursor.load(memory_order_relaxed);
        reader.member().claims_at = 1;
        ASSERT_EQ(reader.read_new(3).size(), 3u);
        EXPECT_EQ(cursor.load(memory_order_relaxed), copies ? before : 4u);
    }
}

TEST(Sweep, lowers_a_floor_above_what_was_never_delivered) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader reader(forge.handle, forge.group, "r");
    forge.segment().group(forge.group.row).floor.store(4, memory_order_relaxed);
    sweep(reader.member(), 8, 1'000);
    EXPECT_EQ(find_base(forge.segment(), forge.group.row), 1u);
}

TEST(Sweep, lowers_a_floor_in_a_later_lap_than_it_looked_at_last) {
    GroupForge forge;
    Reader reader(forge.handle, forge.group, "r");
    forge.adder.add_many(8);
    for (const Taken& taken : reader.read(8)) reader.ack(taken);
    forge.adder.add_many(4);
    for (const Taken& taken : reader.read(4))
        if (taken.sequence > 10) reader.ack(taken);
    forge.control().trim_point.store(9, memory_order_seq_cst);
    forge.segment().group(forge.group.row).floor.store(12, memory_order_relaxed);
    sweep(reader.member(), 1, 1'000);
    EXPECT_EQ(find_base(forge.segment(), forge.group.row), 9u);
}

TEST(TakeRetry, gives_the_lowest_first_whoever_held_it) {
    GroupForge forge;
    forge.adder.add_many(2);
    Reader first(forge.handle, forge.group, "a"), second(forge.handle, forge.group, "b");
    const auto one = first.read(1), two = second.read(1);
    EXPECT_EQ(second.nack(two.at(0)), Finish::done);
    EXPECT_EQ(first.nack(one.at(0)), Finish::done);
    EXPECT_EQ(sequences_of(second.read(1)), Sequences{1});
}

}  // namespace
}  // namespace shmq
