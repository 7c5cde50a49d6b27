// What the tests of the room os share: a folder of their own, and real child processes.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/file.hpp"

namespace shmq::os::test {

/// A new folder that is removed with all in it.
class Scratch {
public:
    explicit Scratch(const std::string& parent = "/dev/shm") : folder_(parent + "/shmq-os-test.XXXXXX") {
        if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << folder_;
        ::chmod(folder_.c_str(), 0755);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() { std::filesystem::remove_all(folder_); }

    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
    }

private:
    std::string folder_;
};

/// A named file of `size` bytes, open for reading and writing.
inline Descriptor make_file(const std::string& path, std::uint64_t size, std::uint32_t mode = 0600) {
    Result<Descriptor> file = make_unnamed(path, size, mode);
    EXPECT_TRUE(file);
    if (!file) return {};
    EXPECT_TRUE(give_name(*file, path));
    return *std::move(file);
}

/// Sets an environment variable for the time it lives; null takes it away.
class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) {
        if (const char* before = ::getenv(name); before != nullptr) before_ = before, had_ = true;
        set(value);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { set(had_ ? before_.c_str() : nullptr); }

private:
    void set(const char* value) const {
        if (value != nullptr)
            ::setenv(name_, value, 1);
        else
            ::unsetenv(name_);
    }
    const char* name_;
    std::string before_;
    bool had_ = false;
};

/// A forked process that runs a function and exits with what it answers. It is killed and reaped in the end.
class Child {
public:
    explicit Child(const std::function<int()>& work) {
        EXPECT_EQ(::pipe2(ready_, O_CLOEXEC), 0);
        current_ready() = ready_[1];
        pid_ = ::fork();
        if (pid_ == 0) ::_exit(work());
        ::close(ready_[1]);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(ready_[0]);
    }

    /// In the child: tells the parent that it is so far.
    static void report() {
        const char byte = 1;
        if (::write(current_ready(), &byte, 1) != 1) ::_exit(99);
    }
    /// In the parent: waits for the child's report; false if it ended without one.
    [[nodiscard]] bool wait_for_report() const {
        char byte = 0;
        return ::read(ready_[0], &byte, 1) == 1;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Sends SIGKILL and leaves the zombie unreaped until the end, when `reap` is false.
    void kill(bool reap = true) {
        ::kill(pid_, SIGKILL);
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | (reap ? 0 : WNOWAIT));
        if (reap) pid_ = -1;
    }
    /// Waits for its end: the exit status, or -1 if a signal ended it.
    int exit_status() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    static int& current_ready() {
        static int descriptor = -1;
        return descriptor;
    }
    pid_t pid_ = -1;
    int ready_[2] = {-1, -1};
};

/// The exit status of `work` in a child; -1 if a signal ended it.
inline int in_child(const std::function<int()>& work) { return Child(work).exit_status(); }

/// As in_child, as a user without privileges if this one has them.
inline int as_nobody(const std::function<int()>& work) {
    return in_child([&] {
        constexpr unsigned nobody = 65'534;
        if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) return 98;
        return work();
    });
}

/// How many descriptors this process has open.
inline std::size_t open_descriptors() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

}  // namespace shmq::os::test
