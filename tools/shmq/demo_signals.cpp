// Signals by sigtimedwait.
#include "tools/shmq/demo_signals.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

namespace shmq::tools {

namespace {

sigset_t held_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
    return set;
}

}  // namespace

void hold_signals() {
    const sigset_t set = held_signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);  // an ignored one would reap children by itself
}

void release_signals(bool ignore_interrupt) {
    ::signal(SIGINT, ignore_interrupt ? SIG_IGN : SIG_DFL);
    if (!ignore_interrupt) ::signal(SIGPIPE, SIG_DFL);
    const sigset_t set = held_signals();
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

int take_signal(std::uint64_t wait_ms) {
    const sigset_t set = held_signals();
    const timespec wait{.tv_sec = static_cast<time_t>(wait_ms / 1'000),
                        .tv_nsec = static_cast<long>(wait_ms % 1'000) * 1'000'000};
    const int number = ::sigtimedwait(&set, nullptr, &wait);
    return number > 0 ? number : 0;
}

void die_with(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
}

}  // namespace shmq::tools
