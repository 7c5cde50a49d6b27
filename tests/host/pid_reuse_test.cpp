// A new process with the number of a dead one: in a PID namespace of its own the next number is ours to choose, so this
// is no matter of luck.
#include <linux/sched.h>
#include <sys/syscall.h>

#include "host/namespaces.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

/// A process of this very number, which must be free. It ends as a Child does.
pid_t fork_as(pid_t number, const std::function<int()>& work) {
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uint64_t>(&number);
    arguments.set_tid_size = 1;
    const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) ::_exit(work());
    return static_cast<pid_t>(pid);
}

int status_of(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class PidReuse : public StreamTest {
protected:
    static constexpr pid_t number = 300;
    void SetUp() override {
        const auto forks = [] { return status_of(fork_as(number, [] { return 0; })); };
        if (!can_enter_new(CLONE_NEWPID)) GTEST_SKIP() << "this machine refuses PID namespaces";
        Resident probe(CLONE_NEWPID, [&](Link&) { return forks(); });
        if (probe.wait() != 0) GTEST_SKIP() << "the kernel gives no chosen number (clone3 with set_tid, Linux 5.5)";
    }
    /// Adds one entry, reads two as "victim", and dies with them.
    int hold_and_die() const {
        require(::getpid() == number);
        Stream stream = must(Stream::open(path()));
        must(stream.add("of the dead"));
        Consumer consumer = must(stream.consumer("g", "victim"));
        const Batch batch = must(consumer.read(reading(2)));
        require(batch.size() == 2);
        ::raise(SIGKILL);
        return 1;
    }
};

TEST_F(PidReuse, by_a_stranger_does_not_keep_the_dead_ones_rows_alive) {
    Stream stream = create_with_group();
    add(stream, 2);
    Resident first(CLONE_NEWPID, [this](Link& link) {
        require(status_of(fork_as(number, [this] { return hold_and_die(); })) == 128 + SIGKILL);
        const pid_t stranger = fork_as(number, [] {
            for (;;) ::pause();
            return 0;
        });
        require(stranger == number);
        link.send();
        require(link.receive());
        ::kill(stranger, SIGKILL);
        require(status_of(stranger) == 128 + SIGKILL);
        return 0;
    });
    ASSERT_TRUE(first.receive());
    auto attachments = must(stream.attachments());
    ASSERT_EQ(attachments.size(), 2u);
    EXPECT_EQ(attachments[1].pid, number);
    EXPECT_EQ(attachments[1].owner, Owner::dead);
    const RecoveryReport report = must(stream.recover());
    EXPECT_EQ(report.dead, 1u);
    EXPECT_EQ(report.entries, 2u);
    EXPECT_EQ(report.chunks, 1u);
    EXPECT_EQ(must(stream.attachments()).size(), 1u);
    first.send();
    EXPECT_EQ(first.wait(), 0);
}

TEST_F(PidReuse, by_one_that_opens_too_gives_it_rows_of_its_own) {
    Stream stream = create_with_group();
    add(stream, 2);
    Resident first(CLONE_NEWPID, [this](Link& link) {
        require(status_of(fork_as(number, [this] { return hold_and_die(); })) == 128 + SIGKILL);
        const pid_t next = fork_as(number, [&] {
            require(::getpid() == number);
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g", "victim"));
            link.send();
            require(link.receive());
            Batch batch = must(consumer.read());
            require(batch.size() == 3 && batch[0].deliveries() == 2 && batch[0].taken_over());
            return code_of(batch.ack()) == Code::ok ? 0 : 1;
        });
        require(next == number);
        return status_of(next);
    });
    ASSERT_TRUE(first.receive());
    const auto attachments = must(stream.attachments());
    ASSERT_EQ(attachments.size(), 2u) << "opening freed the row of the dead one";
    EXPECT_EQ(attachments[1].pid, number);
    EXPECT_EQ(attachments[1].owner, Owner::alive);
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    first.send();
    EXPECT_EQ(first.wait(), 0);
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
}

TEST_F(PidReuse, over_and_over_hands_on_and_counts_each_death) {
    Stream stream = create_with_group();
    add(stream, 2);
    constexpr unsigned turns = 10;
    Resident first(CLONE_NEWPID, [this](Link&) {
        for (unsigned turn = 0; turn < turns; ++turn)
            require(status_of(fork_as(number, [this] { return hold_and_die(); })) == 128 + SIGKILL);
        return 0;
    });
    EXPECT_EQ(first.wait(), 0);
    must(stream.recover());
    EXPECT_EQ(must(stream.attachments()).size(), 1u);
    Consumer consumer = must(stream.consumer("g"));
    const Batch batch = must(consumer.read());
    ASSERT_EQ(sequences_of(batch.entries()), from_to(at(1), at(2 + turns)));
    EXPECT_EQ(batch[0].deliveries(), turns + 1);
}

}  // namespace
}  // namespace shmq::test
