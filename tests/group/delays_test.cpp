// Delayed entries and the hint that says when the first is due: a hint that is lost or wrong delays, and loses nothing.
#include "group/delays.hpp"

#include <gtest/gtest.h>

#include "group/group_options.hpp"
#include "group/grouping.hpp"
#include "log/sleep.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;
using test::sequences_of;

constexpr std::uint64_t now = 1'000;

struct Delays : GroupForge {
    Delays() : reader(handle, group, "c") {
        for (int i = 0; i < 4; ++i) EXPECT_TRUE(adder.add("x"));
    }
    [[nodiscard]] std::uint32_t hint() const { return due_hint(segment(), group.row); }
    void set_hint(std::uint32_t hint) const { segment().group(group.row).due.store(hint, memory_order_seq_cst); }
    void delay(const Taken& taken, std::uint32_t ms) {
        EXPECT_EQ(give_back(segment(), group.row, taken.sequence, taken.record, Ending::failed, now, ms), Finish::done);
    }
    [[nodiscard]] PendingState state(Sequence sequence) const { return record(sequence).state; }
    Reader reader;
};

TEST(Delays, the_hint_is_the_earliest_and_goes_when_nothing_is_delayed) {
    Delays d;
    const auto taken = d.reader.read(4);
    ASSERT_EQ(taken.size(), 4u);
    EXPECT_EQ(d.hint(), 0u);
    d.delay(taken[0], 500);
    EXPECT_EQ(d.hint(), now + 500);
    d.delay(taken[1], 200);
    EXPECT_EQ(d.hint(), now + 200);
    d.delay(taken[2], 900);
    EXPECT_EQ(d.hint(), now + 200);
    EXPECT_TRUE(d.reader.read(4, now + 199).empty());
    EXPECT_EQ(sequences_of(d.reader.read(4, now + 200)), (std::vector<Sequence>{2}));
    EXPECT_EQ(d.hint(), now + 500);
    EXPECT_EQ(sequences_of(d.reader.read(4, now + 2'000)), (std::vector<Sequence>{1, 3}));
    EXPECT_EQ(d.hint(), 0u);
}

TEST(Delays, a_hint_that_was_lost_is_put_back_by_the_sweep) {
    for (const std::uint32_t damage : {0u, static_cast<std::uint32_t>(now) + 0x7fff'0000u}) {
        Delays d;
        const auto taken = d.reader.read(4);
        d.delay(taken[0], 100);
        d.set_hint(damage);
        EXPECT_TRUE(d.reader.read(4, now + 150).empty()) << "nobody knows of it";
        sweep(d.reader.member(), 16, now + 150);
        EXPECT_EQ(sequences_of(d.reader.read(4, now + 150)), (std::vector<Sequence>{1})) << damage;
    }
}

TEST(Delays, a_hint_that_is_too_early_is_corrected_by_the_next_look) {
    Delays d;
    d.delay(d.reader.read(4)[0], 500);
    d.set_hint(static_cast<std::uint32_t>(now) - 7);
    EXPECT_TRUE(d.reader.read(4).empty());
    EXPECT_EQ(d.hint(), now + 500);
    EXPECT_EQ(d.state(1), PendingState::delayed);
}

TEST(Delays, a_time_that_is_lost_or_cannot_be_is_due_at_once) {
    for (const bool lost : {true, false}) {
        Delays d;
        d.delay(d.reader.read(4)[0], 500);
        Word& word = d.segment().delivery(d.group.row, 1);
        DeliveryWord damaged = unpack_delivery(word.load(memory_order_seq_cst));
        if (lost)
            damaged.handover ^= 1;
        else
            damaged.time_ms = now + (std::uint64_t{1} << 35);
        word.store(pack_delivery(damaged), memory_order_seq_cst);
        d.set_hint(static_cast<std::uint32_t>(now));
        EXPECT_EQ(sequences_of(d.reader.read(4)), (std::vector<Sequence>{1})) << lost;
    }
}

TEST(Delays, the_clock_and_the_hint_go_round) {
    Delays d;
    const std::uint64_t late = (std::uint64_t{1} << time_bits) - 100;
    const auto taken = d.reader.read(4, late);
    EXPECT_EQ(give_back(d.segment(), d.group.row, 1, taken[0].record, Ending::failed, late, 300), Finish::done);
    EXPECT_EQ(d.state(1), PendingState::delayed);
    EXPECT_TRUE(d.reader.read(4, late + 299).empty());
    EXPECT_EQ(sequences_of(d.reader.read(4, late + 300)), (std::vector<Sequence>{1}));
}

TEST(Delays, a_past_hint_is_not_taken_for_a_far_one) {
    Delays d;
    d.set_hint(static_cast<std::uint32_t>(now) - 500);
    lower_due(d.segment(), d.group.row, now + low_mask(31), now);
    EXPECT_EQ(d.hint(), now - 500);
}

TEST(Delays, a_nack_that_died_half_way_is_ended_by_the_scanner_as_it_was_meant) {
    Delays d;
    const auto taken = d.reader.read(4);
    const PendingWord held = unpack_pending(d.geometry(), taken[0].record);
    clock_end(d.segment(), d.group.row, 1, held, Ending::failed, now, {700, 700});  // and no more
    EXPECT_EQ(d.reader.nack(taken[0], Ending::died, now + 5), Finish::done);
    EXPECT_EQ(d.state(1), PendingState::delayed);
    EXPECT_EQ(clock_rest(d.segment(), d.group.row, 1, d.record(1), now), 700u);
    EXPECT_EQ(d.facts(1, now).failures, 1u);
    EXPECT_EQ(d.facts(1, now).deaths, 0u);
}

TEST(Delays, who_finds_that_one_is_due_wakes_the_others) {
    Delays d;
    const auto taken = d.reader.read(4);
    d.delay(taken[0], 100);
    std::uint32_t seen = announce_sleeper(d.segment(), d.group.row);
    const auto woken = [&] { return wake_word(d.segment(), d.group.row).load(memory_order_relaxed) != seen; };
    ripen(d.segment(), d.group.row, now + 99);
    EXPECT_FALSE(woken()) << "none is due";
    ripen(d.segment(), d.group.row, now + 100);
    EXPECT_TRUE(woken());
}

TEST(Delays, of_the_longest_time_there_is_wait_it_out) {
    Delays d;
    d.delay(d.reader.read(1).at(0), most_delay_ms);
    EXPECT_EQ(d.state(1), PendingState::delayed);
    EXPECT_EQ(d.hint(), now + most_delay_ms);
}

TEST(Delays, are_for_what_failed_and_not_for_what_was_let_go) {
    Delays d;
    GroupOptions options;
    options.retry.first_delay = std::chrono::milliseconds(300);
    put_options(d.segment().group(d.group.row), options);
    const auto taken = d.reader.read(2);
    EXPECT_EQ(d.reader.nack(taken[0], Ending::released), Finish::done);
    EXPECT_EQ(d.reader.nack(taken[1], Ending::failed), Finish::done);
    EXPECT_EQ(d.state(1), PendingState::retry);
    EXPECT_EQ(d.state(2), PendingState::delayed);
}

}  // namespace
}  // namespace shmq
