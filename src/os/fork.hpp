// What a handle does when its process forks: the child's copy must close its lock's descriptor (an inherited one would
// hide the parent's death) and answer `forked` from then on.
//
// One registry per process, filled by ForkGuards. fork() holds the registry's mutex, so a child finds it whole.
// Children made without the fork handlers of libc (posix_spawn, vfork, a bare clone) run none of this; what they exec
// inherits no descriptor.
//
// Called by src/log, one guard per attachment.
#pragma once

#include "shmq/status.hpp"

namespace shmq::os {

/// While it lives, each fork() of this process calls `in_child(context)` in the child. Neither copied nor moved.
///
/// Register it BEFORE the descriptor it is to close is opened: a fork of another thread may come at any time.
class ForkGuard {
public:
    using InChild = void (*)(void* context) noexcept;

    /// `in_child` may only do what is async-signal-safe (close descriptors, set flags), runs while nothing else does,
    /// and must neither make nor end a guard. `context` must live as long as the guard.
    ForkGuard(InChild in_child, void* context) noexcept;
    ForkGuard(const ForkGuard&) = delete;
    ForkGuard& operator=(const ForkGuard&) = delete;
    /// When it returns, `in_child` is not called any more.
    ~ForkGuard();

    /// Whether libc took the handlers; system with errno (ENOMEM) if not, then forks are not seen.
    [[nodiscard]] Result<void> armed() const noexcept;

private:
    friend struct ForkRegistry;
    InChild in_child_;
    void* context_;
    ForkGuard* previous_ = nullptr;
    ForkGuard* next_ = nullptr;
};

}  // namespace shmq::os
