// pthreads, with every signal blocked before the thread begins.
#include "os/thread.hpp"

#include <signal.h>

#include "base/error_detail.hpp"

namespace shmq::os {

void* Thread::enter(void* thread) noexcept {
    const auto* self = static_cast<const Thread*>(thread);
    self->work_(self->context_);
    return nullptr;
}

Result<void> Thread::start(const char* name, void (*work)(void* context) noexcept, void* context) noexcept {
    work_ = work;
    context_ = context;
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread has the mask of its maker
    const int number = ::pthread_create(&id_, nullptr, enter, this);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (number != 0) return system_error("pthread_create", number);
    running_ = true;
    ::pthread_setname_np(id_, name);
    return {};
}

void Thread::join() noexcept {
    if (!running_) return;
    ::pthread_join(id_, nullptr);
    running_ = false;
}

}  // namespace shmq::os
