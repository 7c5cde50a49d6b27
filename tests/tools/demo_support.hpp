// What the tests of `shmq demo` share: a demo that runs as a process of its own, with folders of its own for streams
// and outputs, and a look at its processes.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace shmq::tools::demo_test {

using namespace std::chrono_literals;

/// Folders of one test, removed at its end.
class DemoFolders {
public:
    DemoFolders() : streams_("/dev/shm/shmq-demo-test.XXXXXX"), outputs_("/tmp/shmq-demo-test.XXXXXX") {
        if (::mkdtemp(streams_.data()) == nullptr || ::mkdtemp(outputs_.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
        std::filesystem::create_directory(outputs_ + "/tmp");
    }
    DemoFolders(const DemoFolders&) = delete;
    DemoFolders& operator=(const DemoFolders&) = delete;
    ~DemoFolders() {
        std::filesystem::remove_all(streams_);
        std::filesystem::remove_all(outputs_);
    }

    [[nodiscard]] const std::string& streams() const { return streams_; }
    [[nodiscard]] std::string temporary() const { return outputs_ + "/tmp"; }
    [[nodiscard]] std::string file(const std::string& name) const { return outputs_ + "/" + name; }
    /// Streams and output folders that are there now.
    [[nodiscard]] std::size_t left_over() const {
        const auto count = [](const std::string& folder) {
            return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
        };
        return static_cast<std::size_t>(count(streams_) + count(temporary()));
    }
    /// A text file of some lines: empty ones, long ones, odd bytes, and a last one without newline.
    [[nodiscard]] std::string make_text() const {
        const std::string path = file("text");
        std::ofstream text(path, std::ios::binary);
        for (int line = 0; line < 500; ++line) {
            text << "word" << line % 7 << ' ' << line << ' ' << std::string(static_cast<std::size_t>(line % 90), 'x')
                 << '\n';
            if (line % 50 == 0) text << '\n';
            if (line % 100 == 0) text << std::string("\xff\0\x01 odd", 7) << std::string(5'000, 'y') << '\n';
        }
        text << "the last line has no newline";
        return path;
    }

private:
    std::string streams_;
    std::string outputs_;
};

/// Pids of the children of a process, with their names.
struct Child {
    pid_t pid;
    std::string name;
};
inline std::vector<Child> children_of(pid_t parent) {
    std::vector<Child> children;
    for (const auto& folder : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(folder.path() / "stat");
        std::ostringstream whole;
        whole << file.rdbuf();
        const std::string text = whole.str();
        const std::size_t begin = text.find('(');
        const std::size_t end = text.rfind(')');
        if (begin == std::string::npos || end == std::string::npos) continue;
        std::istringstream rest(text.substr(end + 1));
        char state = 0;
        pid_t its_parent = 0;
        rest >> state >> its_parent;
        if (its_parent == parent && state != 'Z')
            children.push_back({std::stoi(text), text.substr(begin + 1, end - begin - 1)});
    }
    return children;
}

/// A running `shmq demo`. A test waits for words of its output; the watchdog of the tests ends a wait in vain.
class RunningDemo {
public:
    RunningDemo(const DemoFolders& folders, std::vector<std::string> arguments)
        : output_path_(folders.file("output" + std::to_string(++count()))) {
        arguments.insert(arguments.begin(), {SHMQ_TOOL, "demo"});
        pid_ = ::fork();
        if (pid_ == 0) {
            ::setenv("SHMQ_DIR", folders.streams().c_str(), 1);
            ::setenv("TMPDIR", folders.temporary().c_str(), 1);
            if (std::freopen(output_path_.c_str(), "w", stdout) == nullptr) ::_exit(126);
            ::dup2(STDOUT_FILENO, STDERR_FILENO);
            std::vector<char*> pointers;
            for (std::string& argument : arguments) pointers.push_back(argument.data());
            pointers.push_back(nullptr);
            ::execv(SHMQ_TOOL, pointers.data());
            ::_exit(127);
        }
    }
    RunningDemo(const RunningDemo&) = delete;
    RunningDemo& operator=(const RunningDemo&) = delete;
    ~RunningDemo() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGTERM);
        wait();
    }

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string stream() const { return "shmq-demo-" + std::to_string(pid_); }
    [[nodiscard]] std::string output() const {
        std::ifstream file(output_path_, std::ios::binary);
        std::ostringstream whole;
        whole << file.rdbuf();
        return whole.str();
    }
    [[nodiscard]] bool says(const std::string& words) const { return output().find(words) != std::string::npos; }

    /// Until the output has these words, or the demo has ended without them.
    bool wait_for(const std::string& words) const {
        while (!says(words)) {
            siginfo_t ended{};
            if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                ended.si_pid == pid_)
                return says(words);
            std::this_thread::sleep_for(5ms);
        }
        return true;
    }
    /// The director's pid, once all workers run.
    [[nodiscard]] pid_t director() const {
        if (!wait_for("kill -9 any of them")) return 0;
        for (const Child& child : children_of(pid_)) {
            if (child.name == "shmq-director") return child.pid;
        }
        return 0;
    }
    /// A worker's pid; 0 if the director has no children any more. A child bears its name a moment after its start.
    [[nodiscard]] pid_t worker(const std::string& name) const {
        const pid_t parent = director();
        for (auto children = children_of(parent); !children.empty(); children = children_of(parent)) {
            for (const Child& child : children) {
                if (child.name == name) return child.pid;
            }
            std::this_thread::sleep_for(5ms);
        }
        return 0;
    }
    /// The exit status, or 1000 + the signal that ended it.
    int wait() {
        int status = 0;
        if (::waitpid(pid_, &status, 0) != pid_) return -1;
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

private:
    static int& count() {
        static int value = 0;
        return value;
    }
    std::string output_path_;
    pid_t pid_ = 0;
};

}  // namespace shmq::tools::demo_test
