// Signals of the demo's processes, taken by asking instead of by handlers, and the death of a parent.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace shmq::tools {

/// SIGCHLD, SIGINT, SIGTERM and SIGHUP wait until take_signal asks; a closed pipe is no signal. Inherited by fork.
void hold_signals();
/// As a process usually has them; for a worker and before exec. With `ignore_interrupt`, Ctrl-C on the terminal is left
/// to the director.
void release_signals(bool ignore_interrupt);
/// Waits at most so long; the signal's number, or 0 if none came.
int take_signal(std::uint64_t wait_ms);

/// The kernel kills this process when `parent` dies; it ends at once if that has happened.
void die_with(pid_t parent);

}  // namespace shmq::tools
