// Processes of sibling PID namespaces, none of which can see the others, share one stream: a death is told by the lock
// on the file, and numbers of processes are for people alone.
#include "host/namespaces.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

/// Which namespaces each process is given.
class SiblingNamespaces : public StreamTest, public ::testing::WithParamInterface<int> {
protected:
    void SetUp() override {
        if (!can_enter_new(GetParam())) GTEST_SKIP() << "this machine refuses such namespaces";
    }
    /// A process 1 that reads `count` entries as consumer `name` and keeps them; acks them when it is told to.
    [[nodiscard]] Resident start_holder(const char* name, std::size_t count) const {
        Resident resident(GetParam(), [=, this](Link& link) {
            require(::getpid() == 1);
            Stream stream = must(Stream::open(path()));
            Consumer consumer = must(stream.consumer("g", name));
            Batch batch = must(consumer.read(reading(count)));
            require(batch.size() == count);
            link.send();
            require(link.receive());
            return code_of(batch.ack()) == Code::ok ? 0 : 1;
        });
        EXPECT_TRUE(resident.receive());
        return resident;
    }
};

TEST_P(SiblingNamespaces, a_death_is_seen_by_one_that_cannot_see_the_process) {
    Stream stream = create_with_group();
    add(stream, 3);
    Resident holder = start_holder("victim", 3);
    Resident peer(GetParam(), [this](Link& link) {
        require(::getpid() == 1);
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g", "peer"));
        require(code_of(consumer.read()) == Code::empty);
        require(must(own.recover()).dead == 0);
        link.send();
        const Batch batch = must(consumer.read(reading(8, forever)));  // by itself: nobody tells it
        require(sequences_of(batch.entries()) == from_to(at(1), at(3)));
        for (const Entry& entry : batch) require(entry.taken_over() && entry.deliveries() == 2);
        return 0;
    });
    ASSERT_TRUE(peer.receive());
    holder.kill();
    EXPECT_EQ(peer.wait(), 0);
}

TEST_P(SiblingNamespaces, of_two_with_the_same_number_the_dead_one_alone_is_taken_for_dead) {
    Stream stream = create_with_group();
    add(stream, 6);
    Resident first = start_holder("first", 2);
    Resident second = start_holder("second", 2);
    const auto owners = [&] {
        std::vector<Owner> found;
        for (const AttachmentInfo& info : must(stream.attachments()))
            if (info.pid == 1) found.push_back(info.owner);
        return found;
    };
    EXPECT_EQ(owners(), (std::vector<Owner>{Owner::alive, Owner::alive}));
    first.kill();
    EXPECT_EQ(owners(), (std::vector<Owner>{Owner::dead, Owner::alive}));
    EXPECT_EQ(must(stream.pending("g")).consumers[0].owner, Owner::dead);
    EXPECT_EQ(must(stream.pending("g")).consumers[1].owner, Owner::alive);
    const RecoveryReport report = must(stream.recover());
    EXPECT_EQ(report.dead, 1u);
    EXPECT_EQ(report.entries, 2u);
    EXPECT_EQ(owners(), std::vector<Owner>{Owner::alive});
    EXPECT_EQ(code_of(stream.consumer("g", "second")), Code::busy) << "the living one keeps its name";
    Consumer taker = must(stream.consumer("g", "first"));
    EXPECT_EQ(sequences_of(must(taker.read()).entries()), (std::vector<Sequence>{at(1), at(2), at(5), at(6)}));
    second.send();
    EXPECT_EQ(second.wait(), 0) << "what the living one holds is its own";
}

TEST_P(SiblingNamespaces, the_dead_are_not_kept_alive_by_a_new_process_of_their_number) {
    Stream stream = create_with_group();
    add(stream, 4);
    Resident victim = start_holder("victim", 2);
    victim.kill();
    Resident next(GetParam(), [this](Link& link) {
        require(::getpid() == 1);
        Stream own = must(Stream::open(path()));  // opening looks for the dead
        require(must(own.recover()).dead == 1);   // the first report tells what it found
        Consumer consumer = must(own.consumer("g", "victim"));
        Batch batch = must(consumer.read());
        require(sequences_of(batch.entries()) == from_to(at(1), at(4)) && batch[0].deliveries() == 2);
        must(batch.ack());
        link.send();
        require(link.receive());
        return 0;
    });
    ASSERT_TRUE(next.receive());
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
    next.send();
    EXPECT_EQ(next.wait(), 0);
}

TEST_P(SiblingNamespaces, a_stopped_one_is_alive_to_the_others) {
    Stream stream = create_with_group();
    add(stream, 2);
    Resident holder = start_holder("stopped", 2);
    ::kill(holder.pid(), SIGSTOP);
    Resident peer(GetParam(), [this](Link&) {
        Stream own = must(Stream::open(path()));
        require(must(own.recover()).dead == 0);
        Consumer consumer = must(own.consumer("g", "peer"));
        require(code_of(consumer.read(reading(8, 200ms))) == Code::empty);
        return code_of(own.consumer("g", "stopped")) == Code::busy ? 0 : 1;
    });
    EXPECT_EQ(peer.wait(), 0);
    ::kill(holder.pid(), SIGCONT);
    holder.send();
    EXPECT_EQ(holder.wait(), 0);
}

TEST_P(SiblingNamespaces, many_deaths_in_turn_lose_nothing_and_leave_no_row) {
    StreamOptions options = medium_options(64);
    Stream stream = create_with_group(options);
    Consumer last = must(stream.consumer("g", "last"));
    std::uint64_t added = 0;
    for (int turn = 0; turn < 20; ++turn) {
        added += 2;
        add(stream, 2, added - 1);
        Resident holder = start_holder("victim", 2);
        holder.kill();
        Batch batch = must(last.read(reading(8, forever)));
        ASSERT_EQ(sequences_of(batch.entries()), from_to(at(added - 1), at(added))) << "turn " << turn;
        must(batch.ack());
    }
    must(stream.recover());
    EXPECT_EQ(must(stream.attachments()).size(), 1u);
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
}

INSTANTIATE_TEST_SUITE_P(Of, SiblingNamespaces, ::testing::Values(CLONE_NEWPID, CLONE_NEWPID | CLONE_NEWUSER),
                         [](const auto& kinds) {
                             return (kinds.param & CLONE_NEWUSER) != 0 ? "pids_and_users" : "pids";
                         });

}  // namespace
}  // namespace shmq::test
