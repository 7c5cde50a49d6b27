// See shmq_tool.hpp.
#include "shmq_tool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace shmq::test {

namespace {

constexpr unsigned watchdog_s = 120;
std::array<pid_t, 64> started{};  // what the watchdog ends

void end_everything(int) {
    for (const pid_t pid : started)
        if (pid > 0) ::kill(pid, SIGKILL);
    constexpr std::string_view text = "the watchdog ended a test that hung\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(1);
}

void watch(pid_t pid) {
    for (pid_t& place : started)
        if (place == 0) {
            place = pid;
            return;
        }
}

void forget(pid_t pid) { std::replace(started.begin(), started.end(), pid, pid_t{0}); }

int check(int value, const char* what) {
    if (value >= 0) return value;
    std::perror(what);
    std::abort();
}

std::string read_from(int descriptor) {
    std::string bytes;
    std::array<char, 4096> part{};
    for (;;) {
        const ssize_t count = ::read(descriptor, part.data(), part.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return bytes;
        bytes.append(part.data(), static_cast<std::size_t>(count));
    }
}

void write_to(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

std::vector<char*> pointers_of(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

Running::Running(const Start& start, const std::string& folder) {
    complaints_ = check(::memfd_create("complaints", MFD_CLOEXEC), "memfd_create");
    if (!start.output) output_ = check(::memfd_create("output", MFD_CLOEXEC), "memfd_create");
    const int nothing = check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");

    std::vector<std::string> words{start.program.empty() ? SHMQ_TOOL : start.program};
    words.insert(words.end(), start.words.begin(), start.words.end());
    std::vector<std::string> environment = start.environment;
    environment.push_back("SHMQ_DIR=" + folder);
    for (char** variable = environ; *variable != nullptr; ++variable)
        if (!std::string_view(*variable).starts_with("SHMQ_DIR=")) environment.emplace_back(*variable);

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);  // which the test ignores
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, start.input.value_or(nothing), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, start.output.value_or(output_), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, complaints_, STDERR_FILENO);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int failed = ::posix_spawnp(&pid_, words.front().c_str(), &actions, &attributes, pointers_of(words).data(),
                                      pointers_of(environment).data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(nothing);
    errno = failed;
    check(failed == 0 ? 0 : -1, words.front().c_str());
    watch(pid_);
}

Running::Running(Running&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)),
      complaints_(std::exchange(other.complaints_, -1)) {}

Running::~Running() {
    if (pid_ > 0) {
        signal(SIGKILL);
        wait();
    }
    if (output_ >= 0) ::close(output_);
    if (complaints_ >= 0) ::close(complaints_);
}

void Running::signal(int number) const { ::kill(pid_, number); }

Ended Running::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    forget(pid_);
    pid_ = -1;
    Ended ended;
    ended.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (output_ >= 0) {
        ::lseek(output_, 0, SEEK_SET);
        ended.output = read_from(output_);
    }
    ::lseek(complaints_, 0, SEEK_SET);
    ended.complaints = read_from(complaints_);
    return ended;
}

Pipe::Pipe() { check(::pipe2(ends_, O_CLOEXEC), "pipe2"); }

Pipe::~Pipe() {
    close_reading();
    close_writing();
}

void Pipe::close_reading() {
    if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
}

void Pipe::close_writing() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
}

void Pipe::write(std::string_view bytes) const { write_to(ends_[1], bytes); }

bool Pipe::has_bytes() const {
    pollfd readable{ends_[0], POLLIN, 0};
    return ::poll(&readable, 1, 5) > 0;
}

std::string Pipe::read_line() {
    std::string line;
    char byte = 0;
    while ((line.empty() || line.back() != '\n') && ::read(ends_[0], &byte, 1) == 1) line.push_back(byte);
    return line;
}

std::string Pipe::read_all() { return read_from(ends_[0]); }

Input::Input(std::string_view bytes) : descriptor_(check(::memfd_create("input", MFD_CLOEXEC), "memfd_create")) {
    write_to(descriptor_, bytes);
    ::lseek(descriptor_, 0, SEEK_SET);
}

Input::~Input() { ::close(descriptor_); }

ShmqTool::ShmqTool() : folder_("/dev/shm/shmq-tool-test-XXXXXX") {
    ::signal(SIGALRM, end_everything);
    ::signal(SIGPIPE, SIG_IGN);
    ::alarm(watchdog_s);
    if (::mkdtemp(folder_.data()) == nullptr) check(-1, "mkdtemp");
}

ShmqTool::~ShmqTool() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    ::alarm(0);
}

Ended ShmqTool::run(const std::vector<std::string>& words) { return start({words, {}, {}}).wait(); }

Ended ShmqTool::run_with_input(const std::vector<std::string>& words, std::string_view input) {
    const Input file(input);
    return start({words, file.descriptor(), {}}).wait();
}

std::string ShmqTool::good(const std::vector<std::string>& words) {
    Ended ended = run(words);
    EXPECT_EQ(ended.status, 0) << words.front() << ": " << ended.complaints;
    return ended.output;
}

void ShmqTool::make_stream(bool with_group) {
    good(
        {"create", "s", "--slots", "4096", "--payload", "1MiB", "--chunks", "64", "--producers", "8", "--groups", "2"});
    if (with_group) good({"group", "create", "s", "g"});
}

void ShmqTool::add(const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) good({"add", "s", "--", entry});
}

std::vector<std::string> ShmqTool::files() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) names.push_back(file.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

void ShmqTool::wait_for_pending(const std::string& group, std::uint64_t count) {
    while (nlohmann::json::parse(good({"pending", "s", group, "--format", "json"}))["count"] != count)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

void ShmqTool::wait_for_consumers(const std::string& group, std::size_t count) {
    while (nlohmann::json::parse(good({"pending", "s", group, "--format", "json"}))["consumers"].size() != count)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace shmq::test
