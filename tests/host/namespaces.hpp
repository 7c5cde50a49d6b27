// Processes in namespaces of their own: sibling PID and user namespaces, clocks that differ, file systems that nobody
// else sees.
//
// unshare(2) moves only children into PID and time namespaces, so a keeper outside makes each and waits for it. Without
// privileges each comes with a user namespace. Where the kernel or a container refuses them, the tests are skipped, and
// say so.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include <string>

#include "support/child.hpp"

namespace shmq::test {

inline constexpr int new_time = 0x00000080;  // CLONE_NEWTIME, which older headers do not have

inline bool write_text(const char* path, const std::string& text) {
    const int file = ::open(path, O_WRONLY | O_CLOEXEC);
    const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) ::close(file);
    return written;
}

/// Moves this process, or its children to come, into new namespaces of the kinds `flags`.
inline bool enter_new(int flags) {
    return ::unshare(flags) == 0 || (::geteuid() != 0 && ::unshare(flags | CLONE_NEWUSER) == 0);
}

/// Whether this machine makes such namespaces. Asked in a child, since there is no way back.
inline bool can_enter_new(int flags) {
    return in_child([&] { return enter_new(flags) ? 0 : 1; }) == 0;
}

/// A process that is the first in namespaces of its own; killed with the object.
class Resident {
public:
    /// `prepare` runs between the making of the namespaces and the first process in them, and answers whether it
    /// worked.
    Resident(
        int flags, const std::function<int(Link&)>& work, const std::function<bool()>& prepare = [] { return true; })
        : keeper_([&](Link& link) {
              require(enter_new(flags));
              require(prepare());
              int told[2];
              require(::pipe2(told, O_CLOEXEC) == 0);
              const pid_t first = ::fork();
              if (first == 0) {
                  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                  char byte = 0;
                  require(::read(told[0], &byte, 1) == 1);  // its number is the first that the test receives
                  ::_exit(work(link));
              }
              require(first > 0 && link.send(static_cast<std::uint64_t>(first)) && ::write(told[1], "", 1) == 1);
              int status = 0;
              ::waitpid(first, &status, 0);
              return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
          }) {
        pid_ = static_cast<pid_t>(keeper_.receive().value_or(0));
        EXPECT_GT(pid_, 1) << "no process in a namespace of its own";
    }
    Resident(Resident&& other) noexcept
        : keeper_(std::move(other.keeper_)), pid_(std::exchange(other.pid_, 0)), ended_(other.ended_) {}
    ~Resident() {
        if (pid_ > 1 && !ended_) kill();
    }

    /// As this process's namespace counts it.
    [[nodiscard]] pid_t pid() const { return pid_; }
    bool send(std::uint64_t number = 1) const { return keeper_.send(number); }
    [[nodiscard]] std::optional<std::uint64_t> receive() const { return keeper_.receive(); }
    /// SIGKILL, and waits until the kernel has torn it down.
    void kill() {
        if (pid_ > 1) ::kill(pid_, SIGKILL);
        wait();
    }
    /// Its exit status, or 128 and the signal that ended it.
    int wait() {
        ended_ = true;
        return keeper_.wait();
    }

private:
    Child keeper_;
    pid_t pid_ = 0;
    bool ended_ = false;
};

/// In a child: from now on a file system in memory with these options is mounted at `folder`, for this process and its
/// children alone.
inline bool mount_small(const std::string& folder, const std::string& options) {
    return enter_new(CLONE_NEWNS) && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("none", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

}  // namespace shmq::test
