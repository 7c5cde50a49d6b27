// Each bound of the room group on it and beside it, and answers that look alike until they are asked for.
#include <gtest/gtest.h>

#include <chrono>

#include "group/closing.hpp"
#include "group/dead_move.hpp"
#include "group/group_options.hpp"
#include "group/grouping.hpp"
#include "group/losses.hpp"
#include "group/order.hpp"
#include "group/parking.hpp"
#include "log/sleep.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;
using test::sequences_of;
using Ranges = std::vector<LostRange>;
using Sequences = std::vector<Sequence>;

constexpr PendingWord delivered{7, 1, 3, PendingState::delivered};

TEST(Bounds, the_longest_delay_is_taken_and_a_millisecond_more_is_not) {
    const std::chrono::milliseconds most{most_delay_ms};
    ASSERT_TRUE(delay_ms_of("delay", most));
    EXPECT_EQ(*delay_ms_of("delay", most), most_delay_ms);
    EXPECT_EQ(delay_ms_of("delay", most + std::chrono::milliseconds(1)).error().code(), Code::bad_option);
    GroupOptions options;
    options.retention = Retention::until;
    options.behind = most;
    EXPECT_TRUE(check_options(options));
    options.behind = most + std::chrono::milliseconds(1);
    EXPECT_FALSE(check_options(options));
    options.behind = std::chrono::milliseconds(1);
    EXPECT_TRUE(check_options(options));
    options.behind = {};
    EXPECT_FALSE(check_options(options)) << "until when";
    options.retention = Retention::required;
    EXPECT_TRUE(check_options(options));
    options.behind = std::chrono::milliseconds(1);
    EXPECT_FALSE(check_options(options)) << "it has no end";
}

TEST(Bounds, a_clock_that_reads_behind_the_stamp_or_the_same_extends_nothing) {
    Word word(0);
    clock_start(word, delivered, 1'000);
    for (const std::uint64_t now_ms : {1'000u, 999u, 0u}) {
        clock_extend(word, delivered, now_ms);
        EXPECT_EQ(clock_read(word, delivered, 1'010).idle_ms, 10u) << now_ms;
    }
    clock_extend(word, delivered, 1'001);
    EXPECT_EQ(clock_read(word, delivered, 1'010).idle_ms, 9u);
}

TEST(Bounds, the_end_that_reaches_the_limit_is_remembered_by_its_kind_and_an_earlier_one_is_not) {
    for (const Ending ending : {Ending::failed, Ending::died, Ending::claimed}) {
        Word word(0);
        const PendingWord first{7, 1, 1, PendingState::delivered};
        clock_start(word, first, 1'003);
        EXPECT_EQ(clock_read(word, first, 1'003).ending, Ending::released) << "it is not dead";
        clock_end(word, 1, first, ending, 2'000);
        const PendingWord dead{7, 1, 1, PendingState::dead};
        EXPECT_EQ(clock_read(word, dead, 2'000).ending, ending);
        EXPECT_EQ(clock_read(word, dead, 2'004).idle_ms, 4u);
    }
}

TEST(Bounds, the_counts_of_what_was_delivered_again_are_not_forgotten) {
    Word word(0);
    const PendingWord dead{7, 1, 3, PendingState::dead}, again{7, 2, 4, PendingState::delivered};
    clock_end(word, 0, delivered, Ending::failed, 1'000);
    clock_again(word, again, 1'500);
    const std::uint64_t before = word.load(memory_order_relaxed);
    clock_forget(word, dead, 2'000);
    EXPECT_EQ(word.load(memory_order_relaxed), before);
}

TEST(Bounds, a_floor_at_the_end_of_the_ring_is_believed_and_one_above_it_is_not) {
    GroupForge forge;
    forge.adder.add_many(8);
    Word& floor = forge.segment().group(forge.group.row).floor;
    floor.store(9, memory_order_relaxed);
    EXPECT_EQ(find_base(forge.segment(), forge.group.row), 9u);
    floor.store(10, memory_order_relaxed);
    EXPECT_EQ(find_base(forge.segment(), forge.group.row), 1u);
}

TEST(Bounds, a_lost_range_inside_of_another_does_not_shorten_it) {
    Ranges lost{{1, 9}, {2, 3}, {10, 10}, {12, 12}};
    merge_lost(lost);
    EXPECT_EQ(lost, (Ranges{{1, 10}, {12, 12}}));
}

TEST(Bounds, a_mover_is_given_as_many_dead_entries_as_it_asked_for) {
    GroupForge forge;
    forge.adder.add_many(5);
    Reader reader(forge.handle, forge.group, "a");
    ASSERT_EQ(reader.read_new(5).size(), 5u);
    for (Sequence s = 1; s <= 4; ++s) test::forge_record(forge.segment(), forge.group.row, s, PendingState::dead);
    EXPECT_EQ(dead_to_move(forge.segment(), forge.group.row, 3), (Sequences{1, 2, 3}));
    EXPECT_EQ(dead_to_move(forge.segment(), forge.group.row, 4), (Sequences{1, 2, 3, 4}));
    EXPECT_EQ(dead_to_move(forge.segment(), forge.group.row, 9), (Sequences{1, 2, 3, 4}));
}

TEST(Bounds, a_batch_of_as_many_bytes_as_its_entries_have_takes_them_all) {
    GroupForge forge;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(forge.adder.add("12345678"));
    Reader reader(forge.handle, forge.group, "a");
    EXPECT_EQ(sequences_of(reader.read_new(8, 16)), (Sequences{1, 2}));
    Reader other(forge.handle, forge.group, "b");
    ASSERT_TRUE(forge.adder.add("12345678"));
    EXPECT_EQ(sequences_of(other.read_new(8, 15)), (Sequences{3}));
}

TEST(Bounds, what_is_idle_for_exactly_the_time_asked_for_is_claimed) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader holder(forge.handle, forge.group, "a"), other(forge.handle, forge.group, "b");
    ASSERT_EQ(holder.read(1, 1'000).size(), 1u);
    for (const std::uint64_t now_ms : {1'050u, 1'099u}) {
        EXPECT_TRUE(other.claim(100, now_ms).empty());
        EXPECT_FALSE(other.refused_pin);
    }
    EXPECT_EQ(sequences_of(other.claim(100, 1'100)), (Sequences{1}));
}

TEST(Bounds, the_highest_delivery_limit_is_taken_and_one_more_is_not) {
    GroupOptions options;
    options.delivery_limit = most_delivery_limit;
    EXPECT_TRUE(check_options(options));
    options.delivery_limit = most_delivery_limit + 1;
    EXPECT_EQ(check_options(options).error().code(), Code::bad_option);
}

TEST(Bounds, a_stale_entry_of_nobody_or_of_no_row_is_not_claimed) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader holder(forge.handle, forge.group, "a"), other(forge.handle, forge.group, "b");
    ASSERT_EQ(holder.read(1, 1'000).size(), 1u);
    const Geometry& g = forge.geometry();
    for (const std::uint32_t damaged : {0u, g.consumers + 1}) {
        const std::uint64_t record = pack_pending(g, {g.record_tag(1), damaged, 1, PendingState::delivered});
        forge.segment().record(forge.group.row, 1).store(record, memory_order_seq_cst);
        other.member().next_stale_ms = 0;
        EXPECT_TRUE(other.claim(100, 5'000).empty()) << damaged;
        EXPECT_EQ(forge.pins_used(), 0u);
    }
}

TEST(Bounds, an_operators_words_about_copies_keep_no_chunk) {
    GroupForge forge(test::tiny_options(), test::lossy());
    forge.adder.add_many(2);
    Reader reader(forge.handle, forge.group, "a");
    ASSERT_EQ(reader.read(2).size(), 2u);
    EXPECT_TRUE(operator_nack(forge.segment(), forge.group.row, 1, 1'000, {}));
    EXPECT_TRUE(operator_ack(forge.segment(), forge.group.row, 2));
    EXPECT_EQ(forge.pins_used(), 0u);
}

TEST(Bounds, the_turn_of_a_strict_group_is_given_back_by_who_has_it) {
    GroupForge forge(test::tiny_options(), test::in_order(Order::strict));
    Reader first(forge.handle, forge.group, "a"), second(forge.handle, forge.group, "b");
    ASSERT_TRUE(has_turn(first.member()));
    const Word& active = forge.segment().group(forge.group.row).active;
    const std::uint64_t turn = active.load(memory_order_relaxed);
    give_turn_back(second.member());
    seize_turn(first.member());
    EXPECT_EQ(active.load(memory_order_relaxed), turn) << "as it was";
    EXPECT_FALSE(has_turn(second.member()));
    give_turn_back(first.member());
    EXPECT_TRUE(has_turn(second.member()));
}

TEST(Bounds, a_group_that_closes_for_a_row_that_is_none_lists_none) {
    GroupForge forge;
    const std::uint32_t rows = forge.geometry().group_rows;
    ASSERT_TRUE(begin_closing(forge.segment(), forge.group, GroupId{rows, 5}));
    // What lies there looks as a group that waits.
    forge.segment().group(rows).word.store(group_word(GroupState::preparing, 5), memory_order_seq_cst);
    EXPECT_TRUE(finish_closing(forge.segment(), forge.handle.visits, forge.group.row));
    EXPECT_EQ(active_groups(forge.control().directory.load(memory_order_seq_cst)), 0u);
}

TEST(Bounds, a_parked_stale_entry_of_nobody_or_of_no_row_is_not_claimed) {
    test::StuckForge forge;
    ASSERT_TRUE(park_for_room(forge.segment(), forge.handle.visits));
    const Geometry& g = forge.geometry();
    for (const std::uint32_t damaged : {0u, g.consumers + 1}) {
        forge.segment().parking(0).record.store(pack_pending(g, {0, damaged, 1, PendingState::delivered}),
                                                memory_order_seq_cst);
        forge.fast.member().next_stale_ms = 0;
        EXPECT_TRUE(forge.fast.claim(0, 5'000).empty()) << damaged;
        EXPECT_EQ(forge.pins_used(), 0u);
    }
}

TEST(Bounds, stuck_is_what_has_an_acked_entry_up_to_as_far_behind_the_middle_as_there_are_cells) {
    StreamOptions options = test::options_with_slots(64);
    options.parking = 4;
    for (const std::uint64_t behind : {4u, 5u}) {
        GroupForge forge(options);
        forge.adder.add_many(64);
        Reader reader(forge.handle, forge.group, "a");
        ASSERT_EQ(reader.read(64).size(), 64u);
        const Sequence middle = 1 + 64 / 2;
        test::forge_record(forge.segment(), forge.group.row, middle + behind, PendingState::acked);
        EXPECT_EQ(can_park(forge.segment(), forge.group.row, 1), behind == 4) << behind;
    }
}

TEST(Bounds, what_was_handed_over_as_often_as_can_be_counted_is_not_claimed) {
    test::StuckForge forge;
    ASSERT_TRUE(park_for_room(forge.segment(), forge.handle.visits));
    const Geometry& g = forge.geometry();
    forge.segment().parking(0).record.store(
        pack_pending(g, {0, forge.slow.consumer() + 1, last_handover, PendingState::delivered}), memory_order_seq_cst);
    EXPECT_TRUE(forge.fast.claim(0, 5'000).empty());
}

TEST(Bounds, a_closing_group_pins_nothing_for_who_is_no_consumer_nor_of_an_earlier_lap) {
    for (const std::uint32_t damaged : {0u, 1u, 2u}) {
        GroupForge forge;
        forge.adder.add_many(3);
        Reader reader(forge.handle, forge.group, "a");
        const Geometry& g = forge.geometry();
        PendingWord record{g.record_tag(2), reader.consumer() + 1, 1, PendingState::delivered};
        if (damaged == 0) record.consumer = 0;
        if (damaged == 1) record.consumer = g.consumers + 1;
        if (damaged == 2) record.tag = (record.tag - 1) & low_mask(g.record_tag_bits);
        forge.segment().record(forge.group.row, 2).store(pack_pending(g, record), memory_order_seq_cst);
        forge.segment()
            .consumer(forge.group.row, g.consumers)
            .word.store(forge.handle.id.word(OwnerState::live), memory_order_seq_cst);  // behind the last one
        EXPECT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
        EXPECT_EQ(forge.pins_used(), 0u) << damaged;
    }
}

TEST(Bounds, a_batch_that_has_its_bytes_takes_no_entry_more_even_if_that_has_none) {
    GroupForge forge;
    for (const std::size_t size : {10u, 0u, 0u}) ASSERT_TRUE(forge.adder.add(std::string(size, 'x')));
    Reader reader(forge.handle, forge.group, "a");
    EXPECT_EQ(sequences_of(reader.read_new(8, 10)), (Sequences{1}));
    EXPECT_EQ(sequences_of(reader.read_new(8, 10)), (Sequences{2, 3}));
}

TEST(Bounds, a_parked_entry_of_the_last_consumer_row_is_claimed) {
    test::StuckForge forge;
    ASSERT_TRUE(park_for_room(forge.segment(), forge.handle.visits));
    const Geometry& g = forge.geometry();
    forge.segment().parking(0).record.store(pack_pending(g, {0, g.consumers, 1, PendingState::delivered}),
                                            memory_order_seq_cst);
    EXPECT_EQ(sequences_of(forge.fast.claim(0, 5'000)), Sequences{1});
}

TEST(Bounds, who_gives_his_turn_back_wakes_who_waits_for_one) {
    GroupForge forge(test::tiny_options(), test::in_order(Order::strict));
    Reader reader(forge.handle, forge.group, "a");
    ASSERT_TRUE(has_turn(reader.member()));
    const std::uint32_t seen = announce_sleeper(forge.segment(), forge.group.row);
    give_turn_back(reader.member());
    EXPECT_NE(wake_word(forge.segment(), forge.group.row).load(memory_order_relaxed), seen);
}

TEST(Bounds, a_claim_whose_bytes_are_used_up_was_refused_no_pin) {
    GroupForge forge;
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(forge.adder.add(std::string(60, 'x')));
    Reader holder(forge.handle, forge.group, "a"), other(forge.handle, forge.group, "b");
    ASSERT_EQ(holder.read(2).size(), 2u);
    EXPECT_EQ(sequences_of(other.claim(0, 5'000, 8, 80)), Sequences{1});
    EXPECT_FALSE(other.refused_pin);
}

TEST(Bounds, a_group_made_anew_has_no_more_of_a_longer_name_than_its_own) {
    GroupForge forge;
    GroupOptions options;
    std::uint32_t row = ~0u;
    for (const char* letters : {"a-long-name-of-letters", "b"}) {
        options.dead_letter = letters;
        options.delivery_limit = 3;
        const auto made = create_group(forge.segment(), forge.handle.visits, "h", Position::oldest(), options);
        ASSERT_TRUE(made) << made.error().message();
        if (row != ~0u) {
            ASSERT_EQ(made->row, row);
        }
        row = made->row;
        EXPECT_STREQ(forge.segment().group(row).dead_letter, letters);
        EXPECT_TRUE(drop_group(forge.segment(), forge.handle.visits, "h"));
    }
}

TEST(Bounds, the_longest_delay_may_be_the_first) {
    GroupOptions options;
    options.retry.kind = BackOff::doubling;
    options.retry.first_delay = std::chrono::milliseconds(10);
    for (const int most_ms : {10, 9}) {
        options.retry.most_delay = std::chrono::milliseconds(most_ms);
        EXPECT_EQ(bool(check_options(options)), most_ms == 10);
    }
}

TEST(Bounds, the_turn_of_the_last_consumer_row_is_its) {
    GroupForge forge(test::tiny_options(), test::in_order(Order::strict));
    std::vector<std::unique_ptr<Reader>> readers;
    for (std::uint32_t i = 0; i < forge.geometry().consumers; ++i)
        readers.push_back(std::make_unique<Reader>(forge.handle, forge.group, "r" + std::to_string(i)));
    ASSERT_EQ(readers.back()->consumer(), forge.geometry().consumers - 1);
    EXPECT_TRUE(has_turn(readers.back()->member()));
    EXPECT_FALSE(has_turn(readers.front()->member()));
}

TEST(Bounds, delays_that_double_without_an_end_go_up_to_the_longest) {
    GroupForge forge;
    GroupOptions options;
    options.retry.kind = BackOff::doubling;
    options.retry.first_delay = std::chrono::milliseconds(10);
    GroupRow& row = forge.segment().group(forge.group.row);
    for (const std::uint32_t most_ms : {0u, 500u}) {
        options.retry.most_delay = std::chrono::milliseconds(most_ms);
        put_options(row, options);
        EXPECT_EQ(back_off_of(row).after(30), most_ms == 0 ? most_delay_ms : most_ms);
    }
    options.retry.kind = BackOff::fixed;
    options.retry.most_delay = {};
    put_options(row, options);
    EXPECT_EQ(back_off_of(row).after(30), 10u);
    EXPECT_EQ(options_of(row).retry.kind, BackOff::fixed);
    EXPECT_TRUE(check_options(options_of(row))) << "as it was given";
}

TEST(Bounds, a_stale_entry_of_the_last_consumer_row_is_claimed) {
    GroupForge forge;
    forge.adder.add_many(1);
    Reader reader(forge.handle, forge.group, "a");
    ASSERT_EQ(reader.read(1, 1'000).size(), 1u);
    test::forge_record(forge.segment(), forge.group.row, 1, PendingState::delivered, forge.geometry().consumers - 1);
    EXPECT_EQ(sequences_of(reader.claim(0, 5'000)), Sequences{1});
}

TEST(Bounds, an_entry_that_was_stamped_in_the_future_is_not_late) {
    for (const bool future : {false, true}) {
        GroupForge forge;
        test::make_late(forge);
        const Geometry& g = forge.geometry();
        const std::uint64_t place = unpack_slot(g, forge.segment().slot(1).load(memory_order_relaxed)).place;
        const std::uint64_t time_ns = ~std::uint64_t{0} >> 1;
        if (future)
            std::memcpy(forge.segment().payload() + place * g.unit() + offsetof(EntryHeader, time_ns), &time_ns,
                        sizeof time_ns);
        EXPECT_EQ(lift_for_room(forge.segment(), 2, 2).trim, future ? 1u : 2u);
    }
}

TEST(Bounds, a_group_that_may_lose_entries_keeps_no_order_and_moves_no_dead_ones) {
    GroupOptions options = test::lossy();
    EXPECT_TRUE(check_options(options));
    options.in_flight = most_in_flight;
    EXPECT_TRUE(check_options(options));
    options.in_flight = most_in_flight + 1;
    EXPECT_FALSE(check_options(options));
    options.in_flight = 0;
    options.order = Order::by_key;
    EXPECT_FALSE(check_options(options));
    options.order = Order::none;
    options.delivery_limit = 3;
    EXPECT_TRUE(check_options(options));
    options.dead_letter = "letters";
    EXPECT_FALSE(check_options(options));
}

TEST(Bounds, a_closing_group_keeps_what_the_last_consumer_row_looks_at) {
    GroupForge forge;
    forge.adder.add_many(1);
    const std::uint32_t last = forge.geometry().consumers - 1;
    forge.segment()
        .consumer(forge.group.row, last)
        .word.store(forge.handle.id.word(OwnerState::live), memory_order_seq_cst);
    test::forge_record(forge.segment(), forge.group.row, 1, PendingState::delivered, last);
    EXPECT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    EXPECT_EQ(forge.pins_used(), 1u);
}

TEST(Bounds, the_longest_name_of_a_dead_letter_stream_is_taken_and_a_byte_more_is_not) {
    GroupOptions options;
    options.delivery_limit = 3;
    options.dead_letter.assign(most_dead_letter, 'x');
    EXPECT_TRUE(check_options(options));
    options.dead_letter += 'x';
    EXPECT_FALSE(check_options(options));
}

}  // namespace
}  // namespace shmq
