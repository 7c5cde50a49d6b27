// Descriptors for event loops: when they are readable, that no entry is missed, and what becomes of the thread.
#include <poll.h>
#include <sys/epoll.h>

#include <map>
#include <thread>

#include "api/core.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

[[nodiscard]] std::size_t threads() {
    namespace fs = std::filesystem;
    return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator()));
}
/// The same once a first thread was there and is gone: a sanitizer starts one of its own with it.
[[nodiscard]] std::size_t threads_before_any() {
    std::string task = "/proc/self/task/";
    std::thread([&] { task += std::to_string(::gettid()); }).join();
    while (std::filesystem::exists(task)) ::usleep(100);  // a thread that was joined stays there a moment
    return threads();
}
/// Waits until there are so many, or for the watchdog.
void wait_for_threads(std::size_t count) {
    while (threads() != count) ::usleep(100);
}
[[nodiscard]] bool readable(int descriptor, int wait_ms = 0) {
    pollfd one{descriptor, POLLIN, 0};
    return ::poll(&one, 1, wait_ms) == 1 && one.revents == POLLIN;
}
/// Waits without an end: the watchdog ends a test that waits in vain.
[[nodiscard]] bool becomes_readable(int descriptor) { return readable(descriptor, -1); }

class PollFd : public StreamTest {
protected:
    /// With the longest slice: what is seen by the look at its end comes late enough to end a test that lives by it.
    [[nodiscard]] Stream open_slow(const std::string& name = "s") const {
        OpenOptions options;
        options.slice = 100ms;
        return must(Stream::open(path(name), options));
    }
    /// Runs `act` in another process and waits for its end.
    void elsewhere(const std::function<void(Stream&)>& act) const {
        EXPECT_EQ(in_child([&] {
                      Stream own = must(Stream::open(path()));
                      act(own);
                      return 0;
                  }),
                  0);
    }
    static void read_empty(Consumer& consumer) {
        while (auto batch = consumer.read()) must(batch->ack());
    }
};

TEST_F(PollFd, who_never_asks_has_no_thread_and_the_last_that_asked_ends_it) {
    const std::size_t before = threads_before_any();
    Stream stream = create_with_group();
    Consumer first = must(stream.consumer("g"));
    Consumer second = must(stream.consumer("g"));
    Reader reader = must(stream.reader());
    add(stream, 3);
    read_empty(first);
    EXPECT_EQ(code_of(second.read(reading(1, 20ms))), Code::empty);
    EXPECT_EQ(threads(), before);
    const int one = must(first.poll_fd());
    EXPECT_EQ(threads(), before + 1);
    EXPECT_EQ(must(first.poll_fd()), one);
    EXPECT_NE(must(second.poll_fd()), one);
    static_cast<void>(must(reader.poll_fd()));
    EXPECT_EQ(threads(), before + 1) << "one thread for the handle";
    first.close();
    reader = Reader();
    EXPECT_EQ(threads(), before + 1);
    second.close();
    wait_for_threads(before);
    EXPECT_EQ(code_of(second.poll_fd()), Code::closed);
    Consumer third = must(stream.consumer("g"));
    static_cast<void>(must(third.poll_fd()));
    EXPECT_EQ(threads(), before + 1) << "and another one when it is needed again";
    stream.close();
    EXPECT_EQ(threads(), before + 1);
    third = Consumer();
    wait_for_threads(before);
}

TEST_F(PollFd, is_readable_until_a_read_answers_empty_and_again_after_an_add) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    Reader reader = must(stream.reader());
    const int of_consumer = must(consumer.poll_fd());
    const int of_reader = must(reader.poll_fd());
    EXPECT_TRUE(readable(of_consumer)) << "before the first read nobody knows";
    EXPECT_TRUE(readable(of_reader));
    for (int turn = 0; turn < 3; ++turn) {
        EXPECT_EQ(code_of(consumer.read()), Code::empty);
        EXPECT_EQ(code_of(reader.next()), Code::empty);
        EXPECT_FALSE(readable(of_consumer));
        EXPECT_FALSE(readable(of_reader));
        EXPECT_EQ(code_of(consumer.read()), Code::empty) << "once more changes nothing";
        elsewhere([](Stream& own) { add(own, 2); });
        EXPECT_TRUE(becomes_readable(of_consumer));
        EXPECT_TRUE(becomes_readable(of_reader));
        must(must(consumer.read(reading(1))).ack());
        EXPECT_TRUE(readable(of_consumer)) << "still: nobody was told that it is empty";
        must(must(consumer.read(reading(1))).ack());
        EXPECT_TRUE(readable(of_consumer));
        static_cast<void>(must(reader.next()));
        static_cast<void>(must(reader.next()));
    }
}

TEST_F(PollFd, other_answers_than_empty_leave_it_as_it_is) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    const int descriptor = must(consumer.poll_fd());
    ReadOptions wrong;
    wrong.max_entries = 0;
    EXPECT_EQ(code_of(consumer.read(wrong)), Code::bad_option);
    EXPECT_TRUE(readable(descriptor));
    std::stop_source source;
    source.request_stop();
    ReadOptions stopped = reading(1, forever);
    stopped.stop = source.get_token();
    EXPECT_EQ(code_of(consumer.read(stopped)), Code::stopped);
    EXPECT_TRUE(readable(descriptor));
    EXPECT_EQ(code_of(consumer.read(reading(1, 5ms))), Code::empty);
    EXPECT_FALSE(readable(descriptor));
    EXPECT_EQ(code_of(consumer.read(stopped)), Code::stopped);
    add(stream, 1);
    EXPECT_TRUE(becomes_readable(descriptor));
}

TEST_F(PollFd, what_is_given_back_makes_it_readable) {
    Stream stream = create_with_group();
    add(stream, 1);
    Consumer other = must(stream.consumer("g"));
    Batch batch = must(other.read());
    Consumer consumer = must(stream.consumer("g"));
    const int descriptor = must(consumer.poll_fd());
    read_empty(consumer);
    EXPECT_FALSE(readable(descriptor));
    must(batch.nack(1));
    EXPECT_TRUE(becomes_readable(descriptor));
    EXPECT_EQ(must(consumer.read())[0].sequence(), 1u);
}

/// Every entry of two streams by one epoll loop, while another process adds them in bursts.
class PollFdBursts : public PollFd, public ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(PollFdBursts, no_wake_up_is_lost_over_thousands_of_bursts) {
    constexpr std::uint64_t bursts = 5'000;
    for (const char* name : {"a", "b"}) static_cast<void>(must(Stream::create(path(name), medium_options())));
    Stream a = open_slow("a");
    Stream b = open_slow("b");
    must(a.create_group("g"));
    Consumer consumer = must(a.consumer("g"));
    Reader reader = must(b.reader());
    const int loop = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{EPOLLIN | GetParam(), {}};
    event.data.u32 = 0;
    ASSERT_EQ(::epoll_ctl(loop, EPOLL_CTL_ADD, must(consumer.poll_fd()), &event), 0);
    event.data.u32 = 1;
    ASSERT_EQ(::epoll_ctl(loop, EPOLL_CTL_ADD, must(reader.poll_fd()), &event), 0);
    // It adds the next burst when it hears that the last was read: a lost wake-up costs a slice each, and many end the
    // test by its watchdog.
    Child producer([&](Link& link) {
        Stream own[] = {must(Stream::open(path("a"))), must(Stream::open(path("b")))};
        std::uint64_t number = 0;
        for (std::uint64_t burst = 0; burst < bursts; ++burst) {
            const std::uint64_t size = 1 + burst * 7 % 5;
            for (std::uint64_t i = 0; i < size; ++i, ++number) must(own[(number / 3) % 2].add(payload_of(number)));
            require(link.send(number));
            require(link.receive());
        }
        return 0;
    });
    std::uint64_t read = 0;
    std::uint64_t answered = 0;
    std::uint64_t added = 0;
    while (answered < bursts) {
        if (added == read) added = producer.receive().value_or(0);
        ASSERT_GT(added, read) << "the producer ended";
        for (;;) {  // until both are armed again
            epoll_event events[2];
            const int count = ::epoll_wait(loop, events, 2, read < added ? -1 : 0);
            if (count == 0) break;
            for (int i = 0; i < count; ++i) {
                const bool level = GetParam() == 0;
                if (events[i].data.u32 == 0)
                    while (auto batch = consumer.read(reading(2))) {
                        read += batch->size();
                        must(batch->ack());
                        if (level) break;
                    }
                else
                    while (reader.next()) {
                        ++read;
                        if (level) break;
                    }
            }
        }
        ASSERT_EQ(read, added);
        ++answered;
        producer.send();
    }
    EXPECT_EQ(producer.wait(), 0);
    ::close(loop);
}

TEST_P(PollFdBursts, a_producer_that_waits_for_nobody_is_followed_to_its_last_entry) {
    constexpr std::uint64_t last = 20'000;
    must(create(medium_options(64)).create_group("g"));
    Stream stream = open_slow();
    Consumer consumer = must(stream.consumer("g"));
    const int loop = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{EPOLLIN | GetParam(), {}};
    ASSERT_EQ(::epoll_ctl(loop, EPOLL_CTL_ADD, must(consumer.poll_fd()), &event), 0);
    Child producer([&](Link&) {
        Stream own = must(Stream::open(path()));
        for (std::uint64_t number = 1; number <= last; ++number) {
            must(own.add(payload_of(number), waiting(forever)));
            if (number % 50 == 0) ::sched_yield();
        }
        return 0;
    });
    std::uint64_t read = 0;
    while (read < last) {
        ASSERT_EQ(::epoll_wait(loop, &event, 1, -1), 1);
        while (auto batch = consumer.read()) {
            for (const Entry& entry : *batch) ASSERT_EQ(number_of(entry.payload()), ++read);
            must(batch->ack());
        }
    }
    EXPECT_EQ(producer.wait(), 0);
    ::close(loop);
}

INSTANTIATE_TEST_SUITE_P(Triggers, PollFdBursts, ::testing::Values(0u, static_cast<std::uint32_t>(EPOLLET)));

TEST_F(PollFd, every_consumer_of_a_handle_has_its_own_also_in_threads_of_their_own) {
    constexpr std::uint64_t last = 3'000;
    Stream stream = create_with_group(medium_options());
    // Before there are threads: AddressSanitizer's allocator may be locked by one in what is forked.
    Child producer([&](Link&) {
        Stream own = must(Stream::open(path()));
        for (std::uint64_t number = 1; number <= last; ++number) must(own.add(payload_of(number), waiting(forever)));
        return 0;
    });
    Atomic<std::uint64_t> done(0);
    std::vector<std::thread> threads_of_consumers;
    for (int i = 0; i < 3; ++i)
        threads_of_consumers.emplace_back([&] {
            Consumer consumer = must(stream.consumer("g"));
            const int descriptor = must(consumer.poll_fd());
            while (done.load(memory_order_relaxed) < last) {
                if (!readable(descriptor, 20)) continue;
                while (auto batch = consumer.read(reading(3))) {
                    done.fetch_add(batch->size(), memory_order_relaxed);
                    must(batch->ack());
                }
            }
        });
    for (std::thread& thread : threads_of_consumers) thread.join();
    EXPECT_EQ(producer.wait(), 0);
    EXPECT_EQ(done.load(memory_order_relaxed), last);
}

}  // namespace
}  // namespace shmq::test
