// The ways out of being dead, and what a move to another stream leaves where it is cut off.
#include "group/dead.hpp"

#include <gtest/gtest.h>

#include "group/dead_move.hpp"
#include "group/grouping.hpp"
#include "group/parking.hpp"
#include "log/sleep.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;

/// Entries 1 to 4, of which "c" holds all but 1, which is dead and was its.
struct Dead : GroupForge {
    Dead() : reader(handle, group, "c") {
        adder.add_many(4);
        EXPECT_EQ(reader.read(4).size(), 4u);
        die(reader.consumer());
    }
    [[nodiscard]] std::uint32_t row() const { return group.row; }
    void die(std::uint32_t consumer) { test::forge_record(segment(), row(), 1, PendingState::dead, consumer); }
    [[nodiscard]] DeadMove move() const {
        const auto movable = find_movable(segment(), row(), 1);
        EXPECT_TRUE(movable);
        return {1, 7, 8, movable ? movable->record : 0};
    }
    [[nodiscard]] Sequence intent() const { return segment().group(row()).moving_sequence.load(memory_order_relaxed); }
    Reader reader;
};

TEST(Dead, while_it_is_moved_is_neither_requeued_nor_dropped) {
    Dead d;
    const DeadMove move = d.move();
    ASSERT_TRUE(begin_move(d.segment(), d.row(), move, 1'000));
    EXPECT_EQ(requeue_dead(d.segment(), d.row(), 1, 1'000).error().code(), Code::busy);
    EXPECT_EQ(drop_dead(d.segment(), d.row(), 1).error().code(), Code::busy);
    EXPECT_TRUE(is_being_moved(d.record(1)));
    undo_move(d.segment(), d.row(), move);
    EXPECT_TRUE(drop_dead(d.segment(), d.row(), 1));
}

TEST(Dead, is_made_of_what_is_held_waits_or_is_delayed_and_of_nothing_else) {
    Dead d;
    test::forge_record(d.segment(), d.row(), 2, PendingState::retry, d.reader.consumer());
    test::forge_record(d.segment(), d.row(), 3, PendingState::delayed, d.reader.consumer());
    for (Sequence sequence = 1; sequence <= 4; ++sequence) {
        EXPECT_TRUE(make_dead(d.segment(), d.row(), sequence, 1'000));
        EXPECT_EQ(d.record(sequence).state, PendingState::dead) << sequence;
    }
    EXPECT_TRUE(drop_dead(d.segment(), d.row(), 4));
    EXPECT_EQ(make_dead(d.segment(), d.row(), 4, 1'000).error().code(), Code::not_pending) << "it is finished";
    EXPECT_TRUE(requeue_dead(d.segment(), d.row(), 2, 2'000));
    const auto read = d.reader.read(4);
    ASSERT_EQ(read.size(), 1u) << "and only that is delivered again";
    EXPECT_EQ(read[0].sequence, 2u);
}

TEST(Dead, is_dropped_or_requeued_once) {
    Dead d;
    EXPECT_TRUE(requeue_dead(d.segment(), d.row(), 1, 1'000));
    EXPECT_EQ(requeue_dead(d.segment(), d.row(), 1, 1'000).error().code(), Code::not_pending);
    EXPECT_EQ(drop_dead(d.segment(), d.row(), 1).error().code(), Code::not_pending);
    EXPECT_EQ(d.record(1).state, PendingState::retry);
}

TEST(Dead, a_move_from_another_record_begins_nothing_and_leaves_no_intent) {
    Dead d;
    DeadMove move = d.move();
    move.record = with_state(move.record, PendingState::retry);
    EXPECT_FALSE(begin_move(d.segment(), d.row(), move, 1'000));
    EXPECT_FALSE(is_being_moved(d.record(1)));
    EXPECT_EQ(d.intent(), 0u);
}

TEST(Dead, an_intent_whose_entry_is_not_marked_is_ended) {
    Dead d;
    const DeadMove move = d.move();
    ASSERT_TRUE(begin_move(d.segment(), d.row(), move, 1'000));
    const auto found = unsettled_move(d.segment(), d.row());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->sequence, 1u);
    EXPECT_EQ(found->number, 7u);
    EXPECT_EQ(found->target, 8u);
    d.die(d.reader.consumer());
    EXPECT_FALSE(unsettled_move(d.segment(), d.row()));
    EXPECT_EQ(d.intent(), 0u);
}

TEST(Dead, whose_move_is_undone_is_whose_it_was) {
    Dead d;
    const Geometry& g = d.geometry();
    for (const std::uint32_t consumer : {0u, 1u, g.consumers - 1}) {
        d.die(consumer);
        const DeadMove move = d.move();
        ASSERT_TRUE(begin_move(d.segment(), d.row(), move, 1'000));
        undo_move(d.segment(), d.row(), move);
        EXPECT_EQ(d.record(1), (PendingWord{g.record_tag(1), consumer + 1, 1, PendingState::dead}));
        EXPECT_EQ(d.intent(), 0u);
    }
    for (const std::uint32_t damaged : {0u, g.consumers + 1}) {
        d.die(1);
        DeadMove move = d.move();
        ASSERT_TRUE(begin_move(d.segment(), d.row(), move, 1'000));
        move.record = pack_pending(g, {g.record_tag(1), damaged, 1, PendingState::dead});
        undo_move(d.segment(), d.row(), move);
        EXPECT_EQ(d.record(1).consumer, 1u) << "anybody's, but somebody's";
    }
}

TEST(Dead, that_was_moved_makes_room_for_producers) {
    Dead d;
    const DeadMove move = d.move();
    ASSERT_TRUE(begin_move(d.segment(), d.row(), move, 1'000));
    d.control().room_wanted.store(2, memory_order_seq_cst);
    const std::uint32_t seen = announce_sleeper(d.segment(), room_bit);
    finish_move(d.segment(), d.row(), move);
    EXPECT_EQ(d.record(1).state, PendingState::acked);
    EXPECT_EQ(d.control().trim_point.load(memory_order_relaxed), 2u);
    EXPECT_NE(wake_word(d.segment(), room_bit).load(memory_order_relaxed), seen);
    EXPECT_EQ(d.intent(), 0u);
}

TEST(Dead, that_was_dropped_makes_room_for_producers) {
    Dead d;
    d.control().room_wanted.store(2, memory_order_seq_cst);
    EXPECT_TRUE(drop_dead(d.segment(), d.row(), 1));
    EXPECT_EQ(d.control().trim_point.load(memory_order_relaxed), 2u);
}

TEST(Dead, of_which_no_mover_was_told_is_found_by_the_sweep_of_a_group_with_a_dead_letter_stream_alone) {
    for (const bool moves : {false, true})
        for (const bool is_dead : {false, true}) {
            Dead d;
            if (moves) std::strcpy(d.segment().group(d.row()).dead_letter, "letters");
            if (!is_dead) test::forge_record(d.segment(), d.row(), 1, PendingState::acked);
            sweep(d.reader.member(), 16, 1'000);
            EXPECT_EQ(dead_waits(d.segment(), d.row()), moves && is_dead);
        }
}

TEST(Dead, behind_what_is_not_finished_of_its_key_is_not_dropped) {
    const StreamOptions options = test::keyed_options();
    GroupForge forge(options, test::in_order(Order::by_key));
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(forge.adder.add("x", "key"));
    Reader reader(forge.handle, forge.group, "c");
    const auto held = reader.read(2);
    ASSERT_EQ(held.size(), 2u);
    test::forge_record(forge.segment(), forge.group.row, 2, PendingState::dead, reader.consumer());
    EXPECT_EQ(drop_dead(forge.segment(), forge.group.row, 2).error().code(), Code::out_of_order);
    EXPECT_EQ(reader.ack(held[0]), Finish::done);
    EXPECT_TRUE(drop_dead(forge.segment(), forge.group.row, 2));
}

TEST(Dead, that_was_parked_and_moved_leaves_its_cell_free) {
    test::StuckForge forge;
    const std::uint32_t row = forge.group.row;
    test::forge_record(forge.segment(), row, 1, PendingState::dead, forge.slow.consumer());
    ASSERT_TRUE(park_for_room(forge.segment(), forge.handle.visits));
    const auto movable = find_movable(forge.segment(), row, 1);
    ASSERT_TRUE(movable);
    const DeadMove move{1, 7, 8, movable->record};
    ASSERT_TRUE(begin_move(forge.segment(), row, move, 1'000));
    finish_move(forge.segment(), row, move);
    EXPECT_EQ(unpack_cell(forge.segment().parking(0).word.load(memory_order_seq_cst)).state, CellState::free);
}

TEST(Dead, that_was_handed_over_as_often_as_can_be_counted_is_not_requeued) {
    for (const unsigned fewer : {0u, 1u}) {
        Dead d;
        const auto handover = static_cast<std::uint32_t>(last_handover - fewer);
        test::forge_record(d.segment(), d.row(), 1, PendingState::dead, 0, handover);
        EXPECT_EQ(bool(requeue_dead(d.segment(), d.row(), 1, 1'000)), fewer == 1);
    }
}

TEST(Dead, that_was_made_of_what_is_held_leaves_its_holder_the_view) {
    Dead d;
    EXPECT_TRUE(make_dead(d.segment(), d.row(), 2, 1'000));
    EXPECT_EQ(d.pins_used(), 1u);
}

TEST(Dead, alone_and_moved_by_nobody_is_movable_and_only_what_is_marked_is_finished_by_a_move) {
    Dead d;
    EXPECT_FALSE(find_movable(d.segment(), d.row(), 2)) << "it is held";
    const DeadMove move = d.move();
    finish_move(d.segment(), d.row(), move);
    EXPECT_EQ(d.record(1).state, PendingState::dead) << "it was requeued and died again meanwhile";
    d.die(1);
    undo_move(d.segment(), d.row(), move);
    EXPECT_EQ(d.record(1).consumer, 2u) << "likewise, in another's hands";
    d.die(d.reader.consumer());
    ASSERT_TRUE(begin_move(d.segment(), d.row(), move, 1'000));
    EXPECT_FALSE(find_movable(d.segment(), d.row(), 1)) << "it is being moved";
}

TEST(Dead, is_nothing_made_whose_holders_view_can_not_be_kept) {
    Dead d;
    test::fill_pins(d.segment());
    EXPECT_EQ(make_dead(d.segment(), d.row(), 2, 1'000).error().code(), Code::too_many_pins);
    EXPECT_EQ(d.record(2).state, PendingState::delivered);
}

TEST(Dead, that_is_requeued_wakes_who_sleeps) {
    Dead d;
    const std::uint32_t seen = announce_sleeper(d.segment(), d.row());
    EXPECT_TRUE(requeue_dead(d.segment(), d.row(), 1, 1'000));
    EXPECT_NE(wake_word(d.segment(), d.row()).load(memory_order_relaxed), seen);
}

TEST(Dead, were_looked_for_so_nobody_looks_again) {
    Dead d;
    expect_dead(d.segment(), d.row(), 1'000, 0);
    ASSERT_TRUE(dead_waits(d.segment(), d.row()));
    EXPECT_EQ(dead_to_move(d.segment(), d.row(), 8), std::vector<Sequence>{1});
    EXPECT_FALSE(dead_waits(d.segment(), d.row()));
}

}  // namespace
}  // namespace shmq
