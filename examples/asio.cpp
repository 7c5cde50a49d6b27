// Boost.Asio: a coroutine for each stream, on one thread, beside whatever else the program awaits. Runs until Ctrl-C.
//
//     asio STREAM...          streams from `shmq create`, entries from `shmq add`
#include <shmq/asio.hpp>
#include <shmq/shmq.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <iostream>
#include <stop_token>
#include <string>

namespace {

boost::asio::awaitable<void> follow(std::string name, std::stop_token stop) {
    const auto fail = [&](const shmq::Error& error) { std::cerr << name << ": " << error.message() << '\n'; };
    auto stream = shmq::Stream::open(name);
    if (!stream) co_return fail(stream.error());
    const auto created = stream->create_group("loop");
    if (!created && !(created.error() == shmq::Code::exists)) co_return fail(created.error());
    auto consumer = stream->consumer("loop");
    if (!consumer) co_return fail(consumer.error());
    const shmq::ReadOptions options{.max_entries = 16, .wait = shmq::forever, .stop = stop};
    for (;;) {
        auto batch = co_await shmq::async_read(*consumer, options);
        if (!batch && batch.error() == shmq::Code::stopped) co_return;
        if (!batch) co_return fail(batch.error());
        for (const shmq::Entry& entry : *batch) std::cout << name << ": " << entry.text() << std::endl;
        static_cast<void>(batch->ack());
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count < 2) return std::cerr << "usage: asio STREAM...\n", 64;
    boost::asio::io_context context(1);
    std::stop_source stop;
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) { stop.request_stop(); });
    for (int i = 1; i < argument_count; ++i)
        boost::asio::co_spawn(context, follow(arguments[i], stop.get_token()), boost::asio::detached);
    context.run();
    return 0;
}
