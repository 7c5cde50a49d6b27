// The one door to atomics. Everything that processes share is an Atomic of 4 or 8 bytes, always lock free, with every
// memory order written out.
//
// In the product an Atomic is a std::atomic. With SHMQ_ACCESS_HOOK, which only test builds define, each access first
// calls `access_hook`, so that a test can stop, kill or interleave a process before any load or store. Size and layout
// are the same.
//
// Each order belongs to a named synchronisation of docs/protocol.md, or its line says why relaxed suffices.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace shmq {

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

/// What an access is about to do.
enum class Access : std::uint8_t { load, store, exchange };

#ifdef SHMQ_ACCESS_HOOK
/// Called before each access with its address; null: none. Set before other threads run.
inline void (*access_hook)(Access access, const volatile void* address) noexcept = nullptr;
inline void before_access(Access access, const volatile void* address) noexcept {
    if (access_hook != nullptr) access_hook(access, address);
}
#else
inline void before_access(Access, const volatile void*) noexcept {}
#endif

template <class T>
class Atomic {
    static_assert(std::is_unsigned_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
    static_assert(std::atomic<T>::is_always_lock_free);

public:
    Atomic() noexcept = default;
    explicit constexpr Atomic(T value) noexcept : value_(value) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard]] T load(std::memory_order order) const noexcept {
        before_access(Access::load, this);
        return value_.load(order);
    }
    void store(T value, std::memory_order order) noexcept {
        before_access(Access::store, this);
        value_.store(value, order);
    }
    T exchange(T value, std::memory_order order) noexcept {
        before_access(Access::exchange, this);
        return value_.exchange(value, order);
    }
    /// True and `wanted` stored if the value was `expected`; otherwise `expected` becomes the value found, with
    /// `failure` order.
    bool compare_exchange(T& expected, T wanted, std::memory_order success, std::memory_order failure) noexcept {
        before_access(Access::exchange, this);
        return value_.compare_exchange_strong(expected, wanted, success, failure);
    }
    T fetch_add(T value, std::memory_order order) noexcept {
        before_access(Access::exchange, this);
        return value_.fetch_add(value, order);
    }
    T fetch_or(T value, std::memory_order order) noexcept {
        before_access(Access::exchange, this);
        return value_.fetch_or(value, order);
    }
    T fetch_and(T value, std::memory_order order) noexcept {
        before_access(Access::exchange, this);
        return value_.fetch_and(value, order);
    }
    /// For futex(2) alone, which wants the plain word.
    [[nodiscard]] const void* address() const noexcept { return &value_; }

private:
    std::atomic<T> value_;
};

/// Raises a word that only grows to at least `value`; returns whether this call raised it. Bounded by the number of
/// other raisers: every failed exchange means that the word grew.
template <class T>
bool raise_to(Atomic<T>& word, T value, std::memory_order order) noexcept {
    T seen = word.load(memory_order_relaxed);  // only a guess for the exchange, which orders
    while (seen < value)
        if (word.compare_exchange(seen, value, order, memory_order_relaxed)) return true;
    return false;
}

/// Orders of whole groups of accesses, where no single word carries them.
inline void fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }
/// Keeps the compiler, not the processor, from moving stores across: enough where only this process's death must see an
/// order.
inline void compiler_fence() noexcept { std::atomic_signal_fence(memory_order_seq_cst); }

/// Asks for the line of `address` to write to it. A load would bring it shared, and the write behind it would have to
/// ask the other processor a second time. Where there is no such instruction, and for any address, it does nothing. GCC
/// emits the x86 instruction only for chosen processors, though all of 64 bits take it.
inline void prefetch_for_writing(const void* address) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
    __builtin_prefetch(address, 1);
#endif
}

/// Tells the processor that this is a spin loop.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace shmq
