// What the repair of a death makes of parking cells: the dead one's, those of others, and those that are done with.
#include <gtest/gtest.h>

#include "group/dead_move.hpp"
#include "group/grouping.hpp"
#include "group/parking.hpp"
#include "log/parking.hpp"
#include "log/sleep.hpp"
#include "recovery/file_forge.hpp"

namespace shmq {
namespace {

using test::Handle;

/// A ring whose first entry, held by "slow", is parked in cell 0; a process that died, in attachment row 5.
struct Parked : test::StuckForge {
    Parked() : dead(segment(), 5, 3) {
        EXPECT_TRUE(park_for_room(segment(), handle.visits));
        control().parked.store(geometry().parking, memory_order_seq_cst);
    }
    void set(std::uint32_t cell, CellState state, std::uint32_t row, std::uint64_t generation = 0) const {
        segment().parking(cell).word.store(pack_cell({state, row, generation}), memory_order_seq_cst);
    }
    [[nodiscard]] CellWord word(std::uint32_t cell) const {
        return unpack_cell(segment().parking(cell).word.load(memory_order_seq_cst));
    }
    void repair_now() {
        RecoveryReport report;
        repair(segment(), handle.visits, dead.id, 2'000, report);
    }
    Handle dead;
};

TEST(RepairCells, that_the_dead_one_had_reserved_are_free_or_live_as_the_ring_says) {
    Parked p;
    p.set(0, CellState::tentative, p.dead.id.row);  // named by the ring
    const std::uint32_t last = p.geometry().parking - 1;
    p.set(1, CellState::tentative, p.dead.id.row, 4);
    p.set(last, CellState::tentative, p.dead.id.row, 4);
    p.set(2, CellState::tentative, p.dead.id.row + 1, 4);
    p.repair_now();
    EXPECT_EQ(p.word(0), (CellWord{CellState::live, 0, 0}));
    EXPECT_EQ(p.word(1), (CellWord{CellState::free, 0, 5}));
    EXPECT_EQ(p.word(last), (CellWord{CellState::free, 0, 5}));
    EXPECT_EQ(p.word(2), (CellWord{CellState::tentative, p.dead.id.row + 1, 4})) << "of a living one";
    EXPECT_EQ(p.slow.ack(p.held), Finish::done);
}

TEST(RepairCells, that_are_done_with_are_free_and_those_of_the_living_stay) {
    Parked p;
    p.repair_now();
    EXPECT_EQ(p.word(0), (CellWord{CellState::live, 0, 0}));
    Word& record = p.segment().parking(0).record;
    record.store(with_state(record.load(memory_order_seq_cst), PendingState::acked), memory_order_seq_cst);
    const Handle again(p.segment(), 5, 3);
    p.repair_now();
    EXPECT_EQ(p.word(0), (CellWord{CellState::free, 0, 1}));
}

TEST(RepairCells, that_hold_another_entrys_record_are_left_as_they_are) {
    Parked p;
    Word& record = p.segment().parking(0).record;
    PendingWord damaged = unpack_pending(p.geometry(), record.load(memory_order_seq_cst));
    ++damaged.tag;
    damaged.state = PendingState::acked;
    record.store(pack_pending(p.geometry(), damaged), memory_order_seq_cst);
    p.repair_now();
    EXPECT_EQ(p.word(0), (CellWord{CellState::live, 0, 0}));
}

TEST(RepairCells, by_one_who_comes_late_takes_none_from_the_rows_next_owner) {
    Parked p;
    const Handle next(p.segment(), 5, 4);
    p.set(1, CellState::tentative, next.id.row, 4);
    p.repair_now();
    EXPECT_EQ(p.word(1), (CellWord{CellState::tentative, next.id.row, 4}));
}

TEST(RepairCells, of_a_dead_ones_entries_counts_the_parked_ones_against_the_limit_of_a_slice) {
    Parked p;
    p.adder.add_many(1);
    ASSERT_EQ(p.slow.read(1).size(), 1u);
    p.slow.leave();
    p.segment()
        .consumer(p.group.row, p.slow.consumer())
        .word.store(p.dead.id.word(OwnerState::live), memory_order_seq_cst);
    for (const PendingState parked : {PendingState::delivered, PendingState::retry}) {
        RecoveryReport report;
        std::uint64_t most_entries = 1;
        repair(p.segment(), p.handle.visits, p.dead.id, 2'000, report, most_entries);
        EXPECT_EQ(report.entries, 1u);
        EXPECT_EQ(most_entries, 0u);
        EXPECT_EQ(p.record(9).state, PendingState::retry);
        EXPECT_EQ(pending_state(p.segment().parking(0).record.load(memory_order_seq_cst)), parked);
    }
}

TEST(ScanCells, frees_what_is_done_with_though_nobody_is_dead) {
    const test::FileForge forge;
    test::Attached me(forge.path());
    me.segment().control().parked.store(1, memory_order_seq_cst);
    ParkingCell& cell = me.segment().parking(0);
    cell.record.store(pack_pending(me.segment().geometry(), {3, 1, 1, PendingState::acked}), memory_order_seq_cst);
    cell.word.store(pack_cell({CellState::live, 0, 3}), memory_order_seq_cst);
    me.scan_now();
    EXPECT_EQ(unpack_cell(cell.word.load(memory_order_seq_cst)), (CellWord{CellState::free, 0, 4}));
}

TEST(Repair, leaves_what_lies_behind_the_tables_alone_and_wakes_who_waits_for_room) {
    Parked p;
    Word& behind = p.segment().chunk(p.geometry().chunks).word;
    const std::uint64_t before = behind.load(memory_order_seq_cst);
    behind.store(p.dead.id.word(OwnerState::owned), memory_order_seq_cst);
    p.set(p.geometry().parking, CellState::tentative, p.dead.id.row);
    const std::uint32_t seen = announce_sleeper(p.segment(), room_bit);
    p.repair_now();
    EXPECT_EQ(p.word(p.geometry().parking).state, CellState::tentative);
    EXPECT_EQ(unpack_owner(behind.load(memory_order_seq_cst)).state, OwnerState::owned);
    EXPECT_EQ(unpack_owner(p.segment().attachment(p.dead.id.row).word.load(memory_order_seq_cst)),
              (OwnerWord{OwnerState::free, 0, p.dead.id.incarnation + 1}));
    EXPECT_NE(wake_word(p.segment(), room_bit).load(memory_order_relaxed), seen);
    behind.store(before, memory_order_seq_cst);
}

TEST(Repair, hands_on_what_a_dead_consumer_in_the_last_row_held) {
    Parked p;
    const std::uint32_t last = p.geometry().consumers - 1;
    p.adder.add_many(1);
    test::forge_record(p.segment(), p.group.row, 9, PendingState::delivered, last);
    p.segment().consumer(p.group.row, last).word.store(p.dead.id.word(OwnerState::live), memory_order_seq_cst);
    p.repair_now();
    EXPECT_EQ(p.record(9).state, PendingState::retry);
}

TEST(Repair, ends_the_moves_of_the_dead_one_alone) {
    for (const bool its : {true, false}) {
        Parked p;
        Word& mover = p.segment().group(p.group.row).mover;
        const std::uint64_t word = (its ? p.dead.id : p.handle.id).word(OwnerState::live);
        mover.store(word, memory_order_seq_cst);
        p.repair_now();
        EXPECT_EQ(mover.load(memory_order_seq_cst), its ? 0 : word);
        EXPECT_EQ(dead_waits(p.segment(), p.group.row), its) << "for who moves next";
    }
}

TEST(Repair, keeps_the_row_of_a_dead_consumer_with_a_name_and_frees_that_of_one_without) {
    for (const bool named : {true, false}) {
        Parked p;
        NameTaken taken{};
        const auto joined = join_group(p.segment(), p.dead.id, p.group.row, named ? "worker" : "", taken);
        ASSERT_TRUE(joined);
        p.repair_now();
        const Word& word = p.segment().consumer(p.group.row, joined->consumer).word;
        EXPECT_EQ(unpack_owner(word.load(memory_order_seq_cst)).state, named ? OwnerState::away : OwnerState::free);
    }
}

}  // namespace
}  // namespace shmq
