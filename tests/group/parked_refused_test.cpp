// Parked entries where something is refused: a pin, bytes, or belief in a damaged word.
#include <gtest/gtest.h>

#include "group/closing.hpp"
#include "group/delays.hpp"
#include "group/grouping.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;

/// The first entry is parked, held by "slow"; pins are used up.
struct NoPins : test::StuckForge {
    NoPins() {
        EXPECT_TRUE(park_for_room(segment(), handle.visits));
        test::fill_pins(segment());
    }
    void free_pin(std::uint32_t cell) const { segment().pin(cell).store(0, memory_order_seq_cst); }
};

TEST(ParkedRefused, a_group_does_not_end_its_closing_without_a_pin_for_what_is_parked) {
    NoPins s;
    ASSERT_TRUE(begin_closing(s.segment(), s.group, {}));
    EXPECT_FALSE(finish_closing(s.segment(), s.handle.visits, s.group.row));
    EXPECT_NE(active_groups(load_directory(s.segment())), 0u);
    s.free_pin(5);
    EXPECT_TRUE(finish_closing(s.segment(), s.handle.visits, s.group.row));
    EXPECT_EQ(active_groups(load_directory(s.segment())), 0u);
    EXPECT_EQ(s.pins_used(), s.geometry().pins) << "the view of its holder is kept";
}

TEST(ParkedRefused, an_idle_entry_is_not_claimed_without_a_pin_and_the_caller_is_told) {
    NoPins s;
    EXPECT_TRUE(s.fast.claim(100, 5'000).empty());
    EXPECT_TRUE(s.fast.refused_pin);
    EXPECT_EQ(look_at_delivery(s.segment(), s.group.row, 1, s.held.record), Finish::done);
    s.free_pin(5);
    EXPECT_EQ(test::sequences_of(s.fast.claim(100, 5'000)), std::vector<Sequence>{1});
    EXPECT_FALSE(s.fast.refused_pin);
}

TEST(ParkedRefused, what_waits_behind_an_entry_that_does_not_fit_waits_with_it) {
    GroupForge forge(test::options_with_slots(16));
    Reader slow(forge.handle, forge.group, "slow"), fast(forge.handle, forge.group, "fast");
    for (const std::size_t size : {2u, 100u, 2u}) ASSERT_TRUE(forge.adder.add(std::string(size, 'x')));
    const auto held = slow.read(3);
    forge.adder.add_many(10);
    for (const Taken& taken : fast.read(10)) EXPECT_EQ(fast.ack(taken), Finish::done);
    for (int entry = 0; entry < 3; ++entry) EXPECT_TRUE(park_for_room(forge.segment(), forge.handle.visits)) << entry;
    for (const Taken& taken : held) EXPECT_EQ(slow.nack(taken), Finish::done);
    std::vector<Taken> room(8);
    Taking taking{room, 0, 50, 0, 1'000};
    take_retry(fast.member(), taking);
    ASSERT_EQ(taking.count, 1u);
    EXPECT_EQ(room[0].sequence, 1u);
    EXPECT_EQ(test::sequences_of(fast.read(8)), (std::vector<Sequence>{2, 3}));
}

TEST(ParkedRefused, nothing_is_parked_that_was_never_added) {
    const test::StuckForge s;
    const Sequence end = 9;
    test::forge_record(s.segment(), s.group.row, end, PendingState::delivered);
    EXPECT_FALSE(can_park(s.segment(), s.group.row, end));
}

TEST(ParkedRefused, a_cell_that_was_reserved_anew_is_not_made_live_by_the_name_it_had) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    const std::uint64_t record = s.segment().record(s.group.row, 1).load(memory_order_seq_cst);
    Word& cell = s.segment().parking(0).word;
    const std::uint64_t anew = pack_cell({CellState::tentative, s.handle.id.row, 1});
    cell.store(anew, memory_order_seq_cst);
    settle_parked(s.segment(), s.group.row, 1, record);
    EXPECT_EQ(cell.load(memory_order_seq_cst), anew);
}

TEST(ParkedRefused, a_cell_that_is_finished_or_of_a_damaged_group_blames_nobody_for_the_lack_of_room) {
    test::StuckForge s;
    const auto reason = [&] { return blocked_error(s.segment(), "chunk", {}).message(); };
    const std::string nobody = reason();
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    EXPECT_NE(reason(), nobody);
    Word& record = s.segment().parking(0).record;
    const std::uint64_t held = record.load(memory_order_seq_cst);
    record.store(with_state(held, PendingState::acked), memory_order_seq_cst);
    EXPECT_EQ(reason(), nobody) << "acked, by one who died before he freed the cell";
    record.store(held, memory_order_seq_cst);
    for (const std::uint32_t row : {s.geometry().group_rows, ~0u}) {
        s.segment().parking(0).group.store(row, memory_order_seq_cst);
        EXPECT_EQ(reason(), nobody) << row;
    }
}

TEST(ParkedRefused, a_cell_of_another_entry_is_not_made_live_by_a_record_that_names_it) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    const std::uint64_t record = s.segment().record(s.group.row, 1).load(memory_order_seq_cst);
    ParkingCell& cell = s.segment().parking(0);
    const std::uint64_t tentative = pack_cell({CellState::tentative, s.handle.id.row, 0});
    cell.word.store(tentative, memory_order_seq_cst);
    cell.sequence.store(3, memory_order_seq_cst);
    settle_parked(s.segment(), s.group.row, 1, record);
    EXPECT_EQ(cell.word.load(memory_order_seq_cst), tentative);
    cell.sequence.store(1, memory_order_seq_cst);
    settle_parked(s.segment(), s.group.row + 1, 1, record);
    EXPECT_EQ(cell.word.load(memory_order_seq_cst), tentative);
    settle_parked(s.segment(), s.group.row, 1, record);
    EXPECT_EQ(unpack_cell(cell.word.load(memory_order_seq_cst)).state, CellState::live);
}

TEST(ParkedRefused, a_cell_that_was_freed_unfinished_keeps_no_chunk) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    const auto chunk = static_cast<std::uint32_t>(s.segment().parking(0).chunks.load(memory_order_seq_cst));
    EXPECT_TRUE(is_chunk_parked(s.segment(), chunk));
    free_cells_of(s.segment(), s.group);
    EXPECT_FALSE(is_chunk_parked(s.segment(), chunk));
}

TEST(ParkedRefused, a_nack_of_a_former_owner_takes_nothing_from_the_next) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    const auto claimed = s.fast.claim(0, 5'000);
    ASSERT_EQ(claimed.size(), 1u);
    EXPECT_EQ(s.slow.nack(s.held), Finish::fenced);
    EXPECT_EQ(s.fast.ack(claimed[0]), Finish::done);
}

TEST(ParkedRefused, an_ack_of_what_was_acked_says_that_it_is_not_pending_also_before_the_ring_went_round) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    EXPECT_EQ(s.slow.ack(s.held), Finish::done);
    EXPECT_EQ(s.slow.ack(s.held), Finish::not_pending);
}

TEST(ParkedRefused, what_is_finished_is_not_worth_parking) {
    test::StuckForge s;
    EXPECT_TRUE(can_park(s.segment(), s.group.row, 1));
    EXPECT_FALSE(can_park(s.segment(), s.group.row, 2));
}

TEST(ParkedRefused, another_groups_entry_stands_under_no_mark) {
    test::StuckForge s;
    test::forge_record(s.segment(), s.group.row, 1, PendingState::retry, s.slow.consumer());
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    EXPECT_TRUE(parked_waits_at(s.segment(), s.group, 1));
    EXPECT_FALSE(parked_waits_at(s.segment(), {s.group.row + 1, s.group.incarnation}, 1));
    EXPECT_FALSE(parked_waits_at(s.segment(), {s.group.row, s.group.incarnation + 1}, 1));
}

TEST(ParkedRefused, the_trim_point_passes_no_entry_whose_cell_is_not_live) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    Word& cell = s.segment().parking(0).word;
    cell.store(pack_cell({CellState::tentative, s.handle.id.row, 0}), memory_order_seq_cst);
    EXPECT_EQ(finished_until(s.segment(), s.group.row, 1, 9), 9u);
    EXPECT_EQ(unpack_cell(cell.load(memory_order_seq_cst)).state, CellState::live);
}

TEST(ParkedRefused, a_claim_that_was_parked_and_taken_by_another_does_not_stand) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    for (const bool taken : {false, true}) {
        if (taken) {
            ASSERT_EQ(s.fast.claim(0, 5'000).size(), 1u);
        }
        std::vector<Taken> room{s.held};
        Taking taking{room, 1, ~std::size_t{0}, 0, 1'000};
        EXPECT_FALSE(check_claims(s.slow.member(), taking));
        EXPECT_EQ(taking.count, taken ? 0u : 1u);
    }
}

TEST(ParkedRefused, a_due_hint_that_was_lost_is_put_back_by_the_sweep) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    ASSERT_EQ(give_back(s.segment(), s.group.row, 1, s.held.record, Ending::failed, 1'000, 500), Finish::done);
    s.segment().group(s.group.row).due.store(0, memory_order_seq_cst);
    sweep(s.fast.member(), 8, 1'100);
    EXPECT_EQ(due_hint(s.segment(), s.group.row), 1'500u);
}

TEST(ParkedRefused, who_gave_back_what_is_in_the_way_is_not_blamed_for_it) {
    test::StuckForge s;
    const auto reason = [&] { return blocked_error(s.segment(), "slot", {true, s.group.row, 1}).message(); };
    EXPECT_NE(reason().find("slow"), std::string::npos) << reason();
    EXPECT_EQ(s.slow.nack(s.held), Finish::done);
    EXPECT_EQ(reason().find("slow"), std::string::npos) << reason();
}

TEST(ParkedRefused, a_cell_is_not_freed_twice_nor_under_who_uses_it_anew) {
    test::StuckForge s;
    EXPECT_TRUE(park_for_room(s.segment(), s.handle.visits));
    ParkedEntry entry{};
    ASSERT_TRUE(look_at_cell(s.segment(), 0, entry));
    EXPECT_TRUE(free_cell(s.segment(), entry));
    for (const CellWord now : {CellWord{CellState::free, 0, 1}, CellWord{CellState::live, 0, 1}}) {
        s.segment().parking(0).word.store(pack_cell(now), memory_order_seq_cst);
        EXPECT_FALSE(free_cell(s.segment(), entry));
        EXPECT_EQ(unpack_cell(s.segment().parking(0).word.load(memory_order_seq_cst)), now);
    }
}

}  // namespace
}  // namespace shmq
