// A thread that works for the library inside the program that uses it.
//
// It takes no signals: handlers run in the program's own threads, and sigwait finds them. It is started without
// exceptions. Called by src/api (poll_thread).
#pragma once

#include <pthread.h>

#include "shmq/status.hpp"

namespace shmq::os {

/// One thread. Not copied nor moved. In a child of fork() there is no thread behind it, and only the destructor may be
/// called, which does nothing.
class Thread {
public:
    Thread() noexcept = default;
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;
    ~Thread() = default;  // joined by then

    /// Runs `work(context)` in a thread called `name` (at most 15 letters). system with errno (EAGAIN) if the kernel
    /// gives none.
    Result<void> start(const char* name, void (*work)(void* context) noexcept, void* context) noexcept;
    [[nodiscard]] bool running() const noexcept { return running_; }
    /// Waits until `work` has returned.
    void join() noexcept;

private:
    static void* enter(void* thread) noexcept;

    pthread_t id_{};
    void (*work_)(void*) noexcept = nullptr;
    void* context_ = nullptr;
    bool running_ = false;
};

}  // namespace shmq::os
