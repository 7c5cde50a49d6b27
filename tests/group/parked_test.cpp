// Entries that left the ring: what each death in between leaves, and that no word about one reaches another.
#include "group/parked.hpp"

#include <gtest/gtest.h>

#include "group/dead.hpp"
#include "group/dead_move.hpp"
#include "group/grouping.hpp"
#include "group/parking.hpp"
#include "log/sleep.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;

struct Stuck : test::StuckForge {
    [[nodiscard]] std::uint32_t row() const { return group.row; }
    void park() { EXPECT_TRUE(park_for_room(segment(), handle.visits)); }
    /// Adds one entry that `fast` acks.
    void go_on() {
        adder.add_many(1);
        for (const Taken& taken : fast.read(8)) EXPECT_EQ(fast.ack(taken), Finish::done);
    }
    [[nodiscard]] ParkingCell& cell(std::uint32_t number = 0) const { return segment().parking(number); }
    [[nodiscard]] CellWord word(std::uint32_t number = 0) const {
        return unpack_cell(cell(number).word.load(memory_order_seq_cst));
    }
    [[nodiscard]] PendingWord parked_record(std::uint32_t number = 0) const {
        return unpack_pending(geometry(), cell(number).record.load(memory_order_seq_cst));
    }
};

TEST(Park, moves_the_record_and_lets_the_trim_point_pass) {
    Stuck s;
    EXPECT_EQ(lift_trim(s.segment(), 2).trim, 1u);
    s.park();
    EXPECT_EQ(s.record(1).state, PendingState::parked);
    EXPECT_EQ(s.word(), (CellWord{CellState::live, 0, 0}));
    EXPECT_EQ(s.parked_record(), (PendingWord{0, s.slow.consumer() + 1, 1, PendingState::delivered}));
    EXPECT_EQ(clock_read(s.cell().delivery, s.parked_record(), 1'700).idle_ms, 700u);
    EXPECT_EQ(find_begin(s.segment()), 2u);
    EXPECT_TRUE(is_parked(s.segment(), s.group, 1));
    EXPECT_FALSE(is_parked(s.segment(), s.group, 2));
    EXPECT_FALSE(is_parked(s.segment(), {s.row(), s.group.incarnation + 1}, 1));
    for (int i = 0; i < 40; ++i) s.go_on();
    EXPECT_EQ(finish_entry(s.segment(), s.row(), 1, s.held.record), Finish::done);
    EXPECT_EQ(s.word(), (CellWord{CellState::free, 0, 1}));
    EXPECT_EQ(finish_entry(s.segment(), s.row(), 1, s.held.record), Finish::not_pending);
    EXPECT_FALSE(is_parked(s.segment(), s.group, 1));
}

TEST(Park, leaves_alone_what_is_not_stuck) {
    GroupForge forge;
    Reader reader(forge.handle, forge.group, "r");
    EXPECT_FALSE(park_for_room(forge.segment(), forge.handle.visits)) << "nothing there";
    forge.adder.add_many(8);
    EXPECT_FALSE(park_for_room(forge.segment(), forge.handle.visits)) << "never delivered";
    const auto taken = reader.read(3);
    EXPECT_FALSE(park_for_room(forge.segment(), forge.handle.visits)) << "the group is at work on it";
    EXPECT_EQ(reader.ack(taken[1]), Finish::done);
    EXPECT_FALSE(park_for_room(forge.segment(), forge.handle.visits)) << "right behind it is not far behind";
    EXPECT_EQ(cells_in_use(forge.segment()), 0u);
}

TEST(Park, in_each_state_keeps_it) {
    for (const PendingState state :
         {PendingState::delivered, PendingState::retry, PendingState::delayed, PendingState::dead}) {
        Stuck s;
        test::forge_record(s.segment(), s.row(), 1, state, s.slow.consumer());
        s.park();
        EXPECT_EQ(s.parked_record().state, state);
        const auto at = find_pending(s.segment(), s.row(), 1);
        ASSERT_TRUE(at && at->parked);
        EXPECT_EQ(pending_state(at->value), state);
    }
}

TEST(Park, that_ended_before_the_cell_was_live_is_as_good_as_done) {
    Stuck s;
    s.park();
    const std::uint64_t tentative = pack_cell({CellState::tentative, s.handle.id.row, 0});
    const auto set_back = [&] { s.cell().word.store(tentative, memory_order_seq_cst); };
    set_back();
    EXPECT_TRUE(find_pending(s.segment(), s.row(), 1));
    settle_parked(s.segment(), s.row(), 1, s.segment().record(s.row(), 1).load(memory_order_seq_cst));
    EXPECT_EQ(s.word().state, CellState::live);
    set_back();
    EXPECT_EQ(finish_entry(s.segment(), s.row(), 1, s.held.record), Finish::done);
    EXPECT_EQ(s.word(), (CellWord{CellState::free, 0, 1}));
}

TEST(Park, that_ended_before_the_record_changed_parks_nothing) {
    Stuck s;
    s.park();
    // The next cell, filled for the same entry, and named by nothing.
    ParkingCell& other = s.cell(1);
    for (auto [from, to] : {std::pair{&s.cell().group, &other.group},
                            {&s.cell().sequence, &other.sequence},
                            {&s.cell().record, &other.record},
                            {&s.cell().place, &other.place}})
        to->store(from->load(memory_order_seq_cst), memory_order_seq_cst);
    other.word.store(pack_cell({CellState::tentative, 3, 0}), memory_order_seq_cst);
    s.segment().control().parked.store(2, memory_order_seq_cst);
    ParkedEntry entry{};
    EXPECT_FALSE(look_at_cell(s.segment(), 1, entry));
    EXPECT_EQ(finish_entry(s.segment(), s.row(), 1, s.held.record), Finish::done);
    EXPECT_EQ(s.word(1).state, CellState::tentative);
    EXPECT_EQ(parked_record(s.geometry(), 1, 0, 0), s.segment().record(s.row(), 1).load(memory_order_seq_cst));
}

TEST(Park, an_ack_that_ended_before_the_cell_was_free_keeps_neither_chunk_nor_cell) {
    Stuck s;
    s.park();
    const std::uint64_t record = s.cell().record.load(memory_order_seq_cst);
    const auto chunk = static_cast<std::uint32_t>(s.cell().chunks.load(memory_order_seq_cst));
    EXPECT_TRUE(is_chunk_parked(s.segment(), chunk));
    s.cell().record.store(with_state(record, PendingState::acked), memory_order_seq_cst);
    EXPECT_FALSE(is_chunk_parked(s.segment(), chunk));
    EXPECT_FALSE(is_parked(s.segment(), s.group, 1));
    EXPECT_FALSE(find_pending(s.segment(), s.row(), 1));
    free_left_cells(s.segment());
    EXPECT_EQ(s.word(), (CellWord{CellState::free, 0, 1}));
}

TEST(Park, a_late_word_does_not_reach_the_cells_next_entry) {
    Stuck s;
    s.park();
    EXPECT_TRUE(operator_ack(s.segment(), s.row(), 1));
    s.go_on();
    const Sequence next = find_end(s.segment());
    s.adder.add_many(1);
    const auto second = s.slow.read(1);  // the same consumer, the same hand-over
    ASSERT_EQ(test::sequences_of(second), std::vector<Sequence>{next});
    while (s.word().state == CellState::free) {
        if (!s.adder.add("x")) s.park();
        for (const Taken& taken : s.fast.read(8)) s.fast.ack(taken);
    }
    EXPECT_EQ(s.word().generation, 1u);
    EXPECT_EQ(finish_entry(s.segment(), s.row(), 1, s.held.record), Finish::fenced);
    EXPECT_EQ(s.slow.nack(s.held), Finish::fenced);
    EXPECT_EQ(s.parked_record().state, PendingState::delivered);
    EXPECT_EQ(finish_entry(s.segment(), s.row(), next, second[0].record), Finish::done);
}

TEST(Park, a_word_about_it_does_not_reach_the_entry_that_has_its_slot_now) {
    Stuck s;
    const std::uint64_t lap = s.geometry().record_tag(9);
    s.cell().word.store(pack_cell({CellState::free, 0, lap}),
                        memory_order_seq_cst);  // a generation like that lap's tag
    s.park();
    s.adder.add_many(1);
    const auto ninth = s.slow.read(1);
    ASSERT_EQ(test::sequences_of(ninth), std::vector<Sequence>{9});
    EXPECT_EQ(s.record(9), s.parked_record()) << "the very same words";
    EXPECT_EQ(finish_entry(s.segment(), s.row(), 1, s.held.record), Finish::done);
    EXPECT_EQ(s.record(9).state, PendingState::delivered);
    EXPECT_EQ(finish_entry(s.segment(), s.row(), 9, ninth[0].record), Finish::done);
}

TEST(Park, nor_does_the_word_of_who_was_given_it_again) {
    Stuck s;
    s.cell().word.store(pack_cell({CellState::free, 0, s.geometry().record_tag(9)}), memory_order_seq_cst);
    s.park();
    EXPECT_EQ(s.slow.nack(s.held), Finish::done);
    const auto again = s.fast.read(1);
    ASSERT_EQ(test::sequences_of(again), std::vector<Sequence>{1});
    s.adder.add_many(1);
    EXPECT_EQ(s.slow.nack(s.slow.read(1).at(0)), Finish::done);
    const auto ninth = s.fast.read(1);
    ASSERT_EQ(test::sequences_of(ninth), std::vector<Sequence>{9});
    EXPECT_EQ(s.record(9), s.parked_record()) << "the very same words";
    EXPECT_EQ(s.fast.ack(again[0]), Finish::done);
    EXPECT_EQ(s.record(9).state, PendingState::delivered);
    EXPECT_EQ(s.fast.ack(ninth[0]), Finish::done);
}

TEST(Park, a_waiting_one_is_found_after_an_operator_acked_the_entry_that_shares_its_mark) {
    Stuck s;
    s.park();
    s.adder.add_many(1);
    EXPECT_EQ(s.slow.nack(s.slow.read(1).at(0)), Finish::done);  // 9, in the slot that was the first one's
    EXPECT_EQ(s.slow.nack(s.held), Finish::done);
    EXPECT_TRUE(operator_ack(s.segment(), s.row(), 9));
    EXPECT_EQ(test::sequences_of(s.fast.read(8)), std::vector<Sequence>{1});
}

TEST(Park, the_sweep_finds_a_retry_entry_whose_mark_was_lost) {
    Stuck s;
    s.park();
    EXPECT_EQ(s.slow.nack(s.held), Finish::done);
    unmark_retry(s.segment(), s.row(), 1);
    EXPECT_FALSE(any_retry(s.segment(), s.row()));
    sweep(s.fast.member(), 8, 1'000);
    const auto again = s.fast.read(8);
    ASSERT_EQ(test::sequences_of(again), std::vector<Sequence>{1});
    EXPECT_TRUE(again[0].parked);
    EXPECT_EQ(again[0].deliveries, 2u);
}

TEST(Park, between_a_claim_and_the_look_at_the_trim_point_leaves_the_claim_as_it_is) {
    Stuck s;
    EXPECT_EQ(s.slow.nack(s.held), Finish::done);
    std::vector<Taken> room(8);
    Taking taking{room, 0, ~std::size_t{0}, 0, 1'000};
    take_retry(s.fast.member(), taking);
    ASSERT_EQ(taking.count, 1u);
    s.park();
    EXPECT_EQ(find_begin(s.segment()), 2u);
    EXPECT_FALSE(check_claims(s.fast.member(), taking));
    ASSERT_EQ(taking.count, 1u);
    EXPECT_EQ(s.fast.ack(room[0]), Finish::done);
}

TEST(Park, the_sweep_finds_a_dead_one_that_no_mover_was_told_of) {
    Stuck s;
    GroupRow& row = s.segment().group(s.row());
    row.dead_letter[0] = 'x';
    test::forge_record(s.segment(), s.row(), 1, PendingState::dead, s.slow.consumer());
    s.park();
    EXPECT_FALSE(dead_waits(s.segment(), s.row()));
    sweep(s.fast.member(), 8, 1'000);
    EXPECT_TRUE(dead_waits(s.segment(), s.row()));
    EXPECT_EQ(dead_to_move(s.segment(), s.row(), 8), std::vector<Sequence>{1});
}

TEST(Park, a_dead_one_is_found_by_who_decides) {
    Stuck s;
    test::forge_record(s.segment(), s.row(), 1, PendingState::dead, s.slow.consumer());
    s.park();
    EXPECT_TRUE(requeue_dead(s.segment(), s.row(), 1, 1'000));
    EXPECT_EQ(drop_dead(s.segment(), s.row(), 1).error().code(), Code::not_pending);
    EXPECT_EQ(test::sequences_of(s.fast.read(8)), std::vector<Sequence>{1});
}

TEST(Park, damaged_words_are_no_cell) {
    Stuck s;
    s.park();
    const std::uint64_t named = s.segment().record(s.row(), 1).load(memory_order_seq_cst);
    PendingWord damaged = unpack_pending(s.geometry(), named);
    damaged.handover = 1'023;
    s.segment().record(s.row(), 1).store(pack_pending(s.geometry(), damaged), memory_order_seq_cst);
    EXPECT_FALSE(find_pending(s.segment(), s.row(), 1));
    s.cell().group.store(~std::uint64_t{0}, memory_order_seq_cst);
    EXPECT_FALSE(find_pending(s.segment(), s.row(), 1));
    s.segment().control().parked.store(~std::uint64_t{0}, memory_order_seq_cst);
    EXPECT_EQ(cells_in_use(s.segment()), s.geometry().parking);
    free_left_cells(s.segment());
    EXPECT_EQ(s.word().state, CellState::free);
}

TEST(Park, that_is_claimed_is_idle_was_handed_over_before_fits_and_is_whole) {
    Stuck s;
    s.park();
    const std::uint64_t later = 100'000;
    EXPECT_TRUE(s.fast.claim(later, later).empty()) << "not idle so long";
    EXPECT_FALSE(s.fast.refused_pin) << "no pin was asked for";
    const auto forge = [&](std::uint32_t consumer, std::uint32_t handover) {
        s.cell().record.store(pack_pending(s.geometry(), {0, consumer, handover, PendingState::delivered}),
                              memory_order_seq_cst);
        s.fast.member().next_stale_ms = 0;
    };
    const std::uint32_t holder = s.slow.consumer() + 1;
    forge(holder, last_handover);
    EXPECT_TRUE(s.fast.claim(10, later).empty()) << "was handed over too often";
    for (const std::uint32_t damaged : {0u, s.geometry().consumers + 1}) {
        forge(damaged, 1);
        EXPECT_TRUE(s.fast.claim(10, later).empty()) << damaged;
    }
    forge(holder, last_handover - 1);
    EXPECT_TRUE(s.fast.claim(10, later).empty()) << "its time begins when it is first seen";
    s.fast.member().next_stale_ms = 0;
    const std::uint64_t place = s.cell().place.load(memory_order_seq_cst);
    s.cell().place.store(s.geometry().place_mask, memory_order_seq_cst);
    EXPECT_TRUE(s.fast.claim(10, 2 * later).empty()) << "its place is damaged";
    s.cell().place.store(place, memory_order_seq_cst);
    s.fast.member().next_stale_ms = 0;
    EXPECT_EQ(test::sequences_of(s.fast.claim(10, 2 * later)), std::vector<Sequence>{1});
}

TEST(Park, that_is_above_what_was_asked_for_is_not_listed) {
    Stuck s;
    s.park();
    const auto listed = [&](Sequence from, Sequence to) {
        std::vector<Sequence> all;
        each_pending(s.segment(), s.row(), from, to, [&](Sequence sequence, const PendingWord&, const RecordAt&) {
            all.push_back(sequence);
            return true;
        });
        return all;
    };
    EXPECT_EQ(listed(0, 0), std::vector<Sequence>{});
    EXPECT_EQ(listed(0, 1), std::vector<Sequence>{1});
    EXPECT_EQ(listed(1, 1), std::vector<Sequence>{1});
    EXPECT_EQ(listed(2, 9), std::vector<Sequence>{});
}

TEST(Park, a_dead_one_that_is_dropped_frees_its_cell_and_wakes_producers) {
    Stuck s;
    test::forge_record(s.segment(), s.row(), 1, PendingState::dead, s.slow.consumer());
    s.park();
    const std::uint32_t seen = announce_sleeper(s.segment(), room_bit);
    EXPECT_TRUE(drop_dead(s.segment(), s.row(), 1));
    EXPECT_EQ(s.word(), (CellWord{CellState::free, 0, 1}));
    EXPECT_NE(wake_word(s.segment(), room_bit).load(memory_order_relaxed), seen);
}

/// As Stuck with two: "slow" holds the first two entries, of 60 bytes, which are parked.
struct StuckTwice : GroupForge {
    explicit StuckTwice(const StreamOptions& options = test::options_with_slots(16))
        : GroupForge(options), slow(handle, group, "slow"), fast(handle, group, "fast") {
        while (adder.add(std::string(60, 'x'))) continue;
        EXPECT_EQ(slow.read(2).size(), 2u);
        for (const Taken& taken : fast.read(64)) fast.ack(taken);
        EXPECT_TRUE(park_for_room(segment(), handle.visits));
    }
    bool park_next() { return park_for_room(segment(), handle.visits); }
    Reader slow, fast;
};

TEST(Park, a_claim_that_has_no_room_for_all_is_not_refused_and_the_next_goes_on) {
    for (const std::size_t bytes : {~std::size_t{0}, std::size_t{80}}) {
        StuckTwice s;
        ASSERT_TRUE(s.park_next());
        const std::size_t most = bytes == 80 ? 8 : 1;
        EXPECT_EQ(test::sequences_of(s.fast.claim(100, 10'000, most, bytes)), std::vector<Sequence>{1});
        EXPECT_FALSE(s.fast.refused_pin);
        EXPECT_EQ(s.pins_used(), 1u) << "nothing is kept of what was not taken";
        EXPECT_EQ(test::sequences_of(s.fast.claim(100, 10'000, most, bytes)), std::vector<Sequence>{2});
    }
}

TEST(Park, finds_a_cell_that_an_ack_which_ended_before_it_was_free_left) {
    StreamOptions options = test::options_with_slots(16);
    options.parking = 1;
    StuckTwice s(options);
    EXPECT_FALSE(s.park_next()) << "the one cell is in use";
    Word& record = s.segment().parking(0).record;
    record.store(with_state(record.load(memory_order_seq_cst), PendingState::acked), memory_order_seq_cst);
    EXPECT_TRUE(s.park_next());
    EXPECT_EQ(s.segment().parking(0).sequence.load(memory_order_seq_cst), 2u);
}

TEST(Park, is_not_for_streams_without_cells_nor_for_groups_that_are_given_copies) {
    StreamOptions options = test::tiny_options();
    options.parking = 0;
    for (const bool lossy : {false, true}) {
        GroupForge forge(lossy ? test::tiny_options() : options, lossy ? test::lossy() : GroupOptions());
        forge.adder.add_many(8);
        Reader slow(forge.handle, forge.group, "slow"), fast(forge.handle, forge.group, "fast");
        slow.read(1);
        for (Sequence s = 2; s <= 8; ++s)
            test::forge_record(forge.segment(), forge.group.row, s, PendingState::acked, fast.consumer());
        EXPECT_FALSE(can_park(forge.segment(), forge.group.row, 1)) << lossy;
        EXPECT_FALSE(park_for_room(forge.segment(), forge.handle.visits)) << lossy;
    }
}

}  // namespace
}  // namespace shmq
