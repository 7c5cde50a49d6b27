// How the room os turns an errno into an Error, in one place. For the sources of this room alone.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "os/file.hpp"
#include "shmq/status.hpp"

namespace shmq::os {

/// not_allowed for what permissions refuse, system for all else; both with the errno.
[[nodiscard]] inline Error refused(int number) noexcept {
    const bool permission = number == EACCES || number == EPERM || number == EROFS;
    return Error(permission ? Code::not_allowed : Code::system, static_cast<std::uint64_t>(number));
}

/// open(2), again after a signal, and never as 0, 1 or 2, where a program that closed its standard streams would print.
/// An empty Descriptor and errno if it fails.
[[nodiscard]] inline Descriptor open_file(const char* path, int flags, mode_t mode = 0) noexcept {
    int number;
    do number = ::open(path, flags | O_CLOEXEC, mode);
    while (number < 0 && errno == EINTR);
    Descriptor opened(number);
    if (number < 0 || number > STDERR_FILENO) return opened;
    return Descriptor(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

/// The folder a path lies in; `.` if it names none.
[[nodiscard]] inline std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// The name under which the kernel shows a descriptor; opening it makes a new description of the same file.
[[nodiscard]] inline std::string proc_path(const Descriptor& file) {
    return "/proc/self/fd/" + std::to_string(file.get());
}

}  // namespace shmq::os
