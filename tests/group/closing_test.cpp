// Closings that somebody began and does not finish: whoever comes next does it for him, and he may come back at any
// time.
#include "group/closing.hpp"

#include <gtest/gtest.h>

#include "group/grouping.hpp"
#include "log/sleep.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Handle;
using test::Reader;
using test::sequences_of;

/// A group of five entries, and a process that began to drop it, or to move it to entry 3, and is stopped there: inside
/// both rows.
struct Stopped : GroupForge {
    explicit Stopped(bool moves) : other(segment(), 1) {
        adder.add_many(5);
        other.visits.enter(group.row);
        if (moves) {
            successor = prepare_row(segment(), other.visits, "g", 3, {}).value();
            other.visits.enter(successor->row);
        }
    }
    void begin() { ASSERT_TRUE(begin_closing(segment(), group, successor)); }
    /// What it does when it goes on.
    void go_on() {
        EXPECT_TRUE(finish_closing(segment(), other.visits, group.row));
        other.visits.leave(group.row);
        if (successor) other.visits.leave(successor->row);
    }
    [[nodiscard]] GroupState state(GroupId of) const {
        return unpack_group(segment().group(of.row).word.load(memory_order_seq_cst)).state;
    }
    [[nodiscard]] std::uint64_t directory() const { return load_directory(segment()); }
    void fill_pins() const { test::fill_pins(segment()); }
    void free_pin(std::uint32_t cell) const { segment().pin(cell).store(0, memory_order_seq_cst); }
    [[nodiscard]] auto find() { return find_group(segment(), handle.visits, "g"); }

    Handle other;
    std::optional<GroupId> successor;
};

TEST(Closing, of_a_drop_is_finished_by_who_looks_for_the_group) {
    Stopped forge(false);
    forge.begin();
    EXPECT_FALSE(forge.find());
    EXPECT_EQ(active_groups(forge.directory()), 0u);
    EXPECT_EQ(forge.state(forge.group), GroupState::dropped);
    EXPECT_EQ(lift_trim(forge.segment(), 6).trim, 6u) << "nobody holds the room";
}

TEST(Closing, of_a_move_is_finished_by_who_looks_for_the_group_and_finds_the_successor) {
    Stopped forge(true);
    forge.begin();
    EXPECT_EQ(forge.find(), forge.successor);
    EXPECT_EQ(active_groups(forge.directory()), 1u << forge.successor->row);
    EXPECT_EQ(forge.state(forge.group), GroupState::dropped);
    EXPECT_EQ(forge.state(*forge.successor), GroupState::active);
    Reader reader(forge.handle, *forge.successor, "r");
    EXPECT_EQ(sequences_of(reader.read(8)), (std::vector<Sequence>{3, 4, 5}));
}

TEST(Closing, gives_the_name_of_a_dropped_group_to_the_next_and_keeps_that_of_a_moved_one) {
    Stopped dropped(false);
    dropped.begin();
    const auto made = create_group(dropped.segment(), dropped.handle.visits, "g", Position::oldest());
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_NE(made->row, dropped.group.row) << "the stopped one is inside";
    Stopped moved(true);
    moved.begin();
    EXPECT_EQ(create_group(moved.segment(), moved.handle.visits, "g", Position::oldest()).error().code(), Code::exists);
}

TEST(Closing, once_begun_is_finished_before_the_next_drop_or_move_of_the_name) {
    Stopped dropped(false);
    dropped.begin();
    EXPECT_EQ(move_group(dropped.segment(), dropped.handle.visits, "g", Position::oldest()).error().code(),
              Code::no_group);
    EXPECT_EQ(drop_group(dropped.segment(), dropped.handle.visits, "g").error().code(), Code::no_group);
    Stopped twice(true);
    twice.begin();
    const auto again = move_group(twice.segment(), twice.handle.visits, "g", Position::at(2));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(twice.find(), *again);
    EXPECT_EQ(twice.state(*twice.successor), GroupState::dropped);
    Stopped moved(true);
    moved.begin();
    EXPECT_TRUE(drop_group(moved.segment(), moved.handle.visits, "g"));
    EXPECT_FALSE(moved.find());
    EXPECT_EQ(moved.state(*moved.successor), GroupState::dropped) << "the one that took its place";
    EXPECT_EQ(active_groups(moved.directory()), 0u);
}

TEST(Closing, of_every_group_is_finished_at_once_and_leaves_the_others) {
    Stopped forge(true);
    const GroupId kept = create_group(forge.segment(), forge.handle.visits, "kept", Position::oldest()).value();
    forge.begin();
    finish_closings(forge.segment(), forge.handle.visits);
    EXPECT_EQ(forge.state(forge.group), GroupState::dropped);
    EXPECT_EQ(active_groups(forge.directory()), 1u << forge.successor->row | 1u << kept.row);
    EXPECT_TRUE(is_active(forge.segment(), kept));
}

TEST(Closing, goes_on_from_every_step_it_was_left_at) {
    Stopped forge(true);
    forge.begin();
    // The directory was exchanged, and nothing after that.
    forge.control().directory.store(next_directory(forge.directory(), 1u << forge.successor->row),
                                    memory_order_seq_cst);
    finish_closings(forge.segment(), forge.handle.visits);
    EXPECT_EQ(forge.state(forge.group), GroupState::dropped);
    EXPECT_EQ(forge.state(*forge.successor), GroupState::active);
    EXPECT_EQ(forge.directory(),
              next_directory(forge.directory() - (std::uint64_t{1} << 32), 1u << forge.successor->row))
        << "not exchanged again";
}

TEST(Closing, by_one_who_comes_late_changes_nothing) {
    for (const bool moves : {false, true}) {
        Stopped forge(moves);
        forge.begin();
        static_cast<void>(forge.find());
        if (moves) {
            ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
        }
        const GroupId next = create_group(forge.segment(), forge.handle.visits, "g", Position::at(2)).value();
        const std::uint64_t before = forge.directory();
        forge.go_on();
        EXPECT_EQ(forge.directory(), before);
        EXPECT_EQ(forge.find(), next);
        EXPECT_EQ(start_of(forge.segment().group(next.row), memory_order_seq_cst), 2u);
    }
}

TEST(Closing, keeps_both_rows_of_a_stopped_mover_from_being_prepared_anew) {
    Stopped forge(true);
    forge.begin();
    ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    std::vector<std::uint32_t> rows;
    for (const char* name : {"a", "b", "c"})
        if (const auto made = create_group(forge.segment(), forge.handle.visits, name, Position::oldest()))
            rows.push_back(made->row);
    EXPECT_EQ(rows.size(), forge.geometry().group_rows - 2);
    for (const std::uint32_t row : rows) {
        EXPECT_NE(row, forge.group.row);
        EXPECT_NE(row, forge.successor->row);
    }
    forge.go_on();
    EXPECT_TRUE(create_group(forge.segment(), forge.handle.visits, "d", Position::oldest()));
}

TEST(Closing, makes_claims_void_and_late_words_too_late) {
    Stopped forge(false);
    Reader reader(forge.handle, forge.group, "r");
    forge.begin();
    EXPECT_TRUE(reader.read(2).empty());
    EXPECT_FALSE(is_active(forge.segment(), forge.group)) << "which makes an ack from now on fenced";
}

TEST(Closing, pins_once_what_the_living_hold_however_many_help) {
    Stopped forge(false);
    Reader reader(forge.handle, forge.group, "r"), idle(forge.handle, forge.group, "i");
    const auto held = reader.read(2);
    forge.begin();
    forge.fill_pins();
    forge.free_pin(7);
    forge.free_pin(9);
    for (int helper = 0; helper < 3; ++helper) {  // each finds the directory changed under it but the last
        const std::uint64_t closing = forge.segment().group(forge.group.row).word.load(memory_order_seq_cst);
        EXPECT_TRUE(finish_closing(forge.segment(), forge.handle.visits, forge.group.row));
        if (helper == 2) break;
        forge.segment().group(forge.group.row).word.store(closing, memory_order_seq_cst);
        forge.control().directory.store(next_directory(forge.directory(), 1u << forge.group.row), memory_order_seq_cst);
    }
    EXPECT_EQ(forge.pins_used(), forge.geometry().pins - 1) << "both entries lie in one chunk";
    reader.leave();
    EXPECT_EQ(forge.pins_used(), forge.geometry().pins - 2);
}

TEST(Closing, passes_over_an_entry_whose_bytes_are_damaged_and_pins_the_rest) {
    Stopped forge(false);
    Reader reader(forge.handle, forge.group, "r");
    ASSERT_EQ(reader.read(2).size(), 2u);
    const std::uint64_t slot = forge.segment().slot(1).load(memory_order_seq_cst);
    std::byte* const header =
        forge.segment().payload() + (unpack_slot(forge.geometry(), slot).place << forge.geometry().unit_bits);
    std::memset(header, 0xff, sizeof(EntryHeader));
    EXPECT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    EXPECT_EQ(forge.state(forge.group), GroupState::dropped);
    EXPECT_EQ(forge.pins_used(), 1u);
}

TEST(Closing, does_not_begin_without_the_pin_cells_it_needs) {
    Stopped forge(false);
    Reader reader(forge.handle, forge.group, "r"), second(forge.handle, forge.group, "s");
    EXPECT_TRUE(has_enough_pins(forge.segment(), forge.group.row));
    forge.fill_pins();
    EXPECT_TRUE(has_enough_pins(forge.segment(), forge.group.row)) << "nobody holds anything";
    const auto held = reader.read(2), more = second.read(1);
    EXPECT_FALSE(has_enough_pins(forge.segment(), forge.group.row));
    forge.free_pin(3);
    EXPECT_FALSE(has_enough_pins(forge.segment(), forge.group.row)) << "two holders, one cell";
    const std::uint64_t before = forge.directory();
    EXPECT_EQ(drop_group(forge.segment(), forge.handle.visits, "g").error().code(), Code::too_many_pins);
    EXPECT_EQ(move_group(forge.segment(), forge.handle.visits, "g", Position::oldest()).error().code(),
              Code::too_many_pins);
    EXPECT_EQ(forge.directory(), before);
    EXPECT_TRUE(is_active(forge.segment(), forge.group));
    EXPECT_EQ(forge.pins_used(), forge.geometry().pins - 1) << "nothing was pinned";
    // What is pinned already needs no other cell.
    const auto chunks = chunks_of(
        forge.segment(),
        unpack_slot(forge.geometry(), forge.segment().slot(held[0].sequence).load(memory_order_seq_cst)).place);
    reserve_pin(forge.segment(), forge.group.row, reader.consumer(), *chunks);
    EXPECT_FALSE(has_enough_pins(forge.segment(), forge.group.row));
    second.nack(more[0]);
    EXPECT_TRUE(has_enough_pins(forge.segment(), forge.group.row));
}

TEST(Closing, that_runs_out_of_pin_cells_stays_decided_and_goes_on_when_there_are_some) {
    for (const bool moves : {false, true}) {
        Stopped forge(moves);
        Reader reader(forge.handle, forge.group, "r");
        const auto held = reader.read(2);
        forge.begin();
        forge.fill_pins();
        EXPECT_FALSE(finish_closing(forge.segment(), forge.handle.visits, forge.group.row));
        EXPECT_FALSE(forge.find());
        EXPECT_FALSE(is_active(forge.segment(), forge.group));
        EXPECT_EQ(lift_trim(forge.segment(), 6).trim, 1u) << "what is looked at is not pinned yet";
        const auto made = create_group(forge.segment(), forge.handle.visits, "g", Position::oldest());
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().code(), Code::too_many_pins);
        EXPECT_NE(made.error().message().find("group g was dropped or moved"), std::string::npos);
        forge.free_pin(3);
        EXPECT_EQ(forge.find(), forge.successor);
        EXPECT_EQ(forge.state(forge.group), GroupState::dropped);
        EXPECT_EQ(forge.pins_used(), forge.geometry().pins);
    }
}

TEST(Closing, leaves_no_pin_behind_once_its_row_is_prepared_anew) {
    Stopped forge(false);
    reserve_pin(forge.segment(), forge.group.row, 0, {2, 1});
    reserve_pin(forge.segment(), forge.group.row + 1, 0, {2, 1});
    forge.begin();
    forge.go_on();
    const auto made = create_group(forge.segment(), forge.handle.visits, "new", Position::oldest());
    ASSERT_TRUE(made);
    ASSERT_EQ(made->row, forge.group.row);
    EXPECT_EQ(forge.pins_used(), 1u) << "that of the other row";
}

TEST(Closing, that_names_a_successor_which_can_not_be_one_is_a_drop) {
    const GroupId damaged[] = {{62, 1}, {2, 9}, {0, 1}};
    for (const GroupId& successor : damaged) {
        Stopped forge(false);
        ASSERT_TRUE(begin_closing(forge.segment(), forge.group, successor));
        finish_closings(forge.segment(), forge.handle.visits);
        EXPECT_EQ(active_groups(forge.directory()), 0u) << successor.row;
        EXPECT_EQ(forge.state(forge.group), GroupState::dropped) << successor.row;
    }
}

TEST(Closing, tells_whose_turn_a_prepared_row_waits_for) {
    Stopped forge(true);
    EXPECT_FALSE(is_successor(forge.segment(), *forge.successor));
    forge.begin();
    EXPECT_TRUE(is_successor(forge.segment(), *forge.successor));
    EXPECT_FALSE(is_successor(forge.segment(), {forge.successor->row, forge.successor->incarnation + 1}));
    forge.go_on();
    EXPECT_FALSE(is_successor(forge.segment(), *forge.successor));
}

TEST(Creation, of_a_row_that_is_not_listed_is_finished_by_nobody_else) {
    Stopped forge(true);
    finish_creation(forge.segment(), forge.successor->row);
    EXPECT_EQ(forge.state(*forge.successor), GroupState::preparing);
    EXPECT_EQ(forge.segment().group(forge.successor->row).start.load(memory_order_seq_cst), 3u) << "not settled";
}

TEST(Closing, of_a_group_that_does_not_close_is_over) {
    Stopped forge(false);
    EXPECT_TRUE(finish_closing(forge.segment(), forge.handle.visits, forge.group.row));
    EXPECT_EQ(forge.state(forge.group), GroupState::active);
    forge.begin();
    EXPECT_TRUE(finish_closing(forge.segment(), forge.handle.visits, forge.group.row));
    EXPECT_TRUE(finish_closing(forge.segment(), forge.handle.visits, forge.group.row));
}

TEST(Closing, of_a_move_lists_nothing_where_the_successors_row_is_another_groups_by_now) {
    Stopped forge(true);
    forge.begin();
    Word& word = forge.segment().group(forge.successor->row).word;
    word.store(preparing_word(forge.other.id, forge.successor->incarnation + 1), memory_order_seq_cst);
    EXPECT_TRUE(finish_closing(forge.segment(), forge.handle.visits, forge.group.row));
    EXPECT_EQ(active_groups(forge.directory()), 0u);
}

TEST(Closing, wakes_the_groups_readers_and_who_waits_for_room) {
    GroupForge forge;
    const unsigned bits[] = {forge.group.row, room_bit};
    std::vector<std::uint32_t> seen;
    for (const unsigned bit : bits) seen.push_back(announce_sleeper(forge.segment(), bit));
    EXPECT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    for (std::size_t i = 0; i < seen.size(); ++i)
        EXPECT_NE(wake_word(forge.segment(), bits[i]).load(memory_order_relaxed), seen[i]) << i;
}

}  // namespace
}  // namespace shmq
