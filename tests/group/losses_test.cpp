// What the records say of entries that the trim point passed, and who tells it.
#include "group/losses.hpp"

#include <gtest/gtest.h>

#include "group/grouping.hpp"
#include "log/retention.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using Ranges = std::vector<LostRange>;

/// A lossy group of 8 slots, its trim point set and its records forged as a test wants them.
struct LossForge : GroupForge {
    LossForge() { row().retention.store(static_cast<std::uint32_t>(Retention::lossy), memory_order_relaxed); }
    [[nodiscard]] GroupRow& row() const { return segment().group(group.row); }
    void trim_to(Sequence trim) const { segment().control().trim_point.store(trim, memory_order_seq_cst); }
    void set(Sequence sequence, PendingState state, std::uint32_t consumer = 0) const {
        test::forge_record(segment(), group.row, sequence, state, consumer);
    }
    Ranges find() { return find_losses(segment(), group.row, lost), lost; }
    Ranges lost;
};

TEST(Losses, are_what_was_never_delivered_or_waited) {
    LossForge forge;
    forge.trim_to(8);
    forge.set(1, PendingState::acked);
    forge.set(2, PendingState::retry);
    forge.set(3, PendingState::delayed);
    forge.set(4, PendingState::acked);
    forge.set(5, PendingState::dead);
    forge.segment().consumer(forge.group.row, 0).word.store(pack_owner({OwnerState::live, 0, 1}), memory_order_seq_cst);
    forge.set(6, PendingState::delivered);
    EXPECT_EQ(forge.find(), (Ranges{{2, 3}, {5, 5}, {7, 7}}));
}

TEST(Losses, are_what_a_consumer_that_is_gone_held) {
    LossForge forge;
    forge.trim_to(3);
    forge.set(1, PendingState::delivered);
    forge.set(2, PendingState::delivered, 1);
    forge.segment().consumer(forge.group.row, 1).word.store(pack_owner({OwnerState::live, 0, 1}), memory_order_seq_cst);
    EXPECT_EQ(forge.find(), (Ranges{{1, 1}}));
}

TEST(Losses, are_not_what_a_damaged_record_says_that_nobody_holds) {
    LossForge forge;
    forge.trim_to(3);
    const Geometry& g = forge.geometry();
    Sequence sequence = 1;
    for (const std::uint32_t consumer : {0u, g.consumers + 1}) {
        forge.segment()
            .record(forge.group.row, sequence)
            .store(pack_pending(g, {g.record_tag(sequence), consumer, 1, PendingState::delivered}),
                   memory_order_seq_cst);
        ++sequence;
    }
    EXPECT_EQ(forge.find(), Ranges{});
}

TEST(Losses, of_many_laps_are_looked_for_in_the_first_and_the_last) {
    LossForge forge;
    const std::uint64_t slots = forge.geometry().slots;
    forge.set(2, PendingState::acked);
    forge.trim_to(1 + 100 * slots);
    EXPECT_EQ(forge.find(), (Ranges{{1, 1}, {3, 100 * slots}}));
}

TEST(Losses, of_many_laps_are_not_what_was_delivered_more_than_a_lap_after_the_last_look) {
    LossForge forge;
    const std::uint64_t slots = forge.geometry().slots;
    forge.trim_to(1 + 100 * slots);
    forge.row().cursor.store(slots + 3, memory_order_relaxed);
    EXPECT_EQ(forge.find(), (Ranges{{1, slots}, {slots + 3, 100 * slots}}));
    forge.row().cursor.store(1 + 99 * slots, memory_order_relaxed);
    EXPECT_EQ(forge.find(), (Ranges{{1, slots}, {1 + 99 * slots, 100 * slots}}));
}

TEST(Losses, whose_record_a_later_lap_overwrote_count_from_the_cursor_on) {
    LossForge forge;
    const std::uint64_t slots = forge.geometry().slots;
    forge.trim_to(5);
    for (Sequence s = 1; s <= 4; ++s) forge.set(s + slots, PendingState::acked);
    forge.row().cursor.store(3, memory_order_relaxed);
    EXPECT_EQ(forge.find(), (Ranges{{3, 4}}));
}

TEST(Losses, are_told_by_who_raises_the_word) {
    LossForge forge;
    forge.trim_to(6);
    Ranges one, two;
    const Untold first = find_losses(forge.segment(), forge.group.row, one);
    forge.trim_to(8);
    const Untold second = find_losses(forge.segment(), forge.group.row, two);
    tell_losses(forge.segment(), forge.group.row, first, one);
    EXPECT_EQ(one, (Ranges{{1, 5}}));
    tell_losses(forge.segment(), forge.group.row, second, two);
    EXPECT_EQ(two, (Ranges{{6, 7}})) << "the rest was told by the other";
    tell_losses(forge.segment(), forge.group.row, first, one);
    EXPECT_TRUE(one.empty()) << "late";
    EXPECT_TRUE(forge.find().empty());
}

TEST(Losses, are_none_where_the_word_is_damaged) {
    LossForge forge;
    forge.trim_to(6);
    forge.row().skipped.store(~std::uint64_t{0}, memory_order_relaxed);
    EXPECT_TRUE(forge.find().empty());
}

TEST(TakeNew, of_copies_gives_an_entry_whose_record_was_left_alone_for_most_of_all_tags) {
    LossForge forge;
    forge.adder.add_many(1);
    const Geometry& g = forge.geometry();
    for (const std::uint64_t laps : {std::uint64_t{1}, g.record_tag_mask / 2 - 1, g.record_tag_mask / 2 + 5}) {
        const std::uint64_t tag = (g.record_tag(1) - laps) & g.record_tag_mask;
        forge.segment()
            .record(forge.group.row, 1)
            .store(pack_pending(g, {tag, 0, 0, PendingState::acked}), memory_order_seq_cst);
        test::Reader reader(forge.handle, forge.group, "reader");
        EXPECT_EQ(test::sequences_of(reader.read_new(4)), std::vector<Sequence>{1}) << laps;
    }
}

TEST(LostRanges, come_into_order_and_together) {
    Ranges lost{{7, 9}, {1, 2}, {3, 3}, {8, 12}, {20, 20}};
    merge_lost(lost);
    EXPECT_EQ(lost, (Ranges{{1, 3}, {7, 12}, {20, 20}}));
    EXPECT_EQ(count_lost(lost), 10u);
}

TEST(Retention, lossy_does_not_hold_the_trim_point) {
    LossForge forge;
    forge.adder.add_many(6);
    EXPECT_EQ(lift_trim(forge.segment(), 5).trim, 5u);
    forge.row().retention.store(static_cast<std::uint32_t>(Retention::required), memory_order_relaxed);
    EXPECT_EQ(lift_trim(forge.segment(), 7).trim, 5u);
}

TEST(Retention, until_holds_it_as_long_as_its_word_names_no_entry) {
    LossForge forge;
    GroupRow& row = forge.row();
    row.retention.store(static_cast<std::uint32_t>(Retention::until), memory_order_relaxed);
    row.behind_ms = 1;
    forge.adder.add_many(6);
    EXPECT_TRUE(holds_trim(row));
    EXPECT_EQ(lift_for_room(forge.segment(), 3, 3).trim, 1u) << "without time stamps nothing is late";
    EXPECT_EQ(demoted_at(row), 0u);
    row.demoted.store(2, memory_order_relaxed);
    EXPECT_EQ(lift_for_room(forge.segment(), 3, 3).trim, 3u);
}

TEST(Retention, a_word_of_another_group_in_the_row_is_not_demoted) {
    LossForge forge;
    GroupRow& row = forge.row();
    row.retention.store(static_cast<std::uint32_t>(Retention::until), memory_order_relaxed);
    row.demoted.store(undemoted_word(forge.group.incarnation + 1), memory_order_relaxed);
    forge.adder.add_many(6);
    EXPECT_EQ(lift_for_room(forge.segment(), 3, 3).trim, 1u);
    EXPECT_EQ(demoted_at(row), 0u);
}

/// A group that is late: its entries were added in 1970, and the first alone is acked.
struct LateForge : GroupForge {
    LateForge() : reader(handle, group, "r") {
        test::make_late(*this);
        EXPECT_EQ(reader.ack(reader.read_new(2).at(0)), Finish::done);
    }
    [[nodiscard]] GroupRow& row() const { return segment().group(group.row); }
    test::Reader reader;
};

TEST(Retention, a_late_group_is_not_demoted_where_there_is_room_without) {
    LateForge forge;
    EXPECT_EQ(lift_for_room(forge.segment(), 2, 5).trim, 2u) << "one is enough";
    EXPECT_EQ(demoted_at(forge.row()), 0u);
    EXPECT_EQ(lift_for_room(forge.segment(), 3, 3).trim, 3u);
    EXPECT_EQ(demoted_at(forge.row()), 2u);
    EXPECT_EQ(lift_for_room(forge.segment(), 6, 6).trim, 6u) << "it holds nothing any more";
    EXPECT_EQ(demoted_at(forge.row()), 2u) << "where it was demoted is where its losses begin";
}

TEST(Losses, of_what_a_dead_consumer_in_the_last_row_held_are_told) {
    GroupForge forge(test::tiny_options(), test::lossy());
    forge.adder.add_many(2);
    const std::uint32_t last = forge.geometry().consumers - 1;
    test::forge_record(forge.segment(), forge.group.row, 1, PendingState::delivered, last);
    forge.control().trim_point.store(2, memory_order_seq_cst);
    Ranges lost{{7, 7}};  // of an earlier look
    find_losses(forge.segment(), forge.group.row, lost);
    EXPECT_EQ(lost, (Ranges{{1, 1}}));
}

TEST(Losses, of_which_all_but_the_last_were_told_are_cut_to_it) {
    GroupForge forge(test::tiny_options(), test::lossy());
    forge.segment().group(forge.group.row).skipped.store(5, memory_order_seq_cst);
    Ranges lost{{1, 3}, {4, 5}};
    tell_losses(forge.segment(), forge.group.row, {1, 6}, lost);
    EXPECT_EQ(lost, (Ranges{{5, 5}}));
}

TEST(Losses, of_a_group_that_was_not_read_for_laps_are_not_what_it_finished_in_the_last_one) {
    LossForge forge;
    forge.trim_to(28);
    for (Sequence s = 20; s < 28; ++s) forge.set(s, s == 24 ? PendingState::retry : PendingState::acked);
    forge.row().cursor.store(9, memory_order_relaxed);  // raised by the next read alone
    EXPECT_EQ(forge.find(), (Ranges{{9, 19}, {24, 24}}));
}

}  // namespace
}  // namespace shmq
