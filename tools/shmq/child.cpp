// See child.hpp.
#include "tools/shmq/child.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/common/entry_json.hpp"

namespace shmq::tools {

namespace {

// A memory file that holds the bytes, at its beginning; -1 and errno if there is none.
int input_file(std::string_view bytes) {
    const int file = ::memfd_create("shmq-entry", MFD_CLOEXEC);
    if (file < 0) return -1;
    while (!bytes.empty()) {
        const ssize_t count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            const int number = errno;
            ::close(file);
            errno = number;
            return -1;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    ::lseek(file, 0, SEEK_SET);
    return file;
}

bool is_ours(std::string_view variable) {
    for (const std::string_view name :
         {"SHMQ_STREAM=", "SHMQ_GROUP=", "SHMQ_SEQUENCE=", "SHMQ_KEY=", "SHMQ_DELIVERIES="})
        if (variable.starts_with(name)) return true;
    return false;
}

}  // namespace

ChildRunner::ChildRunner(std::string command, std::string stream, std::string group, const sigset_t& mask)
    : command_(std::move(command)), stream_(std::move(stream)), group_(std::move(group)), mask_(mask) {}

ChildEnd ChildRunner::run(const Entry& entry) const {
    const int input = entry.is_fields() ? input_file(entry_json(entry) + "\n") : input_file(entry.text());
    if (input < 0) return {errno};
    pid_t child = 0;
    const int failed = start(entry, input, child);
    ::close(input);
    if (failed != 0) return {failed};
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return {errno};
    if (WIFSIGNALED(status)) return {0, 0, WTERMSIG(status)};
    return {0, WEXITSTATUS(status), 0};
}

// An environment variable ends at its first NUL, so a key with one inside is cut there.
int ChildRunner::start(const Entry& entry, int input, pid_t& child) const {
    std::vector<std::string> own{
        "SHMQ_STREAM=" + stream_, "SHMQ_GROUP=" + group_, fmt::format("SHMQ_SEQUENCE={}", entry.sequence()),
        "SHMQ_KEY=" + std::string(text_of(entry.key())), fmt::format("SHMQ_DELIVERIES={}", entry.deliveries())};
    std::vector<char*> environment;
    for (char** variable = environ; *variable != nullptr; ++variable)
        if (!is_ours(*variable)) environment.push_back(*variable);
    for (std::string& variable : own) environment.push_back(variable.data());
    environment.push_back(nullptr);

    std::string shell = "sh";
    std::string flag = "-c";
    std::string command = command_;
    std::string options_end = "--";
    char* words[] = {shell.data(), flag.data(), options_end.data(), command.data(), nullptr};

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigmask(&attributes, &mask_);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int failed = ::posix_spawn(&child, "/bin/sh", &actions, &attributes, words, environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return failed;
}

}  // namespace shmq::tools
