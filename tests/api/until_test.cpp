// Groups that are required until they are late, and the limit of what one consumer may hold.
#include "support/asleep.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Until : public StreamTest {
protected:
    /// 16 slots and the group "g", required until it is so far behind.
    Stream create_until(Duration behind) const {
        StreamOptions stream_options = small_options();
        stream_options.time = TimeStamps::precise;
        Stream stream = create(stream_options);
        GroupOptions options;
        options.retention = Retention::until;
        options.behind = behind;
        must(stream.create_group("g", Position::oldest(), options));
        return stream;
    }
    /// Until all that was added before is older than `age`.
    static void wait_until_older(Duration age) {
        const TimePoint now = std::chrono::system_clock::now();
        while (std::chrono::system_clock::now() - now <= age) ::usleep(200);
    }
};

TEST_F(Until, holds_producers_up_while_it_is_not_late) {
    Stream stream = create_until(1h);
    add(stream, 16);
    const auto refused = stream.add("x");
    EXPECT_EQ(code_of(refused), Code::full);
    EXPECT_TRUE(contains(refused.error().message(), "group g"));
    EXPECT_EQ(must(stream.group("g")).demoted_at, 0u);
    Consumer consumer = must(stream.consumer("g"));
    EXPECT_EQ(must(consumer.read()).size(), 16u);
}

TEST_F(Until, is_lossy_for_good_once_its_room_is_needed_and_it_is_late) {
    Stream stream = create_until(1ms);
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 16);
    must(must(consumer.read(reading(2))).ack());
    wait_until_older(2ms);
    EXPECT_EQ(must(stream.group("g")).demoted_at, 0u) << "nobody needed the room";
    add(stream, 2, 17);
    EXPECT_EQ(must(stream.group("g")).demoted_at, 0u) << "there was room";
    add(stream, 40, 19);
    EXPECT_EQ(must(stream.group("g")).demoted_at, 3u);
    const Batch batch = must(consumer.read());
    ASSERT_EQ(batch.lost().size(), 1u);
    EXPECT_EQ(batch.lost()[0], (LostRange{3, 42}));
    EXPECT_EQ(must(stream.group("g")).lost, 40u);
    must(stream.move_group("g", Position::newest()));
    EXPECT_EQ(must(stream.group("g")).demoted_at, 0u) << "moved, it is required again";
}

TEST_F(Until, lets_a_waiting_producer_go_on_when_it_becomes_late) {
    Stream stream = create_until(30ms);
    add(stream, 16);
    EXPECT_TRUE(stream.add(payload_of(17), waiting(forever)));
    EXPECT_EQ(must(stream.group("g")).demoted_at, 1u);
}

TEST_F(Until, is_demoted_for_chunks_too) {
    Stream stream = create_until(1ms);
    for (std::uint64_t i = 1; i <= 14; ++i) static_cast<void>(stream.add(payload_of(i, 900)));
    wait_until_older(2ms);
    for (std::uint64_t i = 15; i <= 40; ++i) EXPECT_TRUE(stream.add(payload_of(i, 900))) << i;
    EXPECT_EQ(must(stream.group("g")).demoted_at, 1u);
}

TEST_F(Until, gives_copies_before_it_is_late_so_that_nobodys_view_is_in_the_way) {
    Stream stream = create_until(1ms);
    add(stream, 16);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    wait_until_older(2ms);
    add(stream, 64, 17);
    for (const Entry& entry : batch) EXPECT_EQ(number_of(entry.payload()), entry.sequence());
    EXPECT_TRUE(batch.ack());
}

TEST_F(Until, needs_a_stream_with_time_stamps_and_a_time_within_limits) {
    StreamOptions timeless = small_options();
    timeless.time = TimeStamps::off;
    Stream stream = create(timeless);
    GroupOptions options;
    options.retention = Retention::until;
    options.behind = 1s;
    EXPECT_EQ(code_of(stream.create_group("g", Position::oldest(), options)), Code::bad_option);
    options.behind = std::chrono::milliseconds(std::int64_t{1} << 31);
    EXPECT_EQ(code_of(stream.create_group("g", Position::oldest(), options)), Code::bad_option);
}

class InFlight : public StreamTest {
protected:
    Stream create_limited(std::uint32_t limit) const {
        Stream stream = create();
        GroupOptions options;
        options.in_flight = limit;
        must(stream.create_group("g", Position::oldest(), options));
        return stream;
    }
};

TEST_F(InFlight, read_gives_the_rest_and_then_says_so_whatever_the_wait) {
    Stream stream = create_limited(3);
    add(stream, 8);
    Consumer consumer = must(stream.consumer("g"));
    Batch first = must(consumer.read(reading(2)));
    Batch second = must(consumer.read(reading(2)));
    EXPECT_EQ(second.size(), 1u);
    const auto refused = consumer.read(reading(1, forever));
    EXPECT_EQ(code_of(refused), Code::too_many_in_flight);
    EXPECT_EQ(refused.error().number(), 3u);
    EXPECT_EQ(code_of(consumer.claim({})), Code::too_many_in_flight);
    must(first.ack(1));
    EXPECT_EQ(sequences_of(must(consumer.read()).entries()), from_to(4, 4));
    must(second.nack());
    first.close();
    EXPECT_EQ(must(consumer.read()).size(), 3u);
}

TEST_F(InFlight, is_each_consumers_own) {
    Stream stream = create_limited(2);
    add(stream, 8);
    Consumer one = must(stream.consumer("g")), two = must(stream.consumer("g"));
    const Batch first = must(one.read()), second = must(two.read());
    EXPECT_EQ(sequences_of(first.entries()), from_to(1, 2));
    EXPECT_EQ(sequences_of(second.entries()), from_to(3, 4));
}

TEST_F(InFlight, reaches_a_waiter_and_a_descriptor_as_an_error_that_can_be_read) {
    Stream stream = create_limited(1);
    add(stream, 4);
    Consumer consumer = must(stream.consumer("g"));
    must(consumer.poll_fd());
    const Batch batch = must(consumer.read());
    Waiter waiter;
    waiter.add(consumer);
    const auto deliveries = must(waiter.wait({}));
    ASSERT_EQ(deliveries.size(), 1u);
    EXPECT_EQ(deliveries[0].error().code(), Code::too_many_in_flight);
}

TEST_F(InFlight, a_reader_that_waits_is_woken_as_ever) {
    Stream stream = create_limited(1);
    Child reader([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        link.send();
        return must(consumer.read(reading(4, forever))).size() == 1 ? 0 : 1;
    });
    ASSERT_TRUE(reader.receive());
    wait_until_asleep(reader.pid(), path());
    add(stream, 2);
    EXPECT_EQ(reader.wait(), 0);
}

}  // namespace
}  // namespace shmq::test
