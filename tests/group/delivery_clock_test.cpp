// The word beside each record: idle times, and ends of deliveries counted once.
#include "group/delivery_clock.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "layout/forge.hpp"

namespace shmq {
namespace {

using test::Forge;
constexpr Sequence sequence = 5;

struct Clock : Forge {
    explicit Clock(std::uint64_t started_ms = 100) { clock_first(segment(), 0, sequence, started_ms); }
    [[nodiscard]] PendingWord held(std::uint32_t handover = 1) const {
        return {geometry().record_tag(sequence), 1, handover, PendingState::delivered};
    }
    [[nodiscard]] DeliveryFacts read(std::uint32_t handover, std::uint64_t now_ms) const {
        return clock_read(segment(), 0, sequence, held(handover), now_ms);
    }
    [[nodiscard]] DeliveryWord word() const {
        return unpack_delivery(segment().delivery(0, sequence).load(memory_order_seq_cst));
    }
};

TEST(DeliveryClock, of_a_first_delivery_runs_from_its_start) {
    const Clock clock(100);
    EXPECT_EQ(clock.read(1, 100).idle_ms, 0u);
    EXPECT_EQ(clock.read(1, 350).idle_ms, 250u);
    EXPECT_EQ(clock.read(1, 350).deliveries, 1u);
}

TEST(DeliveryClock, that_reads_behind_the_stamp_is_no_age_of_years) {
    const Clock clock(100);
    EXPECT_EQ(clock.read(1, 99).idle_ms, 0u);
    EXPECT_EQ(clock.read(1, 0).idle_ms, 0u);
}

TEST(DeliveryClock, goes_round_at_the_end_of_its_bits) {
    const std::uint64_t end = std::uint64_t{1} << time_bits;
    const Clock clock(end - 10);
    EXPECT_EQ(clock.read(1, end + 5).idle_ms, 15u);
    const Clock wrapped(3 * end + 7);
    EXPECT_EQ(wrapped.read(1, 3 * end + 9).idle_ms, 2u);
}

TEST(DeliveryClock, of_another_delivery_is_unknown) {
    const Clock clock;
    EXPECT_FALSE(clock.read(2, 200).idle_ms) << "another hand-over";
    PendingWord next_lap = clock.held();
    ++next_lap.tag;
    EXPECT_FALSE(clock_read(clock.segment(), 0, sequence, next_lap, 200).idle_ms);
    EXPECT_EQ(clock.read(7, 200).deliveries, 7u) << "every hand-over may have counted";
}

TEST(DeliveryClock, counts_each_end_by_its_kind) {
    const struct {
        Ending ending;
        std::uint32_t failures, deaths;
    } cases[] = {{Ending::released, 0, 0}, {Ending::failed, 1, 0}, {Ending::died, 0, 1}};
    for (const auto& one : cases) {
        const Clock clock;
        clock_end(clock.segment(), 0, sequence, clock.held(), one.ending, 500);
        EXPECT_EQ(clock.word().failures, one.failures);
        EXPECT_EQ(clock.word().deaths, one.deaths);
        EXPECT_EQ(clock.word().time_ms, 500u);
    }
}

TEST(DeliveryClock, counts_an_end_once_however_often_it_is_told) {
    const Clock clock;
    for (const std::uint64_t at : {500u, 600u})
        EXPECT_EQ(clock_end(clock.segment(), 0, sequence, clock.held(), Ending::died, at).deaths, 1u);
    EXPECT_EQ(clock_end(clock.segment(), 0, sequence, clock.held(), Ending::failed, 700).failures, 0u);
    EXPECT_EQ(clock.word().deaths, 1u);
    EXPECT_EQ(clock.word().failures, 0u);
    EXPECT_EQ(clock.word().time_ms, 500u);
}

TEST(DeliveryClock, counts_an_end_once_when_many_tell_it_at_once) {
    for (int round = 0; round < 300; ++round) {
        const Clock clock;
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] { clock_end(clock.segment(), 0, sequence, clock.held(), Ending::died, 500); });
        for (std::thread& thread : threads) thread.join();
        ASSERT_EQ(clock.word().deaths, 1u);
    }
}

TEST(DeliveryClock, of_the_next_delivery_keeps_the_counts_and_starts_anew) {
    const Clock clock;
    clock_end(clock.segment(), 0, sequence, clock.held(), Ending::failed, 200);
    EXPECT_EQ(clock_again(clock.segment(), 0, sequence, clock.held(2), 300), 2u);
    EXPECT_EQ(clock.read(2, 310).idle_ms, 10u);
    clock_end(clock.segment(), 0, sequence, clock.held(2), Ending::died, 400);
    EXPECT_EQ(clock_again(clock.segment(), 0, sequence, clock.held(3), 500), 3u);
    clock_end(clock.segment(), 0, sequence, clock.held(3), Ending::released, 600);
    EXPECT_EQ(clock_again(clock.segment(), 0, sequence, clock.held(4), 700), 3u) << "in good order: does not count";
    EXPECT_EQ(clock.word().failures, 1u);
    EXPECT_EQ(clock.word().deaths, 1u);
}

TEST(DeliveryClock, written_again_by_somebody_who_was_overtaken_changes_nothing) {
    const Clock clock;
    clock_end(clock.segment(), 0, sequence, clock.held(), Ending::failed, 200);
    clock_again(clock.segment(), 0, sequence, clock.held(2), 300);
    clock_end(clock.segment(), 0, sequence, clock.held(2), Ending::failed, 350);
    EXPECT_EQ(clock_again(clock.segment(), 0, sequence, clock.held(2), 999), 3u);
    EXPECT_EQ(clock.word().time_ms, 350u);
    EXPECT_TRUE(clock.word().counted);
}

TEST(DeliveryClock, that_was_lost_counts_earlier_hand_overs_as_failures) {
    const Clock clock;
    clock.segment().delivery(0, sequence).store(0, memory_order_seq_cst);
    EXPECT_EQ(clock_again(clock.segment(), 0, sequence, clock.held(5), 300), 5u);
    EXPECT_EQ(clock.read(5, 300).deliveries, 5u);
}

TEST(DeliveryClock, counts_end_at_their_highest_and_do_not_go_round) {
    const Clock clock;
    clock.segment()
        .delivery(0, sequence)
        .store(pack_delivery(
                   {1, static_cast<std::uint32_t>(clock.held().tag & 7), 1, false, highest_count, highest_count}),
               memory_order_seq_cst);
    clock_end(clock.segment(), 0, sequence, clock.held(), Ending::failed, 2);
    EXPECT_EQ(clock.word().failures, highest_count);
    clock_again(clock.segment(), 0, sequence, clock.held(2), 2);
    clock_end(clock.segment(), 0, sequence, clock.held(2), Ending::died, 2);
    EXPECT_EQ(clock.word().deaths, highest_count);
    const Clock lost;
    lost.segment().delivery(0, sequence).store(0, memory_order_seq_cst);
    clock_end(lost.segment(), 0, sequence, lost.held(60'000), Ending::failed, 2);
    EXPECT_EQ(lost.word().failures, highest_count);
}

TEST(DeliveryClock, starts_only_where_it_is_unknown) {
    const Clock clock(100);
    clock_start(clock.segment(), 0, sequence, clock.held(), 200);
    EXPECT_EQ(clock.read(1, 300).idle_ms, 200u) << "it was known";
    clock_start(clock.segment(), 0, sequence, clock.held(2), 200);
    EXPECT_EQ(clock.read(2, 300).idle_ms, 100u);
}

TEST(DeliveryClock, restamped_after_a_reboot_forgets_the_time_and_keeps_the_counts) {
    const Clock clock(100);
    clock_end(clock.segment(), 0, sequence, clock.held(), Ending::failed, 200);
    clock_again(clock.segment(), 0, sequence, clock.held(2), 300);
    clock_restamp(clock.segment(), 0, sequence, clock.held(2), 7);
    EXPECT_EQ(clock.read(2, 7).idle_ms, 0u);
    EXPECT_EQ(clock.read(2, 7).deliveries, 2u);
    clock_restamp(clock.segment(), 0, sequence, clock.held(3), 9);
    EXPECT_EQ(clock.read(3, 10).idle_ms, 1u) << "unknown before";
}

TEST(DeliveryClock, of_a_taker_that_died_before_it_wrote_keeps_the_counts_of_before) {
    const Clock clock;
    clock_end(clock.segment(), 0, sequence, clock.held(), Ending::released, 200);
    const DeliveryWord ended = clock_end(clock.segment(), 0, sequence, clock.held(2), Ending::died, 300);
    EXPECT_EQ(ended.failures, 0u) << "giving back in good order is none";
    EXPECT_EQ(ended.deaths, 1u);
    EXPECT_EQ(clock.read(2, 300).deaths, 1u);
}

TEST(DeliveryClock, an_end_that_comes_after_the_next_delivery_changes_nothing) {
    const Clock clock;
    clock_end(clock.segment(), 0, sequence, clock.held(), Ending::failed, 200);
    EXPECT_EQ(clock_again(clock.segment(), 0, sequence, clock.held(2), 300), 2u);
    clock_end(clock.segment(), 0, sequence, clock.held(), Ending::died, 400, {100, 100});
    EXPECT_EQ(clock.read(2, 310).idle_ms, 10u);
    EXPECT_EQ(clock.read(2, 310).deliveries, 2u);
}

TEST(DeliveryClock, an_end_that_is_told_again_lengthens_the_wait_of_a_failure_alone) {
    for (const Ending again : {Ending::failed, Ending::died, Ending::claimed, Ending::released}) {
        const Clock clock;
        clock_end(clock.segment(), 0, sequence, clock.held(), Ending::failed, 500, {100, 100});
        EXPECT_EQ(clock.word().time_ms, 600u);
        clock_end(clock.segment(), 0, sequence, clock.held(), again, 500, {300, 300});
        EXPECT_EQ(clock.word().time_ms, again == Ending::failed ? 800u : 600u);
        clock_end(clock.segment(), 0, sequence, clock.held(), again, 500, {50, 50});
        EXPECT_EQ(clock.word().time_ms, again == Ending::failed ? 800u : 600u) << "never shorter";
        EXPECT_EQ(clock.word().failures, 1u);
    }
}

TEST(DeliveryClock, the_end_that_made_an_entry_dead_is_not_told_again_with_a_wait) {
    Word word(0);
    const PendingWord first{7, 1, 1, PendingState::delivered};
    clock_start(word, first, 400);
    clock_end(word, 1, first, Ending::failed, 500, {100, 100});
    const std::uint64_t before = word.load(memory_order_relaxed);
    clock_end(word, 1, first, Ending::failed, 900, {5'000, 5'000});
    EXPECT_EQ(word.load(memory_order_relaxed), before);
}

TEST(DeliveryClock, the_end_of_the_last_hand_over_there_can_be_makes_an_entry_dead_at_once) {
    for (const bool last : {false, true}) {
        Word word(0);
        const auto handover = static_cast<std::uint32_t>(last_handover - (last ? 0 : 1));
        const PendingWord held{7, 1, handover, PendingState::delivered};
        clock_start(word, held, 400);
        const DeliveryWord ended = clock_end(word, 0, held, Ending::failed, 800, {500, 500});
        EXPECT_EQ(ended.time_ms >= 1'300, !last) << "it waits only if it can be delivered again";
    }
}

TEST(DelayRule, doubles_without_going_round) {
    const DelayRule rule{1'000, 60'000};
    EXPECT_EQ(rule.after(1), 1'000u);
    EXPECT_EQ(rule.after(2), 2'000u);
    EXPECT_EQ(rule.after(6), 32'000u);
    EXPECT_EQ(rule.after(7), 60'000u);
    EXPECT_EQ(rule.after(510), 60'000u);
    EXPECT_EQ((DelayRule{5, 5}).after(9), 5u);
    EXPECT_EQ((DelayRule{~0u, ~0u}).after(510), low_mask(31)) << "as damage may have it";
}

TEST(DeliveryClock, of_the_next_delivery_is_left_alone_by_an_extension_that_comes_late) {
    const Clock clock(100);
    Word& word = clock.segment().delivery(0, sequence);
    clock_again(word, clock.held(2), 300);
    const std::uint64_t next = word.load(memory_order_seq_cst);
    clock_extend(word, clock.held(1), 500);
    EXPECT_EQ(word.load(memory_order_seq_cst), next);
}

TEST(DeliveryClock, of_a_dead_entry_that_is_set_to_now_keeps_how_its_last_delivery_ended) {
    const Clock clock;
    PendingWord dead = clock.held();
    dead.state = PendingState::dead;
    for (const Ending ending : {Ending::failed, Ending::died, Ending::claimed}) {
        Word word(0);
        clock_end(word, 1, clock.held(), ending, 200);
        ASSERT_EQ(clock_read(word, dead, 200).ending, ending);
        clock_restamp(word, dead, 9'000);
        EXPECT_EQ(clock_read(word, dead, 9'004).ending, ending);
        EXPECT_EQ(clock_read(word, dead, 9'004).idle_ms, 4u);
    }
}

TEST(DelayRule, of_what_never_failed_is_its_first) {
    EXPECT_EQ((DelayRule{100, 10'000}.after(0)), 100u);
    EXPECT_EQ((DelayRule{100, 10'000}.after(1)), 100u);
    EXPECT_EQ((DelayRule{100, 10'000}.after(2)), 200u);
}

}  // namespace
}  // namespace shmq
