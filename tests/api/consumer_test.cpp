// Consumers: order, batches, ack and nack, what a close, a death and a return under the same name do, and fork.
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Consumers : public StreamTest {};

TEST_F(Consumers, read_in_sequence_order_at_most_as_many_as_asked) {
    Stream stream = create_with_group(medium_options(64));
    add(stream, 10);
    Consumer consumer = must(stream.consumer("g", "c"));
    const Batch first = must(consumer.read(reading(3)));
    const Batch second = must(consumer.read(reading(4096)));
    EXPECT_EQ(sequences_of(first.entries()), from_to(1, 3));
    EXPECT_EQ(sequences_of(second.entries()), from_to(4, 10));
    EXPECT_EQ(code_of(consumer.read()), Code::empty);
    EXPECT_EQ(code_of(consumer.read(reading(0))), Code::bad_option);
    EXPECT_EQ(code_of(consumer.read(reading(4097))), Code::bad_option);
    EXPECT_EQ(consumer.name(), "c");
    EXPECT_EQ(consumer.group(), "g");
}

TEST_F(Consumers, max_bytes_bounds_a_batch_but_for_one_entry) {
    Stream stream = create_with_group();
    for (const std::size_t size : {100u, 100u, 100u, 500u, 10u}) must(stream.add(std::string(size, 'x')));
    Consumer consumer = must(stream.consumer("g"));
    ReadOptions options;
    options.max_bytes = 250;
    EXPECT_EQ(sequences_of(must(consumer.read(options)).entries()), from_to(1, 2));  // closed at once: goes to retry
    const Batch again = must(consumer.read(options));
    EXPECT_EQ(sequences_of(again.entries()), from_to(1, 2));
    const Batch third = must(consumer.read(options));
    EXPECT_EQ(sequences_of(third.entries()), from_to(3, 3));
    const Batch large = must(consumer.read(options));
    EXPECT_EQ(sequences_of(large.entries()), from_to(4, 4));
    const Batch last = must(consumer.read(options));
    EXPECT_EQ(sequences_of(last.entries()), from_to(5, 5));
}

TEST_F(Consumers, ack_the_whole_one_or_a_list_and_each_entry_once) {
    Stream stream = create_with_group();
    add(stream, 8);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    EXPECT_TRUE(batch.ack(3));
    EXPECT_EQ(code_of(batch.ack(3)), Code::not_pending);
    EXPECT_EQ(batch.ack(3).error().number(), 3u);
    EXPECT_TRUE(batch.ack({1, 2}));
    EXPECT_EQ(code_of(batch.ack({2, 4, 99})), Code::not_pending) << "4 is acked all the same";
    EXPECT_TRUE(consumer.ack(5));
    EXPECT_EQ(code_of(consumer.ack(5)), Code::not_pending);
    EXPECT_EQ(code_of(consumer.ack(77)), Code::not_pending);
    EXPECT_EQ(must(stream.pending("g")).count, 3u);
    EXPECT_TRUE(batch.ack());
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
    EXPECT_EQ(must(stream.group("g")).floor, 9u);
}

TEST_F(Consumers, nacked_entries_come_back_at_once_and_count) {
    Stream stream = create_with_group();
    add(stream, 3);
    Consumer consumer = must(stream.consumer("g", "c"));
    for (std::uint32_t turn = 1; turn <= 5; ++turn) {
        Batch batch = must(consumer.read(reading(1)));
        EXPECT_EQ(batch[0].sequence(), 1u);
        EXPECT_EQ(batch[0].deliveries(), turn);
        must(batch.nack(1));
        EXPECT_EQ(code_of(batch.nack(1)), Code::not_pending);
    }
    Batch all = must(consumer.read());
    EXPECT_EQ(sequences_of(all.entries()), from_to(1, 3));
    EXPECT_EQ(all[1].deliveries(), 1u);
    EXPECT_FALSE(all[1].taken_over());
}

TEST_F(Consumers, what_was_nacked_comes_back_though_the_rest_of_its_batch_is_acked) {
    Stream stream = create_with_group();
    add(stream, 6);
    Consumer consumer = must(stream.consumer("g", "c"));
    Batch batch = must(consumer.read(reading(4)));
    must(batch.ack(1));
    must(batch.nack(2));
    must(batch.ack());
    EXPECT_EQ(must(stream.pending("g")).lowest, 2u);
    EXPECT_EQ(must(stream.group("g")).floor, 2u);
    EXPECT_EQ(sequences_of(must(consumer.read()).entries()), (std::vector<Sequence>{2, 5, 6}));
}

TEST_F(Consumers, closing_in_good_order_gives_back_without_counting) {
    Stream stream = create_with_group();
    add(stream, 3);
    {
        Consumer consumer = must(stream.consumer("g", "c"));
        { const Batch batch = must(consumer.read()); }
        Batch batch = must(consumer.read());
        EXPECT_EQ(batch[0].deliveries(), 1u);
        batch.close();
        EXPECT_TRUE(batch.empty());
        batch = must(consumer.read());
        consumer.close();
        EXPECT_TRUE(batch.empty());
        EXPECT_EQ(code_of(batch.ack(1)), Code::closed);
        EXPECT_EQ(code_of(consumer.read()), Code::closed);
    }
    Consumer other = must(stream.consumer("g", "d"));
    const Batch batch = must(other.read());
    EXPECT_EQ(sequences_of(batch.entries()), from_to(1, 3));
    EXPECT_EQ(batch[0].deliveries(), 1u);
    EXPECT_TRUE(batch[0].taken_over());
}

TEST_F(Consumers, retried_entries_come_first_and_in_sequence_order) {
    Stream stream = create_with_group();
    add(stream, 12);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read(reading(8)));
    for (const Sequence sequence : {7u, 2u, 5u}) must(batch.nack(sequence));
    const Batch mixed = must(consumer.read());
    EXPECT_EQ(sequences_of(mixed.entries()), (std::vector<Sequence>{2, 5, 7, 9, 10, 11, 12}));
}

TEST_F(Consumers, a_name_has_one_living_owner_and_others_are_told_who) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g", "c"));
    EXPECT_EQ(in_child([&] {
                  Stream own = must(Stream::open(path()));
                  const auto second = own.consumer("g", "c");
                  require(code_of(second) == Code::busy);
                  require(second.error().number() == static_cast<std::uint64_t>(::getppid()));
                  require(contains(second.error().message(), std::to_string(::getppid())));
                  return 0;
              }),
              0);
    consumer.close();
    EXPECT_TRUE(stream.consumer("g", "c"));
    EXPECT_EQ(code_of(stream.consumer("g", "bad name")), Code::bad_name);
    EXPECT_EQ(code_of(stream.consumer("g", std::string(64, 'c'))), Code::bad_name);
}

TEST_F(Consumers, one_more_than_allowed_is_refused) {
    Stream stream = create_with_group();
    std::vector<Consumer> consumers;
    for (int i = 0; i < 4; ++i) consumers.push_back(must(stream.consumer("g")));
    EXPECT_EQ(code_of(stream.consumer("g")), Code::too_many_consumers);
    EXPECT_EQ(code_of(stream.consumer("g", "named")), Code::too_many_consumers);
    consumers.pop_back();
    for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(stream.consumer("g", "n" + std::to_string(i))) << "names of the past hold no row for good";
}

TEST_F(Consumers, back_under_its_name_a_consumer_gets_its_own_first) {
    Stream stream = create_with_group();
    add(stream, 9);
    Consumer other = must(stream.consumer("g", "other"));
    Batch first = must(other.read(reading(2)));
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g", "c"));
        const Batch batch = must(consumer.read(reading(3)));
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(child.receive());
    child.kill();
    first.close();  // 1 and 2 wait for retry too
    must(stream.recover());
    Consumer back = must(stream.consumer("g", "c"));
    const Batch own = must(back.read());
    EXPECT_EQ(sequences_of(own.entries()), from_to(3, 5)) << "and no new ones before what others left";
    EXPECT_EQ(own[0].deliveries(), 2u);
    const Batch rest = must(back.read());
    EXPECT_EQ(sequences_of(rest.entries()), (std::vector<Sequence>{1, 2, 6, 7, 8, 9}));
}

TEST_F(Consumers, in_a_forked_child_every_handle_says_so_and_the_parent_is_undisturbed) {
    Stream stream = create_with_group();
    add(stream, 6);
    Consumer consumer = must(stream.consumer("g", "c"));
    Producer producer = must(stream.producer());
    must(producer.add(payload_of(7)));
    Reader reader = must(stream.reader());
    Loan loan = must(producer.loan(20));
    Batch batch = must(consumer.read(reading(3)));
    {
        Child child([&](Link&) {
            require(code_of(stream.add("x")) == Code::forked);
            require(code_of(producer.add("x")) == Code::forked);
            require(code_of(loan.commit()) == Code::forked);
            require(code_of(consumer.read()) == Code::forked);
            require(code_of(consumer.claim(ClaimOptions{})) == Code::forked);
            require(code_of(batch.ack()) == Code::forked);
            require(code_of(batch.nack(1)) == Code::forked);
            require(code_of(reader.next()) == Code::forked);
            require(code_of(stream.info()) == Code::forked);
            require(code_of(stream.recover()) == Code::forked);
            require(code_of(stream.trim_keep(1)) == Code::forked);
            require(code_of(stream.pending("g")) == Code::forked);
            batch.close();
            consumer.close();
            producer.close();
            stream.close();
            Stream own = must(Stream::open(path()));
            require(code_of(own.consumer("g", "c")) == Code::busy);
            must(own.recover());
            return code_of(own.add(payload_of(8))) == Code::ok ? 0 : 1;
        });
        EXPECT_EQ(child.wait(), 0);
    }
    EXPECT_EQ(must(stream.pending("g")).count, 3u);
    for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(number_of(batch[i].payload()), i + 1);
    EXPECT_TRUE(batch.ack());
    EXPECT_TRUE(loan.commit());
    EXPECT_EQ(must(consumer.read()).size(), 6u);
}

TEST_F(Consumers, of_several_processes_share_without_duplicates_or_loss) {
    constexpr std::uint64_t count = 20'000;
    Stream stream = create_with_group(medium_options(512));
    std::vector<Child> children;
    for (int i = 0; i < 3; ++i)
        children.emplace_back([&, i](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g", "c" + std::to_string(i)));
            link.send();
            std::uint64_t sum = 0;
            std::uint64_t taken = 0;
            Sequence before = 0;
            for (std::size_t turn = 0;; ++turn) {
                auto batch = consumer.read(reading(1 + turn % 50, 20s));
                require(batch);
                if ((*batch)[0].payload().size() == 0) {  // the end, for the others too
                    must(batch->nack());
                    break;
                }
                for (const Entry& entry : *batch) {
                    if (entry.payload().size() == 0) {
                        must(batch->nack(entry.sequence()));
                        continue;
                    }
                    require(entry.sequence() > before);
                    before = entry.sequence();
                    require(number_of(entry.payload()) == entry.sequence());
                    sum += entry.sequence();
                    ++taken;
                    must(batch->ack(entry.sequence()));
                }
            }
            link.send(sum);
            link.send(taken);
            return 0;
        });
    for (const Child& child : children) ASSERT_TRUE(child.receive());
    for (std::uint64_t i = 1; i <= count; ++i) must(stream.add(payload_of(i, 8 + i % 60), waiting(20s)));
    must(stream.add("", waiting(20s)));
    std::uint64_t sum = 0;
    std::uint64_t taken = 0;
    for (Child& child : children) {
        sum += child.receive().value_or(0);
        taken += child.receive().value_or(0);
        EXPECT_EQ(child.wait(), 0);
    }
    EXPECT_EQ(taken, count);
    EXPECT_EQ(sum, count * (count + 1) / 2);
    EXPECT_EQ(must(stream.pending("g")).count, 1u) << "only the end mark";
}

}  // namespace
}  // namespace shmq::test
