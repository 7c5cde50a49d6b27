// What a tool does once with its process: the standard descriptors, SIGPIPE, and signals that ask it to end.
//
// SIGINT and SIGTERM become a stop request: a helper thread takes them with signalfd(2), so that no code runs in a
// signal handler. The request ends waits of the library through its stop_token and waits of poll(2) through
// `descriptor()`, which becomes readable and stays so. Optionally the helper also watches a pipe we write to, and
// requests a stop when its reader is gone, so that a tool that waits for entries does not outlive the reader of its
// output.
#pragma once

#include <signal.h>

#include <stop_token>
#include <string>
#include <thread>

namespace shmq::tools {

/// Opens /dev/null in place of a standard descriptor that is not open, in the direction that makes its use an error, so
/// that no segment gets one of these numbers; and ignores SIGPIPE. Call first in main.
void prepare_process() noexcept;

/// Path of the running program, empty if the kernel does not tell.
[[nodiscard]] std::string own_path();

/// Make one, in the main thread before any other thread, and keep it until the process ends. Threads: any.
class StopSignals {
public:
    /// `watched`: a descriptor whose reader's end requests a stop too; -1: none. Borrowed.
    explicit StopSignals(int watched = -1);
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    ~StopSignals();

    [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }
    /// Whether a stop was requested, also by a signal that came before the call and that the helper has not seen yet.
    [[nodiscard]] bool requested() const noexcept;
    /// Whether the reader of `watched` is gone.
    [[nodiscard]] bool output_closed() const noexcept { return closed_.stop_requested(); }
    /// Readable from the first stop request on.
    [[nodiscard]] int descriptor() const noexcept { return requested_descriptor_; }
    /// The signal mask from before, for child processes.
    [[nodiscard]] const sigset_t& original_mask() const noexcept { return original_mask_; }

private:
    void listen(int watched) noexcept;
    void request() noexcept;

    std::stop_source stop_;
    std::stop_source closed_;
    sigset_t original_mask_{};
    int signal_descriptor_;
    int requested_descriptor_;
    int end_descriptor_;
    std::thread helper_;
};

}  // namespace shmq::tools
