// See process.hpp.
#include "tools/common/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>

#include "tools/common/exit_code.hpp"

namespace shmq::tools {

namespace {

// A tool that cannot take signals must not start working as if it could.
int checked(int descriptor, const char* call) {
    if (descriptor >= 0) return descriptor;
    std::exit(report_errno(call, errno));
}

void mark(int descriptor) noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof one);  // fails only if readable already
}

}  // namespace

void prepare_process() noexcept {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) >= 0) continue;
        // The lowest free number is this one, since those below are open.
        if (::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) != descriptor) std::abort();
    }
    ::signal(SIGPIPE, SIG_IGN);
}

std::string own_path() {
    std::string path(PATH_MAX, '\0');
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    path.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return path;
}

StopSignals::StopSignals(int watched) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &ending, &original_mask_);
    signal_descriptor_ = checked(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
    requested_descriptor_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    end_descriptor_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    helper_ = std::thread([this, watched] { listen(watched); });
}

StopSignals::~StopSignals() {
    mark(end_descriptor_);
    helper_.join();
    ::close(end_descriptor_);
    ::close(requested_descriptor_);
    ::close(signal_descriptor_);
}

bool StopSignals::requested() const noexcept {
    pollfd waiting{signal_descriptor_, POLLIN, 0};
    return stop_.stop_requested() || ::poll(&waiting, 1, 0) > 0 || stop_.stop_requested();
}

// Ends only with the object. poll(2) reports the end of a pipe's reader (POLLERR) without being asked for anything.
void StopSignals::listen(int watched) noexcept {
    for (;;) {
        std::array<pollfd, 3> waited{{{end_descriptor_, POLLIN, 0}, {signal_descriptor_, POLLIN, 0}, {watched, 0, 0}}};
        if (::poll(waited.data(), waited.size(), -1) < 0) continue;
        if (waited[0].revents != 0) return;
        if (waited[1].revents != 0) {
            request();  // before the signal is taken, for requested()
            signalfd_siginfo taken{};
            [[maybe_unused]] const ssize_t size = ::read(signal_descriptor_, &taken, sizeof taken);
        }
        if ((waited[2].revents & (POLLERR | POLLHUP)) != 0) {
            closed_.request_stop();
            request();
        }
        if (waited[2].revents != 0) watched = -1;
    }
}

void StopSignals::request() noexcept {
    mark(requested_descriptor_);
    stop_.request_stop();
}

}  // namespace shmq::tools
