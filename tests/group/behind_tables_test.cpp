// What lies behind a table looks like a row of it, which nobody may take for one.
#include <gtest/gtest.h>

#include <cstring>

#include "group/closing.hpp"
#include "group/count.hpp"
#include "group/grouping.hpp"
#include "group/histograms.hpp"
#include "group/order.hpp"
#include "group/parking.hpp"
#include "group/pins.hpp"
#include "log/free_chunks.hpp"
#include "log/parking.hpp"
#include "log/trim.hpp"

namespace shmq::test {
namespace {

/// Entry 1 is parked in cell 0, all cells were used once, and behind the last one lies a copy of the first.
struct BehindCells : StuckForge {
    BehindCells() {
        EXPECT_TRUE(park_for_room(segment(), handle.visits));
        control().parked.store(geometry().parking, memory_order_seq_cst);
        std::memcpy(static_cast<void*>(&behind()), &segment().parking(0), sizeof(ParkingCell));
    }
    [[nodiscard]] ParkingCell& behind() const { return segment().parking(geometry().parking); }
    /// Cell 0 is empty, and the copy behind the table is not.
    void finish() {
        EXPECT_EQ(slow.ack(held), Finish::done);
        EXPECT_TRUE(is_behind_live());
    }
    [[nodiscard]] bool is_behind_live() const {
        return unpack_cell(behind().word.load(memory_order_seq_cst)).state == CellState::live;
    }
};

TEST(BehindTables, a_cell_is_not_listed) {
    BehindCells cells;
    EXPECT_EQ(count_group(cells.segment(), cells.group.row).parked, 1u);
    cells.finish();
    EXPECT_EQ(count_group(cells.segment(), cells.group.row).parked, 0u);
    EXPECT_FALSE(lowest_parked(cells.segment()));
    EXPECT_FALSE(is_parked(cells.segment(), cells.group, 1));
    EXPECT_FALSE(find_pending(cells.segment(), cells.group.row, 1));
}

TEST(BehindTables, a_cell_keeps_no_chunk_and_no_mark) {
    BehindCells cells;
    cells.finish();
    const auto chunk = static_cast<std::uint32_t>(cells.behind().chunks.load(memory_order_seq_cst));
    EXPECT_FALSE(is_chunk_parked(cells.segment(), chunk));
    cells.behind().record.store(pack_pending(cells.geometry(), {0, 1, 1, PendingState::retry}), memory_order_seq_cst);
    EXPECT_FALSE(parked_waits_at(cells.segment(), cells.group, 1));
}

TEST(BehindTables, a_cell_is_not_freed) {
    BehindCells cells;
    free_cells_of(cells.segment(), cells.group);
    EXPECT_TRUE(cells.is_behind_live());
    cells.behind().record.store(pack_pending(cells.geometry(), {0, 1, 1, PendingState::acked}), memory_order_seq_cst);
    free_left_cells(cells.segment());
    EXPECT_TRUE(cells.is_behind_live());
}

TEST(BehindTables, a_cell_is_named_by_no_record) {
    BehindCells cells;
    const std::uint64_t record = parked_record(cells.geometry(), 1, cells.geometry().parking, 0);
    EXPECT_FALSE(cell_of(cells.geometry(), record));
    cells.behind().word.store(pack_cell({CellState::tentative, 0, 0}), memory_order_seq_cst);
    settle_parked(cells.segment(), cells.group.row, 1, record);
    EXPECT_EQ(unpack_cell(cells.behind().word.load(memory_order_seq_cst)).state, CellState::tentative);
}

TEST(BehindTables, a_record_of_no_groups_row_names_no_cell) {
    const BehindCells cells;
    const std::uint32_t rows = cells.geometry().group_rows;
    ParkingCell& cell = cells.segment().parking(1);
    cell.group.store(rows, memory_order_seq_cst);
    cell.sequence.store(3, memory_order_seq_cst);
    cell.word.store(pack_cell({CellState::tentative, 1, 0}), memory_order_seq_cst);
    cells.segment().record(rows, 3).store(parked_record(cells.geometry(), 3, 1, 0), memory_order_seq_cst);
    ParkedEntry entry{};
    EXPECT_FALSE(look_at_cell(cells.segment(), 1, entry));
}

TEST(BehindTables, the_sweep_looks_at_no_cell) {
    BehindCells cells;
    cells.finish();
    cells.behind().record.store(pack_pending(cells.geometry(), {0, 1, 1, PendingState::retry}), memory_order_seq_cst);
    for (std::uint32_t i = 0; i < 2 * cells.geometry().parking; ++i) sweep(cells.fast.member(), 1, 1'000);
    EXPECT_FALSE(is_marked_retry(cells.segment(), cells.group.row, 1));
}

TEST(BehindTables, nobody_is_inside_a_group) {
    const GroupForge forge;
    AttachmentRow& behind = forge.segment().attachment(forge.geometry().attachments);
    behind.word.store(AttachmentId{9, 9}.word(OwnerState::live), memory_order_seq_cst);
    behind.inside.store(~std::uint64_t{0}, memory_order_seq_cst);
    EXPECT_FALSE(is_visited(forge.segment(), forge.group.row));
}

TEST(BehindTables, a_pin_keeps_no_chunk_and_is_not_freed) {
    const GroupForge forge;
    Word& behind = forge.segment().pin(forge.geometry().pins);
    const std::uint64_t pin = pack_pin({true, forge.group.row * forge.geometry().consumers, 5, 1, 0});
    behind.store(pin, memory_order_seq_cst);
    EXPECT_FALSE(is_pinned(forge.segment(), 5));
    free_group_pins(forge.segment(), forge.group.row);
    free_pins(forge.segment(), forge.group.row, 0, [](ChunkSpan) { return false; });
    EXPECT_EQ(behind.load(memory_order_seq_cst), pin);
}

TEST(BehindTables, a_group_holds_no_trim_point) {
    GroupForge forge;
    forge.adder.add_many(4);
    Reader reader(forge.handle, forge.group, "a");
    for (const Taken& taken : reader.read(4)) EXPECT_EQ(reader.ack(taken), Finish::done);
    const std::uint32_t rows = forge.geometry().group_rows;
    ASSERT_LT(rows, 32u);
    forge.segment().group(rows).retention.store(static_cast<std::uint32_t>(Retention::required), memory_order_relaxed);
    const std::uint64_t directory = forge.control().directory.load(memory_order_seq_cst);
    forge.control().directory.store(next_directory(directory, active_groups(directory) | std::uint32_t{1} << rows),
                                    memory_order_seq_cst);
    EXPECT_EQ(lift_trim(forge.segment(), 5).trim, 5u);
}

TEST(BehindTables, a_consumer_has_no_name) {
    GroupForge forge;
    const auto second = create_group(forge.segment(), forge.handle.visits, "h", Position::oldest());
    ASSERT_TRUE(second);
    ASSERT_EQ(second->row, forge.group.row + 1);
    const Reader neighbour(forge.handle, *second, "worker");
    NameTaken taken{};
    EXPECT_TRUE(join_group(forge.segment(), forge.handle.id, forge.group.row, "worker", taken));
}

TEST(BehindTables, a_group_has_no_successor_and_needs_no_cell) {
    BehindCells cells;
    const std::uint32_t rows = cells.geometry().group_rows;
    cells.segment().group(rows).word.store(pack_closing({1, GroupId{2, 5}}), memory_order_seq_cst);
    EXPECT_FALSE(is_successor(cells.segment(), {2, 5}));
    ParkedEntry entry{};
    ASSERT_TRUE(look_at_cell(cells.segment(), 0, entry));
    EXPECT_FALSE(is_done_with(cells.segment(), entry));
    Word& word = cells.segment().group(cells.group.row).word;
    const std::uint64_t active = word.load(memory_order_seq_cst);
    for (const GroupState state : {GroupState::free, GroupState::dropped}) {
        word.store(group_word(state, cells.group.incarnation), memory_order_seq_cst);
        EXPECT_TRUE(is_done_with(cells.segment(), entry));
    }
    word.store(active, memory_order_seq_cst);
    ++entry.group_incarnation;
    EXPECT_TRUE(is_done_with(cells.segment(), entry)) << "of the row's group before, or after";
    cells.segment().group(rows).word.store(group_word(GroupState::active, entry.group_incarnation),
                                           memory_order_seq_cst);
    entry.group_row = rows;
    EXPECT_TRUE(is_done_with(cells.segment(), entry));
}

TEST(BehindTables, counters_are_the_next_groups) {
    GroupForge forge;
    GroupOptions options;
    options.histograms = true;
    const auto first = create_group(forge.segment(), forge.handle.visits, "h", Position::oldest(), options);
    const auto second = create_group(forge.segment(), forge.handle.visits, "i", Position::oldest(), options);
    ASSERT_TRUE(first && second);
    ASSERT_EQ(second->row, first->row + 1);
    count_delay(histograms_of(forge.segment(), second->row, 0)->added_to_delivered, 5'000, 1);
    clear_histograms(forge.segment(), first->row);
    EXPECT_EQ(latency_of(forge.segment(), second->row).added_to_delivered.count, 1u);
}

TEST(BehindTables, a_turn_of_no_row_is_nobodys) {
    GroupForge forge(tiny_options(), in_order(Order::strict));
    const auto second = create_group(forge.segment(), forge.handle.visits, "h", Position::oldest());
    ASSERT_TRUE(second);
    ASSERT_EQ(second->row, forge.group.row + 1) << "its first consumer lies behind the last one of \"g\"";
    const Reader neighbour(forge.handle, *second, "n");
    Reader reader(forge.handle, forge.group, "a");
    Word& active = forge.segment().group(forge.group.row).active;
    active.store(next_turn(0, forge.geometry().consumers + 1), memory_order_seq_cst);
    EXPECT_TRUE(has_turn(reader.member()));
}

}  // namespace
}  // namespace shmq::test
