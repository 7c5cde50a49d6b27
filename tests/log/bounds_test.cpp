// Each bound of the room log on it, just below it and just above: what a comparison that is off by one would change.
#include <gtest/gtest.h>

#include "log/adding.hpp"
#include "log/find_bytes.hpp"
#include "log/find_time.hpp"
#include "log/free_chunks.hpp"
#include "log/parking.hpp"
#include "log/producer_row.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::Forge;
using test::somebody;

TEST(Bounds, a_chunk_with_exactly_the_room_that_is_wanted_is_adopted_and_one_with_less_is_not) {
    for (const std::uint64_t more : {0u, 32u}) {
        const Forge forge;
        test::publish_many(forge.segment(), 1);
        ChunkHolder first(forge.segment(), somebody(1, 1));
        first.settle(*first.reserve(96), 1);
        first.close();
        ChunkHolder second(forge.segment(), somebody(2, 5));
        const Room room = *second.reserve(forge.geometry().chunk_size - 96 + more);
        EXPECT_EQ(room.offset, more == 0 ? 96 : forge.geometry().chunk_size);
    }
}

TEST(Bounds, a_pin_covers_the_chunks_it_names_and_neither_neighbour) {
    const Forge forge;
    forge.segment().pin(5).store(pack_pin({true, 1, 2, 2, 1}), memory_order_seq_cst);
    for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk)
        EXPECT_EQ(is_pinned(forge.segment(), chunk), chunk == 2 || chunk == 3) << chunk;
    forge.segment().pin(5).store(pack_pin({false, 1, 2, 2, 1}), memory_order_seq_cst);
    EXPECT_FALSE(is_pinned(forge.segment(), 2)) << "the cell is free, whatever else it says";
}

TEST(Bounds, a_full_ring_names_the_consumer_of_the_last_row_too) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "g", 1);
    const std::uint32_t last = forge.geometry().consumers - 1;
    set_row_name(forge.segment().consumer(0, last).name, "lastone");
    test::publish_many(forge.segment(), 8);
    test::forge_record(forge.segment(), 0, 1, PendingState::delivered, last);
    Publisher publisher(forge.segment());
    const auto full = publisher.publish(0);
    ASSERT_FALSE(full);
    EXPECT_NE(full.error().message().find("lastone"), std::string::npos) << full.error().message();
    test::forge_record(forge.segment(), 0, 1, PendingState::delivered, last + 1);  // damaged: there is no such row
    EXPECT_EQ(publisher.publish(0).error().code(), Code::full);
}

TEST(Bounds, entries_as_large_as_the_bytes_asked_for_are_found_and_one_unit_more_is_not) {
    const Forge forge;
    test::Adder adder(forge.segment());
    adder.add_many(4);
    const std::uint64_t one = forge.geometry().room_for(1, 0);
    Sequence found = 0;
    ASSERT_EQ(find_newest_bytes(forge.segment(), 2 * one, found), Copied::done);
    EXPECT_EQ(found, 3u);
    ASSERT_EQ(find_newest_bytes(forge.segment(), 2 * one - 1, found), Copied::done);
    EXPECT_EQ(found, 4u);
}

TEST(Bounds, a_publisher_fills_the_last_slot_and_asks_for_room_at_the_one_after_it) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "g", 1);
    Publisher publisher(forge.segment());
    for (Sequence s = 1; s <= forge.geometry().slots; ++s) ASSERT_EQ(*publisher.publish(0), s);
    EXPECT_EQ(publisher.publish(0).error().code(), Code::full);
    EXPECT_EQ(forge.control().room_wanted.load(memory_order_relaxed), 2u) << "the trim point that would do";
    EXPECT_EQ(find_end(forge.segment()), forge.geometry().slots + 1);
    EXPECT_EQ(publisher.publish_at_hint(0), 0u);
}

TEST(Bounds, an_unfinished_chunk_whose_entries_are_all_trimmed_is_filled_from_its_start) {
    for (const Sequence trim : {Sequence{1}, Sequence{2}}) {
        const Forge forge;
        test::publish_many(forge.segment(), 1);
        ChunkHolder first(forge.segment(), somebody(1, 1));
        first.settle(*first.reserve(96), 1);
        first.close();
        forge.control().trim_point.store(trim, memory_order_seq_cst);
        ChunkHolder second(forge.segment(), somebody(2, 5));
        const Room room = *second.reserve(64);
        EXPECT_EQ(room.offset % forge.geometry().chunk_size, trim == 1 ? 96u : 0u);
    }
}

TEST(Bounds, only_runs_of_more_than_one_chunk_are_kept_apart_from_singles) {
    for (const std::uint64_t most : {400u, 900u}) {
        StreamOptions options = test::tiny_options();
        options.max_entry = most;
        const Forge forge(options);
        ASSERT_EQ(forge.geometry().longest_run, most == 400 ? 1u : 2u);
        EXPECT_EQ(single_chunks(forge.geometry()), most == 400 ? 8u : 6u);
    }
}

TEST(Bounds, a_damaged_count_of_parking_cells_names_none_that_are_not_there) {
    for (const std::uint32_t parking : {0u, 4u}) {
        StreamOptions options = test::tiny_options();
        options.parking = parking;
        const Forge forge(options);
        for (const std::uint64_t used : {std::uint64_t{parking}, std::uint64_t{parking} + 5, ~std::uint64_t{0}}) {
            forge.control().parked.store(used, memory_order_seq_cst);
            EXPECT_EQ(cells_in_use(forge.segment()), parking) << used;
        }
        const std::uint64_t record = parked_record(forge.geometry(), 1, parking, 1);
        EXPECT_FALSE(cell_of(forge.geometry(), record)) << "the cell behind the last";
    }
}

TEST(Bounds, a_lift_that_reaches_all_that_was_wanted_names_nobody_in_the_way) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "g", 1);
    test::publish_many(forge.segment(), 5);
    for (Sequence s = 1; s <= 3; ++s) test::forge_record(forge.segment(), 0, s, PendingState::acked);
    const Lifted all = lift_trim(forge.segment(), 4);
    EXPECT_EQ(all.trim, 4u);
    EXPECT_FALSE(all.blocked.known);
    const Lifted some = lift_trim(forge.segment(), 5);
    EXPECT_EQ(some.trim, 4u);
    EXPECT_TRUE(some.blocked.known);
    EXPECT_EQ(some.blocked.sequence, 4u);
}

TEST(Bounds, a_damaged_entry_beside_the_time_asked_for_is_told_wherever_it_stands) {
    for (Sequence damaged = 1; damaged <= 8; ++damaged) {
        const Forge forge;
        Publisher publisher(forge.segment());
        for (Sequence s = 1; s <= 8; ++s) {
            EntryHeader header{};
            header.kind = kind_data;
            header.time_ns = 10 * s;
            forge.write_header(s, header);
            ASSERT_EQ(*publisher.publish(s), s);
        }
        EntryHeader garbage{};
        garbage.kind = kind_data;
        garbage.size = ~0u;
        forge.write_header(damaged, garbage);
        Sequence found = 0;
        EXPECT_EQ(find_from_time(forge.segment(), 1'000, found), Copied::corrupt) << "all before the end are looked at";
        EXPECT_EQ(found, damaged);
        EXPECT_EQ(find_after_time(forge.segment(), 0, found), Copied::corrupt) << "all behind the begin are looked at";
        EXPECT_EQ(found, damaged);
    }
}

TEST(Bounds, a_full_payload_asks_for_the_trim_point_that_frees_the_next_chunk) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "g", 1);
    test::Adder adder(forge.segment());
    Sequence added = 0;
    while (adder.add(std::string(400, 'x'))) ++added;  // one a chunk
    ASSERT_EQ(added, single_chunks(forge.geometry()));
    EXPECT_EQ(forge.control().room_wanted.load(memory_order_relaxed), 2u);
}

TEST(Bounds, a_full_ring_held_by_a_record_that_names_nobody_is_told_all_the_same) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "g", 1);
    test::publish_many(forge.segment(), 8);
    const Geometry& g = forge.geometry();
    forge.segment().record(0, 1).store(pack_pending(g, {g.record_tag(1), 0, 1, PendingState::delivered}),
                                       memory_order_seq_cst);
    Publisher publisher(forge.segment());
    EXPECT_EQ(publisher.publish(0).error().code(), Code::full);
}

TEST(Bounds, a_free_cell_and_one_of_another_generation_hold_no_entry) {
    const Forge forge;
    const Geometry& g = forge.geometry();
    ParkingCell& cell = forge.segment().parking(0);
    ParkedEntry entry{};
    const auto set = [&](CellState state, std::uint64_t generation, std::uint64_t of_record) {
        cell.word.store(pack_cell({state, 0, generation}), memory_order_seq_cst);
        cell.record.store(pack_pending(g, {of_record, 1, 1, PendingState::delivered}), memory_order_seq_cst);
        return look_at_cell(forge.segment(), 0, entry);
    };
    EXPECT_TRUE(set(CellState::live, 5, 5));
    EXPECT_FALSE(set(CellState::live, 5, 4));
    EXPECT_FALSE(set(CellState::free, 5, 5));
    EXPECT_FALSE(set(CellState::tentative, 5, 5)) << "nothing names it";
}

TEST(Bounds, a_parking_table_with_one_free_cell_is_not_full) {
    StreamOptions options = test::tiny_options();
    options.parking = 3;
    const Forge forge(options);
    for (std::uint32_t cell = 0; cell < 3; ++cell)
        forge.segment().parking(cell).word.store(pack_cell({CellState::live, 0, 1}), memory_order_seq_cst);
    for (const std::uint64_t used : {2u, 3u}) {
        forge.control().parked.store(used, memory_order_seq_cst);
        EXPECT_EQ(is_parking_full(forge.segment()), used == 3);
    }
    for (std::uint32_t cell = 0; cell < 3; ++cell) {
        forge.segment().parking(cell).word.store(pack_cell({CellState::free, 0, 1}), memory_order_seq_cst);
        EXPECT_FALSE(is_parking_full(forge.segment())) << cell;
        forge.segment().parking(cell).word.store(pack_cell({CellState::tentative, 0, 1}), memory_order_seq_cst);
        EXPECT_TRUE(is_parking_full(forge.segment())) << cell;
    }
}

TEST(Bounds, the_lowest_parked_entry_is_found_in_whatever_cell_it_stands) {
    for (const std::uint32_t lowest : {0u, 1u, 2u}) {
        const Forge forge;
        const Geometry& g = forge.geometry();
        EXPECT_FALSE(lowest_parked(forge.segment()));
        for (std::uint32_t i = 0; i < 3; ++i) {
            ParkingCell& cell = forge.segment().parking(i);
            cell.word.store(pack_cell({CellState::live, 0, 0}), memory_order_seq_cst);
            cell.record.store(pack_pending(g, {0, 1, 1, PendingState::delivered}), memory_order_seq_cst);
            cell.sequence.store(i == lowest ? 5 : 7 + i, memory_order_seq_cst);
        }
        // Behind the cells in use stands what would be lower still.
        ParkingCell& behind = forge.segment().parking(3);
        behind.word.store(pack_cell({CellState::live, 0, 0}), memory_order_seq_cst);
        behind.record.store(pack_pending(g, {0, 1, 1, PendingState::delivered}), memory_order_seq_cst);
        behind.sequence.store(2, memory_order_seq_cst);
        forge.control().parked.store(3, memory_order_seq_cst);
        const auto found = lowest_parked(forge.segment());
        ASSERT_TRUE(found);
        EXPECT_EQ(found->sequence, 5u);
    }
}

TEST(Bounds, a_payload_that_living_producers_hold_names_no_group_for_it) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "innocent", 1);
    for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk)
        forge.segment().chunk(chunk).word.store(somebody(6, 6).word(OwnerState::owned), memory_order_relaxed);
    ChunkHolder holder(forge.segment(), somebody());
    const std::string message(holder.reserve(64).error().message());
    EXPECT_EQ(message.find("innocent"), std::string::npos) << message;
}

TEST(Bounds, a_parked_entry_keeps_its_chunks_and_neither_neighbour) {
    const Forge forge;
    ParkingCell& cell = forge.segment().parking(0);
    cell.word.store(pack_cell({CellState::live, 0, 0}), memory_order_seq_cst);
    cell.record.store(pack_pending(forge.geometry(), {0, 1, 1, PendingState::delivered}), memory_order_seq_cst);
    cell.chunks.store(std::uint64_t{3} | std::uint64_t{2} << 32, memory_order_seq_cst);
    forge.control().parked.store(1, memory_order_seq_cst);
    for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk)
        EXPECT_EQ(is_chunk_parked(forge.segment(), chunk), chunk == 3 || chunk == 4) << chunk;
}

TEST(Bounds, a_producers_row_is_given_back_by_its_owner_alone) {
    const Forge forge;
    ASSERT_EQ(take_producer_row(forge.segment(), somebody(1, 5)), 0u);
    give_back_producer_row(forge.segment(), somebody(1, 6), 0);
    give_back_producer_row(forge.segment(), somebody(2, 5), 0);
    EXPECT_EQ(take_producer_row(forge.segment(), somebody(2, 5)), 1u);
    EXPECT_FALSE(take_producer_row(forge.segment(), somebody(3, 5))) << "there are two";
    give_back_producer_row(forge.segment(), somebody(1, 5), 0);
    EXPECT_EQ(take_producer_row(forge.segment(), somebody(2, 5)), 0u);
}

TEST(Bounds, a_chunk_is_taken_once_the_trim_point_is_above_its_last_entry) {
    for (const Sequence trim : {Sequence{5}, Sequence{6}}) {
        const Forge forge;
        const std::uint64_t sealed = pack_owner({OwnerState::sealed, 0, 0});
        ChunkRow& row = forge.segment().chunk(2);
        row.last.store(5, memory_order_seq_cst);
        row.word.store(sealed, memory_order_seq_cst);
        forge.control().trim_point.store(trim, memory_order_seq_cst);
        const std::uint64_t owned = somebody().word(OwnerState::owned);
        EXPECT_EQ(take_chunk(forge.segment(), 2, sealed, owned), trim == 6);
        EXPECT_EQ(row.word.load(memory_order_seq_cst), trim == 6 ? owned : sealed);
    }
}

TEST(Bounds, an_entry_of_exactly_so_many_chunks_takes_no_more) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1024;
    for (const std::uint64_t more : {0u, 64u}) {
        const Forge forge(options);
        const std::uint64_t chunk = forge.geometry().chunk_size;
        ChunkHolder holder(forge.segment(), somebody());
        ASSERT_TRUE(holder.reserve(2 * chunk + more));
        unsigned owned = 0;
        for (std::uint32_t i = 0; i < forge.geometry().chunks; ++i)
            owned += unpack_owner(forge.segment().chunk(i).word.load(memory_order_seq_cst)).state == OwnerState::owned;
        EXPECT_EQ(owned, more == 0 ? 2u : 3u);
    }
}

TEST(Bounds, of_chunks_that_must_be_waited_for_the_one_that_is_free_first_is_chosen) {
    const Forge forge;
    for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk) {
        ChunkRow& row = forge.segment().chunk(chunk);
        row.last.store(20 - chunk % 5, memory_order_seq_cst);
        row.word.store(pack_owner({OwnerState::sealed, 0, 0}), memory_order_seq_cst);
    }
    const ChunkChoice choice = choose_chunk(forge.segment(), 64, 1);
    EXPECT_EQ(choice.kind, ChunkChoice::Kind::wait);
    EXPECT_EQ(choice.last, 16u);
    EXPECT_EQ(choice.chunk, 4u);
}

}  // namespace
}  // namespace shmq
