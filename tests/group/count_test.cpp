// Counting what a group has pending.
#include "group/count.hpp"

#include <gtest/gtest.h>

#include "group/grouping.hpp"
#include "group/parking.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;

TEST(Count, of_an_untouched_group_is_all_lag) {
    GroupForge forge;
    forge.adder.add_many(5);
    const GroupCounts counts = count_group(forge.segment(), forge.group.row);
    EXPECT_EQ(counts.lag, 5u);
    EXPECT_EQ(counts.delivered + counts.retry, 0u);
    EXPECT_EQ(counts.start, 1u);
    EXPECT_EQ(counts.next, 1u);
    EXPECT_EQ(counts.floor, 1u);
    EXPECT_EQ(counts.lowest, 0u);
}

TEST(Count, tells_delivered_from_retry_and_dead_and_names_the_ends) {
    GroupForge forge;
    forge.adder.add_many(8);
    Reader reader(forge.handle, forge.group, "r");
    const auto taken = reader.read(6);
    reader.ack(taken[0]);
    reader.ack(taken[3]);
    reader.nack(taken[4]);
    test::forge_record(forge.segment(), forge.group.row, 6, PendingState::dead);
    const GroupCounts counts = count_group(forge.segment(), forge.group.row);
    EXPECT_EQ(counts.delivered, 2u);
    EXPECT_EQ(counts.retry, 2u);
    EXPECT_EQ(counts.dead, 1u);
    EXPECT_EQ(counts.delayed, 0u);
    EXPECT_EQ(counts.parked, 0u);
    EXPECT_EQ(counts.lowest, 2u);
    EXPECT_EQ(counts.floor, 2u);
    EXPECT_EQ(counts.held_from, 2u);
    EXPECT_EQ(counts.highest, 6u);
    EXPECT_EQ(counts.next, 7u);
    EXPECT_EQ(counts.lag, 2u);
}

TEST(Count, from_any_hint_is_the_same) {
    GroupForge forge;
    forge.adder.add_many(8);
    Reader reader(forge.handle, forge.group, "r");
    reader.read(5);
    for (const Sequence garbage : {Sequence{0}, Sequence{3}, Sequence{9}, Sequence{77}, ~Sequence{0}}) {
        forge.segment().group(forge.group.row).cursor.store(garbage, memory_order_relaxed);
        forge.control().tail.store(garbage, memory_order_relaxed);
        const GroupCounts counts = count_group(forge.segment(), forge.group.row);
        EXPECT_EQ(counts.delivered, 5u) << garbage;
        EXPECT_EQ(counts.lag, 3u) << garbage;
    }
}

TEST(EachPending, visits_only_what_was_asked_for_and_ends_when_told) {
    GroupForge forge;
    forge.adder.add_many(8);
    Reader reader(forge.handle, forge.group, "r");
    reader.ack(reader.read(7)[3]);
    std::vector<Sequence> seen;
    each_pending(forge.segment(), forge.group.row, 2, 6, [&](Sequence s, const PendingWord& record, const RecordAt&) {
        EXPECT_EQ(record.consumer, reader.consumer() + 1);
        seen.push_back(s);
        return true;
    });
    EXPECT_EQ(seen, (std::vector<Sequence>{2, 3, 5, 6}));
    seen.clear();
    each_pending(forge.segment(), forge.group.row, 0, ~Sequence{0},
                 [&](Sequence s, const PendingWord&, const RecordAt&) {
                     seen.push_back(s);
                     return seen.size() < 2;
                 });
    EXPECT_EQ(seen, (std::vector<Sequence>{1, 2}));
}

TEST(Count, tells_what_is_held_in_the_ring_from_what_is_parked) {
    test::StuckForge forge;
    const std::uint32_t row = forge.group.row;
    EXPECT_EQ(count_group(forge.segment(), row).held_from, 1u);
    ASSERT_TRUE(park_for_room(forge.segment(), forge.handle.visits));
    EXPECT_EQ(count_group(forge.segment(), row).held_from, 9u) << "nothing";
    forge.adder.add_many(1);
    ASSERT_EQ(forge.fast.read(1).size(), 1u);
    const GroupCounts counts = count_group(forge.segment(), row);
    EXPECT_EQ(counts.held_from, 9u);
    EXPECT_EQ(counts.floor, 1u);
    EXPECT_EQ(counts.next, 10u);
}

}  // namespace
}  // namespace shmq
