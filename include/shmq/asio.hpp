// Reads that a Boost.Asio coroutine can await. Optional: not part of shmq.hpp, and the only header that needs Boost
// (1.74 or later, headers alone) and a compiler whose coroutines Boost.Asio knows, such as g++ 11.
//
//     boost::asio::awaitable<void> work(shmq::Consumer& consumer) {
//         while (auto batch = co_await shmq::async_read(consumer)) { ...; batch->ack(); }
//     }
//
// It stands on poll_fd: see Consumer::poll_fd for the helper thread and what an `empty` costs. While there is something
// to read nothing is suspended, so a coroutine that always finds something gives others no turn; it may, by
// `co_await boost::asio::post(boost::asio::use_awaitable)`.
//
// The consumer or reader must outlive the coroutine that awaits it, and serve one at a time. With a `wait` or a `stop`
// the coroutine's executor must be a strand, or a context that one thread runs.
#pragma once

#include <utility>  // before Boost 1.74, which forgets it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

#include "shmq/consumer.hpp"
#include "shmq/reader.hpp"

#ifndef BOOST_ASIO_HAS_CO_AWAIT
#error "shmq/asio.hpp needs coroutines that Boost.Asio knows: g++ 11 or later with -std=c++20, or a newer Boost"
#endif

namespace shmq {

namespace detail {

/// One wait for a descriptor that belongs to somebody else. Shared with the handlers that may end it.
struct AsioWait {
    explicit AsioWait(const boost::asio::any_io_executor& executor) : descriptor(executor), timer(executor) {}
    AsioWait(const AsioWait&) = delete;
    AsioWait& operator=(const AsioWait&) = delete;
    ~AsioWait() {
        if (descriptor.is_open()) descriptor.release();  // not ours to close
    }

    boost::asio::posix::stream_descriptor descriptor;
    boost::asio::steady_timer timer;
};

/// Until the descriptor is readable, the time has come, or the token stops it.
inline boost::asio::awaitable<Result<void>> async_readable(int descriptor,
                                                           std::optional<std::chrono::steady_clock::time_point> end,
                                                           std::stop_token stop) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto waiting = std::make_shared<AsioWait>(executor);
    boost::system::error_code error;
    waiting->descriptor.assign(descriptor, error);
    if (error) co_return Error(Code::system, static_cast<std::uint64_t>(error.value()));
    const std::weak_ptr<AsioWait> weak = waiting;
    const auto give_up = [weak] {
        if (const auto waits = weak.lock()) waits->descriptor.cancel();
    };
    if (end) {
        waiting->timer.expires_at(*end);
        waiting->timer.async_wait([give_up](const boost::system::error_code& failed) {
            if (!failed) give_up();
        });
    }
    const std::stop_callback on_stop(stop, [&] { boost::asio::post(executor, give_up); });
    co_await waiting->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                            boost::asio::redirect_error(boost::asio::use_awaitable, error));
    co_return Result<void>();  // for whatever reason: the caller's next read finds out
}

/// Calls `read` until it answers anything but `empty`, waiting for the descriptor in between, or until `over`.
template <class Answer, class Handle, class Read, class Over>
boost::asio::awaitable<Answer> async_until_not_empty(Handle& handle, Duration wait, std::stop_token stop, Read read,
                                                     Over over) {
    using Clock = std::chrono::steady_clock;
    std::optional<Clock::time_point> end;
    if (wait < Clock::time_point::max() - Clock::now()) end = Clock::now() + wait;
    for (;;) {  // ends by an answer, the time or the token
        Answer answer = read();
        if (answer || !(answer.error() == Code::empty)) co_return answer;
        if (over()) co_return answer;
        if (stop.stop_requested()) co_return Code::stopped;
        if (end && Clock::now() >= *end) co_return answer;
        const auto descriptor = handle.poll_fd();
        if (!descriptor) co_return descriptor.error();
        const auto waited = co_await async_readable(*descriptor, end, stop);
        if (!waited) co_return waited.error();
    }
}

}  // namespace detail

/// Consumer::read, awaited: the same options, answers and errors.
inline boost::asio::awaitable<Result<Batch>> async_read(Consumer& consumer, ReadOptions options) {
    ReadOptions at_once = options;
    at_once.wait = Duration{0};
    co_return co_await detail::async_until_not_empty<Result<Batch>>(
        consumer, options.wait, options.stop, [&consumer, &at_once] { return consumer.read(at_once); },
        [] { return false; });
}
/// The same with the usual options, but for ever.
inline boost::asio::awaitable<Result<Batch>> async_read(Consumer& consumer) {
    ReadOptions options;
    options.wait = forever;
    return async_read(consumer, std::move(options));
}

/// Reader::next, awaited; without a `wait` for ever. A reader of a range answers `empty` at its end.
inline boost::asio::awaitable<Result<Entry>> async_next(Reader& reader, Duration wait = forever,
                                                        std::stop_token stop = {}) {
    co_return co_await detail::async_until_not_empty<Result<Entry>>(
        reader, wait, stop, [&reader] { return reader.next(); },
        [&reader] { return reader.position() >= reader.end(); });
}

}  // namespace shmq
