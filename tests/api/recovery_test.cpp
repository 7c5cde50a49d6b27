// What a killed process leaves is handed on; what a stopped one holds stays its own.
#include "support/asleep.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Recovery : public StreamTest {};

TEST_F(Recovery, of_a_killed_consumer_hands_its_entries_to_retry_and_counts) {
    Stream stream = create_with_group();
    add(stream, 6);
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer named = must(own.consumer("g", "named"));
        Consumer anonymous = must(own.consumer("g"));
        Batch first = must(named.read(reading(2)));
        const Batch second = must(anonymous.read(reading(2)));
        must(first.ack(1));
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(child.receive());
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    child.kill();
    EXPECT_EQ(must(stream.pending("g")).consumers[0].owner, Owner::dead);
    const RecoveryReport report = must(stream.recover());
    EXPECT_EQ(report.dead, 1u);
    EXPECT_EQ(report.consumers, 2u);
    EXPECT_EQ(report.entries, 3u);
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    const GroupInfo group = must(stream.group("g"));
    EXPECT_EQ(group.retry, 3u);
    EXPECT_EQ(group.consumers, 0u);
    Consumer next = must(stream.consumer("g", "next"));
    const Batch batch = must(next.read());
    EXPECT_EQ(sequences_of(batch.entries()), from_to(2, 6));
    EXPECT_EQ(batch[0].deliveries(), 2u);
    EXPECT_TRUE(batch[0].taken_over());
    EXPECT_EQ(batch[3].deliveries(), 1u);
}

TEST_F(Recovery, of_a_killed_consumer_needs_nobody_who_asks_for_it) {
    Stream stream = create_with_group();
    add(stream, 3);
    Consumer waiting_peer = must(stream.consumer("g", "peer"));
    Child holder = start_holder();
    Child killer([&](Link&) {
        wait_until_asleep(::getppid(), path());
        ::kill(holder.pid(), SIGKILL);
        return 0;
    });
    const Batch batch = must(waiting_peer.read(reading(8, 60s)));
    EXPECT_EQ(sequences_of(batch.entries()), from_to(1, 3));
    EXPECT_EQ(killer.wait(), 0);
}

TEST_F(Recovery, of_a_killed_consumer_with_a_great_many_entries_hands_all_of_them_on) {
    constexpr std::uint64_t many = 10'000;  // more than a waiting reader hands on at once
    Stream stream = create_with_group(medium_options(16'384));
    add(stream, many);
    Child holder([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g", "victim"));
        std::vector<Batch> batches;
        for (std::uint64_t held = 0; held < many; held += batches.back().size())
            batches.push_back(must(consumer.read(reading(4'096))));
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(holder.receive());
    Consumer peer = must(stream.consumer("g", "peer"));
    holder.kill();
    Sequence next = 1;
    while (next <= many) {
        Batch batch = must(peer.read(reading(1'000, forever)));
        for (const Entry& entry : batch) EXPECT_EQ(entry.sequence(), next++);
        EXPECT_TRUE(batch.ack());
    }
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    EXPECT_EQ(must(stream.info()).attachments, 1u);
}

TEST_F(Recovery, of_a_killed_producer_leaves_its_loans_unhappened_and_its_chunk_to_the_next) {
    Stream stream = create();
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        must(own.add(payload_of(1)));
        Loan loan = must(own.loan(100));
        Loan run = must(own.loan(2500));
        std::memset(loan.bytes().data(), 7, 100);
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(child.receive());
    EXPECT_EQ(must(stream.info()).chunks_owned, 4u);
    child.kill();
    const RecoveryReport report = must(stream.recover());
    EXPECT_EQ(report.dead, 1u);
    EXPECT_EQ(report.chunks, 4u);
    const StreamInfo info = must(stream.info());
    EXPECT_EQ(info.chunks_owned, 0u);
    EXPECT_EQ(info.producers, 0u);
    EXPECT_EQ(info.next, 2u);
    EXPECT_EQ(must(stream.add(payload_of(2))), 2u);
    EXPECT_EQ(must(stream.info()).chunks_unfinished + must(stream.info()).chunks_owned, info.chunks_unfinished)
        << "one was adopted";
}

TEST_F(Recovery, frees_the_attachments_of_hundreds_of_dead) {
    const Stream stream = create();
    for (int i = 0; i < 300; ++i) {
        Child child([&](Link&) {
            Stream own = must(Stream::open(path()));
            must(own.add("x"));
            ::raise(SIGKILL);
            return 0;
        });
        ASSERT_EQ(child.wait(), -SIGKILL) << "the table of 8 is exhausted at " << i;
    }
    EXPECT_EQ(must(stream.info()).next, 301u);
}

TEST_F(Recovery, a_full_table_of_the_living_refuses_one_more_and_a_death_makes_room) {
    std::vector<Stream> streams;
    streams.push_back(create());
    for (int i = 0; i < 6; ++i) streams.push_back(open());
    Child child([&](Link& link) {
        const Stream own = must(Stream::open(path()));
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(child.receive());
    const auto refused = Stream::open(path());
    ASSERT_EQ(code_of(refused), Code::too_many_attachments);
    EXPECT_TRUE(contains(refused.error().message(), "8")) << refused.error().message();
    child.kill();
    EXPECT_TRUE(Stream::open(path()));
}

TEST_F(Recovery, a_stopped_process_is_alive_and_keeps_what_it_holds) {
    Stream stream = create_with_group();
    add(stream, 4);
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g", "stopped"));
        Batch batch = must(consumer.read(reading(2)));
        link.send();
        static_cast<void>(link.receive());
        return batch.ack() ? 0 : 1;
    });
    ASSERT_TRUE(child.receive());
    child.stop();
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    EXPECT_EQ(must(stream.pending("g")).consumers[0].owner, Owner::alive);
    EXPECT_EQ(code_of(stream.consumer("g", "stopped")), Code::busy);
    Consumer other = must(stream.consumer("g", "other"));
    EXPECT_EQ(sequences_of(must(other.read()).entries()), from_to(3, 4));
    child.resume();
    child.send();
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(Recovery, attachments_tell_who_is_there) {
    const Stream stream = create_with_group();
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        const Consumer consumer = must(own.consumer("g"));
        must(own.add("x"));
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(child.receive());
    auto attachments = must(stream.attachments());
    ASSERT_EQ(attachments.size(), 2u);
    EXPECT_EQ(attachments[0].pid, ::getpid());
    EXPECT_EQ(attachments[1].pid, child.pid());
    EXPECT_EQ(attachments[1].owner, Owner::alive);
    EXPECT_EQ(attachments[1].chunks, 1u);
    EXPECT_EQ(attachments[1].consumers, 1u);
    EXPECT_GT(attachments[1].start_time, 0u);
    EXPECT_FALSE(attachments[1].command.empty());
    child.kill();
    attachments = must(stream.attachments());
    ASSERT_EQ(attachments.size(), 2u);
    EXPECT_EQ(attachments[1].owner, Owner::dead);
}

TEST_F(Recovery, of_the_owner_of_views_frees_their_pins) {
    Stream stream = create_with_group();
    add(stream, 4);
    Child holder = start_holder();
    Consumer taker = must(stream.consumer("g"));
    must(must(taker.claim(ClaimOptions{})).ack());
    EXPECT_EQ(must(stream.info()).pins, 1u);
    holder.kill();
    must(stream.recover());
    EXPECT_EQ(must(stream.info()).pins, 0u);
}

}  // namespace
}  // namespace shmq::test
