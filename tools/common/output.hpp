// Standard output, buffered, with a count of the bytes the kernel took, so that a reader acks only what was written.
//
// A reader of our output that went away (EPIPE) is no error: `closed()` says so and nothing more is written. Any other
// failure (a full disk) is an error and kept as an errno. With a stop descriptor a write to a pipe that nobody empties
// ends, within a second, when that descriptor becomes readable. SIGPIPE must be ignored (prepare_process does it).
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shmq::tools {

class Output {
public:
    /// `descriptor` and `stop_descriptor` (-1: none) are borrowed.
    explicit Output(int descriptor, int stop_descriptor = -1);

    /// Buffers `bytes`; writes when 64 KiB have come together. After a failure it does nothing.
    void append(std::string_view bytes);
    /// Writes everything buffered. False if not all of it could be written, now or earlier.
    bool flush();

    [[nodiscard]] bool good() const noexcept { return !closed_ && !stopped_ && error_ == 0; }
    /// Whether the other end of a pipe is gone.
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    /// errno of a failed write, 0 if none failed but for a closed pipe.
    [[nodiscard]] int error() const noexcept { return error_; }
    /// Bytes given to `append` since the start.
    [[nodiscard]] std::uint64_t appended() const noexcept { return appended_; }
    /// Bytes of them that the kernel took.
    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    /// Exit code of a tool whose result is this output: complains if a write failed.
    int finish();

private:
    bool wait_writable();

    int descriptor_;
    int stop_descriptor_;
    bool may_block_;
    bool closed_ = false;
    bool stopped_ = false;
    int error_ = 0;
    std::uint64_t appended_ = 0;
    std::uint64_t written_ = 0;
    std::string buffer_;
};

/// Writes a text to standard output. Returns the exit code of a tool whose result that is.
int print(std::string_view text);

}  // namespace shmq::tools
