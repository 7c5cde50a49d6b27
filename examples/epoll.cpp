// An event loop of one's own: consumers of several streams beside a signalfd in one epoll. Runs until Ctrl-C.
//
//     epoll STREAM...          streams from `shmq create`, entries from `shmq add`
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <shmq/shmq.hpp>
#include <string>
#include <vector>

namespace {

struct Source {
    std::string name;
    shmq::Stream stream;
    shmq::Consumer consumer;
};

shmq::Result<Source> open_source(const char* name) {
    auto stream = shmq::Stream::open(name);
    if (!stream) return stream.error();
    const auto created = stream->create_group("loop");
    if (!created && !(created.error() == shmq::Code::exists)) return created.error();
    auto consumer = stream->consumer("loop");
    if (!consumer) return consumer.error();
    return Source{name, std::move(*stream), std::move(*consumer)};
}

/// One batch; the descriptor stays readable until a read answers `empty`, so the loop comes back for the rest. False:
/// the source has ended.
bool read_some(Source& source) {
    auto batch = source.consumer.read({.max_entries = 16});
    if (batch) {
        for (const shmq::Entry& entry : *batch) std::cout << source.name << ": " << entry.text() << std::endl;
        static_cast<void>(batch->ack());
        return true;
    }
    if (batch.error() == shmq::Code::empty) return true;  // not readable any more, until something comes
    std::cerr << source.name << ": " << batch.error().message() << '\n';
    return false;
}

int end_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

int fail(const char* what, const std::string& why) {
    std::cerr << what << ": " << why << '\n';
    return 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count < 2) return std::cerr << "usage: epoll STREAM...\n", 64;
    const int loop = epoll_create1(EPOLL_CLOEXEC);
    constexpr std::uint64_t end_of_loop = ~std::uint64_t{0};
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = end_of_loop;
    if (epoll_ctl(loop, EPOLL_CTL_ADD, end_signals(), &event) != 0) return fail("epoll_ctl", "refused");

    std::vector<Source> sources;
    for (int i = 1; i < argument_count; ++i) {
        auto source = open_source(arguments[i]);
        if (!source) return fail(arguments[i], source.error().message());
        const auto descriptor = source->consumer.poll_fd();
        if (!descriptor) return fail(arguments[i], descriptor.error().message());
        event.data.u64 = sources.size();
        if (epoll_ctl(loop, EPOLL_CTL_ADD, *descriptor, &event) != 0) return fail("epoll_ctl", "refused");
        sources.push_back(std::move(*source));
    }
    for (;;) {
        epoll_event events[8];
        const int count = epoll_wait(loop, events, 8, -1);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.u64 == end_of_loop) return 0;
            Source& source = sources[events[i].data.u64];
            if (!read_some(source)) source.consumer.close();  // its descriptor leaves the loop with it
        }
    }
}
