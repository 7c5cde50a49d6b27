// A row that is prepared for a group has no word left of what stood there before, whatever that was.
#include <gtest/gtest.h>

#include "group/grouping.hpp"
#include "log/retention.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;

constexpr std::uint64_t rubbish = 0x5a5a'5a5a'5a5a'5a5a;

StreamOptions with_stripes() {
    StreamOptions options = test::keyed_options();
    options.histograms = true;
    return options;
}

TEST(PreparedRow, has_no_word_of_what_stood_there) {
    for (const Order order : {Order::none, Order::by_key, Order::strict}) {
        const GroupForge forge(with_stripes());
        const Segment& segment = forge.segment();
        const Geometry& g = forge.geometry();
        const std::uint32_t row = 1;
        GroupRow& group = segment.group(row);
        for (Word* word : {&group.cursor, &group.floor, &group.demoted, &group.active, &group.skipped, &group.mover,
                           &group.moving_sequence, &group.dead_waits, &group.lost})
            word->store(rubbish, memory_order_relaxed);
        group.due.store(77, memory_order_relaxed);
        for (Sequence s = 0; s < g.slots; ++s) {
            segment.record(row, s).store(rubbish, memory_order_relaxed);
            segment.delivery(row, s).store(rubbish, memory_order_relaxed);
        }
        for (Sequence s = 0; s < g.slots; ++s) mark_retry(segment, row, s);
        for (std::uint32_t consumer = 0; consumer < g.consumers; ++consumer) {
            segment.consumer(row, consumer).word.store(rubbish, memory_order_relaxed);
            segment.consumer(row, consumer).pinned.store(rubbish, memory_order_relaxed);
            for (Word& counter : segment.histograms(row, consumer).added_to_delivered)
                counter.store(rubbish, memory_order_relaxed);
            for (Word& counter : segment.histograms(row, consumer).delivered_to_acked)
                counter.store(rubbish, memory_order_relaxed);
        }
        for (std::uint32_t stripe = 0; stripe < g.key_stripes; ++stripe)
            segment.key_stripe(row, stripe).store(rubbish, memory_order_relaxed);
        segment.pin(3).store(pack_pin({true, consumer_number(g, row, 0), 2, 1, 1}), memory_order_relaxed);
        segment.pin(4).store(pack_pin({true, consumer_number(g, 0, 0), 2, 1, 1}), memory_order_relaxed);
        segment.key_stripe(row + 1, 0).store(rubbish, memory_order_relaxed);
        segment.consumer(row + 1, 0).word.store(rubbish, memory_order_relaxed);

        GroupOptions options;
        options.order = order;
        options.histograms = true;
        test::Handle handle(segment, 2);
        const auto made = create_group(segment, handle.visits, "new", Position::oldest(), options);
        ASSERT_TRUE(made) << made.error().message();
        ASSERT_EQ(made->row, row);
        for (Word* word : {&group.active, &group.mover, &group.moving_sequence, &group.dead_waits, &group.lost})
            EXPECT_EQ(word->load(memory_order_relaxed), 0u);
        EXPECT_EQ(group.due.load(memory_order_relaxed), 0u);
        for (Word* word : {&group.cursor, &group.floor, &group.skipped})
            EXPECT_EQ(word->load(memory_order_relaxed), 1u) << "its start";
        EXPECT_EQ(group.demoted.load(memory_order_relaxed), undemoted_word(made->incarnation));
        for (Sequence s = 1; s <= g.slots; ++s) {
            const PendingWord record = unpack_pending(g, segment.record(row, s).load(memory_order_relaxed));
            EXPECT_EQ(record.tag, (g.record_tag(s) - 1) & g.record_tag_mask) << "the lap before";
            EXPECT_EQ(record.state, PendingState::acked);
            EXPECT_EQ(segment.delivery(row, s).load(memory_order_relaxed), 0u);
            EXPECT_FALSE(is_marked_retry(segment, row, s));
        }
        EXPECT_FALSE(any_retry(segment, row));
        for (std::uint32_t consumer = 0; consumer < g.consumers; ++consumer) {
            EXPECT_EQ(segment.consumer(row, consumer).word.load(memory_order_relaxed), 0u);
            EXPECT_EQ(segment.consumer(row, consumer).pinned.load(memory_order_relaxed), 0u);
            for (const Word& counter : segment.histograms(row, consumer).added_to_delivered)
                EXPECT_EQ(counter.load(memory_order_relaxed), 0u);
            for (const Word& counter : segment.histograms(row, consumer).delivered_to_acked)
                EXPECT_EQ(counter.load(memory_order_relaxed), 0u);
        }
        for (std::uint32_t stripe = 0; order == Order::by_key && stripe < g.key_stripes; ++stripe)
            EXPECT_EQ(segment.key_stripe(row, stripe).load(memory_order_relaxed), 0u);
        EXPECT_EQ(segment.key_stripe(row + 1, 0).load(memory_order_relaxed), rubbish) << "another group's";
        EXPECT_EQ(segment.consumer(row + 1, 0).word.load(memory_order_relaxed), rubbish) << "another group's";
        EXPECT_FALSE(unpack_pin(segment.pin(3).load(memory_order_relaxed)).used);
        EXPECT_TRUE(unpack_pin(segment.pin(4).load(memory_order_relaxed)).used) << "another group's";
    }
}

TEST(PreparedRow, may_start_at_the_oldest_entry_kept_and_at_the_next_one_but_nowhere_else) {
    GroupForge forge;
    forge.adder.add_many(4);
    for (Sequence s = 1; s <= 2; ++s) test::forge_record(forge.segment(), forge.group.row, s, PendingState::acked);
    ASSERT_EQ(lift_trim(forge.segment(), 3).trim, 3u);
    for (const Sequence start : {Sequence{0}, Sequence{1}, Sequence{2}, Sequence{6}})
        EXPECT_FALSE(create_group(forge.segment(), forge.handle.visits, "x", Position::at(start))) << start;
    EXPECT_TRUE(create_group(forge.segment(), forge.handle.visits, "oldest", Position::at(3)));
    EXPECT_TRUE(create_group(forge.segment(), forge.handle.visits, "next", Position::at(5)));
}

TEST(PreparedRow, has_no_mark_at_any_depth_of_the_retry_index_and_takes_none_from_its_neighbour) {
    for (const std::uint64_t slots : {8u, 128u, 8192u}) {
        GroupForge forge(test::options_with_slots(slots));
        const std::uint32_t row = 1, neighbour = 2;
        for (const std::uint32_t marked : {row, neighbour})
            for (Sequence s = 0; s < slots; ++s) mark_retry(forge.segment(), marked, s);
        const auto made = create_group(forge.segment(), forge.handle.visits, "new", Position::oldest());
        ASSERT_TRUE(made && made->row == row);
        EXPECT_FALSE(any_retry(forge.segment(), row)) << slots;
        EXPECT_EQ(next_marked(forge.segment(), row, 1, slots + 1), slots + 1);
        mark_retry(forge.segment(), row, slots - 1);
        EXPECT_EQ(next_marked(forge.segment(), row, 1, slots + 1), slots - 1) << "and no other";
        for (Sequence s = 0; s < slots; ++s) ASSERT_TRUE(is_marked_retry(forge.segment(), neighbour, s)) << s;
    }
}

TEST(PreparedRow, that_would_start_where_nothing_is_yet_is_refused_with_what_there_is) {
    GroupForge forge;
    forge.adder.add_many(4);
    const auto refused = create_group(forge.segment(), forge.handle.visits, "x", Position::at(9));
    ASSERT_EQ(refused.error().code(), Code::out_of_range);
    EXPECT_NE(refused.error().message().find("holds 1 to 4"), std::string::npos) << refused.error().message();
}

}  // namespace
}  // namespace shmq
