// A worker that runs until Ctrl-C: takes jobs, acks what succeeded, gives back what failed, and takes over what a stuck
// worker has held for more than half a minute. What a *dead* worker held comes to it by itself, at once.
//
//     worker STREAM NAME          several at a time, each with a name of its own; jobs come from `shmq add STREAM ...`
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <shmq/shmq.hpp>
#include <stop_token>
#include <string_view>
#include <thread>

namespace {

/// The work itself. False: it failed, somebody shall try again.
bool do_job(std::string_view job) {
    std::cout << "did " << job << std::endl;
    return job != "fail";
}

int work(shmq::Consumer& consumer, const std::stop_token& stop) {
    constexpr std::uint32_t most_deliveries = 5;
    for (;;) {
        auto batch = consumer.read(
            {.max_entries = 16, .wait = shmq::forever, .claim_idle = std::chrono::seconds(30), .stop = stop});
        if (!batch) {
            if (batch.error() == shmq::Code::stopped || batch.error() == shmq::Code::removed) return 0;
            return std::cerr << batch.error().message() << '\n', 1;
        }
        for (const shmq::Entry& entry : *batch) {
            const bool done = do_job(entry.text()) || entry.deliveries() >= most_deliveries;
            const auto answer = done ? batch->ack(entry.sequence()) : batch->nack(entry.sequence());
            // `fenced`: it took us so long that another worker claimed the job meanwhile. The work was done twice.
            if (!answer) std::cerr << answer.error().message() << '\n';
        }
    }  // what was neither acked nor nacked goes back when the batch ends, and is not counted as a failure
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 3) return std::cerr << "usage: worker STREAM NAME\n", 64;
    sigset_t end_signals;
    sigemptyset(&end_signals);
    sigaddset(&end_signals, SIGINT);
    sigaddset(&end_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &end_signals, nullptr);  // inherited by the threads that are made later

    auto stream = shmq::Stream::open_or_create(arguments[1]);
    if (!stream) return std::cerr << stream.error().message() << '\n', 1;
    const auto created = stream->create_group("workers");
    if (!created && !(created.error() == shmq::Code::exists)) return std::cerr << created.error().message() << '\n', 1;
    auto consumer = stream->consumer("workers", arguments[2]);
    if (!consumer) return std::cerr << consumer.error().message() << '\n', 1;  // `busy`: a living worker has this name

    int status = 0;
    std::jthread worker([&](const std::stop_token& stop) {
        status = work(*consumer, stop);
        kill(getpid(), SIGTERM);  // ends the wait below, if it ended by itself
    });
    int signal = 0;
    sigwait(&end_signals, &signal);
    worker.request_stop();  // ends its read at once; the batch in hand is finished first
    worker.join();
    return status;
}
