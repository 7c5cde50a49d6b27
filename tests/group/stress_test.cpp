// Everything at once on the smallest rings, by threads and by processes: dense, each entry acked once, views that
// stand.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "group/workload.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Handle;
using test::Ledger;
using test::Reader;

constexpr std::uint64_t each = 45'000;

class StressOn : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Slots, StressOn, testing::Values(8, 16));

StreamOptions options_for(std::uint64_t slots) {
    StreamOptions options = test::tiny_options();
    options.slots = slots;
    options.chunks = 12;  // of 384 bytes, three entries each: chunks run out as slots do
    options.producers = 4;
    options.attachments = 8;
    return options;
}

void expect_settled(const GroupForge& forge, std::uint64_t total) {
    EXPECT_EQ(find_end(forge.segment()), total + 1);
    const GroupCounts counts = count_group(forge.segment(), forge.group.row);
    EXPECT_EQ(counts.delivered + counts.retry, 0u);
    EXPECT_EQ(counts.lag, 0u);
    for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk)
        EXPECT_NE(unpack_owner(forge.segment().chunk(chunk).word.load(memory_order_seq_cst)).state, OwnerState::owned)
            << chunk;
}

TEST_P(StressOn, two_producing_and_two_consuming_threads_ack_each_entry_once) {
    GroupForge forge(options_for(GetParam()));
    const Ledger ledger;
    std::vector<std::thread> threads;
    for (std::uint32_t p = 0; p < 2; ++p)
        threads.emplace_back([&, p] { test::produce(forge.segment(), {4 + p, 1}, p, each, ledger); });
    for (std::uint32_t c = 0; c < 2; ++c)
        threads.emplace_back([&, c] {
            Handle handle(forge.segment(), 1 + c);
            Reader reader(handle, forge.group, c == 0 ? "one" : "two");
            test::consume(reader, 2 * each, ledger, c + 1);
        });
    for (std::thread& thread : threads) thread.join();
    ledger.expect_complete({each, each});
    EXPECT_GT(ledger->fenced.load(memory_order_seq_cst), 0u) << "claims did meet late words";
    EXPECT_GT(ledger->taken_over.load(memory_order_seq_cst), 0u);
    expect_settled(forge, 2 * each);
}

TEST_P(StressOn, two_producing_and_two_consuming_processes_ack_each_entry_once) {
    GroupForge forge(options_for(GetParam()));
    const Ledger ledger;
    std::vector<pid_t> children;
    const auto spawn = [&](auto&& work) {
        const pid_t child = ::fork();
        if (child == 0) {
            work();
            ::_exit(testing::Test::HasFailure() ? 1 : 0);
        }
        children.push_back(child);
    };
    for (std::uint32_t p = 0; p < 2; ++p) spawn([&] { test::produce(forge.segment(), {4 + p, 1}, p, each, ledger); });
    for (std::uint32_t c = 0; c < 2; ++c)
        spawn([&] {
            Handle handle(forge.segment(), 1 + c);
            Reader reader(handle, forge.group, c == 0 ? "one" : "two");
            test::consume(reader, 2 * each, ledger, c + 11);
        });
    for (const pid_t child : children) {
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    ledger.expect_complete({each, each});
    expect_settled(forge, 2 * each);
}

TEST_P(StressOn, groups_that_come_and_go_beside_producers_never_block_or_lose) {
    // One group stays and must see everything; others are made, moved and dropped beside it all the time.
    GroupForge forge(options_for(GetParam()));
    const Ledger ledger;
    Atomic<std::uint32_t> done(0);
    std::vector<std::thread> threads;
    for (std::uint32_t p = 0; p < 2; ++p)
        threads.emplace_back([&, p] { test::produce(forge.segment(), {4 + p, 1}, p, each / 15, ledger); });
    threads.emplace_back([&] {
        Handle handle(forge.segment(), 3);
        for (std::mt19937_64 random(3); done.load(memory_order_seq_cst) == 0;) {
            sched_yield();
            const auto made = create_group(forge.segment(), handle.visits, "other", Position::oldest());
            if (!made) continue;
            {
                Reader reader(handle, *made, "r");
                Sequence before = 0;
                for (const Taken& taken : reader.read(4)) {
                    if (taken.sequence < before || test::label_at(forge.segment(), taken.place) == 0)
                        Ledger::count(ledger->damaged);
                    before = taken.sequence;
                    if (random() % 2 == 0) reader.ack(taken);
                }
            }
            if (random() % 2 == 0)
                static_cast<void>(move_group(forge.segment(), handle.visits, "other", Position::newest()));
            if (!drop_group(forge.segment(), handle.visits, "other")) Ledger::count(ledger->refused);
        }
    });
    {
        Handle handle(forge.segment(), 1);
        Reader reader(handle, forge.group, "one");
        test::consume(reader, 2 * (each / 15), ledger, 5);
        done.store(1, memory_order_seq_cst);
    }
    for (std::thread& thread : threads) thread.join();
    ledger.expect_complete({each / 15, each / 15});
}

}  // namespace
}  // namespace shmq
