// What the tests of shmq-inspect share: a folder of streams of their own, the two tools run as processes, and a
// consumer that holds entries until it is ended or killed.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace shmq::inspect_test {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

inline std::string read_whole(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream whole;
    whole << file.rdbuf();
    return whole.str();
}

inline std::ptrdiff_t count_lines(const std::string& path) {
    const std::string text = read_whole(path);
    return std::count(text.begin(), text.end(), '\n');
}

inline void write_whole(const std::string& path, std::string_view bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Waits until it is so; the watchdog of the tests ends a wait in vain.
template <class Fact>
void wait_until(Fact is_so) {
    while (!is_so()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

/// How a tool ended.
struct Outcome {
    int code = -1;  ///< exit status, or 1000 + the signal that ended it
    std::string out;
    std::string error;

    [[nodiscard]] bool says(std::string_view words) const { return out.find(words) != std::string::npos; }
    /// The output as one JSON object; fails the test if it is none.
    [[nodiscard]] Json json() const {
        Json object = Json::parse(out, nullptr, false);
        EXPECT_TRUE(object.is_object()) << out << error;
        EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << "an object is one line";
        return object.is_object() ? object : Json::object();
    }
};

inline int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status); }

/// A folder of streams in /dev/shm, removed at the end of the test.
class Folder {
public:
    Folder() : path_("/dev/shm/shmq-inspect-test.XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
        std::filesystem::create_directory(path_ + "/out");
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] std::string segment(const std::string& name) const { return file(name + ".shmq"); }
    [[nodiscard]] std::string copy_of(const std::string& name) const {
        const std::string copy = file("out/copy-of-" + name);
        std::filesystem::copy_file(segment(name), copy, std::filesystem::copy_options::overwrite_existing);
        return copy;
    }

    /// Starts a program with the folder as SHMQ_DIR. `prepare` runs in the child and may replace descriptors.
    [[nodiscard]] pid_t start(Words words, const std::function<void()>& prepare) const {
        const pid_t pid = ::fork();
        if (pid != 0) return pid;
        ::setenv("SHMQ_DIR", path_.c_str(), 1);
        std::vector<char*> pointers;
        for (std::string& word : words) pointers.push_back(word.data());
        pointers.push_back(nullptr);
        prepare();
        ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    [[nodiscard]] Outcome run(
        Words words, const std::function<void()>& prepare = [] {}) const {
        const std::string name = file("out/run" + std::to_string(++count_));
        const pid_t pid = start(std::move(words), [&] {
            redirect(name + ".out", STDOUT_FILENO);
            redirect(name + ".error", STDERR_FILENO);
            prepare();
        });
        int status = 0;
        EXPECT_EQ(::waitpid(pid, &status, 0), pid);
        return {code_of(status), read_whole(name + ".out"), read_whole(name + ".error")};
    }
    [[nodiscard]] Outcome inspect(Words words) const {
        words.insert(words.begin(), SHMQ_INSPECT);
        return run(std::move(words));
    }
    [[nodiscard]] Json inspect_json(Words words) const {
        words.emplace_back("--json");
        const Outcome outcome = inspect(std::move(words));
        EXPECT_EQ(outcome.code, 0) << outcome.error;
        return outcome.json();
    }
    /// Runs `shmq`, which has to succeed.
    std::string shmq(Words words) const {
        words.insert(words.begin(), SHMQ_TOOL);
        const Outcome outcome = run(words);
        EXPECT_EQ(outcome.code, 0) << ::testing::PrintToString(words) << outcome.error;
        return outcome.out;
    }
    /// Runs a line of the shell in which `shmq` and `shmq-inspect` are found.
    [[nodiscard]] Outcome shell(const std::string& line) const {
        const std::string tools = std::filesystem::path(SHMQ_TOOL).parent_path().string();
        return run({"/bin/sh", "-c", "PATH='" + tools + "':$PATH; " + line});
    }
    /// Adds the entries "1", "2", ... "count".
    void add_numbers(const std::string& stream, int count) const {
        std::string lines;
        for (int number = 1; number <= count; ++number) lines += std::to_string(number) + "\n";
        write_whole(file("out/lines"), lines);
        shmq({"add", stream, "--lines", file("out/lines"), "--quiet"});
    }

    static void redirect(const std::string& path, int descriptor) {
        const int opened = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(126);
    }

private:
    std::string path_;
    mutable int count_ = 0;
};

/// Removes a stream whose file keeps another name, so that what is in it can still be looked at.
inline void remove_but_keep(const Folder& folder, const std::string& stream, const std::string& kept) {
    std::filesystem::create_hard_link(folder.segment(stream), folder.segment(kept));
    folder.shmq({"rm", stream});
}

/// A `shmq read --no-ack --follow` that holds the first entries of a group. The watchdog of the tests ends a wait in
/// vain.
class Holder {
public:
    Holder(const Folder& folder, const std::string& stream, const std::string& group, const std::string& consumer,
           int entries) {
        const std::string out = folder.file("out/holder-" + consumer);
        pid_ = folder.start(
            {SHMQ_TOOL, "read", stream, "--group", group, "--consumer", consumer, "--no-ack", "--follow"}, [&] {
                Folder::redirect(out, STDOUT_FILENO);
                Folder::redirect("/dev/null", STDERR_FILENO);
            });
        wait_until([&] {  // all were written, or it ended
            if (count_lines(out) >= entries) return true;
            siginfo_t ended{};
            const int looked = ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
            const bool has_ended = looked == 0 && ended.si_pid == pid_;
            if (has_ended) ADD_FAILURE() << "the holder ended";
            return has_ended;
        });
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() { end(SIGKILL); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Ends it and waits until it is gone. SIGTERM: in good order.
    void end(int signal) {
        if (pid_ <= 0) return;
        ::kill(pid_, signal);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
};

/// The finding with that word of a `show --json`, null if there is none.
inline Json finding_of(const Json& shown, std::string_view word) {
    for (const Json& finding : shown.at("findings"))
        if (finding.at("word") == word) return finding;
    return nullptr;
}

}  // namespace shmq::inspect_test
