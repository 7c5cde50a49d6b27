// Attaching by real locks: rows, incarnations, and who is told to be alive or dead.
#include "recovery/attach.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "os/lock.hpp"
#include "recovery/file_forge.hpp"

namespace shmq {
namespace {

using test::Attached;
using test::Child;
using test::FileForge;
using test::Opened;

OwnerWord word_of(const Opened& opened, std::uint32_t row) {
    return unpack_owner(opened.segment().attachment(row).word.load(memory_order_seq_cst));
}
/// The newest live row but `mine`: that of the child.
AttachmentId child_id(const Opened& opened, std::uint32_t mine) {
    for (std::uint32_t row = 0; row < opened.segment().geometry().attachments; ++row)
        if (row != mine && word_of(opened, row).state == OwnerState::live)
            return {row, word_of(opened, row).incarnation};
    ADD_FAILURE() << "no other row is live";
    return {};
}

TEST(Attach, gives_a_live_row_whose_byte_is_locked_and_says_whose_it_is) {
    const FileForge forge;
    Attached one(forge.path());
    const AttachmentId id = one.handle.id;
    EXPECT_EQ(word_of(one, id.row), (OwnerWord{OwnerState::live, id.row, id.incarnation}));
    EXPECT_TRUE(*os::byte_is_locked(one.probe(), lock_offset(one.segment().geometry(), id)));
    const AttachmentRow& row = one.segment().attachment(id.row);
    EXPECT_EQ(row.pid.load(memory_order_relaxed), static_cast<std::uint32_t>(::getpid()));
    EXPECT_STREQ(row.command, os::this_process().command.c_str());
}

TEST(Attach, cuts_a_long_command_and_ends_it) {
    const FileForge forge;
    Opened opened(forge.path());
    os::ProcessInfo who = os::this_process();
    who.command = "0123456789abcdefghij";
    const auto id = attach(opened.segment(), opened.lock(), opened.probe(), who);
    ASSERT_TRUE(id);
    const AttachmentRow& row = opened.segment().attachment(id->row);
    EXPECT_STREQ(row.command, "0123456789abcde");
    detach(opened.segment(), *id);
    who.command = "ab";
    EXPECT_EQ(attach(opened.segment(), opened.lock(), opened.probe(), who).value().row, id->row);
    EXPECT_EQ(std::string(row.command, sizeof row.command), "ab" + std::string(sizeof row.command - 2, '\0'))
        << "nothing of the one before";
}

TEST(Attach, gives_each_handle_a_row_of_its_own_until_there_is_none) {
    const FileForge forge;
    std::vector<std::unique_ptr<Attached>> handles;
    std::set<std::uint32_t> rows;
    for (int i = 0; i < 8; ++i) {
        handles.push_back(std::make_unique<Attached>(forge.path()));
        rows.insert(handles.back()->handle.id.row);
    }
    EXPECT_EQ(rows.size(), 8u);
    Opened ninth(forge.path());
    const auto refused = ninth.attach_here();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::too_many_attachments);
    EXPECT_NE(refused.error().message().find("8 open handles"), std::string::npos);
    handles.pop_back();
    EXPECT_TRUE(ninth.attach_here());
}

TEST(Attach, by_threads_at_once_gives_no_row_twice) {
    const FileForge forge;
    for (int round = 0; round < 30; ++round) {
        std::vector<AttachmentId> ids(4);
        std::vector<std::unique_ptr<Opened>> opened;
        for (std::size_t t = 0; t < ids.size(); ++t) opened.push_back(std::make_unique<Opened>(forge.path()));
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < ids.size(); ++t)
            threads.emplace_back([&, t] { ids[t] = opened[t]->attach_here().value(); });
        for (std::thread& thread : threads) thread.join();
        std::set<std::uint32_t> rows;
        for (const AttachmentId& id : ids) rows.insert(id.row);
        ASSERT_EQ(rows.size(), ids.size());
        for (std::size_t t = 0; t < ids.size(); ++t) detach(opened[t]->segment(), ids[t]);
    }
}

TEST(Attach, resets_a_row_that_was_left_attaching_and_not_one_that_is_locked) {
    const FileForge forge;
    Opened half(forge.path()), whole(forge.path());
    const auto attaching = [](std::uint32_t row) { return AttachmentId{row, 0}.word(OwnerState::attaching); };
    half.segment().attachment(0).word.store(attaching(0), memory_order_seq_cst);
    half.segment().attachment(1).word.store(attaching(1), memory_order_seq_cst);
    ASSERT_TRUE(*os::try_lock_byte(half.lock(), lock_offset(half.segment().geometry(), {0, 0})));
    const auto id = whole.attach_here();
    ASSERT_TRUE(id);
    EXPECT_EQ(*id, (AttachmentId{1, 1})) << "the second row, under its next incarnation";
    EXPECT_EQ(word_of(whole, 0).state, OwnerState::attaching);
}

TEST(Attach, leaves_a_row_that_was_left_attaching_alone_where_nothing_can_be_proven) {
    const FileForge forge;
    Opened opened(forge.path());
    opened.segment().attachment(0).word.store(AttachmentId{0, 0}.word(OwnerState::attaching), memory_order_seq_cst);
    const os::Descriptor none;
    const auto id = attach(opened.segment(), opened.lock(), none, os::this_process());
    ASSERT_TRUE(id);
    EXPECT_EQ(id->row, 1u);
    EXPECT_EQ(word_of(opened, 0), (OwnerWord{OwnerState::attaching, 0, 0}));
}

TEST(Detach, frees_the_row_for_the_next_incarnation) {
    const FileForge forge;
    AttachmentId first;
    {
        Attached one(forge.path());
        first = one.handle.id;
    }
    Attached two(forge.path());
    EXPECT_EQ(two.handle.id.row, first.row);
    EXPECT_EQ(two.handle.id.incarnation, first.incarnation + 1);
    EXPECT_EQ(probe_life(two.segment(), two.probe(), first), Life::gone);
    detach(two.segment(), first);
    EXPECT_EQ(word_of(two, first.row).state, OwnerState::live) << "a late word of the former owner changes nothing";
}

TEST(LockOffset, is_another_for_every_row_and_incarnation_and_above_every_file) {
    const Geometry g = test::planned(test::tiny_options());
    std::set<std::uint64_t> offsets;
    for (std::uint32_t row = 0; row < g.attachments; ++row)
        for (std::uint64_t incarnation = 0; incarnation < 200; ++incarnation) {
            const std::uint64_t offset = lock_offset(g, {row, incarnation});
            EXPECT_TRUE(offsets.insert(offset).second);
            EXPECT_GT(offset, std::uint64_t{1} << 40);
        }
    for (const std::uint64_t incarnation : {low_mask(49), ~std::uint64_t{0}})
        EXPECT_LT(lock_offset(g, {g.attachments - 1, incarnation}), ~std::uint64_t{0} >> 1) << "what the kernel takes";
}

TEST(ProbeLife, tells_a_living_process_from_a_killed_one_even_as_a_zombie) {
    const FileForge forge;
    Attached me(forge.path());
    for (const bool reap : {true, false}) {
        Child child([&] {
            Attached there(forge.path());
            test::wait_to_be_killed();
            return 0;
        });
        ASSERT_TRUE(child.wait_for_report());
        const AttachmentId id = child_id(me, me.handle.id.row);
        EXPECT_EQ(probe_life(me.segment(), me.probe(), id), Life::alive);
        EXPECT_EQ(probe_life(me.segment(), me.probe(), {id.row, id.incarnation + 1}), Life::gone);
        child.kill(reap);
        EXPECT_EQ(probe_life(me.segment(), me.probe(), id), Life::dead);
        me.scan_now();
        EXPECT_EQ(probe_life(me.segment(), me.probe(), id), Life::gone);
    }
}

TEST(ProbeLife, takes_a_stopped_process_for_alive) {
    const FileForge forge;
    Attached me(forge.path());
    Child child([&] {
        Attached there(forge.path());
        test::wait_to_be_killed();
        return 0;
    });
    ASSERT_TRUE(child.wait_for_report());
    ::kill(child.pid(), SIGSTOP);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED | WNOWAIT);
    const AttachmentId id = child_id(me, me.handle.id.row);
    EXPECT_EQ(probe_life(me.segment(), me.probe(), id), Life::alive);
    EXPECT_EQ(me.scan_now().dead, 0u);
    EXPECT_EQ(word_of(me, id.row).state, OwnerState::live);
}

TEST(ProbeLife, of_garbage_is_gone_and_of_a_probe_that_fails_alive) {
    const FileForge forge;
    Attached me(forge.path());
    EXPECT_EQ(probe_life(me.segment(), me.probe(), {4'000, 1}), Life::gone);
    EXPECT_EQ(probe_life(me.segment(), me.probe(), {7, 0}), Life::gone) << "a free row";
    // Behind the last row stands another table, and what lies there may look as a row.
    const std::uint32_t rows = me.segment().geometry().attachments;
    me.segment().attachment(rows).word.store(AttachmentId{rows, 1}.word(OwnerState::live), memory_order_seq_cst);
    EXPECT_EQ(probe_life(me.segment(), me.probe(), {rows, 1}), Life::gone);
    const os::Descriptor none;
    EXPECT_EQ(probe_life(me.segment(), none, me.handle.id), Life::alive) << "what can't be probed is not proven dead";
}

TEST(Attach, begins_outside_of_every_group_whatever_the_one_before_left) {
    const FileForge forge;
    Opened opened(forge.path());
    opened.segment().attachment(0).inside.store(~std::uint64_t{0}, memory_order_seq_cst);
    const auto id = opened.attach_here();
    ASSERT_TRUE(id);
    ASSERT_EQ(id->row, 0u);
    EXPECT_EQ(opened.segment().attachment(0).inside.load(memory_order_seq_cst), 0u);
    detach(opened.segment(), *id);
}

TEST(Attach, takes_another_row_where_somebody_has_the_lock_already) {
    const FileForge forge;
    Opened stranger(forge.path()), opened(forge.path());
    ASSERT_TRUE(*os::try_lock_byte(stranger.lock(), lock_offset(opened.segment().geometry(), {0, 0})));
    const auto id = opened.attach_here();
    ASSERT_TRUE(id);
    EXPECT_EQ(id->row, 1u);
    EXPECT_NE(word_of(opened, 0).state, OwnerState::live);
    detach(opened.segment(), *id);
}

TEST(Scan, takes_what_lies_behind_the_table_for_no_attachment) {
    const FileForge forge;
    Attached me(forge.path());
    const std::uint32_t rows = me.segment().geometry().attachments;
    Word& behind = me.segment().attachment(rows).word;
    const std::uint64_t before = behind.load(memory_order_seq_cst);
    const std::uint64_t live = AttachmentId{rows, 7}.word(OwnerState::live);
    behind.store(live, memory_order_seq_cst);
    EXPECT_EQ(me.scan_now().dead, 0u);
    EXPECT_EQ(behind.load(memory_order_seq_cst), live);
    behind.store(before, memory_order_seq_cst);
}

}  // namespace
}  // namespace shmq
