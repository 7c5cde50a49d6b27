// See line_source.hpp.
#include "tools/shmq/line_source.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace shmq::tools {

namespace {
constexpr std::size_t read_size = 64u << 10;
}

std::optional<std::string_view> LineSource::take() {
    const std::size_t found = buffer_.find(separator_, searched_);
    if (found == std::string::npos) {
        searched_ = buffer_.size();
        return std::nullopt;
    }
    const std::string_view entry = std::string_view(buffer_).substr(taken_, found - taken_);
    taken_ = searched_ = found + 1;
    return entry;
}

LineSource::Fill LineSource::fill() {
    buffer_.erase(0, taken_);
    searched_ -= std::min(searched_, taken_);
    taken_ = 0;
    for (;;) {
        std::array<pollfd, 2> waited{{{descriptor_, POLLIN, 0}, {stop_descriptor_, POLLIN, 0}}};
        if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) break;
        if (waited[1].revents != 0) return Fill::stopped;
        if (waited[0].revents == 0) continue;
        const std::size_t before = buffer_.size();
        buffer_.resize(before + read_size);
        const ssize_t count = ::read(descriptor_, buffer_.data() + before, read_size);
        const int number = errno;
        buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count > 0) return Fill::more;
        if (count == 0) return Fill::end;
        errno = number;
        if (number != EINTR && number != EAGAIN) break;
    }
    error_ = errno;
    return Fill::failed;
}

}  // namespace shmq::tools
