// Waiting: what wakes a blocked read or add, and that a wait ends when it should. The slice is 100 ms, so a wait that
// ends by looking again and not by being woken still ends; that a wake-up comes at once is measured by the benchmarks.
#include <thread>

#include "support/asleep.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Waiting : public StreamTest {
protected:
    /// Runs `act` in another process once this one sleeps.
    [[nodiscard]] Child later(const std::function<void(Stream&)>& act) const {
        return Child([&](Link&) {
            Stream own = must(Stream::open(path()));
            wait_until_asleep(::getppid(), path());
            act(own);
            return 0;
        });
    }
};

TEST_F(Waiting, a_read_is_woken_by_an_add) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    Child child = later([](Stream& own) { must(own.add(payload_of(1))); });
    EXPECT_EQ(must(consumer.read(reading(1, forever)))[0].sequence(), 1u);
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(Waiting, a_read_is_woken_by_a_nack_and_by_a_close_of_another) {
    Stream stream = create_with_group();
    add(stream, 2);
    Consumer consumer = must(stream.consumer("g"));
    for (const bool nacks : {true, false}) {
        Child child([&](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer other = must(own.consumer("g"));
            Batch batch = must(other.read());
            link.send();
            wait_until_asleep(::getppid(), path());
            if (nacks)
                must(batch.nack(2));
            else
                other.close();
            if (nacks) must(batch.ack(1));
            return 0;
        });
        ASSERT_TRUE(child.receive());
        const Batch batch = must(consumer.read(reading(1, forever)));
        EXPECT_EQ(batch[0].sequence(), 2u);
        EXPECT_EQ(child.wait(), 0);
    }
}

TEST_F(Waiting, a_read_ends_by_its_stop_token_and_by_its_time) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(code_of(consumer.read(reading(1, 150ms))), Code::empty);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 150ms);
    std::stop_source source;
    ReadOptions options = reading(1, forever);
    options.stop = source.get_token();
    std::jthread stopper([&] {
        wait_until_asleep(::getpid(), path());
        source.request_stop();
    });
    EXPECT_EQ(code_of(consumer.read(options)), Code::stopped);
    EXPECT_EQ(code_of(consumer.read(options)), Code::stopped) << "stopped already";
    must(stream.add("x"));
    EXPECT_TRUE(consumer.read(options)) << "what is there is given all the same";
}

TEST_F(Waiting, a_blocked_add_is_woken_by_an_ack_a_drop_and_a_move) {
    Stream stream = create_with_group();
    add(stream, 16);
    Child acks = later([](Stream& own) {
        Consumer consumer = must(own.consumer("g"));
        must(must(consumer.read(reading(1))).ack());
    });
    EXPECT_EQ(must(stream.add("x", waiting(forever))), 17u);
    EXPECT_EQ(acks.wait(), 0);
    Child moves = later([](Stream& own) { must(own.move_group("g", Position::at(4))); });
    EXPECT_EQ(must(stream.add("x", waiting(forever))), 18u);
    EXPECT_EQ(moves.wait(), 0);
    add(stream, 1);
    Child drops = later([](Stream& own) { must(own.drop_group("g")); });
    EXPECT_EQ(must(stream.add("x", waiting(forever))), 20u);
    EXPECT_EQ(drops.wait(), 0);
}

TEST_F(Waiting, a_blocked_add_ends_by_stop_token_and_removal) {
    Stream stream = create_with_group();
    add(stream, 16);
    std::stop_source source;
    AddOptions options = waiting(forever);
    options.stop = source.get_token();
    std::jthread stopper([&] {
        wait_until_asleep(::getpid(), path());
        source.request_stop();
    });
    EXPECT_EQ(code_of(stream.add("x", options)), Code::stopped);
    stopper.join();  // before there is a fork
    Child removes = later([&](Stream&) { must(Stream::remove(path())); });
    EXPECT_EQ(code_of(stream.add("x", waiting(forever))), Code::removed);
    EXPECT_EQ(removes.wait(), 0);
}

TEST_F(Waiting, a_blocked_add_gets_the_room_that_a_killed_process_held) {
    Stream stream = create_with_group();
    add(stream, 16);
    Child holder = start_holder();
    Child acks([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        link.send();
        must(must(consumer.read(reading(16, forever))).ack());
        return 0;
    });
    ASSERT_TRUE(acks.receive());
    holder.kill();
    EXPECT_EQ(must(stream.add("x", waiting(forever))), 17u);
    EXPECT_EQ(acks.wait(), 0);
}

TEST_F(Waiting, many_sleepers_are_all_served) {
    Stream stream = create_with_group(medium_options(64));
    std::vector<Child> children;
    for (int i = 0; i < 8; ++i)
        children.emplace_back([&](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g"));
            link.send();
            must(must(consumer.read(reading(1, forever))).ack());
            return 0;
        });
    for (const Child& child : children) ASSERT_TRUE(child.receive());
    for (const Child& child : children) wait_until_asleep(child.pid(), path());
    add(stream, 8);
    for (Child& child : children) EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(must(stream.group("g")).lag, 0u);
}

}  // namespace
}  // namespace shmq::test
