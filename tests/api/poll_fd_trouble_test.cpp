// Descriptors for event loops where something ends: wakers, holders, groups, streams, handles, the process.
#include <poll.h>

#include "api/core.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

[[nodiscard]] bool readable(int descriptor, int wait_ms = 0) {
    pollfd one{descriptor, POLLIN, 0};
    return ::poll(&one, 1, wait_ms) == 1 && one.revents == POLLIN;
}
/// Waits without an end: the watchdog ends a test that waits in vain.
[[nodiscard]] bool becomes_readable(int descriptor) { return readable(descriptor, -1); }

class PollFdTrouble : public StreamTest {
protected:
    /// A stream with a consumer and a reader whose descriptors are armed.
    void arm(const StreamOptions& options = small_options()) {
        stream_ = create_with_group(options);
        consumer_ = must(stream_.consumer("g"));
        reader_ = must(stream_.reader());
        of_consumer_ = must(consumer_.poll_fd());
        of_reader_ = must(reader_.poll_fd());
        EXPECT_EQ(code_of(consumer_.read()), Code::empty);
        EXPECT_EQ(code_of(reader_.next()), Code::empty);
        EXPECT_FALSE(readable(of_consumer_));
        EXPECT_FALSE(readable(of_reader_));
    }

    Stream stream_;
    Consumer consumer_;
    Reader reader_;
    int of_consumer_ = -1;
    int of_reader_ = -1;
};

TEST_F(PollFdTrouble, a_waker_that_died_before_it_woke_anybody_only_delays_it) {
    arm();
    // What such a waker leaves: the bits taken away, the words not moved on. Adds that follow see nobody asleep.
    const auto core = must(detail::StreamCore::open(path(), {}));
    core->segment().control().sleepers.fetch_and(~data_sleepers, memory_order_seq_cst);
    add(stream_, 1);
    EXPECT_TRUE(becomes_readable(of_consumer_));
    EXPECT_TRUE(becomes_readable(of_reader_));
}

TEST_F(PollFdTrouble, a_reader_that_was_lapped_meanwhile_is_told) {
    arm();
    const auto core = must(detail::StreamCore::open(path(), {}));
    core->segment().control().sleepers.fetch_and(~data_sleepers, memory_order_seq_cst);
    consumer_.close();
    must(stream_.drop_group("g"));
    add(stream_, 50);
    EXPECT_TRUE(becomes_readable(of_reader_));
    EXPECT_EQ(must(reader_.next()).sequence(), 51u - 16);
}

TEST_F(PollFdTrouble, what_a_killed_consumer_held_makes_it_readable) {
    stream_ = create_with_group();
    add(stream_, 2);
    Child holder([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        const Batch batch = must(consumer.read());
        link.send(batch.size());
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_EQ(holder.receive(), 2u);
    consumer_ = must(stream_.consumer("g"));
    of_consumer_ = must(consumer_.poll_fd());
    EXPECT_EQ(code_of(consumer_.read()), Code::empty);
    EXPECT_FALSE(readable(of_consumer_));
    holder.kill();
    EXPECT_TRUE(becomes_readable(of_consumer_)) << "the thread looked for the dead";
    EXPECT_EQ(must(consumer_.read()).size(), 2u);
}

TEST_F(PollFdTrouble, an_entry_for_retry_that_a_death_left_unmarked_is_found) {
    stream_ = create_with_group();
    add(stream_, 1);
    Consumer other = must(stream_.consumer("g"));
    must(must(other.read()).nack(1));
    // What a consumer leaves that dies between index and record: an entry for retry that no index shows.
    const auto core = must(detail::StreamCore::open(path(), {}));
    const Segment& segment = core->segment();
    for (unsigned level = 0; level < segment.geometry().retry_levels; ++level)
        segment.retry_level(0, level)->store(0, memory_order_seq_cst);
    consumer_ = must(stream_.consumer("g"));
    of_consumer_ = must(consumer_.poll_fd());
    EXPECT_EQ(code_of(consumer_.read()), Code::empty);
    EXPECT_TRUE(becomes_readable(of_consumer_)) << "the thread sweeps";
    EXPECT_EQ(must(consumer_.read())[0].sequence(), 1u);
}

TEST_F(PollFdTrouble, a_removed_stream_makes_it_readable_for_good) {
    for (const bool by_hand : {false, true}) {
        arm();
        EXPECT_EQ(in_child([&] {
                      if (by_hand) return ::unlink(path().c_str());
                      must(Stream::remove(path()));
                      return 0;
                  }),
                  0);
        EXPECT_TRUE(becomes_readable(of_consumer_));
        EXPECT_TRUE(becomes_readable(of_reader_));
        for (int turn = 0; turn < 2; ++turn) {
            EXPECT_EQ(code_of(consumer_.read()), Code::removed);
            EXPECT_EQ(code_of(reader_.next()), Code::removed);
            EXPECT_TRUE(readable(of_consumer_));
            EXPECT_TRUE(readable(of_reader_));
        }
    }
}

TEST_F(PollFdTrouble, a_dropped_and_a_moved_group_make_it_readable) {
    arm();
    add(stream_, 3);
    while (auto batch = consumer_.read()) must(batch->ack());
    EXPECT_FALSE(readable(of_consumer_));
    must(stream_.move_group("g", Position::at(3)));
    EXPECT_TRUE(becomes_readable(of_consumer_));
    must(must(consumer_.read()).ack());
    EXPECT_EQ(code_of(consumer_.read()), Code::empty) << "armed in the new row";
    EXPECT_FALSE(readable(of_consumer_));
    add(stream_, 1);
    EXPECT_TRUE(becomes_readable(of_consumer_));
    must(must(consumer_.read()).ack());
    EXPECT_EQ(code_of(consumer_.read()), Code::empty);
    must(stream_.drop_group("g"));
    EXPECT_TRUE(becomes_readable(of_consumer_));
    EXPECT_EQ(code_of(consumer_.read()), Code::no_group);
}

TEST_F(PollFdTrouble, closing_one_while_it_is_armed_leaves_the_others_alone) {
    arm();
    Consumer second = must(stream_.consumer("g"));
    const int of_second = must(second.poll_fd());
    EXPECT_EQ(code_of(second.read()), Code::empty);
    consumer_.close();
    EXPECT_EQ(::fcntl(of_consumer_, F_GETFD), -1) << "closed with its consumer";
    add(stream_, 1);
    EXPECT_TRUE(becomes_readable(of_second));
    EXPECT_TRUE(becomes_readable(of_reader_));
    EXPECT_EQ(must(second.read()).size(), 1u);
}

TEST_F(PollFdTrouble, opening_and_closing_over_and_over_leaves_no_descriptor_behind) {
    namespace fs = std::filesystem;
    const auto open_descriptors = [] {
        return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
    };
    stream_ = create_with_group();
    const auto before = open_descriptors();
    for (int turn = 0; turn < 200; ++turn) {
        Consumer consumer = must(stream_.consumer("g"));
        static_cast<void>(must(consumer.poll_fd()));
        if (turn % 2 == 0) {
            EXPECT_EQ(code_of(consumer.read()), Code::empty);
        }
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PollFdTrouble, in_a_forked_child_it_answers_forked_and_the_parent_goes_on) {
    arm();
    EXPECT_EQ(in_child([&] {
                  require(code_of(consumer_.poll_fd()) == Code::forked);
                  require(code_of(reader_.poll_fd()) == Code::forked);
                  require(code_of(consumer_.read()) == Code::forked);
                  consumer_.close();
                  reader_ = Reader();
                  consumer_ = Consumer();
                  stream_.close();  // the last of the handle: there is no thread to wait for
                  return 0;
              }),
              0);
    EXPECT_FALSE(readable(of_consumer_));
    add(stream_, 1);
    EXPECT_TRUE(becomes_readable(of_consumer_));
    EXPECT_TRUE(becomes_readable(of_reader_));
}

TEST_F(PollFdTrouble, a_reader_that_may_only_read_has_one_too) {
    stream_ = create_with_group();
    OpenOptions reading_only;
    reading_only.read_only = true;
    Stream glass = must(Stream::open(path(), reading_only));
    Reader reader = must(glass.reader());
    const int descriptor = must(reader.poll_fd());
    for (Sequence s = 1; s <= 3; ++s) {
        EXPECT_EQ(code_of(reader.next()), Code::empty);
        EXPECT_FALSE(readable(descriptor));
        add(stream_, 1);
        EXPECT_TRUE(becomes_readable(descriptor));
        EXPECT_EQ(must(reader.next()).sequence(), s);
    }
}

TEST_F(PollFdTrouble, a_reader_at_the_end_of_its_range_is_never_readable_again) {
    stream_ = create();
    add(stream_, 3);
    Reader range = must(stream_.reader(Position::oldest(), Position::newest()));
    Reader all = must(stream_.reader(Position::newest()));
    const int of_range = must(range.poll_fd());
    const int of_all = must(all.poll_fd());
    for (Sequence s = 1; s <= 3; ++s) EXPECT_EQ(must(range.next()).sequence(), s);
    EXPECT_TRUE(readable(of_range)) << "its end is to be told";
    EXPECT_EQ(code_of(range.next()), Code::empty);
    for (int turn = 0; turn < 3; ++turn) {
        EXPECT_EQ(code_of(all.next()), Code::empty);
        add(stream_, 1);
        EXPECT_TRUE(becomes_readable(of_all));
        EXPECT_FALSE(readable(of_range));
        static_cast<void>(must(all.next()));
    }
}

TEST_F(PollFdTrouble, a_waiter_may_read_what_has_a_descriptor) {
    arm();
    Waiter waiter;
    waiter.add(consumer_);
    add(stream_, 1);
    const auto deliveries = must(waiter.wait());
    must(deliveries[0].batch().ack());
    EXPECT_TRUE(becomes_readable(of_consumer_));
    EXPECT_EQ(code_of(waiter.wait()), Code::empty);
    EXPECT_TRUE(readable(of_consumer_)) << "only the consumer's own read arms it";
    EXPECT_EQ(code_of(consumer_.read()), Code::empty);
    EXPECT_FALSE(readable(of_consumer_));
}

}  // namespace
}  // namespace shmq::test
