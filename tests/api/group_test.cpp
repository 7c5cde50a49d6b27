// Groups: where they start, who may make them, dropping and making again, and moving them while consumers are open.
#include "support/asleep.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Groups : public StreamTest {
protected:
    static std::vector<Sequence> read_all(Consumer& consumer) {
        std::vector<Sequence> all;
        while (auto batch = consumer.read()) {
            for (const Entry& entry : *batch) all.push_back(entry.sequence());
            must(batch->ack());
        }
        return all;
    }
};

TEST_F(Groups, begin_at_the_oldest_the_newest_or_a_sequence) {
    Stream stream = create(medium_options(64));
    add(stream, 10);
    must(stream.create_group("old"));
    must(stream.create_group("new", Position::newest()));
    must(stream.create_group("five", Position::at(5)));
    add(stream, 2);
    Consumer oldest = must(stream.consumer("old"));
    Consumer newest = must(stream.consumer("new"));
    Consumer five = must(stream.consumer("five"));
    EXPECT_EQ(read_all(oldest), from_to(1, 12));
    EXPECT_EQ(read_all(newest), from_to(11, 12));
    EXPECT_EQ(read_all(five), from_to(5, 12));
}

TEST_F(Groups, beyond_the_end_or_below_the_oldest_is_refused) {
    Stream stream = create();
    add(stream, 10);
    must(stream.trim_before(4));
    EXPECT_EQ(code_of(stream.create_group("g", Position::at(0))), Code::out_of_range);
    EXPECT_EQ(code_of(stream.create_group("g", Position::at(12))), Code::out_of_range);
    const auto trimmed = stream.create_group("g", Position::at(3));
    ASSERT_EQ(code_of(trimmed), Code::trimmed);
    EXPECT_TRUE(contains(trimmed.error().message(), "4")) << trimmed.error().message();
    EXPECT_TRUE(stream.create_group("at_oldest", Position::at(4)));
    EXPECT_TRUE(stream.create_group("at_end", Position::at(11)));
    EXPECT_EQ(must(stream.groups()).size(), 2u);
}

TEST_F(Groups, names_and_numbers_have_limits) {
    Stream stream = create();
    for (const std::string name : {"", ".x", "-x", "a b", "a/b"})
        EXPECT_EQ(code_of(stream.create_group(name)), Code::bad_name) << name;
    EXPECT_EQ(code_of(stream.create_group(std::string(64, 'g'))), Code::bad_name);
    must(stream.create_group(std::string(63, 'g')));
    must(stream.create_group("b"));
    EXPECT_EQ(code_of(stream.create_group("b")), Code::exists);
    must(stream.create_group("a"));
    const auto fourth = stream.create_group("c");
    ASSERT_EQ(code_of(fourth), Code::too_many_groups);
    EXPECT_TRUE(contains(fourth.error().message(), "3")) << fourth.error().message();
    const auto groups = must(stream.groups());
    ASSERT_EQ(groups.size(), 3u);
    EXPECT_EQ(groups[0].name, "a");
    EXPECT_EQ(groups[1].name, "b");
    EXPECT_EQ(code_of(stream.drop_group("none")), Code::no_group);
    EXPECT_EQ(code_of(stream.consumer("none")), Code::no_group);
    EXPECT_EQ(code_of(stream.group("none")), Code::no_group);
    EXPECT_EQ(code_of(stream.move_group("none", Position::oldest())), Code::no_group);
    must(stream.drop_group("b"));
    EXPECT_TRUE(stream.create_group("c"));
}

TEST_F(Groups, a_stream_made_without_any_refuses_them) {
    StreamOptions options = small_options();
    options.groups = 0;
    Stream stream = create(options);
    EXPECT_EQ(code_of(stream.create_group("g")), Code::too_many_groups);
    add(stream, 40);
    EXPECT_EQ(must(stream.range(1, 40)).size(), 16u);
}

TEST_F(Groups, of_several_makers_of_one_name_one_wins) {
    Stream stream = create();
    add(stream, 5);
    for (int turn = 0; turn < 30; ++turn) {
        std::vector<Child> children;
        for (int i = 0; i < 3; ++i)
            children.emplace_back([&](Link& link) {
                Stream own = must(Stream::open(path()));
                link.send();
                static_cast<void>(link.receive());
                const auto made = own.create_group("g");
                require(made || made.error().code() == Code::exists || made.error().code() == Code::too_many_groups);
                return made ? 1 : 0;
            });
        for (const Child& child : children) static_cast<void>(child.receive());
        for (const Child& child : children) child.send();
        int winners = 0;
        for (Child& child : children) winners += child.wait();
        ASSERT_EQ(winners, 1);
        Consumer consumer = must(stream.consumer("g"));
        ASSERT_EQ(read_all(consumer), from_to(1, 5));
        consumer.close();
        must(stream.drop_group("g"));
    }
}

TEST_F(Groups, are_dropped_and_made_again_many_times_while_consumers_come_and_go) {
    Stream stream = create();
    add(stream, 4);
    for (int turn = 0; turn < 100; ++turn) {
        must(stream.create_group("g"));
        Consumer consumer = must(stream.consumer("g", "c" + std::to_string(turn % 3)));
        Batch batch = must(consumer.read(reading(2)));
        ASSERT_EQ(sequences_of(batch.entries()), from_to(1, 2)) << turn;
        must(batch.ack(1));
        if (turn % 2 == 0) batch.close();
        if (turn % 3 == 0) consumer.close();
        must(stream.drop_group("g"));
        EXPECT_EQ(code_of(stream.group("g")), Code::no_group);
    }
    EXPECT_EQ(must(stream.info()).pins, 0u);
}

TEST_F(Groups, dropped_ones_fence_acks_and_end_reads_while_views_stay_readable) {
    Stream stream = create_with_group();
    add(stream, 4);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    must(stream.drop_group("g"));
    for (int i = 0; i < 60; ++i) static_cast<void>(stream.add(payload_of(1000 + static_cast<std::uint64_t>(i), 200)));
    for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(number_of(batch[i].payload()), i + 1);
    EXPECT_EQ(code_of(consumer.read()), Code::no_group);
    EXPECT_EQ(code_of(batch.ack(1)), Code::fenced);
    batch.close();
    EXPECT_EQ(code_of(consumer.read()), Code::no_group);
    EXPECT_EQ(must(stream.info()).pins, 0u);
}

TEST_F(Groups, made_anew_under_a_name_lose_nothing_to_late_acks_of_the_dropped_one) {
    Stream stream = create_with_group();
    Stream other = open();
    add(stream, 4);
    Consumer former = must(stream.consumer("g", "c"));
    Batch held = must(former.read());
    for (int turn = 0; turn < 8; ++turn) {  // more than there are rows
        must(other.drop_group("g"));
        must(other.create_group("g"));
        Consumer consumer = must(other.consumer("g", "c"));  // in the former's row, its deliveries were the same words
        Batch batch = must(consumer.read());
        for (Sequence s = 1; s <= 4; ++s) EXPECT_EQ(code_of(held.ack(s)), turn == 0 ? Code::fenced : Code::not_pending);
        EXPECT_EQ(must(other.group("g")).pending, 4u) << turn;
        EXPECT_TRUE(batch.ack());
    }
}

TEST_F(Groups, a_blocked_consumer_is_told_that_its_group_was_dropped) {
    Stream stream = create_with_group();
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        link.send();
        return code_of(consumer.read(reading(1, forever))) == Code::no_group ? 0 : 1;
    });
    ASSERT_TRUE(child.receive());
    wait_until_asleep(child.pid(), path());
    must(stream.drop_group("g"));
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(Groups, moved_ones_go_on_where_they_were_moved_to_with_the_same_consumers) {
    Stream stream = create_with_group(medium_options(64));
    add(stream, 10);
    Consumer consumer = must(stream.consumer("g", "c"));
    EXPECT_EQ(read_all(consumer), from_to(1, 10));
    must(stream.move_group("g", Position::at(4)));
    EXPECT_EQ(must(stream.group("g")).lag, 7u);
    EXPECT_EQ(read_all(consumer), from_to(4, 10));
    must(stream.move_group("g", Position::oldest()));
    Batch batch = must(consumer.read(reading(3)));
    EXPECT_EQ(sequences_of(batch.entries()), from_to(1, 3));
    must(stream.move_group("g", Position::newest()));
    EXPECT_EQ(code_of(batch.ack(2)), Code::fenced);
    batch.close();
    EXPECT_EQ(code_of(consumer.read()), Code::empty);
    add(stream, 1);
    EXPECT_EQ(read_all(consumer), from_to(11, 11));
    EXPECT_EQ(code_of(stream.move_group("g", Position::at(99))), Code::out_of_range);
    EXPECT_EQ(must(stream.groups()).size(), 1u);
}

TEST_F(Groups, are_independent_of_each_other) {
    Stream stream = create();
    must(stream.create_group("a"));
    must(stream.create_group("b"));
    add(stream, 5);
    Consumer a = must(stream.consumer("a", "same"));
    Consumer b = must(stream.consumer("b", "same"));
    EXPECT_EQ(read_all(a), from_to(1, 5));
    EXPECT_EQ(must(stream.group("b")).lag, 5u);
    EXPECT_EQ(read_all(b), from_to(1, 5));
}

}  // namespace
}  // namespace shmq::test
