// Producers and consumers killed at any instant, one after the other, while others scan: nothing is lost, acked twice
// or changed.
#include <gtest/gtest.h>

#include "group/workload.hpp"
#include "recovery/file_forge.hpp"

namespace shmq {
namespace {

using test::Attached;
using test::Child;
using test::FileForge;
using test::Ledger;
using test::Reader;

constexpr std::uint64_t kills = 200;
constexpr std::uint64_t for_ever = std::uint64_t{1} << 31;

StreamOptions options() {
    StreamOptions options = test::tiny_options();
    options.slots = 16;
    options.chunks = 12;
    options.producers = 4;
    options.attachments = 16;
    return options;
}

/// A process of its own that produces until it is killed, under a number nobody had before.
std::unique_ptr<Child> producer(const FileForge& forge, const Ledger& ledger, std::uint32_t number,
                                std::uint64_t count = for_ever) {
    return std::make_unique<Child>([&forge, &ledger, number, count] {
        Attached there(forge.path());
        test::produce(there.segment(), there.handle.id, number, count, ledger);
        return 0;
    });
}

std::unique_ptr<Child> consumer(const FileForge& forge, const Ledger& ledger, GroupId group, std::uint64_t seed) {
    return std::make_unique<Child>([&forge, &ledger, group, seed] {
        Attached there(forge.path());
        Reader reader(there.handle, group, "");
        Child::report();
        test::consume_all(reader, ledger, seed);
        return testing::Test::HasFailure() ? 1 : 0;
    });
}

TEST(Kill, of_producers_and_consumers_at_any_instant_loses_and_doubles_nothing) {
    const FileForge forge(options());
    const Ledger ledger;
    Attached me(forge.path());
    const GroupId group = create_group(me.segment(), me.handle.visits, "g", Position::oldest()).value();
    const std::uint64_t seed = os::monotonic_ns();
    std::mt19937_64 random(seed);
    RecordProperty("seed", std::to_string(seed));
    std::uint32_t producers = 0;
    std::unique_ptr<Child> adding[2], reading[2];
    for (auto& child : adding) child = producer(forge, ledger, producers++);
    for (auto& child : reading) child = consumer(forge, ledger, group, random());
    for (auto& child : reading) ASSERT_TRUE(child->wait_for_report());
    std::uint64_t dead = 0;
    for (std::uint64_t kill = 0; kill < kills && find_end(me.segment()) < Ledger::most / 2; ++kill) {
        ::usleep(static_cast<useconds_t>(random() % 10'000));
        const std::size_t which = random() % 2;
        const bool of_consumer = random() % 2 == 0;
        (of_consumer ? reading : adding)[which]->kill();
        dead += me.scan_now(os::monotonic_coarse_ms()).dead;
        if (of_consumer)
            reading[which] = consumer(forge, ledger, group, random());
        else
            adding[which] = producer(forge, ledger, producers++);
    }
    for (auto& child : adding) child->kill();
    me.scan_now(os::monotonic_coarse_ms());
    const Sequence end = find_end(me.segment());
    ledger->total.store(end - 1, memory_order_seq_cst);
    for (auto& child : reading) EXPECT_EQ(child->exit_status(), 0) << "seed " << seed;
    EXPECT_GT(dead, 10u);
    RecordProperty("dead", std::to_string(dead));
    RecordProperty("entries", std::to_string(end - 1));
    ledger.expect_sound(end - 1, kills);
    EXPECT_EQ(find_end(me.segment()), end);
    // Whatever they held is free again: a producer finds all the room there is.
    me.scan_now(os::monotonic_coarse_ms());
    for (std::uint32_t chunk = 0; chunk < me.segment().geometry().chunks; ++chunk)
        EXPECT_NE(unpack_owner(me.segment().chunk(chunk).word.load(memory_order_seq_cst)).state, OwnerState::owned)
            << chunk;
    for (std::uint32_t cell = 0; cell < me.segment().geometry().pins; ++cell)
        EXPECT_EQ(me.segment().pin(cell).load(memory_order_seq_cst) & 1, 0u) << cell;
    if (HasFailure()) ADD_FAILURE() << "seed " << seed;
}

}  // namespace
}  // namespace shmq
