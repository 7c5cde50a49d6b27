// Entries that wait before they are delivered again: by a nack's own delay, by the group's back-off, after a death; and
// entries whose idle time begins anew.
#include <poll.h>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Delay : public StreamTest {
protected:
    [[nodiscard]] Stream create_with(const GroupOptions& options) const {
        Stream stream = create();
        must(stream.create_group("g", Position::oldest(), options));
        return stream;
    }
    /// How long the only pending entry still waits.
    static Duration rest_of(const Stream& stream) {
        const auto entries = must(stream.pending_entries("g"));
        EXPECT_EQ(entries.size(), 1u);
        EXPECT_TRUE(entries.at(0).delayed);
        return entries.at(0).due_in.value_or(Duration{0});
    }
    static GroupOptions backing_off(Duration first, BackOff kind = BackOff::fixed, Duration most = Duration{0}) {
        GroupOptions options;
        options.retry = {first, kind, most};
        return options;
    }
};

TEST_F(Delay, a_nacked_entry_comes_when_it_is_due_and_not_before) {
    Stream stream = create_with_group();
    add(stream, 3);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read(reading(1)));
    const auto before = std::chrono::steady_clock::now();
    must(batch.nack(1, 120ms));
    Batch others = must(consumer.read());
    EXPECT_EQ(sequences_of(others.entries()), from_to(2, 3));
    must(others.ack());
    EXPECT_EQ(code_of(consumer.read()), Code::empty);
    const Batch again = must(consumer.read(reading(1, forever)));
    EXPECT_GE(std::chrono::steady_clock::now() - before, 110ms) << "less a tick of the kernel";
    EXPECT_EQ(again[0].sequence(), 1u);
    EXPECT_EQ(again[0].deliveries(), 2u);
}

TEST_F(Delay, is_seen_as_pending_and_holds_its_room) {
    StreamOptions options = small_options();
    options.parking = 0;
    Stream stream = create_with_group(options);
    add(stream, 16);
    Consumer consumer = must(stream.consumer("g", "c"));
    Batch batch = must(consumer.read(reading(16)));
    must(batch.nack(1, 1h));
    for (Sequence s = 2; s <= 16; ++s) must(batch.ack(s));
    EXPECT_EQ(code_of(stream.add("x")), Code::full);
    const GroupInfo info = must(stream.group("g"));
    EXPECT_EQ(info.pending, 0u);
    EXPECT_EQ(info.retry, 1u);
    EXPECT_EQ(info.delayed, 1u);
    EXPECT_EQ(must(stream.pending("g")).count, 1u);
    const auto entries = must(stream.pending_entries("g"));
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_FALSE(entries[0].retry);
    EXPECT_FALSE(entries[0].consumer);
    EXPECT_FALSE(entries[0].idle);
    EXPECT_EQ(entries[0].failures, 1u);
    EXPECT_GT(rest_of(stream), 59min);
    EXPECT_LE(rest_of(stream), 60min);
    must(stream.ack("g", 1));
    EXPECT_TRUE(stream.add("x"));
}

TEST_F(Delay, of_several_entries_each_comes_in_its_time) {
    Stream stream = create_with_group();
    add(stream, 4);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    must(batch.nack(1, 150ms));
    must(batch.nack(2, 60ms));
    must(batch.nack(3, 1h));
    must(batch.nack(4, 0ms));
    std::vector<Sequence> order;
    for (int i = 0; i < 3; ++i) {
        Batch one = must(consumer.read(reading(1, forever)));
        order.push_back(one[0].sequence());
        must(one.ack());
    }
    EXPECT_EQ(order, (std::vector<Sequence>{4, 2, 1}));
    EXPECT_EQ(must(stream.group("g")).delayed, 1u);
}

TEST_F(Delay, by_the_groups_plan_doubles_up_to_the_longest) {
    Stream stream = create_with(backing_off(100s, BackOff::doubling, 350s));
    Consumer consumer = must(stream.consumer("g"));
    const Duration longest[] = {100s, 200s, 350s, 350s};
    for (int failures = 1; failures <= 4; ++failures) {
        const Sequence sequence = add(stream, 1);
        for (int i = 1; i < failures; ++i) must(must(consumer.read()).nack(Duration{0}));
        must(must(consumer.read()).nack());
        EXPECT_LE(rest_of(stream), longest[failures - 1]) << failures;
        EXPECT_GT(rest_of(stream), longest[failures - 1] - 5s) << failures;
        must(stream.ack("g", sequence));
    }
}

TEST_F(Delay, fixed_is_the_same_after_each_failure_and_closing_in_good_order_waits_for_nothing) {
    Stream stream = create_with(backing_off(100s));
    add(stream, 1);
    Consumer consumer = must(stream.consumer("g"));
    must(consumer.read()).close();
    must(must(consumer.read()).nack(Duration{0}));
    Batch batch = must(consumer.read());
    must(batch.nack());
    EXPECT_GT(rest_of(stream), 99s);
    EXPECT_LE(rest_of(stream), 100s);
}

TEST_F(Delay, comes_after_a_death_too) {
    Stream stream = create_with(backing_off(100s));
    add(stream, 1);
    Child holder([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        const Batch batch = must(consumer.read());
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(holder.receive());
    holder.kill();
    must(stream.recover());
    EXPECT_GT(rest_of(stream), 99s);
    EXPECT_EQ(must(stream.pending_entries("g"))[0].deaths, 1u);
}

TEST_F(Delay, of_an_operator_and_of_a_consumer_are_the_same) {
    Stream stream = create_with_group();
    add(stream, 2);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    must(consumer.ack(2));
    must(stream.nack("g", 1, 100s));
    EXPECT_GT(rest_of(stream), 99s);
    EXPECT_EQ(code_of(batch.ack(1)), Code::fenced);
    must(stream.nack("g", 1));
    EXPECT_GT(rest_of(stream), 99s) << "what waits already is left";
    EXPECT_EQ(code_of(consumer.claim(ClaimOptions{})), Code::empty) << "nobody holds it";
}

TEST_F(Delay, wakes_a_reader_that_went_to_sleep_before_it_was_known) {
    Stream stream = create_with_group();
    add(stream, 1);
    Consumer holder = must(stream.consumer("g"));
    Batch batch = must(holder.read());
    Child sleeper([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        link.send();
        must(must(consumer.read(reading(1, forever))).ack());
        return 0;
    });
    ASSERT_TRUE(sleeper.receive());
    must(batch.nack(1, 20ms));
    EXPECT_EQ(sleeper.wait(), 0);
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
}

TEST_F(Delay, ends_a_wait_over_many) {
    Stream stream = create_with_group();
    add(stream, 1);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).nack(60ms));
    Waiter waiter;
    waiter.add(consumer);
    WaitOptions options;
    options.wait = forever;
    const auto deliveries = must(waiter.wait(options));
    ASSERT_EQ(deliveries.size(), 1u);
    EXPECT_EQ(sequences_of(deliveries[0].entries()), from_to(1, 1));
}

TEST_F(Delay, raises_a_descriptor_when_it_is_over) {
    Stream stream = create_with_group();
    add(stream, 1);
    Consumer consumer = must(stream.consumer("g"));
    pollfd descriptor{must(consumer.poll_fd()), POLLIN, 0};
    must(must(consumer.read()).nack(60ms));
    EXPECT_EQ(code_of(consumer.read()), Code::empty);
    for (;;) {  // a wait: the nack itself may raise it once
        ASSERT_EQ(::poll(&descriptor, 1, -1), 1);
        if (auto batch = consumer.read()) {
            EXPECT_EQ((*batch)[0].sequence(), 1u);
            return;
        }
    }
}

TEST_F(Delay, options_that_cannot_be_are_named) {
    Stream stream = create();
    const auto refused = [&](const GroupOptions& options, const char* part) {
        const auto made = stream.create_group("g", Position::oldest(), options);
        EXPECT_EQ(code_of(made), Code::bad_option);
        if (!made) {
            EXPECT_TRUE(contains(made.error().message(), part)) << made.error().message();
        }
    };
    refused(backing_off(std::chrono::hours(24 * 25)), "retry.first_delay (ms) is 2160000000");
    refused(backing_off(1s, BackOff::doubling, 500ms), "retry.most_delay (ms) is 500");
    refused(backing_off(1s, BackOff::doubling, std::chrono::hours(24 * 25)), "retry.most_delay (ms)");
    refused(backing_off(1s, BackOff::fixed, 2s), "belongs to a doubling back-off");
    refused(backing_off(0s, BackOff::doubling), "retry.first_delay (ms) of a doubling");
    GroupOptions options;
    options.delivery_limit = 256;
    refused(options, "delivery_limit is 256");
    must(stream.create_group("g"));
    add(stream, 1);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    EXPECT_EQ(code_of(batch.nack(1, std::chrono::hours(24 * 25))), Code::bad_option);
    EXPECT_EQ(code_of(batch.nack(std::chrono::hours(24 * 25))), Code::bad_option);
    EXPECT_EQ(code_of(consumer.nack(1, std::chrono::hours(24 * 25))), Code::bad_option);
    EXPECT_EQ(code_of(stream.nack("g", 1, std::chrono::hours(24 * 25))), Code::bad_option);
    EXPECT_TRUE(batch.ack()) << "nothing was done";
}

TEST_F(Delay, options_stay_when_the_group_is_moved) {
    GroupOptions options = backing_off(1s, BackOff::doubling, 1min);
    options.delivery_limit = 7;
    Stream stream = create_with(options);
    add(stream, 2);
    must(stream.move_group("g", Position::at(2)));
    const GroupOptions found = must(stream.group("g")).options;
    EXPECT_EQ(found.retry.first_delay, 1s);
    EXPECT_EQ(found.retry.kind, BackOff::doubling);
    EXPECT_EQ(found.retry.most_delay, 1min);
    EXPECT_EQ(found.delivery_limit, 7u);
}

TEST_F(Delay, extend_begins_the_idle_time_anew) {
    Stream stream = create_with_group();
    add(stream, 2);
    Consumer holder = must(stream.consumer("g", "holder"));
    Consumer taker = must(stream.consumer("g", "taker"));
    Batch batch = must(holder.read());
    ::usleep(120'000);
    must(batch.extend(1));
    ClaimOptions options;
    options.idle = 100ms;
    const Batch claimed = must(taker.claim(options));
    EXPECT_EQ(claimed[0].sequence(), 2u) << "the first was extended";
    EXPECT_EQ(code_of(batch.extend(2)), Code::fenced);
    EXPECT_EQ(code_of(batch.ack(2)), Code::not_pending) << "told already";
    EXPECT_EQ(code_of(holder.extend(9)), Code::not_pending);
    must(holder.extend(1));
    must(stream.ack("g", 1));
    EXPECT_EQ(code_of(batch.extend(1)), Code::not_pending) << "an operator finished it in our name";
}

}  // namespace
}  // namespace shmq::test
