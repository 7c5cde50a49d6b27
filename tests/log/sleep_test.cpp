// Sleeping and waking: the bits of sleepers, the futex words, and what a waker leaves.
#include "log/sleep.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <set>

#include <thread>

#include "log/adding.hpp"
#include "support/asleep.hpp"

namespace shmq {
namespace {

using test::Forge;
using namespace std::chrono_literals;

constexpr Duration long_time = 60s;  // far above what a wake needs; the watchdog ends a test that waits for it

std::uint64_t sleepers(const Forge& forge) { return forge.control().sleepers.load(memory_order_seq_cst); }

TEST(Sleep, an_announcement_sets_the_bit_and_nothing_else) {
    const Forge forge;
    for (const unsigned bit : {0u, 3u, reader_bit, room_bit}) {
        const std::uint64_t before = sleepers(forge);
        announce_sleeper(forge.segment(), bit);
        EXPECT_EQ(sleepers(forge), before | sleeper_mask(bit));
    }
}

TEST(Sleep, after_a_wake_since_the_announcement_comes_back_at_once) {
    const Forge forge;
    for (const unsigned bit : {0u, 2u, reader_bit, room_bit}) {
        const std::uint32_t seen = announce_sleeper(forge.segment(), bit);
        wake_sleepers(forge.segment(), sleeper_mask(bit), 1);
        EXPECT_EQ(sleep(forge.segment(), bit, seen, long_time), os::Woken::changed);
    }
}

TEST(Sleep, ends_by_itself_after_its_slice) {
    const Forge forge;
    const std::uint32_t seen = announce_sleeper(forge.segment(), 1);
    EXPECT_EQ(sleep(forge.segment(), 1, seen, 2ms), os::Woken::timeout);
}

TEST(Wake, of_a_bit_that_nobody_set_touches_no_futex_word) {
    const Forge forge;
    announce_sleeper(forge.segment(), reader_bit);
    wake_sleepers(forge.segment(), sleeper_mask(0) | sleeper_mask(room_bit), 5);
    EXPECT_EQ(sleepers(forge), sleeper_mask(reader_bit)) << "others' bits stay";
    EXPECT_EQ(forge.segment().group(0).wake.load(memory_order_relaxed), 0u);
    EXPECT_EQ(forge.control().room_wake.load(memory_order_relaxed), 0u);
}

TEST(Wake, takes_the_bit_and_moves_the_word_on) {
    const Forge forge;
    announce_sleeper(forge.segment(), 2);
    announce_sleeper(forge.segment(), room_bit);
    wake_sleepers(forge.segment(), sleeper_mask(2) | sleeper_mask(room_bit), 3);
    EXPECT_EQ(sleepers(forge), 0u) << "nobody really slept, so nothing is put back";
    EXPECT_EQ(forge.segment().group(2).wake.load(memory_order_relaxed), 1u);
    EXPECT_EQ(forge.control().room_wake.load(memory_order_relaxed), 1u);
    EXPECT_EQ(forge.control().reader_wake.load(memory_order_relaxed), 0u);
}

TEST(Wake, works_where_the_futex_word_goes_round) {
    const Forge forge;
    forge.segment().group(0).wake.store(~0u, memory_order_relaxed);
    const std::uint32_t seen = announce_sleeper(forge.segment(), 0);
    wake_sleepers(forge.segment(), sleeper_mask(0), 1);
    EXPECT_EQ(forge.segment().group(0).wake.load(memory_order_relaxed), 0u);
    EXPECT_EQ(sleep(forge.segment(), 0, seen, long_time), os::Woken::changed);
}

TEST(Wake, of_as_many_as_were_wanted_puts_the_bit_back_for_the_rest) {
    const Forge forge;
    std::vector<std::thread> threads;
    Atomic<std::uint32_t> woken(0);
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            const std::uint32_t seen = announce_sleeper(forge.segment(), 0);
            // A word that moved on before it slept is a wake like another.
            sleep(forge.segment(), 0, seen, long_time);
            woken.fetch_add(1, memory_order_seq_cst);
        });
    // One at a time: as long as the bit comes back there may be another.
    while (woken.load(memory_order_seq_cst) < 2) {
        wake_sleepers(forge.segment(), sleeper_mask(0), 1);
        std::this_thread::sleep_for(1ms);
    }
    for (std::thread& thread : threads) thread.join();
    wake_sleepers(forge.segment(), sleeper_mask(0), 1);
    EXPECT_EQ(sleepers(forge), 0u) << "the last wake found nobody and left no mark";
}

TEST(Wake, of_one_who_really_sleeps_leaves_the_bit_for_another_unless_all_are_woken_anyway) {
    for (const bool strict : {false, true}) {
        const Forge forge;
        if (strict) forge.segment().group(0).options.store(strict_order, memory_order_seq_cst);
        pid_t task = 0;
        Atomic<std::uint32_t> announced(0);
        std::thread sleeper([&] {
            task = ::gettid();
            const std::uint32_t seen = announce_sleeper(forge.segment(), 0);
            announced.store(1, memory_order_seq_cst);
            sleep(forge.segment(), 0, seen, long_time);
        });
        while (announced.load(memory_order_seq_cst) == 0) std::this_thread::yield();
        test::wait_until_blocked(task);
        wake_sleepers(forge.segment(), sleeper_mask(0), 1);
        sleeper.join();
        EXPECT_EQ(sleepers(forge), strict ? 0u : sleeper_mask(0));
    }
}

TEST(Wake, of_one_reader_wakes_them_all_since_each_wants_every_entry) {
    const Forge forge;
    std::vector<std::thread> threads;
    Atomic<std::uint32_t> asleep(0);
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            const std::uint32_t seen = announce_sleeper(forge.segment(), reader_bit);
            asleep.fetch_add(1, memory_order_seq_cst);
            sleep(forge.segment(), reader_bit, seen, long_time);
        });
    while (asleep.load(memory_order_seq_cst) < 3) std::this_thread::yield();
    // Those that are asleep are woken, and for the others the word has moved on: one wake ends all, or the watchdog.
    entries_came(forge.segment(), data_sleepers, 1);
    for (std::thread& thread : threads) thread.join();
}

TEST(Wake, reaches_a_sleeper_in_another_process) {
    const Forge forge;
    const pid_t child = ::fork();
    if (child == 0) {
        const std::uint32_t seen = announce_sleeper(forge.segment(), reader_bit);
        const os::Woken woken = sleep(forge.segment(), reader_bit, seen, long_time);
        ::_exit(woken == os::Woken::woken || woken == os::Woken::changed ? 0 : 1);
    }
    while ((sleepers(forge) & sleeper_mask(reader_bit)) == 0) std::this_thread::yield();
    entries_came(forge.segment(), data_sleepers, 1);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(Wake, never_misses_a_sleeper_that_looked_before_the_change) {
    // The pattern of every wait: announce, look, sleep; against: change, look for sleepers. A miss would sleep for a
    // minute.
    const Forge forge;
    Atomic<std::uint64_t> produced(0), consumed(0);
    constexpr std::uint64_t rounds = 3'000;
    std::thread consumer([&] {
        for (std::uint64_t i = 1; i <= rounds; ++i) {
            while (produced.load(memory_order_seq_cst) < i) {
                const std::uint32_t seen = announce_sleeper(forge.segment(), 0);
                if (produced.load(memory_order_seq_cst) >= i) break;
                sleep(forge.segment(), 0, seen, long_time);
            }
            consumed.store(i, memory_order_seq_cst);
            room_came(forge.segment());
        }
    });
    for (std::uint64_t i = 1; i <= rounds; ++i) {
        produced.store(i, memory_order_seq_cst);
        entries_came(forge.segment(), sleeper_mask(0), 1);
        while (consumed.load(memory_order_seq_cst) < i) {
            const std::uint32_t seen = announce_sleeper(forge.segment(), room_bit);
            if (consumed.load(memory_order_seq_cst) >= i) break;
            sleep(forge.segment(), room_bit, seen, long_time);
        }
    }
    consumer.join();
}

TEST(Wake, with_garbage_in_the_sleepers_word_stays_in_the_segment) {
    const Forge forge;
    forge.control().sleepers.store(~std::uint64_t{0}, memory_order_seq_cst);
    wake_sleepers(forge.segment(), low_mask(room_bit + 1), 1);
    EXPECT_EQ(sleepers(forge) & low_mask(room_bit + 1), 0u);
    for (std::uint32_t row = 0; row < forge.geometry().group_rows; ++row)
        EXPECT_EQ(forge.segment().group(row).wake.load(memory_order_relaxed), 1u);
    EXPECT_TRUE(is_removed(forge.segment())) << "a mark that no wake takes away";
}

TEST(Removed, is_seen_by_all_and_wakes_all) {
    const Forge forge;
    EXPECT_FALSE(is_removed(forge.segment()));
    const std::uint32_t group = announce_sleeper(forge.segment(), 0);
    const std::uint32_t reader = announce_sleeper(forge.segment(), reader_bit);
    const std::uint32_t room = announce_sleeper(forge.segment(), room_bit);
    mark_removed(forge.segment());
    EXPECT_TRUE(is_removed(forge.segment()));
    EXPECT_EQ(sleep(forge.segment(), 0, group, long_time), os::Woken::changed);
    EXPECT_EQ(sleep(forge.segment(), reader_bit, reader, long_time), os::Woken::changed);
    EXPECT_EQ(sleep(forge.segment(), room_bit, room, long_time), os::Woken::changed);
    announce_sleeper(forge.segment(), 0);
    wake_sleepers(forge.segment(), sleeper_mask(0), 1);
    EXPECT_TRUE(is_removed(forge.segment()));
}

TEST(WakeWord, is_another_for_each_group_for_readers_and_for_room) {
    const Forge forge;
    std::set<const void*> words{&wake_word(forge.segment(), reader_bit), &wake_word(forge.segment(), room_bit)};
    EXPECT_EQ(words.count(&forge.control().reader_wake), 1u);
    EXPECT_EQ(words.count(&forge.control().room_wake), 1u);
    for (std::uint32_t row = 0; row < forge.geometry().group_rows; ++row) {
        words.insert(&wake_word(forge.segment(), row));
        EXPECT_EQ(&wake_word(forge.segment(), row), &forge.segment().group(row).wake);
    }
    EXPECT_EQ(words.size(), 2u + forge.geometry().group_rows);
}

}  // namespace
}  // namespace shmq
