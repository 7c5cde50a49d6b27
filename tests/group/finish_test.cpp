// Ending deliveries: acks, nacks, the late words of former owners, and the words of operators.
#include "group/finish.hpp"

#include <gtest/gtest.h>

#include "group/grouping.hpp"
#include "log/sleep.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Reader;

struct Finishing : GroupForge {
    Finishing() : reader(handle, group, "r") { adder.add_many(8); }
    [[nodiscard]] std::uint32_t row() const { return group.row; }
    Reader reader;
};

TEST(Ack, finishes_exactly_the_delivery_that_was_held) {
    Finishing f;
    const auto taken = f.reader.read(1);
    EXPECT_EQ(f.reader.ack(taken[0]), Finish::done);
    EXPECT_EQ(f.record(1).state, PendingState::acked);
    EXPECT_EQ(pending_record(f.segment(), f.row(), 1), 0u);
}

TEST(Ack, twice_is_not_pending) {
    Finishing f;
    const auto taken = f.reader.read(1);
    f.reader.ack(taken[0]);
    EXPECT_EQ(f.reader.ack(taken[0]), Finish::not_pending);
    EXPECT_EQ(f.reader.nack(taken[0]), Finish::not_pending);
    EXPECT_EQ(f.record(1).state, PendingState::acked) << "finished is terminal";
}

TEST(Ack, by_a_former_owner_is_fenced_whatever_became_of_the_entry) {
    for (const PendingState state :
         {PendingState::delivered, PendingState::retry, PendingState::acked, PendingState::dead}) {
        Finishing f;
        const auto taken = f.reader.read(1);
        test::forge_record(f.segment(), f.row(), 1, state, f.reader.consumer(), 2);
        const std::uint64_t before = f.segment().record(f.row(), 1).load(memory_order_seq_cst);
        EXPECT_EQ(f.reader.ack(taken[0]), Finish::fenced);
        EXPECT_EQ(f.reader.nack(taken[0]), Finish::fenced);
        EXPECT_EQ(f.segment().record(f.row(), 1).load(memory_order_seq_cst), before) << "and changes nothing";
    }
}

TEST(Ack, of_a_delivery_that_was_taken_back_and_given_again_to_the_same_consumer_is_fenced) {
    Finishing f;
    const auto first = f.reader.read(1);
    ASSERT_TRUE(operator_nack(f.segment(), f.row(), 1, 1'000));
    const auto second = f.reader.read(1);
    ASSERT_EQ(second[0].sequence, 1u);
    EXPECT_EQ(f.reader.ack(first[0]), Finish::fenced);
    EXPECT_EQ(f.reader.ack(second[0]), Finish::done);
}

TEST(GiveBack, marks_the_entry_before_it_can_be_seen_waiting) {
    Finishing f;
    const auto taken = f.reader.read(1);
    EXPECT_EQ(f.reader.nack(taken[0]), Finish::done);
    EXPECT_TRUE(is_marked_retry(f.segment(), f.row(), 1));
    EXPECT_EQ(f.record(1).state, PendingState::retry);
    EXPECT_EQ(f.record(1).handover, 1u) << "the number grows when it is handed on";
}

TEST(GiveBack, whose_end_was_told_before_by_one_who_died_then_waits_for_retry_and_for_no_time) {
    Finishing f;
    const Taken taken = f.reader.read(1).at(0);
    clock_end(f.segment(), f.row(), 1, f.record(1), Ending::failed, 1'000);
    EXPECT_EQ(f.reader.nack(taken, Ending::failed, 5'000), Finish::done);
    EXPECT_EQ(f.record(1).state, PendingState::retry);
}

TEST(PendingRecord, is_there_for_delivered_retry_delayed_and_dead_of_this_lap_alone) {
    Finishing f;
    for (unsigned state = 0; state < 8; ++state) {
        const auto s = static_cast<PendingState>(state);
        test::forge_record(f.segment(), f.row(), 3, s);
        const bool pending = s == PendingState::delivered || s == PendingState::retry || s == PendingState::delayed ||
                             s == PendingState::dead;
        EXPECT_EQ(pending_record(f.segment(), f.row(), 3) != 0, pending) << state;
        EXPECT_EQ(pending_record(f.segment(), f.row(), 3 + 8), 0u);
    }
}

TEST(OperatorAck, finishes_whoever_holds_it_and_pins_the_living_holders_view) {
    Finishing f;
    const auto taken = f.reader.read(1);
    EXPECT_TRUE(operator_ack(f.segment(), f.row(), 1));
    EXPECT_EQ(f.record(1).state, PendingState::acked);
    EXPECT_EQ(f.pins_used(), 1u);
    EXPECT_EQ(f.reader.ack(taken[0]), Finish::not_pending) << "the same delivery, finished in its name";
}

TEST(OperatorAck, of_a_retry_entry_takes_its_mark_away_and_needs_no_pin) {
    Finishing f;
    f.reader.nack(f.reader.read(1)[0]);
    EXPECT_TRUE(operator_ack(f.segment(), f.row(), 1));
    EXPECT_FALSE(is_marked_retry(f.segment(), f.row(), 1));
    EXPECT_EQ(f.pins_used(), 0u);
}

TEST(OperatorAck, of_what_is_not_pending_says_so_and_keeps_no_pin) {
    Finishing f;
    const auto taken = f.reader.read(2);
    f.reader.ack(taken[0]);
    for (const Sequence s : {Sequence{1}, Sequence{5}, Sequence{100}, Sequence{0}}) {
        EXPECT_EQ(operator_ack(f.segment(), f.row(), s).error().code(), Code::not_pending) << s;
        EXPECT_EQ(operator_nack(f.segment(), f.row(), s, 1'000).error().code(), Code::not_pending) << s;
    }
    // A record that the trim point has passed since it was loaded.
    f.control().trim_point.store(3, memory_order_seq_cst);
    EXPECT_EQ(operator_ack(f.segment(), f.row(), 2).error().code(), Code::not_pending);
    EXPECT_EQ(operator_nack(f.segment(), f.row(), 2, 1'000).error().code(), Code::not_pending);
    EXPECT_EQ(f.pins_used(), 0u);
}

TEST(OperatorAck, without_a_free_pin_is_refused) {
    Finishing f;
    f.reader.read(1);
    test::fill_pins(f.segment());
    EXPECT_EQ(operator_ack(f.segment(), f.row(), 1).error().code(), Code::too_many_pins);
    EXPECT_EQ(operator_nack(f.segment(), f.row(), 1, 1'000).error().code(), Code::too_many_pins);
    EXPECT_EQ(f.record(1).state, PendingState::delivered);
}

TEST(OperatorNack, hands_a_delivered_entry_to_retry_and_leaves_a_waiting_one) {
    Finishing f;
    const auto taken = f.reader.read(1);
    EXPECT_TRUE(operator_nack(f.segment(), f.row(), 1, 1'000));
    EXPECT_EQ(f.record(1).state, PendingState::retry);
    EXPECT_TRUE(operator_nack(f.segment(), f.row(), 1, 1'000)) << "it waits already";
    EXPECT_EQ(f.reader.ack(taken[0]), Finish::fenced);
    EXPECT_EQ(f.facts(1, 1'000).deliveries, 1u) << "one failure";
}

TEST(OperatorNack, of_an_entry_whose_followers_cannot_be_taken_back_for_want_of_pins_keeps_none) {
    GroupForge forge(test::options_with_slots(16), test::in_order(Order::by_key));
    Reader reader(forge.handle, forge.group, "r");
    for (int entry = 0; entry < 2; ++entry) ASSERT_TRUE(forge.adder.add(std::string(120, 'x'), "key"));
    const auto held = reader.read(2);
    ASSERT_EQ(held.size(), 2u);
    test::fill_pins(forge.segment(), 1);  // one for two chunks
    EXPECT_EQ(operator_nack(forge.segment(), forge.group.row, 1, 1'000).error().code(), Code::too_many_pins);
    EXPECT_EQ(forge.pins_used(), forge.geometry().pins - 1);
    for (const Taken& taken : held)
        EXPECT_EQ(look_at_delivery(forge.segment(), forge.group.row, taken.sequence, taken.record), Finish::done);
}

TEST(OperatorNack, of_a_delayed_entry_does_not_end_its_delay_and_pins_nothing) {
    Finishing f;
    EXPECT_EQ(give_back(f.segment(), f.row(), 1, f.reader.read(1).at(0).record, Ending::failed, 1'000, 500),
              Finish::done);
    EXPECT_TRUE(operator_nack(f.segment(), f.row(), 1, 1'000));
    EXPECT_EQ(f.record(1).state, PendingState::delayed);
    EXPECT_EQ(f.pins_used(), 0u);
}

TEST(AfterFinishing, lifts_the_trim_point_only_when_a_producer_asked) {
    Finishing f;
    for (const Taken& taken : f.reader.read(8)) f.reader.ack(taken);
    after_finishing(f.segment(), f.row());
    EXPECT_EQ(find_begin(f.segment()), 1u) << "acked entries stay readable";
    f.control().room_wanted.store(4, memory_order_seq_cst);
    after_finishing(f.segment(), f.row());
    EXPECT_EQ(find_begin(f.segment()), 4u);
    f.control().room_wanted.store(~Sequence{0}, memory_order_seq_cst);
    after_finishing(f.segment(), f.row());
    EXPECT_EQ(find_begin(f.segment()), 9u) << "never above the end";
}

TEST(AfterFinishing, wakes_a_producer_that_waits_for_room) {
    Finishing f;
    for (const Taken& taken : f.reader.read(8)) f.reader.ack(taken);
    f.control().room_wanted.store(2, memory_order_seq_cst);
    const std::uint32_t seen = announce_sleeper(f.segment(), room_bit);
    after_finishing(f.segment(), f.row());
    EXPECT_EQ(sleep(f.segment(), room_bit, seen, std::chrono::minutes(1)), os::Woken::changed);
}

TEST(Finish, of_one_who_comes_two_owners_late_leaves_the_clock_of_the_delivery_alone) {
    Finishing f;
    const auto taken = f.reader.read(1, 1'000);
    Reader second(f.handle, f.group, "s"), third(f.handle, f.group, "t");
    ASSERT_EQ(second.claim(0, 2'000).size(), 1u);
    ASSERT_EQ(third.claim(0, 3'000).size(), 1u);
    EXPECT_EQ(f.reader.nack(taken[0], Ending::failed, 4'000), Finish::fenced);
    EXPECT_EQ(extend_entry(f.segment(), f.row(), 1, taken[0].record, 4'000), Finish::fenced);
    EXPECT_EQ(f.facts(1, 5'000).idle_ms, 2'000u);
    EXPECT_EQ(f.facts(1, 5'000).failures, 2u);
}

TEST(OperatorAck, of_what_a_producer_waits_for_makes_room) {
    Finishing f;
    f.reader.read(1);
    f.segment().control().room_wanted.store(2, memory_order_seq_cst);
    EXPECT_TRUE(operator_ack(f.segment(), f.row(), 1));
    EXPECT_EQ(f.control().trim_point.load(memory_order_relaxed), 2u);
}

TEST(OperatorNack, wakes_who_sleeps) {
    Finishing f;
    f.reader.read(1);
    const std::uint32_t seen = announce_sleeper(f.segment(), f.row());
    EXPECT_TRUE(operator_nack(f.segment(), f.row(), 1, 1'000, {}));
    EXPECT_NE(wake_word(f.segment(), f.row()).load(memory_order_relaxed), seen);
}

}  // namespace
}  // namespace shmq
