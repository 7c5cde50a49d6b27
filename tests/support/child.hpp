// Real processes for tests: forked, with a pipe of numbers each way, killed or stopped at will.
//
// A child never returns into the test: it ends by _exit with what its function answers, 0 for "all as it should be". A
// requirement that fails in a child is printed and ends it with status 77.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace shmq::test {

/// In a child: ends it with status 77 if `fine` does not hold.
template <class Condition>
void require(const Condition& fine, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    if (static_cast<bool>(fine)) return;
    std::fprintf(stderr, "%s:%d: a requirement failed in a child\n", file, line);
    ::_exit(77);
}

/// One end of the two pipes between a test and its child.
class Link {
public:
    Link() = default;
    Link(int in, int out) : in_(in), out_(out) {}
    Link(Link&& other) noexcept : in_(std::exchange(other.in_, -1)), out_(std::exchange(other.out_, -1)) {}
    Link& operator=(Link&& other) noexcept {
        std::swap(in_, other.in_);
        std::swap(out_, other.out_);
        return *this;
    }
    ~Link() {
        if (in_ >= 0) ::close(in_);
        if (out_ >= 0) ::close(out_);
    }

    bool send(std::uint64_t number = 1) const { return ::write(out_, &number, sizeof number) == sizeof number; }
    /// The next number of the other side, or nullopt once that has ended.
    [[nodiscard]] std::optional<std::uint64_t> receive() const {
        std::uint64_t number = 0;
        if (::read(in_, &number, sizeof number) != sizeof number) return std::nullopt;
        return number;
    }

private:
    int in_ = -1;
    int out_ = -1;
};

class Child {
public:
    explicit Child(const std::function<int(Link&)>& work) {
        int down[2];
        int up[2];
        if (::pipe2(down, O_CLOEXEC) != 0 || ::pipe2(up, O_CLOEXEC) != 0) ::abort();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(down[1]);
            ::close(up[0]);
            Link link(down[0], up[1]);
            ::_exit(work(link));
        }
        ::close(down[0]);
        ::close(up[1]);
        link_ = Link(up[0], down[1]);
    }
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), link_(std::move(other.link_)) {}
    Child& operator=(Child&&) = delete;
    ~Child() {
        if (pid_ > 0) kill();
    }

    [[nodiscard]] pid_t pid() const { return pid_; }
    bool send(std::uint64_t number = 1) const { return link_.send(number); }
    [[nodiscard]] std::optional<std::uint64_t> receive() const { return link_.receive(); }
    /// All numbers until the child ends.
    [[nodiscard]] std::vector<std::uint64_t> receive_all() const {
        std::vector<std::uint64_t> all;
        while (const auto number = receive()) all.push_back(*number);
        return all;
    }
    /// SIGKILL, and waits until the kernel has torn it down.
    void kill() {
        ::kill(pid_, SIGKILL);
        wait();
    }
    /// Stops it and waits until it stands.
    void stop() const {
        ::kill(pid_, SIGSTOP);
        int status = 0;
        ::waitpid(pid_, &status, WUNTRACED);
    }
    void resume() const { ::kill(pid_, SIGCONT); }
    /// Waits until it stops itself; false if it ended instead, after which `wait` has its status.
    bool wait_until_stopped() {
        int status = 0;
        ::waitpid(pid_, &status, WUNTRACED);
        if (WIFSTOPPED(status)) return true;
        ended_ = status;
        return false;
    }
    /// Whether it has ended by itself; `wait` has its status then.
    [[nodiscard]] bool has_ended() const {
        siginfo_t info{};
        return ended_ ||
               (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0);
    }
    /// Waits for its end: the exit status, or minus the signal that ended it.
    int wait() {
        int status = 0;
        if (ended_)
            status = *ended_;
        else
            ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    pid_t pid_ = -1;
    std::optional<int> ended_;
    Link link_;
};

/// Runs `work` in a child: its exit status, or minus the signal that ended it.
inline int in_child(const std::function<int()>& work) {
    return Child([&](Link&) { return work(); }).wait();
}

}  // namespace shmq::test
