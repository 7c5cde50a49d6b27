// Parked entries of a group that keeps the order of each key, in states that only a death or a race leaves.
#include <gtest/gtest.h>

#include "group/grouping.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;

StreamOptions options() {
    StreamOptions options = test::options_with_slots(16);
    options.key_stripes = 65'536;
    return options;
}

/// "slow" holds the first two entries of the key "a", which are parked.
struct StuckKey : GroupForge {
    StuckKey()
        : GroupForge(options(), test::in_order(Order::by_key)), slow(handle, group, "slow"),
          fast(handle, group, "fast") {
        add("a");
        add("a");
        held = slow.read(2);
        go_on(3 * geometry().slots);
        EXPECT_TRUE(is_parked(segment(), group, 1) && is_parked(segment(), group, 2));
    }
    Sequence add(std::string_view key) {
        auto added = adder.add("x", key);
        for (; !added; added = adder.add("x", key))
            if (!park_for_room(segment(), handle.visits)) ADD_FAILURE() << added.error().message();
        return *added;
    }
    /// Adds entries of another key, which "fast" acks.
    void go_on(std::uint64_t count) {
        for (; count > 0; --count) {
            add("b");
            for (const Taken& taken : fast.read(8)) EXPECT_EQ(fast.ack(taken), Finish::done);
        }
    }
    [[nodiscard]] std::uint32_t row() const { return group.row; }
    Reader slow, fast;
    std::vector<Taken> held;
};

TEST(ParkedInOrder, the_predecessor_is_the_highest_parked_one_of_the_stripe_below) {
    StuckKey s;
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), 1), 0u);
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), 2), 1u);
    const Sequence third = s.add("a");
    EXPECT_TRUE(s.fast.read(8).empty());
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), third), 2u);
    EXPECT_EQ(last_met(s.segment(), s.row(), 1), third);
    s.go_on(3 * s.geometry().slots);
    EXPECT_TRUE(is_parked(s.segment(), s.group, third));
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), third), 2u);
    EXPECT_FALSE(may_finish(s.segment(), s.row(), third));
    EXPECT_EQ(s.slow.ack(s.held[0]), Finish::done);
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), 2), 0u);
    EXPECT_EQ(s.slow.ack(s.held[1]), Finish::done);
    EXPECT_TRUE(may_finish(s.segment(), s.row(), third));
}

TEST(ParkedInOrder, a_lost_link_is_made_up_for_by_a_search_that_looks_at_the_cells_too) {
    StuckKey s;
    const Sequence third = s.add("a");
    EXPECT_TRUE(s.fast.read(8).empty());
    s.segment().key_link(s.row(), third).store(0, memory_order_seq_cst);
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), third), 2u);
    const Sequence fourth = s.add("a");
    EXPECT_TRUE(s.fast.read(8).empty());
    s.segment().key_link(s.row(), fourth).store(0, memory_order_seq_cst);
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), fourth), third) << "the ring's is the later one";
}

TEST(ParkedInOrder, what_another_group_has_of_the_stripe_is_no_predecessor) {
    StuckKey s;
    const Sequence third = s.add("a");
    EXPECT_TRUE(s.fast.read(8).empty());
    ParkingCell& cell = s.segment().parking(1);
    ASSERT_EQ(cell.sequence.load(memory_order_seq_cst), 2u);
    cell.group.store(cell.group.load(memory_order_seq_cst) + 1, memory_order_seq_cst);
    s.segment().key_link(s.row(), third).store(0, memory_order_seq_cst);
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), third), 1u);
}

TEST(ParkedInOrder, who_takes_one_over_takes_back_what_others_hold_behind_it) {
    StuckKey s;
    EXPECT_EQ(s.slow.nack(s.held[0], Ending::died), Finish::done) << "a scanner that came no further";
    const auto taken = s.fast.read(1);
    ASSERT_EQ(test::sequences_of(taken), std::vector<Sequence>{1});
    EXPECT_EQ(look_at_delivery(s.segment(), s.row(), 2, s.held[1].record), Finish::fenced);
    EXPECT_EQ(s.pins_used(), 1u);
    EXPECT_EQ(test::sequences_of(s.fast.read(8)), std::vector<Sequence>{2});
}

TEST(ParkedInOrder, one_that_is_idle_is_not_claimed_behind_one_that_is_not) {
    StuckKey s;
    Reader other(s.handle, s.group, "other");
    EXPECT_EQ(extend_entry(s.segment(), s.row(), 1, s.held[0].record, 2'000), Finish::done);
    EXPECT_TRUE(other.claim(500, 2'100).empty());
    EXPECT_EQ(look_at_delivery(s.segment(), s.row(), 2, s.held[1].record), Finish::done);
    EXPECT_EQ(test::sequences_of(other.claim(500, 3'000)), std::vector<Sequence>{1});
}

TEST(ParkedInOrder, one_is_not_given_out_because_a_list_of_the_cells_misses_the_one_before) {
    StuckKey s;
    EXPECT_EQ(s.slow.nack(s.held[1]), Finish::done);
    Word& first = s.segment().parking(0).record;
    const std::uint64_t record = first.load(memory_order_seq_cst);
    first.store(with_state(record, PendingState::none), memory_order_seq_cst);  // in no list, and not finished
    EXPECT_TRUE(s.fast.read(8).empty());
    first.store(record, memory_order_seq_cst);
    EXPECT_EQ(test::sequences_of(s.slow.read(8)), std::vector<Sequence>{2});
}

TEST(ParkedInOrder, a_word_that_comes_too_early_or_too_late_says_so) {
    StuckKey s;
    EXPECT_EQ(finish_in_order(s.slow.member(), 2, s.held[1].record), Finish::too_early);
    EXPECT_EQ(s.slow.nack(s.held[1]), Finish::done);
    EXPECT_EQ(finish_in_order(s.slow.member(), 2, s.held[1].record), Finish::fenced);
    EXPECT_EQ(finish_in_order(s.slow.member(), 1, s.held[0].record), Finish::done);
    EXPECT_EQ(finish_in_order(s.slow.member(), 1, s.held[0].record), Finish::not_pending);
}

TEST(ParkedInOrder, a_stripe_beyond_the_last_one_is_none) {
    StuckKey s;
    s.segment().parking(1).stripe.store(~std::uint64_t{0}, memory_order_seq_cst);
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), 2), 0u);
    EXPECT_EQ(last_met(s.segment(), s.row(), 2), 2u);
    s.segment().parking(1).stripe.store(s.geometry().key_stripes, memory_order_seq_cst);  // the last one
    s.segment().key_stripe(s.row(), s.geometry().key_stripes - 1).store(77, memory_order_seq_cst);
    EXPECT_EQ(last_met(s.segment(), s.row(), 2), 77u);
}

TEST(ParkedInOrder, all_are_listed_from_the_lowest_on_whichever_cells_they_are_in) {
    StuckKey s;
    EXPECT_EQ(s.slow.ack(s.held[0]), Finish::done);
    const Sequence third = s.add("a");
    EXPECT_EQ(test::sequences_of(s.slow.read(1)), std::vector<Sequence>{third});
    s.go_on(3 * s.geometry().slots);
    ASSERT_EQ(s.segment().parking(0).sequence.load(memory_order_seq_cst), third) << "in the cell that became free";
    std::vector<Sequence> listed;
    for (const ParkedEntry& entry : ParkedList(s.segment(), s.group)) listed.push_back(entry.sequence);
    EXPECT_EQ(listed, (std::vector<Sequence>{2, third}));
}

TEST(ParkedInOrder, one_that_was_acked_by_who_died_before_he_freed_its_cell_holds_nothing_up) {
    StuckKey s;
    Word& first = s.segment().parking(0).record;
    first.store(with_state(first.load(memory_order_seq_cst), PendingState::acked), memory_order_seq_cst);
    EXPECT_FALSE(unfinished_record(s.segment(), s.row(), 1));
    EXPECT_TRUE(may_finish(s.segment(), s.row(), 2));
}

TEST(ParkedInOrder, the_sweep_goes_from_cell_to_cell) {
    StuckKey s;
    EXPECT_EQ(s.slow.nack(s.held[1]), Finish::done);
    unmark_retry(s.segment(), s.row(), 2);
    for (int i = 0; i < 2; ++i) sweep(s.fast.member(), 1, 1'000);
    EXPECT_TRUE(is_marked_retry(s.segment(), s.row(), 2));
}

TEST(ParkedInOrder, what_lies_behind_the_cells_is_no_predecessor) {
    StuckKey s;
    const Sequence third = s.add("a");
    EXPECT_TRUE(s.fast.read(8).empty());
    s.go_on(3 * s.geometry().slots);
    const std::uint32_t cells = s.geometry().parking;
    std::memcpy(static_cast<void*>(&s.segment().parking(cells)), &s.segment().parking(1), sizeof(ParkingCell));
    s.control().parked.store(cells, memory_order_seq_cst);
    s.segment().parking(1).word.store(pack_cell({CellState::free, 0, 1}), memory_order_seq_cst);
    EXPECT_EQ(predecessor_of(s.segment(), s.row(), third), 1u);
}

}  // namespace
}  // namespace shmq
