// One wait over several streams, the first named before the second, and so on. Runs until Ctrl-C.
//
//     urgent STREAM...          streams from `shmq create`, entries from `shmq add`
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <shmq/shmq.hpp>
#include <stop_token>
#include <thread>
#include <vector>

namespace {

int fail(const shmq::Error& error) {
    std::cerr << error.message() << '\n';
    return 1;
}

/// Waits until any stream has something and takes up to 16 entries, the most urgent first.
int work(shmq::Waiter& waiter, char** names, const std::stop_token& stop) {
    for (;;) {
        auto deliveries = waiter.wait({.max_entries = 16, .wait = shmq::forever, .stop = stop});
        if (!deliveries) return deliveries.error() == shmq::Code::stopped ? 0 : fail(deliveries.error());
        for (shmq::Delivery& delivery : *deliveries) {
            if (!(delivery.error() == shmq::Code::ok)) return fail(delivery.error());  // such as: removed
            for (const shmq::Entry& entry : delivery)
                std::cout << names[delivery.source()] << ": " << entry.text() << std::endl;
            static_cast<void>(delivery.batch().ack());
        }
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count < 2) return std::cerr << "usage: urgent STREAM...\n", 64;
    sigset_t end_signals;
    sigemptyset(&end_signals);
    sigaddset(&end_signals, SIGINT);
    sigaddset(&end_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &end_signals, nullptr);  // inherited by the thread that is made later

    std::vector<shmq::Consumer> consumers;
    for (int i = 1; i < argument_count; ++i) {
        auto stream = shmq::Stream::open(arguments[i]);
        if (!stream) return fail(stream.error());
        const auto created = stream->create_group("loop");
        if (!created && !(created.error() == shmq::Code::exists)) return fail(created.error());
        auto consumer = stream->consumer("loop");
        if (!consumer) return fail(consumer.error());
        consumers.push_back(std::move(*consumer));
    }
    shmq::Waiter waiter;
    int priority = 0;
    for (shmq::Consumer& consumer : consumers) waiter.add(consumer, --priority);

    int status = 0;
    std::jthread worker([&](const std::stop_token& stop) {
        status = work(waiter, arguments + 1, stop);
        kill(getpid(), SIGTERM);  // ends the wait below, if it ended by itself
    });
    int signal = 0;
    sigwait(&end_signals, &signal);
    worker.request_stop();
    worker.join();
    return status;
}
