// futex(2) by its number; libc has no call for it.
#include "os/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace shmq::os {

Woken futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected, Duration at_most) noexcept {
    const std::int64_t nanoseconds = at_most.count() > 0 ? at_most.count() : 0;
    timespec timeout{};
    timeout.tv_sec = nanoseconds / 1'000'000'000;
    timeout.tv_nsec = nanoseconds % 1'000'000'000;
    const int before = errno;
    const long answer = ::syscall(SYS_futex, word.address(), FUTEX_WAIT, expected, &timeout, nullptr, 0);
    const int number = errno;
    errno = before;
    if (answer == 0) return Woken::woken;
    switch (number) {
        case ETIMEDOUT: return Woken::timeout;
        case EINTR: return Woken::interrupted;
        default: return Woken::changed;  // EAGAIN; EFAULT if the file was cut short, which the caller's next look finds
    }
}

int futex_wake(const Atomic<std::uint32_t>& word, int at_most) noexcept {
    const int before = errno;
    const long answer = ::syscall(SYS_futex, word.address(), FUTEX_WAKE, at_most, nullptr, nullptr, 0);
    errno = before;
    return answer > 0 ? static_cast<int>(answer) : 0;
}

}  // namespace shmq::os
