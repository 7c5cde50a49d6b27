// Finding the dead and handing on what they held, by one scanner and by many at once.
#include "recovery/scan.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "group/closing.hpp"
#include "log/audit.hpp"
#include "log/free_chunks.hpp"
#include "log/producer_row.hpp"
#include "log/sleep.hpp"
#include "recovery/file_forge.hpp"

namespace shmq {
namespace {

using test::Attached;
using test::Child;
using test::FileForge;
using test::Handle;
using test::Opened;
using test::Reader;
using test::sequences_of;

PendingWord record_of(const Opened& opened, std::uint32_t group, Sequence s) {
    return unpack_pending(opened.segment().geometry(), opened.segment().record(group, s).load(memory_order_seq_cst));
}

/// A segment with a group and six entries, and a child that owns a chunk, a producer row, two consumers and four
/// entries.
struct Death {
    Death() : me(forge.path()) {
        group = create_group(me.segment(), me.handle.visits, "g", Position::oldest()).value();
        child = std::make_unique<Child>([this] {
            Attached there(forge.path());
            take_producer_row(there.segment(), there.handle.id);
            test::Adder adder(there.segment(), there.handle.id);
            adder.add_many(6);
            Reader named(there.handle, group, "named"), unnamed(there.handle, group, "");
            const auto held = named.read(3);
            unnamed.read(1);
            named.ack(held[0]);
            reserve_pin(there.segment(), group.row, named.consumer(), {5, 1});
            test::wait_to_be_killed();
            return 0;
        });
        EXPECT_TRUE(child->wait_for_report());
    }
    [[nodiscard]] unsigned owned_chunks() const {
        unsigned count = 0;
        for (std::uint32_t chunk = 0; chunk < me.segment().geometry().chunks; ++chunk)
            count += unpack_owner(me.segment().chunk(chunk).word.load(memory_order_seq_cst)).state == OwnerState::owned;
        return count;
    }
    void expect_repaired() {
        EXPECT_EQ(owned_chunks(), 0u);
        EXPECT_EQ(me.segment().producer(0).word.load(memory_order_seq_cst), 0u);
        EXPECT_EQ(record_of(me, group.row, 1).state, PendingState::acked);
        for (Sequence s = 2; s <= 4; ++s) {
            EXPECT_EQ(record_of(me, group.row, s).state, PendingState::retry) << s;
            const DeliveryWord word = unpack_delivery(me.segment().delivery(group.row, s).load(memory_order_seq_cst));
            EXPECT_EQ(word.deaths, 1u) << "counted once";
            EXPECT_TRUE(is_marked_retry(me.segment(), group.row, s));
        }
        EXPECT_FALSE(is_pinned(me.segment(), 5));
        Reader reader(me.handle, group, "");
        const auto taken = reader.read(8);
        EXPECT_EQ(sequences_of(taken), (std::vector<Sequence>{2, 3, 4, 5, 6}));
        EXPECT_EQ(taken[0].deliveries, 2u);
        for (const Taken& one : taken) EXPECT_EQ(reader.ack(one), Finish::done);
    }

    FileForge forge;
    Attached me;
    GroupId group;
    std::unique_ptr<Child> child;
};

TEST(Scan, finds_nobody_while_all_live) {
    Death death;
    const RecoveryReport report = death.me.scan_now();
    EXPECT_EQ(report.dead, 0u);
    EXPECT_EQ(report.entries, 0u);
    EXPECT_EQ(record_of(death.me, death.group.row, 2).state, PendingState::delivered);
    EXPECT_EQ(death.owned_chunks(), 1u);
}

TEST(Scan, hands_on_everything_a_killed_process_held_and_says_what) {
    for (const bool reap : {true, false}) {
        Death death;
        death.child->kill(reap);
        const RecoveryReport report = death.me.scan_now();
        EXPECT_EQ(report.dead, 1u);
        EXPECT_EQ(report.chunks, 1u);
        EXPECT_EQ(report.consumers, 2u);
        EXPECT_EQ(report.entries, 3u);
        death.expect_repaired();
        EXPECT_EQ(death.me.scan_now().dead, 0u) << "once";
    }
}

TEST(Scan, tells_the_recorders_whose_death_it_saw_to_and_how_much_it_handed_on) {
    Death death;
    const Segment& segment = death.me.segment();
    death.child->kill();
    death.me.scan_now();
    const auto events = flight_of(segment, death.me.handle.id.row);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back().what, Did::recovered);
    EXPECT_EQ(events.back().second, 3u);
    const auto audits = audits_of(segment);
    ASSERT_FALSE(audits.empty());
    EXPECT_EQ(audits.back().what, Did::recovered);
    EXPECT_EQ(audits.back().first, events.back().first) << "the process number of the dead one";
    EXPECT_EQ(audits.back().second, 3u);
}

TEST(Scan, cut_short_leaves_the_rest_to_the_next) {
    Death death;
    auto is_woken = [&, seen = announce_sleeper(death.me.segment(), death.group.row)]() mutable {
        return seen != std::exchange(seen, announce_sleeper(death.me.segment(), death.group.row));
    };
    death.child->kill();
    std::uint64_t most_entries = 2;
    RecoveryReport report = death.me.scan_now(5'000, most_entries);
    EXPECT_TRUE(is_woken()) << "for what is there already";
    EXPECT_EQ(most_entries, 0u);
    EXPECT_EQ(report.entries, 2u);
    EXPECT_EQ(report.dead, 0u);
    EXPECT_EQ(record_of(death.me, death.group.row, 3).state, PendingState::retry);
    EXPECT_EQ(record_of(death.me, death.group.row, 4).state, PendingState::delivered);
    most_entries = 2;
    report = death.me.scan_now(5'000, most_entries);
    EXPECT_TRUE(is_woken());
    EXPECT_FALSE(is_woken());
    EXPECT_EQ(most_entries, 1u);
    EXPECT_EQ(report.entries, 1u);
    EXPECT_EQ(report.consumers, 2u);
    EXPECT_EQ(report.dead, 1u);
    EXPECT_EQ(audits_of(death.me.segment()).size(), 1u) << "told when it was through";
    death.expect_repaired();
}

TEST(Scan, leaves_the_dead_ones_chunk_for_adoption_with_an_upper_bound_of_its_entries) {
    Death death;
    death.child->kill();
    death.me.scan_now();
    const ChunkRow& row = death.me.segment().chunk(0);
    EXPECT_EQ(unpack_owner(row.word.load(memory_order_seq_cst)).state, OwnerState::unfinished);
    EXPECT_EQ(row.last.load(memory_order_seq_cst), 6u);
    const std::uint64_t mark = row.fill.load(memory_order_seq_cst);
    EXPECT_GE(mark, 6 * death.me.segment().geometry().room_for(1, 0));
    ChunkHolder holder(death.me.segment(), death.me.handle.id);
    EXPECT_EQ(holder.reserve(64)->offset, mark) << "behind what the dead one had filled";
}

TEST(Scan, keeps_the_name_of_a_consumer_whose_entries_then_come_back_to_it_first) {
    Death death;
    death.child->kill();
    death.me.scan_now();
    Reader back(death.me.handle, death.group, "named");
    EXPECT_TRUE(back.member().own_first);
    EXPECT_EQ(sequences_of(back.read(2)), (std::vector<Sequence>{2, 3}));
}

TEST(Scan, by_many_at_once_repairs_the_same_death_once) {
    for (int round = 0; round < 25; ++round) {
        Death death;
        std::vector<std::unique_ptr<Attached>> scanners;
        for (int t = 0; t < 3; ++t) scanners.push_back(std::make_unique<Attached>(death.forge.path()));
        death.child->kill();
        std::vector<RecoveryReport> reports(scanners.size());
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < scanners.size(); ++t)
            threads.emplace_back([&, t] { reports[t] = scanners[t]->scan_now(); });
        for (std::thread& thread : threads) thread.join();
        std::uint64_t dead = 0, chunks = 0, consumers = 0, entries = 0;
        for (const RecoveryReport& report : reports) {
            dead += report.dead;
            chunks += report.chunks;
            consumers += report.consumers;
            entries += report.entries;
        }
        EXPECT_EQ(dead, 1u);
        EXPECT_EQ(chunks, 1u);
        EXPECT_EQ(consumers, 2u);
        EXPECT_EQ(entries, 3u);
        death.expect_repaired();
        if (HasFailure()) return;
    }
}

TEST(Repair, by_one_who_was_stopped_half_way_takes_nothing_from_the_next_owner) {
    Death death;
    death.child->kill();
    AttachmentId dead{};
    for (std::uint32_t row = 0; row < death.me.segment().geometry().attachments; ++row)
        if (probe_life(death.me.segment(), death.me.probe(), {row, 0}) == Life::dead) dead = {row, 0};
    death.me.scan_now();
    Reader reader(death.me.handle, death.group, "named");
    const auto taken = reader.read(8);
    ASSERT_FALSE(taken.empty());
    RecoveryReport late;  // goes on now, with the death it had proven then
    repair(death.me.segment(), death.me.handle.visits, dead, 9'000, late);
    EXPECT_EQ(late.dead, 0u);
    EXPECT_EQ(late.entries, 0u);
    EXPECT_EQ(late.consumers, 0u);
    for (const Taken& one : taken) EXPECT_EQ(reader.ack(one), Finish::done);
}

TEST(Repair, by_many_beside_the_next_owner_of_the_name_takes_nothing_from_it) {
    // Who is through first frees the consumer's row, and its next owner is given the entries while the others still
    // repair.
    StreamOptions options = test::tiny_options();
    options.slots = 64;
    options.payload = 16'384;
    std::uint64_t fenced = 0, acked = 0;
    for (std::uint64_t round = 0; round < 400; ++round) {
        test::GroupForge forge(options);
        forge.adder.add_many(60);
        Handle dead(forge.segment(), 7, round);
        NameTaken taken{};
        const auto joined = join_group(forge.segment(), dead.id, forge.group.row, "named", taken);
        Member member(forge.segment(), forge.group, joined->consumer, joined->came_back);
        std::vector<Taken> room(60);
        Taking taking{room, 0, ~std::size_t{0}, 0, 1'000};
        take_new(member, taking);
        Atomic<std::uint32_t> ready(0);
        std::vector<std::thread> threads;
        for (std::uint32_t t = 1; t <= 2; ++t)
            threads.emplace_back([&, t] {
                Handle me(forge.segment(), t);
                ready.fetch_add(1, memory_order_seq_cst);
                while (ready.load(memory_order_seq_cst) < 2) pause();
                RecoveryReport report;
                repair(forge.segment(), me.visits, dead.id, 2'000, report);
            });
        Handle next(forge.segment(), 3);
        Result<Joined> back(Code::busy);
        while (!(back = join_group(forge.segment(), next.id, forge.group.row, "named", taken))) sched_yield();
        Member owner(forge.segment(), forge.group, back->consumer, back->came_back);
        for (taking.count = 0; taking.count < 60;) take_retry(owner, taking);
        for (std::thread& thread : threads) thread.join();
        for (const Taken& one : room) {
            fenced += finish_entry(forge.segment(), forge.group.row, one.sequence, one.record) != Finish::done;
            ++acked;
        }
    }
    EXPECT_EQ(fenced, 0u);
    EXPECT_EQ(acked, 60u * 400u);
}

TEST(Scan, resets_a_row_that_was_left_attaching) {
    const FileForge forge;
    Attached me(forge.path());
    const std::uint32_t row = me.handle.id.row + 1;
    me.segment().attachment(row).word.store(AttachmentId{row, 6}.word(OwnerState::attaching), memory_order_seq_cst);
    EXPECT_EQ(me.scan_now().dead, 0u);
    EXPECT_EQ(unpack_owner(me.segment().attachment(row).word.load(memory_order_seq_cst)),
              (OwnerWord{OwnerState::free, 0, 7}));
}

struct HalfMade {
    const char* name;
    bool is_successor;
    bool in_directory;
    GroupState settled;
};

/// A segment where a process died that had the attachment `dead`, and nobody noticed yet.
struct DeadMaker {
    DeadMaker() : me(forge.path()) {
        me.segment().attachment(dead.row).word.store(dead.word(OwnerState::live), memory_order_seq_cst);
    }
    [[nodiscard]] GroupWord word(std::uint32_t row) const {
        return unpack_group(me.segment().group(row).word.load(memory_order_seq_cst));
    }
    const AttachmentId dead{7, 3};
    FileForge forge;
    Attached me;
};

TEST(Scan, settles_groups_that_a_dead_process_left_half_made) {
    const HalfMade cases[] = {{"O", false, true, GroupState::active},
                              {"P", false, false, GroupState::free},
                              {"Q and R", true, false, GroupState::active},
                              {"Q and R, listed", true, true, GroupState::active}};
    for (const HalfMade& one : cases)
        for (const bool of_dead : {true, false})
            for (const std::uint32_t closing_row : {0u, 3u}) {  // looked at before the one it names, and after
                DeadMaker maker;
                const Segment& segment = maker.me.segment();
                test::forge_group(segment, closing_row, "half", 1);
                test::forge_group(segment, 2, "half", 1);
                const std::uint32_t listed =
                    (one.in_directory ? 1u << 2 : 0) | (one.in_directory ? 0 : 1u << closing_row);
                segment.control().directory.store(next_directory(5, listed), memory_order_seq_cst);
                segment.group(2).word.store(preparing_word(of_dead ? maker.dead : maker.me.handle.id, 11),
                                            memory_order_seq_cst);
                if (one.is_successor)
                    segment.group(closing_row).word.store(pack_closing({8, GroupId{2, 11}}), memory_order_seq_cst);
                segment.control().trim_goal.store(5, memory_order_seq_cst);
                EXPECT_EQ(maker.me.scan_now().dead, 1u);
                const bool settled = of_dead || one.is_successor;
                EXPECT_EQ(maker.word(2).state, settled ? one.settled : GroupState::preparing) << one.name << of_dead;
                EXPECT_EQ(maker.word(2).incarnation, 11u) << one.name;
                EXPECT_EQ(is_in_directory(segment, 2), one.in_directory || one.is_successor) << one.name;
                if (one.is_successor) {
                    EXPECT_EQ(maker.word(closing_row).state, GroupState::dropped) << one.name;
                    EXPECT_FALSE(is_in_directory(segment, closing_row)) << one.name;
                }
                if (settled && one.settled == GroupState::active) {
                    EXPECT_EQ(start_of(segment.group(2), memory_order_seq_cst), 5u) << "raised to the goal";
                }
            }
}

TEST(Scan, finishes_a_drop_that_somebody_began_though_nobody_is_dead) {
    const FileForge forge;
    Attached me(forge.path());
    const GroupId group = create_group(me.segment(), me.handle.visits, "g", Position::oldest()).value();
    ASSERT_TRUE(begin_closing(me.segment(), group, std::nullopt));
    EXPECT_EQ(me.scan_now().dead, 0u);
    EXPECT_EQ(active_groups(load_directory(me.segment())), 0u);
    EXPECT_EQ(unpack_group(me.segment().group(group.row).word.load(memory_order_seq_cst)).state, GroupState::dropped);
}

TEST(Scan, leaves_the_successor_of_a_move_that_waits_for_pin_cells_to_who_can_finish_it) {
    DeadMaker maker;
    const Segment& segment = maker.me.segment();
    const GroupId group = create_group(segment, maker.me.handle.visits, "g", Position::oldest()).value();
    test::Adder adder(segment, maker.me.handle.id);
    adder.add_many(2);
    Reader reader(maker.me.handle, group, "r");
    const auto held = reader.read(1);
    Visits of_dead(segment, maker.dead);
    const GroupId successor = prepare_row(segment, of_dead, "g", 2, {}).value();
    ASSERT_TRUE(begin_closing(segment, group, successor));
    test::fill_pins(segment);
    EXPECT_EQ(maker.me.scan_now().dead, 1u);
    EXPECT_EQ(maker.word(successor.row).state, GroupState::preparing) << "not freed with its maker gone";
    segment.pin(0).store(0, memory_order_seq_cst);
    EXPECT_EQ(find_group(segment, maker.me.handle.visits, "g"), successor);
}

TEST(Scan, hands_nothing_on_in_a_dropped_group) {
    Death death;
    ASSERT_TRUE(drop_group(death.me.segment(), death.me.handle.visits, "g"));
    death.child->kill();
    const RecoveryReport report = death.me.scan_now();
    EXPECT_EQ(report.entries, 0u);
    EXPECT_EQ(report.consumers, 2u);
    EXPECT_EQ(record_of(death.me, death.group.row, 2).state, PendingState::delivered);
    for (std::uint32_t cell = 0; cell < death.me.segment().geometry().pins; ++cell)
        EXPECT_EQ(death.me.segment().pin(cell).load(memory_order_seq_cst) & 1, 0u) << cell;
}

TEST(FreeDeadRow, frees_one_row_for_who_has_none) {
    Death death;
    Opened newcomer(death.forge.path());
    EXPECT_FALSE(free_dead_row(newcomer.segment(), newcomer.probe(), 5'000)) << "nobody is dead";
    death.child->kill();
    EXPECT_TRUE(free_dead_row(newcomer.segment(), newcomer.probe(), 5'000));
    EXPECT_FALSE(free_dead_row(newcomer.segment(), newcomer.probe(), 5'000));
    death.expect_repaired();
}

TEST(AdoptBoot, sets_the_times_of_pending_entries_to_now_once) {
    const FileForge forge;
    Attached me(forge.path());
    const GroupId group = create_group(me.segment(), me.handle.visits, "g", Position::oldest()).value();
    test::Adder adder(me.segment(), me.handle.id);
    adder.add_many(3);
    Reader reader(me.handle, group, "r");
    reader.nack(reader.read(3, 1'000'000)[1], Ending::failed, 1'000'000);
    adopt_boot(me.segment(), me.handle.visits, 44, 50);
    EXPECT_EQ(me.segment().control().boot.load(memory_order_seq_cst), 44u);
    for (Sequence s = 1; s <= 3; ++s)
        EXPECT_EQ(clock_read(me.segment(), group.row, s, record_of(me, group.row, s), 60).idle_ms, 10u) << s;
    EXPECT_EQ(clock_read(me.segment(), group.row, 2, record_of(me, group.row, 2), 60).deliveries, 1u) << "counts stay";
    adopt_boot(me.segment(), me.handle.visits, 44, 55);
    EXPECT_EQ(clock_read(me.segment(), group.row, 1, record_of(me, group.row, 1), 60).idle_ms, 10u) << "the same boot";
}

TEST(AdoptBoot, makes_what_was_delayed_due_since_nobody_knows_how_long_it_was) {
    const FileForge forge;
    Attached me(forge.path());
    const GroupId group = create_group(me.segment(), me.handle.visits, "g", Position::oldest()).value();
    test::Adder adder(me.segment(), me.handle.id);
    adder.add_many(3);
    Reader reader(me.handle, group, "r");
    const Taken taken = reader.read(3, 1'000'000)[1];
    give_back(me.segment(), group.row, taken.sequence, taken.record, Ending::failed, 1'000'000, 60'000);
    adopt_boot(me.segment(), me.handle.visits, 44, 50);
    EXPECT_EQ(test::sequences_of(reader.read(3, 50)), (std::vector<Sequence>{2}));
}

}  // namespace
}  // namespace shmq
