// Waiting until a peer sleeps, for tests that act on one that waits: the fact is looked for, no time is guessed. A peer
// that never sleeps is ended with its test by the watchdog.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "layout/segment.hpp"

namespace shmq::test {

/// Waits until the thread `task` of any process stands blocked in the kernel, or is gone. By what it is blocked the
/// caller has to know.
inline void wait_until_blocked(pid_t task) {
    for (;; ::usleep(500)) {
        std::ifstream in("/proc/" + std::to_string(task) + "/stat");
        const std::string stat{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        const std::size_t bracket = stat.rfind(')');  // the end of the command's name; the state stands behind it
        if (bracket == std::string::npos || stat.substr(bracket).starts_with(") S")) return;
    }
}

/// How often the thread `task` gave its processor up by itself, so each sleep it began; 0 once it is gone.
[[nodiscard]] inline std::uint64_t sleeps_of(pid_t task) {
    constexpr std::string_view name = "voluntary_ctxt_switches:";
    std::ifstream in("/proc/" + std::to_string(task) + "/status");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(name)) return std::stoull(line.substr(name.size()));
    return 0;
}

/// The word of a stream's file that says who may be asleep.
[[nodiscard]] inline std::uint64_t sleepers_of(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::byte header[sizeof(Header)];
    struct stat facts {};
    std::uint64_t sleepers = 0;
    bool read = ::fstat(file, &facts) == 0 && ::pread(file, header, sizeof header, 0) == sizeof header;
    if (read) {
        const auto geometry = check_header(header, static_cast<std::uint64_t>(facts.st_size));
        const std::uint64_t control = geometry ? geometry->area(AreaKind::control).offset : 0;
        read = geometry && ::pread(file, &sleepers, sizeof sleepers,
                                   static_cast<off_t>(control + offsetof(Control, sleepers))) == sizeof sleepers;
    }
    ::close(file);
    if (!read) ADD_FAILURE() << path << " is no stream";
    return read ? sleepers : ~std::uint64_t{0};
}

/// Waits until the thread `task` sleeps on the stream: it has set its mark, which may also be an old one, and is
/// blocked.
inline void wait_until_asleep(pid_t task, const std::string& path) {
    while ((sleepers_of(path) & low_mask(room_bit + 1)) == 0) ::usleep(500);
    wait_until_blocked(task);
}

}  // namespace shmq::test
