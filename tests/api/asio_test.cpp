// Coroutines of Boost.Asio that await reads: what they are given, and what ends their wait. Empty with a compiler whose
// coroutines Boost.Asio does not know.
#include <utility>

#include <boost/asio/detail/config.hpp>

#ifdef BOOST_ASIO_HAS_CO_AWAIT

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "shmq/asio.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

using boost::asio::awaitable;

class Asio : public StreamTest {
protected:
    /// Runs a coroutine to its end, and whatever it left in the context.
    void run(awaitable<void> work) {
        boost::asio::co_spawn(context_, std::move(work),
                              [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
        context_.run();
        context_.restart();
    }
    [[nodiscard]] Child adder(std::uint64_t count) const {
        return Child([this, count](Link& link) {
            Stream own = must(Stream::open(path()));
            for (std::uint64_t number = 1; number <= count; ++number) {
                static_cast<void>(link.receive());
                must(own.add(payload_of(number), waiting(forever)));
            }
            return 0;
        });
    }

    boost::asio::io_context context_{1};
};

TEST_F(Asio, two_coroutines_of_one_thread_read_what_another_process_adds) {
    constexpr std::uint64_t count = 500;
    Stream stream = create_with_group(medium_options());
    Consumer consumer = must(stream.consumer("g"));
    Reader reader = must(stream.reader());
    Child child = adder(count);
    std::uint64_t read = 0;
    std::uint64_t seen = 0;
    child.send();
    const auto consume = [&]() -> awaitable<void> {
        while (read < count) {
            Batch batch = must(co_await async_read(consumer));
            for (const Entry& entry : batch) EXPECT_EQ(number_of(entry.payload()), ++read);
            must(batch.ack());
            if (read < count) child.send();
        }
    };
    const auto follow = [&]() -> awaitable<void> {
        while (seen < count) EXPECT_EQ(must(co_await async_next(reader)).sequence(), ++seen);
    };
    boost::asio::co_spawn(context_, follow(), boost::asio::detached);
    run(consume());
    EXPECT_EQ(read, count);
    EXPECT_EQ(seen, count);
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(Asio, what_is_there_is_given_without_a_helper_thread) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 3);
    namespace fs = std::filesystem;
    const auto threads = [] {
        return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
    };
    const auto before = threads();
    run([&]() -> awaitable<void> {
        EXPECT_EQ(must(co_await async_read(consumer, reading(2))).size(), 2u);
        EXPECT_EQ(must(co_await async_read(consumer)).size(), 3u) << "the two came back";
        ReadOptions wrong;
        wrong.max_entries = 0;
        EXPECT_EQ(code_of(co_await async_read(consumer, wrong)), Code::bad_option);
    }());
    EXPECT_EQ(threads(), before);
}

TEST_F(Asio, a_wait_ends_by_its_time_and_not_before) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    Reader reader = must(stream.reader());
    run([&]() -> awaitable<void> {
        const auto before = std::chrono::steady_clock::now();
        EXPECT_EQ(code_of(co_await async_read(consumer, reading(1, 30ms))), Code::empty);
        EXPECT_GE(std::chrono::steady_clock::now() - before, 30ms);
        EXPECT_EQ(code_of(co_await async_read(consumer, reading(1))), Code::empty);
        EXPECT_EQ(code_of(co_await async_next(reader, 10ms)), Code::empty);
        EXPECT_EQ(code_of(co_await async_next(reader, -10ms)), Code::empty);
    }());
}

TEST_F(Asio, a_wait_ends_by_its_stop_token_also_if_it_was_stopped_before) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    std::stop_source source;
    ReadOptions options = reading(1, forever);
    options.stop = source.get_token();
    std::jthread stopper([&] {
        ::usleep(20'000);
        source.request_stop();
    });
    run([&]() -> awaitable<void> {
        EXPECT_EQ(code_of(co_await async_read(consumer, options)), Code::stopped);
        EXPECT_EQ(code_of(co_await async_read(consumer, options)), Code::stopped);
        add(stream, 1);
        EXPECT_EQ(code_of(co_await async_read(consumer, options)), Code::ok) << "what is there is given all the same";
    }());
}

TEST_F(Asio, a_reader_of_a_range_ends_without_a_wait) {
    Stream stream = create_with_group();
    add(stream, 2);
    Reader range = must(stream.reader(Position::oldest(), Position::newest()));
    run([&]() -> awaitable<void> {
        EXPECT_EQ(must(co_await async_next(range)).sequence(), 1u);
        EXPECT_EQ(must(co_await async_next(range)).sequence(), 2u);
        EXPECT_EQ(code_of(co_await async_next(range)), Code::empty);
    }());
}

TEST_F(Asio, a_removed_stream_ends_the_wait) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    Child remover([&](Link&) {
        ::usleep(20'000);
        must(Stream::remove(path()));
        return 0;
    });
    run([&]() -> awaitable<void> { EXPECT_EQ(code_of(co_await async_read(consumer)), Code::removed); }());
    EXPECT_EQ(remover.wait(), 0);
}

TEST_F(Asio, a_context_that_ends_before_the_wait_leaves_the_consumer_as_it_was) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    {
        boost::asio::io_context brief(1);
        boost::asio::co_spawn(
            brief,
            [&]() -> awaitable<void> {
                static_cast<void>(co_await async_read(consumer));
                ADD_FAILURE() << "nothing came";
            },
            boost::asio::detached);
        brief.poll();
    }
    add(stream, 1);
    run([&]() -> awaitable<void> { EXPECT_EQ(must(co_await async_read(consumer)).size(), 1u); }());
}

}  // namespace
}  // namespace shmq::test

#endif
