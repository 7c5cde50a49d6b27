// The registry of what wants to know about fork().
//
// A list through the guards themselves, under one mutex that never is destroyed: guards may live in static objects.
// fork() runs `prepare` and `parent` in the calling thread, and `child` in the only thread of the new process, which is
// the copy of the one that locked the mutex in `prepare` and so may unlock it.
#include "os/fork.hpp"

#include <pthread.h>

#include <cstdint>

#include "os/clock.hpp"

namespace shmq::os {

struct ForkRegistry {
    static void lock() noexcept { ::pthread_mutex_lock(&mutex); }
    static void unlock() noexcept { ::pthread_mutex_unlock(&mutex); }
    static void in_child() noexcept {
        forget_offset();
        for (const ForkGuard* guard = first; guard != nullptr; guard = guard->next_) guard->in_child_(guard->context_);
        unlock();
    }
    static void add(ForkGuard& guard) noexcept {
        guard.next_ = first;
        if (first != nullptr) first->previous_ = &guard;
        first = &guard;
    }
    static void take_out(const ForkGuard& guard) noexcept {
        (guard.previous_ != nullptr ? guard.previous_->next_ : first) = guard.next_;
        if (guard.next_ != nullptr) guard.next_->previous_ = guard.previous_;
    }

    static constinit pthread_mutex_t mutex;
    static constinit ForkGuard* first;
    static constinit int handlers_error;  // errno of pthread_atfork, -1 before the first guard; under the mutex
};

constinit pthread_mutex_t ForkRegistry::mutex = PTHREAD_MUTEX_INITIALIZER;
constinit ForkGuard* ForkRegistry::first = nullptr;
constinit int ForkRegistry::handlers_error = -1;

ForkGuard::ForkGuard(InChild in_child, void* context) noexcept : in_child_(in_child), context_(context) {
    ForkRegistry::lock();
    // Tried again by the next guard if it failed for want of memory.
    if (ForkRegistry::handlers_error != 0)
        ForkRegistry::handlers_error =
            ::pthread_atfork(&ForkRegistry::lock, &ForkRegistry::unlock, &ForkRegistry::in_child);
    ForkRegistry::add(*this);
    ForkRegistry::unlock();
}

ForkGuard::~ForkGuard() {
    ForkRegistry::lock();
    ForkRegistry::take_out(*this);
    ForkRegistry::unlock();
}

Result<void> ForkGuard::armed() const noexcept {
    ForkRegistry::lock();
    const int number = ForkRegistry::handlers_error;
    ForkRegistry::unlock();
    if (number != 0) return Error(Code::system, static_cast<std::uint64_t>(number));
    return {};
}

}  // namespace shmq::os
