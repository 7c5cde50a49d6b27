// futex(2) and futex_waitv(2) by their numbers; libc has no call for them.
#include "os/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include "os/clock.hpp"

namespace shmq::os {

namespace {

timespec span_of(Duration duration) noexcept {
    const std::int64_t nanoseconds = std::max<std::int64_t>(duration.count(), 0);
    timespec span{};
    span.tv_sec = nanoseconds / 1'000'000'000;
    span.tv_nsec = nanoseconds % 1'000'000'000;
    return span;
}

Woken reason_of(int number) noexcept {
    switch (number) {
        case ETIMEDOUT: return Woken::timeout;
        case EINTR: return Woken::interrupted;
        default: return Woken::changed;  // EAGAIN; EFAULT if the file was cut short, which the caller's next look finds
    }
}

// futex_waitv(2) as Linux 5.16 has it, the same number on every processor; the headers of older systems lack it.
//
//   offset size field
//        0    8 expected
//        8    8 address
//       16    4 flags      FUTEX2_SIZE_U32, and not the private kind
//       20    4 reserved   0
struct KernelWaitWord {
    std::uint64_t expected;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
};
static_assert(sizeof(KernelWaitWord) == 24);
constexpr long futex_waitv_number = 449;
constexpr std::uint32_t word_of_32_bits = 2;
constexpr std::size_t most_kernel_words = 128;

/// Sleeps on all at once; nullopt if the kernel does not do that.
std::optional<Woken> wait_at_once(std::span<const WaitWord> words, Duration at_most) noexcept {
    if (words.size() > most_kernel_words) return std::nullopt;
    KernelWaitWord kernel_words[most_kernel_words];
    for (std::size_t i = 0; i < words.size(); ++i)
        kernel_words[i] = {words[i].expected, reinterpret_cast<std::uintptr_t>(words[i].word->address()),
                           word_of_32_bits, 0};
    timespec end{};  // unlike futex(2), it is told when to end and not after how long
    ::clock_gettime(CLOCK_MONOTONIC, &end);
    const timespec span = span_of(at_most);
    end.tv_sec += span.tv_sec;
    end.tv_nsec += span.tv_nsec;
    if (end.tv_nsec >= 1'000'000'000) end.tv_nsec -= 1'000'000'000, ++end.tv_sec;
    if (::syscall(futex_waitv_number, kernel_words, words.size(), 0, &end, CLOCK_MONOTONIC) >= 0) return Woken::woken;
    switch (errno) {
        case EAGAIN:
        case EFAULT:
        case ETIMEDOUT:
        case EINTR: return reason_of(errno);
        default: return std::nullopt;  // ENOSYS; EPERM of a filter; ENOMEM
    }
}

/// Sleeps on each word in turn.
Woken wait_in_turns(std::span<const WaitWord> words, Duration at_most) noexcept {
    const std::uint64_t start = monotonic_ns();
    const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(at_most.count(), 0));
    for (std::size_t turn = 0;; turn = (turn + 1) % words.size()) {  // a wait: ends by a change, a wake or its time
        // acquire: what the one who changed it did before is seen by the caller's look (SLEEP).
        for (const WaitWord& word : words)
            if (word.word->load(memory_order_acquire) != word.expected) return Woken::changed;
        const std::uint64_t gone = monotonic_ns() - start;
        if (gone >= span) return Woken::timeout;
        const Duration rest{static_cast<std::int64_t>(span - gone)};
        const Woken woken = futex_wait(*words[turn].word, words[turn].expected, std::min(rest, wait_turn));
        if (woken != Woken::timeout) return woken;
    }
}

}  // namespace

Woken futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected, Duration at_most) noexcept {
    const timespec timeout = span_of(at_most);
    const int before = errno;
    const long answer = ::syscall(SYS_futex, word.address(), FUTEX_WAIT, expected, &timeout, nullptr, 0);
    const int number = errno;
    errno = before;
    if (answer == 0) return Woken::woken;
    return reason_of(number);
}

Woken futex_wait_any(std::span<const WaitWord> words, Duration at_most) noexcept {
    const int before = errno;
    const std::optional<Woken> woken = wait_at_once(words, at_most);
    errno = before;
    return woken ? *woken : wait_in_turns(words, at_most);
}

int futex_wake(const Atomic<std::uint32_t>& word, int at_most) noexcept {
    const int before = errno;
    const long answer = ::syscall(SYS_futex, word.address(), FUTEX_WAKE, at_most, nullptr, nullptr, 0);
    errno = before;
    return answer > 0 ? static_cast<int>(answer) : 0;
}

}  // namespace shmq::os
