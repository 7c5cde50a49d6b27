// Joining and leaving: one living owner per name, whoever meets whom.
#include "group/membership.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "group/grouping.hpp"

namespace shmq {
namespace {

using test::Forge;
using test::GroupForge;
using test::Handle;
using test::somebody;

struct Joining : GroupForge {
    Result<Joined> join(AttachmentId me, std::string_view name) {
        return join_group(segment(), me, group.row, name, taken);
    }
    [[nodiscard]] ConsumerRow& row(std::uint32_t consumer) const { return segment().consumer(group.row, consumer); }
    [[nodiscard]] OwnerWord owner(std::uint32_t consumer) const {
        return unpack_owner(row(consumer).word.load(memory_order_seq_cst));
    }
    void leave(AttachmentId me, std::uint32_t consumer) { leave_group(segment(), me, group.row, consumer); }
    void forge_row(std::uint32_t consumer, std::string_view name, std::uint64_t word) {
        set_row_name(row(consumer).name, name);
        row(consumer).anonymous = 0;
        row(consumer).word.store(word, memory_order_seq_cst);
    }
    NameTaken taken{};
};

const AttachmentId me{1, 5}, other{2, 7};

TEST(Join, under_a_new_name_takes_a_free_row) {
    Joining j;
    const auto joined = j.join(me, "worker");
    ASSERT_TRUE(joined);
    EXPECT_FALSE(joined->came_back);
    EXPECT_EQ(j.owner(joined->consumer), (OwnerWord{OwnerState::live, me.row, me.incarnation}));
    EXPECT_EQ(row_name(j.row(joined->consumer).name).view(), "worker");
}

TEST(Join, under_the_name_of_a_living_owner_is_busy_and_says_whose_it_is) {
    Joining j;
    ASSERT_TRUE(j.join(other, "worker"));
    const auto refused = j.join(me, "worker");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::busy);
    EXPECT_EQ(j.taken.owner.row, other.row);
    EXPECT_EQ(j.taken.owner.incarnation, other.incarnation);
    EXPECT_TRUE(j.join(me, "another"));
}

TEST(Join, under_the_name_of_a_living_owner_is_busy_also_where_no_row_is_free) {
    Joining j;
    for (const char* name : {"a", "b", "c", "d"}) ASSERT_TRUE(j.join(other, name));
    EXPECT_EQ(j.join(me, "e").error().code(), Code::too_many_consumers);
    EXPECT_EQ(j.join(me, "a").error().code(), Code::busy);
}

TEST(Join, under_a_name_that_was_here_before_comes_back_to_its_row) {
    Joining j;
    const auto first = j.join(other, "worker");
    j.leave(other, first->consumer);
    EXPECT_EQ(j.owner(first->consumer).state, OwnerState::away);
    const auto back = j.join(me, "worker");
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->came_back);
    EXPECT_EQ(back->consumer, first->consumer);
}

TEST(Join, without_a_name_takes_any_number_of_rows_and_leaves_none_behind) {
    Joining j;
    for (std::uint32_t i = 0; i < j.geometry().consumers; ++i) ASSERT_TRUE(j.join(me, ""));
    EXPECT_EQ(j.join(me, "").error().code(), Code::too_many_consumers);
    j.leave(me, 2);
    EXPECT_EQ(j.owner(2).state, OwnerState::free);
    EXPECT_TRUE(j.join(me, ""));
}

TEST(Join, when_no_row_is_free_forgets_a_name_that_is_away) {
    Joining j;
    const char* const names[] = {"a", "b", "c", "d"};
    for (const char* name : names) ASSERT_TRUE(j.join(me, name));
    EXPECT_EQ(j.join(me, "e").error().code(), Code::too_many_consumers);
    j.leave(me, 1);
    const auto joined = j.join(me, "e");
    ASSERT_TRUE(joined);
    EXPECT_EQ(joined->consumer, 1u);
    EXPECT_FALSE(joined->came_back);
    j.leave(me, 3);
    const auto forgotten = j.join(me, "b");
    ASSERT_TRUE(forgotten);
    EXPECT_FALSE(forgotten->came_back) << "its row went to e";
}

TEST(Join, beside_one_who_attaches_under_the_name_and_tells_nothing_is_busy) {
    for (const std::uint32_t row : {0u, 3u}) {
        Joining j;
        j.forge_row(row, "worker",
                    other.word(OwnerState::attaching));  // has looked already, and goes live whenever it goes on
        const auto refused = j.join(me, "worker");
        ASSERT_FALSE(refused) << "row " << row << ": both would own the name";
        EXPECT_EQ(refused.error().code(), Code::busy);
        EXPECT_EQ(j.taken.owner.row, other.row);
        for (std::uint32_t i = 0; i < j.geometry().consumers; ++i)
            EXPECT_FALSE(i != row && j.owner(i).state != OwnerState::free) << "the row was given back";
    }
}

TEST(Join, beside_a_row_of_another_name_is_not_disturbed) {
    Joining j;
    j.forge_row(0, "worker-2", other.word(OwnerState::attaching));
    j.forge_row(1, "work", other.word(OwnerState::live));
    EXPECT_TRUE(j.join(me, "worker"));
}

TEST(Join, does_not_find_the_names_of_free_rows) {
    Joining j;
    j.forge_row(2, "worker", 0);
    const auto joined = j.join(me, "worker");
    ASSERT_TRUE(joined);
    EXPECT_FALSE(joined->came_back);
}

TEST(Leave, frees_the_rows_pins) {
    Joining j;
    const auto joined = j.join(me, "worker");
    ASSERT_TRUE(reserve_pin(j.segment(), j.group.row, joined->consumer, {2, 1}));
    j.leave(me, joined->consumer);
    EXPECT_EQ(j.pins_used(), 0u);
    EXPECT_EQ(j.row(joined->consumer).pinned.load(memory_order_seq_cst), 0u);
}

TEST(Leave, of_a_row_that_is_somebody_elses_by_now_changes_nothing) {
    Joining j;
    const auto joined = j.join(other, "worker");
    j.leave(me, joined->consumer);
    EXPECT_EQ(j.owner(joined->consumer).state, OwnerState::live);
}

/// Threads that join and leave under few names; at no time may a name have two owners.
void join_and_leave(const std::vector<std::string>& names, std::uint32_t consumers, int rounds) {
    StreamOptions options = test::tiny_options();
    options.consumers = consumers;
    GroupForge forge(options);
    std::vector<Atomic<std::uint32_t>> owners(names.size());
    Atomic<std::uint32_t> joined(0);
    std::vector<std::thread> threads;
    for (std::uint32_t t = 1; t <= 3; ++t)
        threads.emplace_back([&, t] {
            std::mt19937_64 random(t);
            NameTaken taken{};
            for (int round = 0; round < rounds; ++round) {
                const std::size_t name = random() % names.size();
                const AttachmentId id{t, 1};
                const auto mine = join_group(forge.segment(), id, forge.group.row, names[name], taken);
                if (!mine) continue;
                joined.fetch_add(1, memory_order_relaxed);
                ASSERT_EQ(owners[name].fetch_add(1, memory_order_seq_cst), 0u) << "two owners of " << names[name];
                ASSERT_EQ(row_name(forge.segment().consumer(forge.group.row, mine->consumer).name).view(), names[name]);
                if (random() % 2 == 0) std::this_thread::yield();
                owners[name].fetch_add(~0u, memory_order_seq_cst);
                leave_group(forge.segment(), id, forge.group.row, mine->consumer);
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(joined.load(memory_order_relaxed), 0u);
}

TEST(Join, of_one_name_by_many_has_one_owner_at_a_time) { join_and_leave({"same"}, 4, 20'000); }

TEST(Join, of_many_names_in_few_rows_has_one_owner_each_at_a_time) {
    join_and_leave({"a", "b", "c", "d", "e", "f"}, 3, 20'000);
}

TEST(Join, for_the_first_time_by_many_at_once_has_at_most_one_owner) {
    unsigned won = 0;
    for (int round = 0; round < 300; ++round) {
        GroupForge forge;
        // A row below becomes free in the middle, so that a later joiner stands below an earlier one.
        NameTaken ignored{};
        const auto first = join_group(forge.segment(), somebody(5), forge.group.row, "", ignored);
        Atomic<std::uint32_t> owners(0), ready(0);
        std::vector<std::thread> threads;
        for (std::uint32_t t = 1; t <= 3; ++t)
            threads.emplace_back([&, t] {
                ready.fetch_add(1, memory_order_seq_cst);
                while (ready.load(memory_order_seq_cst) < 4) std::this_thread::yield();
                NameTaken taken{};
                if (join_group(forge.segment(), {t, 1}, forge.group.row, "same", taken))
                    owners.fetch_add(1, memory_order_seq_cst);
            });
        while (ready.load(memory_order_seq_cst) < 3) std::this_thread::yield();
        ready.fetch_add(1, memory_order_seq_cst);
        leave_group(forge.segment(), somebody(5), forge.group.row, first->consumer);
        for (std::thread& thread : threads) thread.join();
        ASSERT_LE(owners.load(memory_order_seq_cst), 1u) << "round " << round;
        won += owners.load(memory_order_seq_cst);
    }
    EXPECT_GT(won, 150u) << "mostly somebody does win";
}

}  // namespace
}  // namespace shmq
