// Histograms of delays and the age of the oldest entry: what is counted, and what outlives whom.
#include <fstream>
#include <thread>

#include "layout/geometry.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Latency : public StreamTest {
protected:
    static GroupOptions keeping() {
        GroupOptions options;
        options.histograms = true;
        return options;
    }
    /// With the group "g", which keeps histograms.
    [[nodiscard]] Stream create_kept(const StreamOptions& options = small_options()) const {
        Stream stream = create(options);
        must(stream.create_group("g", Position::oldest(), keeping()));
        return stream;
    }
    static std::uint64_t delivered(const Stream& stream, const std::string& group = "g") {
        return must(stream.latency(group)).added_to_delivered.count;
    }
    static std::uint64_t acked(const Stream& stream, const std::string& group = "g") {
        return must(stream.latency(group)).delivered_to_acked.count;
    }
    [[nodiscard]] Stream look() const { return must(Stream::open(path(), {.read_only = true})); }
    [[nodiscard]] std::string bytes() const {
        std::ifstream in(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
};

TEST_F(Latency, every_first_delivery_and_every_ack_is_counted_once) {
    Stream stream = create_kept(medium_options());
    add(stream, 300);
    Consumer consumer = must(stream.consumer("g", "one"));
    Consumer other = must(stream.consumer("g"));
    Batch batch = must(consumer.read(reading(64)));
    EXPECT_EQ(delivered(stream), 64u);
    EXPECT_EQ(acked(stream), 0u);
    must(batch.ack(2));
    must(batch.ack({1, 3}));
    EXPECT_EQ(acked(stream), 3u);
    EXPECT_EQ(code_of(batch.ack(3)), Code::not_pending);
    must(batch.nack(4));
    must(batch.ack());
    EXPECT_EQ(acked(stream), 63u);
    must(batch.ack());
    EXPECT_EQ(acked(stream), 63u) << "nothing was left";
    EXPECT_EQ(delivered(stream), 64u);
    while (auto one = other.read(reading(1))) must(one->ack());
    EXPECT_EQ(acked(stream), 300u);
    EXPECT_EQ(delivered(stream), 300u) << "what came back was counted when it was delivered first";
    const GroupLatency latency = must(stream.latency("g"));
    EXPECT_TRUE(latency.kept);
    EXPECT_GE(latency.added_to_delivered.percentile(99), latency.added_to_delivered.percentile(50));
}

TEST_F(Latency, what_was_fenced_or_acked_by_an_operator_is_not_counted) {
    Stream stream = create_kept();
    add(stream, 4);
    Consumer consumer = must(stream.consumer("g", "one"));
    Consumer other = must(stream.consumer("g", "two"));
    Batch batch = must(consumer.read());
    must(stream.ack("g", 1));
    ClaimOptions one;
    one.max_entries = 1;
    const Batch claimed = must(other.claim(one));
    EXPECT_EQ(sequences_of(claimed.entries()), from_to(2, 2));
    EXPECT_FALSE(batch.ack()) << "one was finished by an operator, one is another's";
    EXPECT_EQ(acked(stream), 2u);
    must(other.ack(2));
    EXPECT_EQ(acked(stream), 3u);
    EXPECT_EQ(delivered(stream), 4u);
}

TEST_F(Latency, a_delay_is_counted_where_it_belongs) {
    StreamOptions options = small_options();
    options.time = TimeStamps::precise;
    Stream stream = create_kept(options);
    add(stream, 1);
    std::this_thread::sleep_for(30ms);  // the delay itself; nothing is proven by who is faster
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    const auto before = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(20ms);
    must(batch.ack());
    const auto longest = std::chrono::steady_clock::now() - before + 30ms;
    const GroupLatency latency = must(stream.latency("g"));
    EXPECT_GE(latency.added_to_delivered.most(), 30ms);
    EXPECT_GE(latency.delivered_to_acked.most(), 20ms);
    EXPECT_LE(latency.delivered_to_acked.buckets.at(0).lowest, longest);
    EXPECT_GE(latency.added_to_delivered.percentile(50), 30ms * 15 / 16);
}

TEST_F(Latency, survives_all_processes_and_is_read_without_writing) {
    {
        Stream stream = create_kept(medium_options());
        add(stream, 100);
    }
    std::vector<Child> children;
    for (int i = 0; i < 2; ++i)
        children.emplace_back([&](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g"));
            Batch batch = must(consumer.read(reading(40)));
            for (std::size_t k = 0; k < 10; ++k) must(batch.ack(batch[k].sequence()));
            link.send();
            static_cast<void>(link.receive());
            return 0;
        });
    for (const Child& child : children) ASSERT_TRUE(child.receive());
    for (Child& child : children) child.kill();
    const Stream stream = look();
    EXPECT_EQ(delivered(stream), 80u);
    EXPECT_EQ(acked(stream), 20u);
    EXPECT_TRUE(must(stream.group("g")).oldest_age);
}

TEST_F(Latency, consumers_that_come_and_go_add_to_what_their_rows_hold) {
    Stream stream = create_kept();
    for (int turn = 1; turn <= 20; ++turn) {
        add(stream, 2);
        Consumer consumer = must(stream.consumer("g", turn % 2 == 0 ? "named" : ""));
        must(must(consumer.read()).ack());
        EXPECT_EQ(acked(stream), static_cast<std::uint64_t>(2 * turn));
    }
}

TEST_F(Latency, begins_anew_when_the_group_is_moved_or_made_again) {
    Stream stream = create_kept();
    add(stream, 5);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
    must(stream.move_group("g", Position::at(4)));
    EXPECT_EQ(acked(stream), 0u);
    must(must(consumer.read()).ack());
    EXPECT_EQ(acked(stream), 2u) << "an open consumer counts in the moved group";
    must(stream.drop_group("g"));
    EXPECT_EQ(code_of(stream.latency("g")), Code::no_group);
    must(stream.create_group("g", Position::oldest(), keeping()));
    EXPECT_EQ(delivered(stream), 0u);
}

TEST_F(Latency, is_not_kept_where_nobody_asked_for_it) {
    Stream stream = create_with_group();
    add(stream, 3);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
    EXPECT_FALSE(must(stream.latency("g")).kept);
    EXPECT_EQ(acked(stream) + delivered(stream), 0u);
}

TEST_F(Latency, in_a_stream_without_room_is_not_kept) {
    StreamOptions options = small_options();
    options.histograms = false;
    Stream stream = create_kept(options);
    add(stream, 3);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
    EXPECT_FALSE(must(stream.latency("g")).kept);
}

TEST_F(Latency, without_time_stamps_counts_acks_alone_and_knows_no_age) {
    StreamOptions options = small_options();
    options.time = TimeStamps::off;
    Stream stream = create_kept(options);
    add(stream, 3);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read(reading(2))).ack());
    EXPECT_EQ(delivered(stream), 0u);
    EXPECT_EQ(acked(stream), 2u);
    EXPECT_FALSE(must(stream.group("g")).oldest_age);
}

TEST_F(Latency, the_oldest_age_is_that_of_the_first_entry_that_is_not_finished) {
    StreamOptions options = small_options();
    options.time = TimeStamps::precise;
    Stream stream = create_kept(options);
    EXPECT_FALSE(must(stream.group("g")).oldest_age);
    add(stream, 1);
    while (must(stream.group("g")).oldest_age.value() < 5ms) continue;  // a wait: ends as time goes by
    add(stream, 1);
    Consumer consumer = must(stream.consumer("g"));
    const Duration waiting = must(stream.group("g")).oldest_age.value();
    EXPECT_GE(waiting, 5ms) << "never delivered";
    Batch batch = must(consumer.read());
    EXPECT_GE(must(stream.group("g")).oldest_age.value(), waiting) << "pending";
    must(batch.ack(1));
    const Duration second = must(stream.group("g")).oldest_age.value();
    const Duration now = std::chrono::system_clock::now().time_since_epoch();
    EXPECT_LE(second, now - Duration(static_cast<Duration::rep>(batch[1].time_ns())));
    must(batch.ack());
    EXPECT_FALSE(must(stream.group("g")).oldest_age);
}

TEST_F(Latency, counters_of_any_value_do_no_harm) {
    Stream stream = create_kept();
    add(stream, 8);
    std::string now = bytes();
    const Geometry geometry = must(plan(small_options()));
    const Area& area = geometry.area(AreaKind::histograms);
    ASSERT_LE(area.offset + area.size(), now.size());
    now.replace(area.offset, area.size(), area.size(), '\xff');
    std::ofstream(path("damaged"), std::ios::binary) << now;
    Stream damaged = must(Stream::open(path("damaged")));
    EXPECT_EQ(must(damaged.latency("g")).delivered_to_acked.count, ~std::uint64_t{0});
    Consumer consumer = must(damaged.consumer("g"));
    must(must(consumer.read(reading(3))).ack());
    EXPECT_TRUE(must(damaged.latency("g")).kept);
}

}  // namespace
}  // namespace shmq::test
