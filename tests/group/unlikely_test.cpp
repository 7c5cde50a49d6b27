// States that a healthy group comes to seldom or never, and what each check against them is for: sizes that do not fit,
// marks and records of another lap, tables that are used up, words that are damaged.
#include <gtest/gtest.h>

#include <string>

#include "group/closing.hpp"
#include "group/grouping.hpp"
#include "group/losses.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"
#include "group/predecessor.hpp"
#include "log/sleep.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::in_order;
using test::lossy;
using test::Reader;
using test::sequences_of;
using Sequences = std::vector<Sequence>;

/// A ring whose second lap began: entries 1 to 8 are acked, 9 is there. "a" reads.
struct SecondLap : GroupForge {
    SecondLap() : reader(handle, group, "a") {
        adder.add_many(8);
        for (const Taken& taken : reader.read(8)) EXPECT_EQ(reader.ack(taken), Finish::done);
        adder.add_many(1);
        EXPECT_EQ(sequences_of(reader.read(8)), Sequences{9});
    }
    [[nodiscard]] bool is_marked(Sequence sequence) const { return is_marked_retry(segment(), group.row, sequence); }
    void forge(Sequence sequence, PendingState state) {
        test::forge_record(segment(), group.row, sequence, state, reader.consumer());
    }
    Reader reader;
};

TEST(Unlikely, a_mark_at_a_record_of_an_earlier_lap_is_taken_away_and_the_record_left_alone) {
    for (const PendingState state : {PendingState::retry, PendingState::delivered}) {
        SecondLap lap;
        lap.control().trim_point.store(9, memory_order_seq_cst);
        lap.forge(6, state);
        mark_retry(lap.segment(), lap.group.row, 14);
        EXPECT_TRUE(lap.reader.read(8).empty());
        EXPECT_FALSE(lap.is_marked(14));
        EXPECT_EQ(lap.record(6).state, state);
    }
}

TEST(Unlikely, a_waiting_entry_whose_slot_is_damaged_is_not_delivered_and_keeps_its_mark) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader reader(forge.handle, forge.group, "a");
    EXPECT_EQ(reader.nack(reader.read(1).at(0)), Finish::done);
    Word& slot = forge.segment().slot(1);
    const std::uint64_t sound = slot.load(memory_order_seq_cst);
    slot.store(pack_slot(forge.geometry(), forge.geometry().slot_tag(1) + 1, 0), memory_order_seq_cst);
    EXPECT_TRUE(reader.read(8).empty());
    EXPECT_TRUE(is_marked_retry(forge.segment(), forge.group.row, 1));
    slot.store(sound, memory_order_seq_cst);
    EXPECT_EQ(sequences_of(reader.read(8)), Sequences{1});
}

TEST(Unlikely, what_does_not_fit_is_not_passed_over_for_a_smaller_one_behind_it) {
    for (const Order order : {Order::none, Order::by_key, Order::strict}) {
        for (const bool waits : {false, true}) {
            GroupForge forge(test::tiny_options(), in_order(order));
            for (const std::size_t size : {60u, 60u, 10u}) ASSERT_TRUE(forge.adder.add(std::string(size, 'x')));
            Reader reader(forge.handle, forge.group, "a");
            if (waits)
                for (const Taken& taken : reader.read(3)) reader.nack(taken, Ending::released);
            std::vector<Taken> room(8);
            Taking taking{room, 0, 80, 0, 1'000};
            if (waits)
                take_retry(reader.member(), taking);
            else
                take_new(reader.member(), taking);
            room.resize(taking.count);
            EXPECT_EQ(sequences_of(room), Sequences{1}) << static_cast<int>(order) << waits;
        }
    }
}

TEST(Unlikely, a_slot_or_a_record_of_another_lap_is_not_taken_by_the_short_way) {
    SecondLap lap;
    Member& member = lap.reader.member();
    ASSERT_EQ(member.next, 10u);
    Taken taken;
    EXPECT_FALSE(take_next(member, look_at_next(member), 1'000, taken)) << "not there";
    lap.adder.add_many(1);
    lap.forge(18, PendingState::acked);
    EXPECT_FALSE(take_next(member, look_at_next(member), 1'000, taken)) << "a record of the lap behind it";
    lap.forge(10, PendingState::acked);
    EXPECT_FALSE(take_next(member, look_at_next(member), 1'000, taken)) << "it has its own";
    lap.forge(2, PendingState::acked);
    EXPECT_TRUE(take_next(member, look_at_next(member), 1'000, taken));
    EXPECT_EQ(taken.sequence, 10u);
    EXPECT_EQ(lap.facts(10, 1'005).idle_ms, 5u);
    EXPECT_EQ(member.next, 11u);
}

TEST(Unlikely, a_consumer_that_comes_back_to_nothing_of_its_own_is_given_what_waits) {
    GroupForge forge;
    forge.adder.add_many(2);
    { const Reader first(forge.handle, forge.group, "named"); }
    Reader other(forge.handle, forge.group, "other");
    for (const Taken& taken : other.read(2)) other.nack(taken);
    Reader back(forge.handle, forge.group, "named");
    ASSERT_TRUE(back.member().own_first);
    EXPECT_EQ(sequences_of(back.read(8)), (Sequences{1, 2}));
}

TEST(Unlikely, of_copies_what_waited_or_was_dead_is_told_lost_by_who_takes_its_record) {
    for (const PendingState state : {PendingState::retry, PendingState::delayed, PendingState::dead,
                                     PendingState::acked, PendingState::delivered}) {
        GroupForge forge(test::tiny_options(), lossy());
        forge.adder.add_many(8);
        Reader reader(forge.handle, forge.group, "a");
        test::forge_record(forge.segment(), forge.group.row, 1, state, reader.consumer());
        forge.control().trim_point.store(2, memory_order_seq_cst);
        forge.adder.add_many(1);
        for (Sequence s = 2; s <= 8; ++s)
            test::forge_record(forge.segment(), forge.group.row, s, PendingState::acked, reader.consumer());
        Member& member = reader.member();
        member.next = 9;
        member.claims_at = 2;
        member.told_below = 1;
        std::vector<Taken> room(4);
        std::vector<LostRange> lost;
        lost.reserve(4);
        Taking taking{room, 0, ~std::size_t{0}, 0, 1'000, &lost};
        take_new(member, taking);
        ASSERT_EQ(taking.count, 1u);
        const bool waited = state != PendingState::acked && state != PendingState::delivered;
        const std::vector<LostRange> expected(waited ? 1u : 0u, LostRange{1, 1});
        EXPECT_EQ(lost, expected) << static_cast<int>(state);
    }
}

TEST(Unlikely, of_copies_who_wants_no_losses_told_is_given_the_entry_all_the_same) {
    GroupForge forge(test::tiny_options(), lossy());
    forge.adder.add_many(8);
    Reader reader(forge.handle, forge.group, "a");
    for (Sequence s = 1; s <= 8; ++s)
        test::forge_record(forge.segment(), forge.group.row, s, PendingState::retry, reader.consumer());
    forge.control().trim_point.store(2, memory_order_seq_cst);
    forge.adder.add_many(1);
    reader.member().next = 9;
    reader.member().claims_at = 2;
    EXPECT_EQ(sequences_of(reader.read_new(4)), Sequences{9});
}

TEST(Unlikely, an_operator_acks_what_the_last_consumer_row_holds_and_keeps_its_view) {
    GroupForge forge;
    forge.adder.add_many(1);
    std::vector<std::unique_ptr<Reader>> readers;
    for (std::uint32_t i = 0; i < forge.geometry().consumers; ++i)
        readers.push_back(std::make_unique<Reader>(forge.handle, forge.group, "r" + std::to_string(i)));
    ASSERT_EQ(readers.back()->consumer(), forge.geometry().consumers - 1);
    ASSERT_EQ(readers.back()->read(1).size(), 1u);
    EXPECT_TRUE(operator_ack(forge.segment(), forge.group.row, 1));
    EXPECT_EQ(forge.pins_used(), 1u);
}

TEST(Unlikely, an_operator_nacks_what_the_last_consumer_row_holds_and_keeps_its_view) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader reader(forge.handle, forge.group, "r");
    ASSERT_EQ(reader.read(1).size(), 1u);
    test::forge_record(forge.segment(), forge.group.row, 1, PendingState::delivered, forge.geometry().consumers - 1);
    EXPECT_TRUE(operator_nack(forge.segment(), forge.group.row, 1, 1'000, {}));
    EXPECT_EQ(forge.pins_used(), 1u);
}

TEST(Unlikely, what_a_damaged_record_says_no_row_holds_is_not_taken_back) {
    const StreamOptions options = test::keyed_options();
    for (const std::uint32_t damaged : {options.consumers, ~0u}) {
        GroupForge forge(options, in_order(Order::by_key));
        for (int i = 0; i < 2; ++i) ASSERT_TRUE(forge.adder.add(std::string(400, 'x'), "key"));  // a chunk each
        Reader holder(forge.handle, forge.group, "a"), other(forge.handle, forge.group, "b");
        ASSERT_EQ(holder.read(2).size(), 2u);
        test::forge_record(forge.segment(), forge.group.row, 2, PendingState::delivered, damaged);
        EXPECT_EQ(sequences_of(other.claim(0, 2'000, 1)), Sequences{1});
        EXPECT_EQ(forge.record(2).state, PendingState::delivered);
        EXPECT_EQ(forge.pins_used(), 1u);
    }
}

TEST(Unlikely, an_operator_ends_what_a_damaged_record_says_nobody_holds_without_a_pin) {
    for (const bool acks : {true, false})
        for (const bool too_high : {true, false}) {
            GroupForge forge;
            forge.adder.add_many(1);
            Reader reader(forge.handle, forge.group, "a");
            ASSERT_EQ(reader.read(1).size(), 1u);
            const Geometry& g = forge.geometry();
            const PendingWord damaged{g.record_tag(1), too_high ? g.consumers + 1 : 0, 1, PendingState::delivered};
            forge.segment().record(forge.group.row, 1).store(pack_pending(g, damaged), memory_order_seq_cst);
            EXPECT_TRUE(acks ? operator_ack(forge.segment(), forge.group.row, 1)
                             : operator_nack(forge.segment(), forge.group.row, 1, 1'000, {}));
            EXPECT_EQ(forge.pins_used(), 0u);
        }
}

TEST(Unlikely, a_group_that_holds_more_chunks_than_there_are_pins_is_not_closed) {
    StreamOptions options = test::options_with_slots(512);
    options.chunks = 512;
    options.payload = 512 * 512;
    options.max_entry = 480;
    GroupForge forge(options);
    for (std::uint32_t i = 0; i < pin_cells + 1; ++i) ASSERT_TRUE(forge.adder.add(std::string(400, 'x')));
    Reader reader(forge.handle, forge.group, "a");
    ASSERT_EQ(reader.read(pin_cells).size(), pin_cells);
    EXPECT_TRUE(has_enough_pins(forge.segment(), forge.group.row));
    ASSERT_EQ(reader.read(1).size(), 1u);
    EXPECT_FALSE(has_enough_pins(forge.segment(), forge.group.row));
}

TEST(Unlikely, an_entry_without_bytes_covers_the_chunk_of_its_header_alone) {
    GroupForge forge;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(forge.adder.add(""));
    for (Sequence s = 1; s <= 3; ++s) {
        const auto chunks = chunks_of(
            forge.segment(), unpack_slot(forge.geometry(), forge.segment().slot(s).load(memory_order_seq_cst)).place);
        ASSERT_TRUE(chunks);
        EXPECT_EQ(chunks->first, 0u);
        EXPECT_EQ(chunks->count, 1u);
    }
}

TEST(Unlikely, who_takes_an_entry_over_but_not_what_others_hold_behind_it_gives_it_back) {
    const StreamOptions options = test::keyed_options();
    GroupForge forge(options, in_order(Order::by_key));
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(forge.adder.add(std::string(400, 'x'), "key"));  // a chunk each
    Reader holder(forge.handle, forge.group, "a"), other(forge.handle, forge.group, "b");
    ASSERT_EQ(holder.read(2).size(), 2u);
    test::fill_pins(forge.segment(), 1);
    EXPECT_TRUE(other.claim(0, 2'000, 1).empty());
    EXPECT_EQ(forge.record(1).state, PendingState::retry);
    EXPECT_EQ(forge.record(2).state, PendingState::delivered);
    EXPECT_EQ(forge.record(2).consumer, holder.consumer() + 1);
    forge.segment().pin(1).store(0, memory_order_seq_cst);
    EXPECT_EQ(sequences_of(other.read(1)), Sequences{1});
    EXPECT_EQ(forge.record(2).state, PendingState::retry) << "behind it, and taken back";
}

TEST(Unlikely, a_strict_group_makes_nothing_wait_behind_what_another_holds) {
    GroupForge forge(test::tiny_options(), in_order(Order::strict));
    forge.adder.add_many(3);
    Reader first(forge.handle, forge.group, "a"), second(forge.handle, forge.group, "b");
    ASSERT_EQ(first.read(1).size(), 1u);
    EXPECT_TRUE(second.read(8).empty());
    for (const Sequence s : {Sequence{2}, Sequence{3}})
        EXPECT_NE(forge.record(s).tag, forge.geometry().record_tag(s)) << "never given out, and not waiting";
    EXPECT_FALSE(any_retry(forge.segment(), forge.group.row));
}

TEST(Unlikely, a_damaged_link_to_before_the_first_entry_is_none) {
    const StreamOptions options = test::keyed_options();
    GroupForge forge(options, in_order(Order::by_key));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(forge.adder.add("x", "key"));
    Reader reader(forge.handle, forge.group, "a");
    ASSERT_EQ(reader.read(3).size(), 3u);
    ASSERT_EQ(predecessor_of(forge.segment(), forge.group.row, 3), 2u);
    Word& link = forge.segment().key_link(forge.group.row, 3);
    const std::uint64_t sound = link.load(memory_order_seq_cst);
    for (const std::uint64_t distance : {std::uint64_t{3}, std::uint64_t{4}, low_mask(44)}) {
        link.store((sound & ~low_mask(44)) | distance, memory_order_seq_cst);
        EXPECT_EQ(predecessor_of(forge.segment(), forge.group.row, 3), 0u) << distance;
    }
}

TEST(Unlikely, a_producer_is_woken_where_the_last_ack_shows_that_one_entry_is_stuck) {
    const test::StuckForge forge;
    forge.control().room_wanted.store(4, memory_order_seq_cst);
    const std::uint32_t seen = announce_sleeper(forge.segment(), room_bit);
    after_finishing(forge.segment(), forge.group.row);
    EXPECT_EQ(find_begin(forge.segment()), 1u);
    EXPECT_NE(wake_word(forge.segment(), room_bit).load(memory_order_relaxed), seen) << "it may park the entry";
}

TEST(Unlikely, a_group_that_closes_parks_nothing_more) {
    test::StuckForge forge;
    ASSERT_TRUE(begin_closing(forge.segment(), forge.group, std::nullopt));
    EXPECT_FALSE(park_for_room(forge.segment(), forge.handle.visits));
    EXPECT_EQ(forge.record(1).state, PendingState::delivered);
}

TEST(Unlikely, an_entry_that_is_given_out_in_order_has_its_clock_started) {
    for (const Order order : {Order::none, Order::by_key, Order::strict}) {
        GroupForge forge(test::tiny_options(), in_order(order));
        forge.adder.add_many(1);
        Reader reader(forge.handle, forge.group, "a");
        ASSERT_EQ(reader.read(1, 1'000).size(), 1u);
        EXPECT_EQ(forge.facts(1, 1'250).idle_ms, 250u) << static_cast<int>(order);
    }
}

TEST(Unlikely, who_sleeps_is_woken_when_the_entry_before_its_own_is_finished) {
    const StreamOptions options = test::keyed_options();
    for (const bool by_operator : {false, true}) {
        GroupForge forge(options, in_order(Order::by_key));
        for (int i = 0; i < 2; ++i) ASSERT_TRUE(forge.adder.add("x", "key"));
        Reader holder(forge.handle, forge.group, "a"), other(forge.handle, forge.group, "b");
        const auto held = holder.read(1);
        ASSERT_EQ(held.size(), 1u);
        ASSERT_TRUE(other.read(8).empty());
        const std::uint32_t seen = announce_sleeper(forge.segment(), forge.group.row);
        if (by_operator) {
            EXPECT_TRUE(operator_ack(forge.segment(), forge.group.row, 1));
        } else {
            EXPECT_EQ(finish_in_order(holder.member(), 1, held[0].record), Finish::done);
            finished_in_order(forge.segment(), forge.group.row, 1);
        }
        EXPECT_NE(wake_word(forge.segment(), forge.group.row).load(memory_order_relaxed), seen);
    }
}

TEST(Unlikely, a_waiting_entry_whose_slot_is_damaged_keeps_none_behind_it) {
    GroupForge forge;
    forge.adder.add_many(2);
    Reader reader(forge.handle, forge.group, "a");
    for (const Taken& taken : reader.read(2)) EXPECT_EQ(reader.nack(taken), Finish::done);
    forge.segment().slot(1).store(pack_slot(forge.geometry(), forge.geometry().slot_tag(1) + 1, 0),
                                  memory_order_seq_cst);
    EXPECT_EQ(sequences_of(reader.read(8)), Sequences{2});
}

TEST(Unlikely, a_record_of_an_earlier_lap_is_not_pending) {
    SecondLap lap;
    lap.forge(6, PendingState::delivered);
    EXPECT_FALSE(find_pending(lap.segment(), lap.group.row, 14));
}

TEST(Unlikely, what_was_never_given_out_is_not_finished) {
    const StreamOptions options = test::keyed_options();
    GroupForge forge(options, in_order(Order::by_key));
    ASSERT_TRUE(forge.adder.add("x", "key"));
    EXPECT_TRUE(unfinished_record(forge.segment(), forge.group.row, 1));
}

}  // namespace
}  // namespace shmq
