// Making, finding, dropping and moving groups, against the trim point and against each other.
#include "group/directory.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>

#include "group/group_row.hpp"
#include "group/grouping.hpp"
#include "log/sleep.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::Forge;
using test::GroupForge;
using test::Handle;
using test::Reader;
using test::sequences_of;

GroupState state_of(const Forge& forge, std::uint32_t row) {
    return unpack_group(forge.segment().group(row).word.load(memory_order_seq_cst)).state;
}
Sequence start_of(const Forge& forge, GroupId group) {
    return shmq::start_of(forge.segment().group(group.row), memory_order_seq_cst);
}

TEST(CreateGroup, makes_it_found_and_active_from_where_it_was_asked_to_start) {
    GroupForge forge;
    forge.adder.add_many(5);
    const struct {
        Position from;
        Sequence start;
    } cases[] = {{Position::oldest(), 1}, {Position::newest(), 6}, {Position::at(3), 3}, {Position::at(6), 6}};
    for (const auto& one : cases) {
        const auto made = create_group(forge.segment(), forge.handle.visits, "other", one.from);
        ASSERT_TRUE(made) << made.error().message();
        EXPECT_EQ(find_group(forge.segment(), forge.handle.visits, "other"), *made);
        EXPECT_TRUE(is_active(forge.segment(), *made));
        EXPECT_EQ(start_of(forge, *made), one.start);
        EXPECT_EQ(count_group(forge.segment(), made->row).lag, 6 - one.start);
        ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "other"));
    }
}

TEST(CreateGroup, refuses_what_exists_what_was_trimmed_and_what_was_not_added) {
    GroupForge forge;
    forge.adder.add_many(5);
    const auto code = [&](std::string_view name, Position from) {
        return create_group(forge.segment(), forge.handle.visits, name, from).error().code();
    };
    EXPECT_EQ(code("g", Position::oldest()), Code::exists);
    EXPECT_EQ(code("h", Position::at(7)), Code::out_of_range);
    EXPECT_EQ(code("h", Position::at(0)), Code::out_of_range);
    ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    lift_trim(forge.segment(), 4);
    EXPECT_EQ(code("h", Position::at(3)), Code::trimmed);
    EXPECT_EQ(active_groups(forge.control().directory.load(memory_order_seq_cst)), 0u) << "nothing was left behind";
}

TEST(CreateGroup, refuses_more_than_the_stream_allows) {
    GroupForge forge;
    for (const char* name : {"a", "b"})
        ASSERT_TRUE(create_group(forge.segment(), forge.handle.visits, name, Position::oldest()));
    const auto refused = create_group(forge.segment(), forge.handle.visits, "c", Position::oldest());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::too_many_groups);
    EXPECT_EQ(create_group(forge.segment(), forge.handle.visits, "b", Position::oldest()).error().code(), Code::exists)
        << "a name that is there is said to be, also where no other would fit";
    ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "a"));
    EXPECT_TRUE(create_group(forge.segment(), forge.handle.visits, "c", Position::oldest()));
}

TEST(FindGroup, looks_at_no_row_that_a_damaged_directory_names_and_the_stream_has_not) {
    const GroupForge forge;
    const std::uint32_t none = forge.geometry().group_rows;
    set_row_name(forge.segment().group(none).name, "ghost");  // whatever lies there
    const std::uint64_t damaged = next_directory(load_directory(forge.segment()), 1u << none);
    EXPECT_FALSE(row_of(forge.segment(), damaged, "ghost"));
}

TEST(CreateGroup, of_one_name_by_many_at_once_succeeds_once) {
    for (int round = 0; round < 150; ++round) {
        Forge forge;
        Handle first(forge.segment(), 0), second(forge.segment(), 1), third(forge.segment(), 2);
        Atomic<std::uint32_t> made(0), exists(0);
        std::vector<std::thread> threads;
        for (Handle* handle : {&first, &second, &third})
            threads.emplace_back([&, handle] {
                const auto group = create_group(forge.segment(), handle->visits, "same", Position::oldest());
                if (group) made.fetch_add(1, memory_order_relaxed);
                if (!group && group.error().code() == Code::exists) exists.fetch_add(1, memory_order_relaxed);
            });
        for (std::thread& thread : threads) thread.join();
        ASSERT_EQ(made.load(memory_order_relaxed), 1u);
        ASSERT_EQ(exists.load(memory_order_relaxed), 2u);
        ASSERT_TRUE(find_group(forge.segment(), first.visits, "same"));
        unsigned busy_rows = 0;
        for (std::uint32_t row = 0; row < forge.geometry().group_rows; ++row)
            busy_rows += state_of(forge, row) != GroupState::free;
        ASSERT_EQ(busy_rows, 1u) << "the losers gave their rows back";
    }
}

TEST(CreateGroup, that_its_maker_left_half_done_is_finished_by_who_finds_it) {
    GroupForge forge;
    forge.adder.add_many(6);
    // In the directory, still preparing, its start below the goal that a mover raised since.
    GroupRow& row = forge.segment().group(1);
    test::forge_group(forge.segment(), 1, "half", 2);
    row.word.store(pack_group({GroupState::preparing, 5, 9, 4}), memory_order_seq_cst);
    forge.control().trim_goal.store(4, memory_order_seq_cst);
    const auto found = find_group(forge.segment(), forge.handle.visits, "half");
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, (GroupId{1, 4}));
    EXPECT_EQ(start_of(forge, *found), 4u);
    EXPECT_EQ(state_of(forge, 1), GroupState::active);
}

TEST(CreateGroup, settles_the_start_so_that_a_late_helper_can_not_raise_it) {
    GroupForge forge;
    forge.adder.add_many(6);
    const auto made = create_group(forge.segment(), forge.handle.visits, "late", Position::at(2));
    ASSERT_TRUE(made);
    // A helper that saw `preparing` and slept, while a mover raised the goal.
    forge.control().trim_goal.store(5, memory_order_seq_cst);
    GroupRow& row = forge.segment().group(made->row);
    row.word.store(pack_group({GroupState::preparing, 5, 9, made->incarnation}), memory_order_seq_cst);
    finish_creation(forge.segment(), made->row);
    EXPECT_EQ(start_of(forge, *made), 2u);
}

TEST(FindGroup, does_not_find_rows_that_only_bear_the_name) {
    Forge forge;
    Handle handle(forge.segment(), 0);
    set_row_name(forge.segment().group(0).name, "ghost");
    for (unsigned state = 0; state < 5; ++state) {
        forge.segment().group(0).word.store(group_word(static_cast<GroupState>(state), 1), memory_order_seq_cst);
        EXPECT_FALSE(find_group(forge.segment(), handle.visits, "ghost")) << state;
    }
    EXPECT_FALSE(find_group(forge.segment(), handle.visits, ""));
}

TEST(FindGroup, and_those_who_drop_or_move_it_do_not_believe_an_active_word_with_an_owner) {
    GroupForge forge;
    const std::uint64_t damaged = pack_group({GroupState::active, 5, 9, forge.group.incarnation});
    forge.segment().group(forge.group.row).word.store(damaged, memory_order_seq_cst);
    EXPECT_FALSE(find_group(forge.segment(), forge.handle.visits, "g"));
    EXPECT_EQ(drop_group(forge.segment(), forge.handle.visits, "g").error().code(), Code::no_group);
    EXPECT_EQ(move_group(forge.segment(), forge.handle.visits, "g", Position::oldest()).error().code(), Code::no_group);
}

TEST(FindGroup, with_a_directory_of_garbage_stays_in_the_segment) {
    GroupForge forge;
    for (const std::uint64_t garbage : {~std::uint64_t{0}, std::uint64_t{0xffff'fff0}}) {
        forge.control().directory.store(garbage, memory_order_seq_cst);
        EXPECT_FALSE(find_group(forge.segment(), forge.handle.visits, "nobody"));
    }
}

TEST(DropGroup, takes_it_away_and_lets_the_trim_point_pass) {
    GroupForge forge;
    forge.adder.add_many(8);
    EXPECT_FALSE(forge.adder.add("no room"));
    EXPECT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    EXPECT_FALSE(find_group(forge.segment(), forge.handle.visits, "g"));
    EXPECT_FALSE(is_active(forge.segment(), forge.group));
    EXPECT_EQ(state_of(forge, forge.group.row), GroupState::dropped);
    EXPECT_TRUE(forge.adder.add("room"));
    EXPECT_EQ(drop_group(forge.segment(), forge.handle.visits, "g").error().code(), Code::no_group);
}

TEST(DropGroup, keeps_what_living_consumers_look_at_pinned) {
    GroupForge forge;
    forge.adder.add_many(2);
    Reader reader(forge.handle, forge.group, "r");
    reader.read(2);
    Handle other(forge.segment(), 1);
    ASSERT_TRUE(drop_group(forge.segment(), other.visits, "g"));
    EXPECT_EQ(forge.pins_used(), 1u);
    reader.leave();
    EXPECT_EQ(forge.pins_used(), 0u);
}

TEST(DropGroup, without_a_free_pin_is_refused_and_the_group_goes_on) {
    GroupForge forge;
    forge.adder.add_many(2);
    Reader reader(forge.handle, forge.group, "r");
    const auto taken = reader.read(1);
    test::fill_pins(forge.segment());
    EXPECT_EQ(drop_group(forge.segment(), forge.handle.visits, "g").error().code(), Code::too_many_pins);
    EXPECT_TRUE(is_active(forge.segment(), forge.group));
    EXPECT_EQ(reader.ack(taken[0]), Finish::done);
    EXPECT_EQ(sequences_of(reader.read(8)), (std::vector<Sequence>{2}));
}

TEST(DroppedRow, is_used_again_only_when_nobody_is_inside_and_with_a_new_incarnation) {
    GroupForge forge;
    Handle inside(forge.segment(), 1);
    inside.visits.enter(forge.group.row);
    ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    std::set<std::uint32_t> rows;
    for (const char* name : {"a", "b", "c"}) {
        const auto made = create_group(forge.segment(), forge.handle.visits, name, Position::oldest());
        ASSERT_TRUE(made) << made.error().message();
        rows.insert(made->row);
    }
    EXPECT_EQ(rows.count(forge.group.row), 0u);
    ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "a"));
    inside.visits.leave(forge.group.row);
    ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "b"));
    for (const char* name : {"d", "e"}) {
        const auto made = create_group(forge.segment(), forge.handle.visits, name, Position::oldest());
        ASSERT_TRUE(made) << made.error().message();
        if (made->row == forge.group.row) {
            EXPECT_GT(made->incarnation, forge.group.incarnation);
            EXPECT_FALSE(is_active(forge.segment(), forge.group)) << "the old one is not the new one";
            return;
        }
    }
    FAIL() << "never used again";
}

TEST(DroppedRow, that_all_are_watched_is_said) {
    GroupForge forge;
    Handle inside(forge.segment(), 1);
    for (std::uint32_t row = 0; row < forge.geometry().group_rows; ++row) {
        inside.visits.enter(row);
        forge.segment().group(row).word.store(group_word(GroupState::dropped, 3), memory_order_seq_cst);
    }
    forge.control().directory.store(0, memory_order_seq_cst);
    const auto refused = create_group(forge.segment(), forge.handle.visits, "x", Position::oldest());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::too_many_groups);
    EXPECT_NE(refused.error().message().find("watched by processes"), std::string::npos);
    forge.segment().attachment(1).word.store(pack_owner({OwnerState::free, 0, 2}), memory_order_seq_cst);
    EXPECT_TRUE(create_group(forge.segment(), forge.handle.visits, "x", Position::oldest())) << "the dead do not count";
}

TEST(PreparedRow, has_nothing_of_the_group_before) {
    GroupForge forge;
    forge.adder.add_many(8);
    {
        Reader reader(forge.handle, forge.group, "r");
        for (const Taken& taken : reader.read(8)) reader.nack(taken);
    }
    const std::uint32_t row = forge.group.row;
    ASSERT_TRUE(drop_group(forge.segment(), forge.handle.visits, "g"));
    const auto made = create_group(forge.segment(), forge.handle.visits, "new", Position::at(5));
    ASSERT_TRUE(made);
    ASSERT_EQ(made->row, row);
    EXPECT_FALSE(any_retry(forge.segment(), row));
    Reader reader(forge.handle, *made, "r");
    EXPECT_FALSE(reader.member().own_first) << "names of the group before are gone";
    const auto taken = reader.read(8);
    EXPECT_EQ(sequences_of(taken), (std::vector<Sequence>{5, 6, 7, 8}));
    EXPECT_EQ(taken[0].deliveries, 1u);
    for (const Taken& one : taken) reader.ack(one);
    EXPECT_EQ(lift_trim(forge.segment(), 9).trim, 9u) << "what lies before its start counts as finished";
}

TEST(MoveGroup, gives_a_new_row_and_makes_the_old_ones_words_void) {
    GroupForge forge;
    forge.adder.add_many(8);
    Reader reader(forge.handle, forge.group, "r");
    for (const Taken& taken : reader.read(4)) reader.ack(taken);
    const auto held = reader.read(1);
    const auto moved = move_group(forge.segment(), forge.handle.visits, "g", Position::at(2));
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_NE(moved->row, forge.group.row);
    EXPECT_EQ(find_group(forge.segment(), forge.handle.visits, "g"), *moved);
    EXPECT_FALSE(is_active(forge.segment(), forge.group));
    EXPECT_EQ(std::popcount(active_groups(forge.control().directory.load(memory_order_seq_cst))), 1);
    Reader fresh(forge.handle, *moved, "r");
    EXPECT_EQ(sequences_of(fresh.read(8)), (std::vector<Sequence>{2, 3, 4, 5, 6, 7, 8}));
    reader.ack(held[0]);
    EXPECT_EQ(lift_trim(forge.segment(), 9).trim, 2u) << "an ack in the old row does not count in the new one";
}

TEST(MoveGroup, that_is_refused_leaves_the_group_as_it_was) {
    GroupForge forge;
    forge.adder.add_many(3);
    EXPECT_EQ(move_group(forge.segment(), forge.handle.visits, "nobody", Position::oldest()).error().code(),
              Code::no_group);
    EXPECT_EQ(move_group(forge.segment(), forge.handle.visits, "g", Position::at(99)).error().code(),
              Code::out_of_range);
    EXPECT_EQ(find_group(forge.segment(), forge.handle.visits, "g"), forge.group);
    EXPECT_TRUE(is_active(forge.segment(), forge.group));
}

TEST(MoveGroup, works_when_all_groups_are_in_use) {
    GroupForge forge;
    forge.adder.add_many(3);
    for (const char* name : {"a", "b"})
        ASSERT_TRUE(create_group(forge.segment(), forge.handle.visits, name, Position::oldest()));
    for (int i = 0; i < 5; ++i) {
        const auto moved = move_group(forge.segment(), forge.handle.visits, "a", Position::at(2));
        ASSERT_TRUE(moved) << moved.error().message();
    }
}

TEST(GroupCreation, against_movers_of_the_trim_point_never_loses_an_entry_it_starts_at) {
    // Whatever start a maker is answered, nothing from there on may be trimmed as long as the group has it unfinished.
    const Forge forge(test::options_with_slots(16));
    Atomic<std::uint32_t> done(0);
    std::thread mover([&] {
        Publisher publisher(forge.segment());
        while (done.load(memory_order_relaxed) == 0) {
            static_cast<void>(publisher.publish(0));
            lift_trim(forge.segment(), find_end(forge.segment()));
        }
    });
    Handle maker(forge.segment(), 0);
    std::uint64_t lost = 0, moved = 0;
    Sequence before = 0;
    while (moved < 3'000) {
        const auto group = create_group(forge.segment(), maker.visits, "g", Position::oldest());
        if (!group) {
            ADD_FAILURE() << group.error().message();
            break;
        }
        const Sequence start = start_of(forge, *group);
        for (int look = 0; look < 8; ++look) lost += find_begin(forge.segment()) > start;
        lost += start_of(forge, *group) != start;  // it stands still once its maker returned
        moved += start != before;
        before = start;
        static_cast<void>(drop_group(forge.segment(), maker.visits, "g"));
    }
    done.store(1, memory_order_relaxed);
    mover.join();
    EXPECT_EQ(lost, 0u);
}

TEST(Directory, under_making_and_dropping_by_many_stays_sound) {
    const Forge forge(test::options_with_slots(16));
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
            Handle handle(forge.segment(), t);
            std::mt19937_64 random(t);
            for (int i = 0; i < 400; ++i) {
                const std::string name(1, static_cast<char>('a' + random() % 3));
                switch (random() % 3) {
                    case 0:
                        static_cast<void>(create_group(forge.segment(), handle.visits, name, Position::oldest()));
                        break;
                    case 1: static_cast<void>(drop_group(forge.segment(), handle.visits, name)); break;
                    default:
                        static_cast<void>(move_group(forge.segment(), handle.visits, name, Position::newest()));
                        break;
                }
            }
        });
    for (std::thread& thread : threads) thread.join();
    std::set<std::string> names;
    const std::uint32_t active = active_groups(forge.control().directory.load(memory_order_seq_cst));
    for (std::uint32_t row = 0; row < forge.geometry().group_rows; ++row) {
        const bool in_directory = (active >> row & 1) != 0;
        const GroupState state = state_of(forge, row);
        EXPECT_EQ(state == GroupState::active, in_directory) << "row " << row;
        EXPECT_TRUE(state == GroupState::active || state == GroupState::free || state == GroupState::dropped)
            << "row " << row;
        if (in_directory) {
            EXPECT_TRUE(names.insert(std::string(row_name(forge.segment().group(row).name).view())).second)
                << "one name twice";
        }
    }
    EXPECT_LE(names.size(), forge.geometry().groups);
    for (std::uint32_t t = 0; t < 3; ++t)
        EXPECT_EQ(forge.segment().attachment(t).inside.load(memory_order_seq_cst), 0u);
}

}  // namespace
}  // namespace shmq
