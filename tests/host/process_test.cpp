// What a process does besides: it forks, runs another program, ends threads, and others open and lock the same file.
#include <sys/file.h>
#include <sys/syscall.h>

#include <thread>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Process : public StreamTest {
protected:
    /// One more entry goes from `stream` to a consumer of it.
    void goes_on(Stream& stream, Consumer& consumer) {
        const Sequence added = must(stream.add("on"));
        Batch batch = must(consumer.read());
        EXPECT_EQ(batch[0].sequence(), added);
        EXPECT_TRUE(batch.ack());
        EXPECT_EQ(must(stream.recover()).dead, 0u);
        EXPECT_EQ(must(stream.attachments())[0].owner, Owner::alive);
    }
};

TEST_F(Process, forked_children_that_exit_close_or_are_killed_disturb_nothing) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g", "parent"));
    add(stream, 3);
    Batch held = must(consumer.read(reading(3)));
    EXPECT_EQ(in_child([&] { return code_of(stream.add("x")) == Code::forked ? 0 : 1; }), 0);
    EXPECT_EQ(in_child([&] {
                  held.close();
                  consumer.close();
                  stream.close();
                  return 0;
              }),
              0);
    Child ended([](Link&) -> int { std::quick_exit(0); });
    EXPECT_EQ(ended.wait(), 0);
    Child killed([&](Link& link) {
        require(code_of(consumer.read()) == Code::forked);
        link.send();
        return link.receive() ? 0 : 1;
    });
    ASSERT_TRUE(killed.receive());
    killed.kill();
    EXPECT_EQ(must(stream.pending("g")).count, 3u) << "what the parent holds it holds still";
    EXPECT_TRUE(held.ack());
    goes_on(stream, consumer);
}

TEST_F(Process, a_destructor_that_runs_in_a_forked_child_detaches_nobody) {
    auto stream = std::make_unique<Stream>(create_with_group());
    auto consumer = std::make_unique<Consumer>(must(stream->consumer("g")));
    EXPECT_EQ(in_child([&] {
                  consumer.reset();
                  stream.reset();
                  return 0;
              }),
              0);
    goes_on(*stream, *consumer);
}

TEST_F(Process, a_forked_child_that_opens_for_itself_outlives_its_parent) {
    Stream stream = create_with_group();
    Child parent([&](Link& link) {
        Stream own = must(Stream::open(path()));
        must(own.add("of the parent"));
        Consumer consumer = must(own.consumer("g", "parent"));
        const Batch batch = must(consumer.read());
        Child child([&](Link&) {
            require(code_of(own.add("x")) == Code::forked);
            Stream again = must(Stream::open(path()));
            Consumer inheritor = must(again.consumer("g", "child"));
            link.send();
            const Batch handed_on = must(inheritor.read(reading(1, forever)));
            require(handed_on[0].taken_over());
            link.send();
            return link.receive() ? 0 : 1;
        });
        static_cast<void>(child.wait());
        return 1;
    });
    ASSERT_TRUE(parent.receive());
    parent.kill();
    ASSERT_TRUE(parent.receive()) << "the child was handed what its parent held";
    EXPECT_EQ(must(stream.pending("g")).count, 1u);
}

TEST_F(Process, opened_in_the_parent_and_in_the_child_before_and_after_a_fork_are_two) {
    const Stream before = create();
    EXPECT_EQ(in_child([&] {
                  const Stream own = must(Stream::open(path()));
                  require(must(own.attachments()).size() == 2);
                  require(code_of(before.info()) == Code::forked);
                  return in_child([&] {
                      require(code_of(own.info()) == Code::forked);
                      return must(Stream::open(path()).value().attachments()).size() == 3 ? 0 : 1;
                  });
              }),
              0);
    const Stream after = open();
    EXPECT_EQ(must(after.attachments()).size(), 2u);
}

TEST_F(Process, that_runs_another_program_hands_on_what_it_held_although_it_lives) {
    Stream stream = create_with_group();
    add(stream, 3);
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        must(own.add("before"));
        Consumer consumer = must(own.consumer("g", "runner"));
        Batch batch = must(consumer.read(reading(2)));
        require(must(own.loan(100)).bytes().size() == 100);
        static_cast<void>(must(consumer.poll_fd()));  // with its helper thread
        link.send();
        require(link.receive());
        // Only descriptors that close by themselves are ours: the program finds none of them open.
        ::execl("/bin/sh", "sh", "-c", "ls -l /proc/self/fd | grep -c shmq-test; exec sleep 1000", nullptr);
        return 1;
    });
    ASSERT_TRUE(child.receive());
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    child.send();
    EXPECT_FALSE(child.receive()) << "its pipes are closed: it runs the other program";
    RecoveryReport report = must(stream.recover());
    while (report.dead == 0) {
        ::usleep(1000);
        report = must(stream.recover());
    }
    EXPECT_EQ(report.entries, 2u);
    EXPECT_FALSE(child.has_ended()) << "the process lives, its handle does not";
    Consumer next = must(stream.consumer("g", "runner"));
    EXPECT_EQ(sequences_of(must(next.read()).entries()), from_to(at(1), at(4)));
    EXPECT_EQ(must(stream.attachments()).size(), 1u);
}

TEST_F(Process, a_thread_that_opened_and_ended_takes_nothing_with_it) {
    Stream stream;
    Consumer consumer;
    std::thread([&] {
        stream = create_with_group();
        consumer = must(stream.consumer("g", "opened-elsewhere"));
    }).join();
    std::thread([&] { must(stream.add("of a thread that ended")); }).join();
    Batch batch = must(consumer.read());
    EXPECT_EQ(in_child([&] {
                  Stream peer = must(Stream::open(path()));
                  return must(peer.recover()).dead == 0 && must(peer.pending("g")).count == 1 ? 0 : 1;
              }),
              0);
    EXPECT_TRUE(batch.ack());
    goes_on(stream, consumer);
}

TEST_F(Process, the_first_thread_may_end_before_the_others) {
    Stream stream = create_with_group();
    add(stream, 1);
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g", "victim"));
        Batch batch = must(consumer.read());
        std::thread([&, batch = std::move(batch)]() mutable {
            link.send();
            require(link.receive());
            must(batch.ack());
            link.send();
            require(link.receive());
            ::_exit(0);
        }).detach();
        ::syscall(SYS_exit, 0);  // this thread alone, its stack stays: the process is a zombie with a living thread
        return 1;
    });
    ASSERT_TRUE(child.receive());
    EXPECT_EQ(must(stream.recover()).dead, 0u);
    EXPECT_EQ(must(stream.pending("g")).consumers[0].owner, Owner::alive);
    child.send();
    ASSERT_TRUE(child.receive());
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
    child.send();
    EXPECT_EQ(child.wait(), 0);
}

/// What some programs do with any file they meet.
void meddle(const std::string& path) {
    for (int turn = 0; turn < 3; ++turn) {
        const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        require(file >= 0);
        struct flock all {};
        all.l_type = turn == 0 ? F_RDLCK : F_UNLCK;
        all.l_whence = SEEK_SET;
        static_cast<void>(::fcntl(file, F_SETLK, &all));  // the process's own kind of lock, which a close drops
        all.l_type = F_UNLCK;
        require(::fcntl(file, F_OFD_SETLK, &all) == 0);  // of its own description: drops nobody else's
        require(::flock(file, LOCK_EX | LOCK_NB) == 0);
        if (turn == 1) require(::flock(file, LOCK_UN) == 0);
        static_cast<void>(::lockf(file, F_ULOCK, 0));
        char byte = 0;
        require(::read(file, &byte, 1) == 1);
        ::close(file);
    }
}

TEST_F(Process, opening_locking_and_closing_the_file_drops_no_lock) {
    Stream stream = create_with_group();
    add(stream, 2);
    const Child holder = start_holder();
    Consumer consumer = must(stream.consumer("g", "own"));
    meddle(path());           // in a process that has it open
    EXPECT_EQ(in_child([&] {  // and in a stranger
                  meddle(path());
                  return 0;
              }),
              0);
    for (const AttachmentInfo& info : must(stream.attachments())) EXPECT_EQ(info.owner, Owner::alive);
    Stream peer = open();
    EXPECT_EQ(must(peer.recover()).dead, 0u);
    EXPECT_EQ(must(stream.pending("g")).count, 2u);
    goes_on(stream, consumer);
}

TEST_F(Process, a_stranger_that_locks_the_whole_file_makes_none_of_the_living_dead) {
    Stream stream = create_with_group();
    add(stream, 2);
    Child holder = start_holder();
    Child stranger([&](Link& link) {
        const int file = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
        struct flock part {};
        part.l_type = F_WRLCK;
        part.l_whence = SEEK_SET;
        part.l_len = std::int64_t{1} << 40;  // all bytes there can be, and none of the locks that lie behind
        require(::fcntl(file, F_SETLK, &part) == 0);
        link.send();
        return link.receive() ? 0 : 1;
    });
    ASSERT_TRUE(stranger.receive());
    Consumer consumer = must(stream.consumer("g", "own"));
    goes_on(stream, consumer);
    holder.kill();
    EXPECT_EQ(must(stream.recover()).dead, 1u);
    EXPECT_EQ(must(consumer.read()).size(), 2u);
    EXPECT_TRUE(Stream::open(path()));
}

}  // namespace
}  // namespace shmq::test
