// Sleeping on a word in shared memory, and waking who sleeps there, across processes.
//
// The kernel finds a shared futex by file and offset, so every process may map the segment at another address, and for
// reading alone. The private kind, which std::atomic::wait uses, wakes nobody in another process.
//
// Called by src/log (wait). Any thread; no allocation; safe in signal handlers.
#pragma once

#include <cstdint>
#include <span>

#include "base/atomic.hpp"
#include "shmq/options.hpp"

namespace shmq::os {

/// Why futex_wait came back.
enum class Woken : std::uint8_t {
    woken,        ///< by futex_wake, or for no reason at all: look again
    timeout,      ///< `at_most` is over
    changed,      ///< the word was not `expected`; it did not sleep
    interrupted,  ///< by a signal
};

/// Sleeps while `word` is `expected`, until a wake, a signal, or `at_most` by the monotonic clock; negative counts as
/// zero. The kernel's look at the word and falling asleep are one step: a wake that follows a change of the word is
/// never missed.
Woken futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected, Duration at_most) noexcept;

/// A word, and what it was when its sleeper looked.
struct WaitWord {
    const Atomic<std::uint32_t>* word = nullptr;
    std::uint32_t expected = 0;
};

/// The longest sleep on one of several words where the kernel cannot sleep on all at once.
inline constexpr Duration wait_turn{1'000'000};

/// As futex_wait, on several words, at least one: sleeps while every one of them is as expected. One sleep where the
/// kernel has futex_waitv(2) (Linux 5.16), lets it be called, and the words are at most 128. Otherwise it sleeps on the
/// words in turn, `wait_turn` on each, with a look at all of them in between: a change of a word is then seen up to
/// `wait_turn` later, and a sleeper wakes a thousand times a second.
Woken futex_wait_any(std::span<const WaitWord> words, Duration at_most) noexcept;

/// Wakes up to `at_most` sleepers on `word`, of whatever process; returns how many.
int futex_wake(const Atomic<std::uint32_t>& word, int at_most) noexcept;

}  // namespace shmq::os
