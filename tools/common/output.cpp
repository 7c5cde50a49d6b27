// See output.hpp. A pipe that poll(2) calls writable takes at least PIPE_BUF bytes without blocking, hence the
// portions.
#include "tools/common/output.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>

#include "tools/common/exit_code.hpp"

namespace shmq::tools {

namespace {

constexpr std::size_t buffer_size = 64u << 10;
constexpr int grace_after_stop_ms = 1'000;

bool is_regular_file(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

Output::Output(int descriptor, int stop_descriptor)
    : descriptor_(descriptor), stop_descriptor_(stop_descriptor),
      may_block_(stop_descriptor >= 0 && !is_regular_file(descriptor)) {}

void Output::append(std::string_view bytes) {
    appended_ += bytes.size();
    while (good() && !bytes.empty()) {
        const std::size_t count = std::min(bytes.size(), buffer_size - buffer_.size());
        buffer_.append(bytes.substr(0, count));
        bytes.remove_prefix(count);
        if (buffer_.size() == buffer_size) flush();
    }
}

bool Output::flush() {
    std::size_t done = 0;
    while (good() && done < buffer_.size()) {
        std::size_t count = buffer_.size() - done;
        if (may_block_) {
            if (!wait_writable()) break;
            count = std::min<std::size_t>(count, PIPE_BUF);
        }
        const ssize_t taken = ::write(descriptor_, buffer_.data() + done, count);
        if (taken >= 0) {
            done += static_cast<std::size_t>(taken);
        } else if (errno == EAGAIN) {
            pollfd writable{descriptor_, POLLOUT, 0};
            ::poll(&writable, 1, grace_after_stop_ms);
        } else if (errno == EPIPE) {
            closed_ = true;
        } else if (errno != EINTR) {
            error_ = errno;
        }
    }
    written_ += done;
    buffer_.clear();
    return good() && written_ == appended_;
}

// Waits until the descriptor takes bytes (or has an error, which the write then finds). After a stop it waits a little
// longer for a reader that is only slow.
bool Output::wait_writable() {
    for (;;) {
        std::array<pollfd, 2> waited{{{descriptor_, POLLOUT, 0}, {stop_descriptor_, POLLIN, 0}}};
        const int ready = ::poll(waited.data(), waited.size(), -1);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0 || waited[0].revents != 0) return true;
        pollfd writable{descriptor_, POLLOUT, 0};
        if (::poll(&writable, 1, grace_after_stop_ms) > 0) return true;
        stopped_ = true;
        return false;
    }
}

int Output::finish() {
    flush();
    if (error_ == 0) return exit_done;
    report_errno("standard output", error_);
    return exit_system;
}

int print(std::string_view text) {
    Output output(STDOUT_FILENO);
    output.append(text);
    return output.finish();
}

}  // namespace shmq::tools
