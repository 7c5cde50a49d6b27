// Groups that keep an order, as a user sees them: who is given what, and what may be finished when.
#include <array>

#include "api/ordered.hpp"

namespace shmq {
namespace {

using namespace test;
using Sequences = std::vector<Sequence>;

TEST_F(Ordered, an_entry_goes_to_who_holds_earlier_ones_of_its_key_and_others_flow_past) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add_keys(stream, {"a", "b", "a", "c", "a"});
    Batch first = read(one, 1);
    EXPECT_EQ(sequences_of(first.entries()), (Sequences{1}));
    Batch second = read(two);
    EXPECT_EQ(sequences_of(second.entries()), (Sequences{2, 4}));
    EXPECT_EQ(info(stream).waiting, 2u);
    EXPECT_EQ(info(stream).lag, 2u);
    EXPECT_EQ(must(stream.pending("g")).count, 3u);
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty);
    Batch third = read(one);
    EXPECT_EQ(sequences_of(third.entries()), (Sequences{3, 5}));
    EXPECT_EQ(third[0].deliveries(), 1u);
    EXPECT_FALSE(third[0].taken_over());
}

TEST_F(Ordered, what_waited_goes_to_anybody_once_the_earlier_ones_are_finished) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add_keys(stream, {"a", "a", "a"});
    Batch first = read(one, 1);
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty);
    must(first.ack());
    Batch rest = read(two);
    EXPECT_EQ(sequences_of(rest.entries()), (Sequences{2, 3}));
    must(rest.ack());
    EXPECT_EQ(info(stream).floor, 4u);
    EXPECT_EQ(info(stream).waiting, 0u);
}

TEST_F(Ordered, entries_without_a_key_wait_for_nobody) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add(stream, 4);
    Batch first = read(one, 1), second = read(two);
    EXPECT_EQ(sequences_of(second.entries()), (Sequences{2, 3, 4}));
    must(second.ack(4));
    must(second.ack(2));
}

TEST_F(Ordered, a_later_entry_of_a_key_is_not_finished_before_the_earlier_one) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one"));
    add_keys(stream, {"a", "b", "a"});
    Batch batch = read(one);
    EXPECT_EQ(code_of(batch.ack(3)), Code::out_of_order);
    EXPECT_EQ(code_of(one.ack(3)), Code::out_of_order);
    EXPECT_EQ(code_of(stream.ack("g", 3)), Code::out_of_order);
    EXPECT_TRUE(contains(batch.ack(3).error().message(), "finish that first"));
    must(batch.ack(2));
    must(batch.ack(1));
    must(batch.ack(3));
}

TEST_F(Ordered, a_nack_takes_the_later_ones_of_the_key_back_and_they_come_again_in_order) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add_keys(stream, {"a", "b", "a", "a"});
    Batch early = read(one, 2), late = read(one);
    must(early.nack(1));
    EXPECT_FALSE(late.holds(3));
    EXPECT_TRUE(early.holds(2));
    EXPECT_EQ(code_of(late.ack(3)), Code::fenced);
    Batch again = read(two);
    EXPECT_EQ(sequences_of(again.entries()), (Sequences{1, 3, 4}));
    EXPECT_EQ(again[0].deliveries(), 2u) << "it failed once";
    EXPECT_EQ(again[1].deliveries(), 1u) << "it was taken back, which counts nothing";
    must(again.ack());
    must(early.ack(2));
    EXPECT_EQ(info(stream).floor, 5u);
}

TEST_F(Ordered, closing_a_batch_takes_back_what_stands_behind_it_in_others) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add_keys(stream, {"a", "a"});
    Batch early = read(one, 1), late = read(one, 1);
    early.close();
    Batch again = read(two);
    EXPECT_EQ(sequences_of(again.entries()), (Sequences{1, 2}));
    EXPECT_EQ(code_of(late.ack()), Code::fenced);
}

TEST_F(Ordered, a_key_waits_while_an_entry_of_it_is_delayed_or_dead) {
    GroupOptions options;
    options.delivery_limit = 2;
    Stream stream = ordered(Order::by_key, medium_options(), options);
    Consumer one = must(stream.consumer("g", "one"));
    add_keys(stream, {"a", "a"});
    must(read(one, 1).nack(1, 1h));
    EXPECT_EQ(code_of(one.read(reading(64))), Code::empty);
    must(stream.nack("g", 1, 0s));
    EXPECT_EQ(code_of(one.read(reading(64))), Code::empty) << "it waits already, and a nack leaves it";
    must(stream.ack("g", 1));
    Batch second = read(one);
    EXPECT_EQ(sequences_of(second.entries()), (Sequences{2}));
    add_key(stream, "a");
    must(second.nack());
    must(read(one, 1).nack());
    EXPECT_EQ(info(stream).dead, 1u);
    EXPECT_EQ(code_of(one.read(reading(64))), Code::empty);
    must(stream.drop_dead("g", 2));
    EXPECT_EQ(sequences_of(read(one).entries()), (Sequences{3}));
}

TEST_F(Ordered, a_claim_takes_the_earliest_and_the_later_ones_follow_it) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add_keys(stream, {"a", "a", "a"});
    Batch slow = read(one, 2);
    Batch taken = must(two.claim({}));
    EXPECT_EQ(sequences_of(taken.entries()), (Sequences{1}));
    EXPECT_EQ(code_of(one.read(reading(64))), Code::empty);
    Batch rest = read(two);
    EXPECT_EQ(sequences_of(rest.entries()), (Sequences{2, 3}));
    EXPECT_EQ(code_of(slow.ack()), Code::fenced);
    EXPECT_EQ(slow[1].text(), "a") << "views stay";
    must(taken.ack());
    must(rest.ack());
}

TEST_F(Ordered, what_a_dead_consumer_held_comes_again_in_order) {
    Stream stream = ordered(Order::by_key);
    add_keys(stream, {"a", "a", "b", "a"});
    {
        Child victim([&](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g"));
            const Batch batch = read(consumer, 2);
            link.send();
            static_cast<void>(link.receive());
            return 0;
        });
        ASSERT_TRUE(victim.receive());
        Consumer two = must(stream.consumer("g", "two"));
        EXPECT_EQ(sequences_of(read(two).entries()), (Sequences{3})) << "given back, as the batch ends here";
        victim.kill();
    }
    must(stream.recover());
    Consumer three = must(stream.consumer("g", "three"));
    EXPECT_EQ(sequences_of(read(three).entries()), (Sequences{1, 2, 3, 4}));
}

TEST_F(Ordered, keys_of_one_stripe_are_as_one_key) {
    StreamOptions options = medium_options();
    options.key_stripes = 1;
    Stream stream = ordered(Order::by_key, options);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add_keys(stream, {"a", "b"});
    Batch first = read(one, 1);
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty);
    EXPECT_EQ(sequences_of(read(one).entries()), (Sequences{2}));
}

TEST_F(Ordered, a_stream_without_stripes_refuses_such_a_group) {
    StreamOptions options = medium_options();
    options.key_stripes = 0;
    Stream stream = create(options);
    GroupOptions group;
    group.order = Order::by_key;
    const auto made = stream.create_group("g", Position::oldest(), group);
    EXPECT_EQ(code_of(made), Code::bad_option);
    EXPECT_TRUE(contains(made.error().message(), "key-stripes"));
    group.order = Order::strict;
    must(stream.create_group("g", Position::oldest(), group));
}

TEST_F(Ordered, readers_flow_past_so_many_waiting_entries_and_no_more) {
    Stream stream = ordered(Order::by_key, medium_options(64));
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add_key(stream, "hot");
    Batch held = read(one, 1);
    for (int i = 0; i < 40; ++i) add_key(stream, "hot");
    add_key(stream, "cold");
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty);
    EXPECT_EQ(info(stream).waiting, 32u) << "half of the slots";
    EXPECT_EQ(info(stream).lag, 41u);
    must(held.ack());
    std::size_t count = 0;
    Sequence before = 1;
    while (count < 41)
        for (Batch batch = read(two); const Entry& entry : batch) {
            EXPECT_GT(entry.sequence(), before);
            before = entry.sequence();
            must(batch.ack(entry.sequence()));
            ++count;
        }
}

TEST_F(Ordered, order_holds_over_many_laps_of_the_ring) {
    Stream stream = ordered(Order::by_key, small_options());
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    std::array<Sequence, 3> finished{};
    for (int round = 0; round < 200; ++round) {
        for (const auto key : {"a", "b", "c", "a"}) add_key(stream, key);
        Batch first = read(one, 2);
        Batch second;
        if (auto batch = two.read(reading(8))) second = std::move(*batch);
        for (Batch* batch : {&first, &second})
            for (const Entry& entry : *batch) {
                Sequence& last = finished[static_cast<std::size_t>(entry.text()[0] - 'a')];
                ASSERT_GT(entry.sequence(), last) << entry.text();
                last = entry.sequence();
                must(batch->ack(entry.sequence()));
            }
        first.close();
        second.close();
        while (auto rest = one.read(reading(8))) must(rest->ack());
    }
    EXPECT_EQ(info(stream).floor, 801u);
}

TEST_F(Ordered, a_moved_group_keeps_its_order) {
    Stream stream = ordered(Order::by_key);
    add_keys(stream, {"a", "a"});
    {
        Consumer one = must(stream.consumer("g", "one"));
        must(read(one).ack());
    }
    must(stream.move_group("g", Position::oldest()));
    EXPECT_EQ(info(stream).options.order, Order::by_key);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    Batch first = read(one, 1);
    EXPECT_EQ(sequences_of(first.entries()), (Sequences{1}));
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty);
}

TEST_F(Ordered, a_strict_group_has_one_consumer_at_a_time) {
    Stream stream = ordered(Order::strict);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add(stream, 4);
    Batch batch = read(one, 2);
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty);
    must(batch.ack());
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty) << "it stands by, though nothing is in flight";
    Batch more = read(one);
    EXPECT_EQ(code_of(more.ack(4)), Code::out_of_order);
    one.close();
    Batch rest = read(two);
    EXPECT_EQ(sequences_of(rest.entries()), (Sequences{3, 4}));
}

TEST_F(Ordered, the_next_takes_over_a_strict_group_when_the_first_dies) {
    Stream stream = ordered(Order::strict);
    add(stream, 4);
    Child victim = start_holder();
    Consumer two = must(stream.consumer("g", "two"));
    EXPECT_EQ(code_of(two.read(reading(64))), Code::empty);
    victim.kill();
    Batch all = must(two.read(reading(64, 60s)));
    EXPECT_EQ(sequences_of(all.entries()), from_to(1, 4));
}

TEST_F(Ordered, a_claim_takes_the_turn_of_a_strict_group) {
    Stream stream = ordered(Order::strict);
    Consumer one = must(stream.consumer("g", "one")), two = must(stream.consumer("g", "two"));
    add(stream, 4);
    Batch slow = read(one, 3);
    Batch taken = must(two.claim({}));
    EXPECT_EQ(sequences_of(taken.entries()), (Sequences{1}));
    EXPECT_EQ(code_of(one.read(reading(64))), Code::empty);
    Batch rest = read(two);
    EXPECT_EQ(sequences_of(rest.entries()), from_to(2, 4));
    EXPECT_EQ(code_of(slow.ack()), Code::fenced);
    must(taken.ack());
    must(rest.ack());
}

TEST_F(Ordered, who_waits_is_woken_by_the_ack_it_waits_for) {
    Stream stream = ordered(Order::by_key);
    Consumer one = must(stream.consumer("g", "one"));
    add_keys(stream, {"a", "a"});
    Batch first = read(one, 1);
    Child waiter([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        link.send();
        Batch batch = must(consumer.read(reading(1, 60s)));
        return batch[0].sequence() == 2 && batch.ack() ? 0 : 1;
    });
    ASSERT_TRUE(waiter.receive());
    must(first.ack());
    EXPECT_EQ(waiter.wait(), 0);
}

}  // namespace
}  // namespace shmq
