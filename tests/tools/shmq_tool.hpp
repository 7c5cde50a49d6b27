// Runs the real shmq against streams in a folder of its own under /dev/shm, which goes away with the test.
//
// A watchdog ends a test that hangs after two minutes, and every process it started; nothing else depends on time.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shmq::test {

/// How a run of a tool ended and what it wrote.
struct Ended {
    int status = -1;  ///< exit status, or 128 + the signal that ended it
    std::string output;
    std::string complaints;
};

/// What a program is started with.
struct Start {
    std::vector<std::string> words;          ///< behind the program's name
    std::optional<int> input;                ///< descriptor for standard input; nothing: /dev/null
    std::optional<int> output;               ///< descriptor for standard output; nothing: kept for `Ended`
    std::vector<std::string> environment{};  ///< "NAME=VALUE" besides the test's own
    std::string program{};                   ///< empty: shmq
};

/// A started program. Killed and collected when the object goes, if nobody did before.
class Running {
public:
    Running(const Start& start, const std::string& folder);
    Running(Running&& other) noexcept;
    Running& operator=(Running&&) = delete;
    ~Running();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void signal(int number) const;
    /// Waits for the end.
    Ended wait();

private:
    pid_t pid_ = -1;
    int output_ = -1;
    int complaints_ = -1;
};

/// A pipe whose ends are closed with it, unless closed before.
class Pipe {
public:
    Pipe();
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe();

    [[nodiscard]] int reading() const noexcept { return ends_[0]; }
    [[nodiscard]] int writing() const noexcept { return ends_[1]; }
    void close_reading();
    void close_writing();
    void write(std::string_view bytes) const;
    /// Whether there is something to read now, or comes within a few milliseconds.
    [[nodiscard]] bool has_bytes() const;
    /// The next line with its newline; what there is at the end.
    std::string read_line();
    std::string read_all();

private:
    int ends_[2] = {-1, -1};
};

/// An unnamed file with these bytes, to be read from its beginning. Closed with the object.
class Input {
public:
    explicit Input(std::string_view bytes);
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;
    ~Input();
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

/// The fixture: a private folder for segments, and runs of the tool in it.
class ShmqTool : public testing::Test {
protected:
    ShmqTool();
    ~ShmqTool() override;

    /// Runs shmq with these words to its end.
    Ended run(const std::vector<std::string>& words);
    Ended run_with_input(const std::vector<std::string>& words, std::string_view input);
    Running start(const Start& start) { return {start, folder_}; }

    /// Runs shmq and expects that it is done.
    std::string good(const std::vector<std::string>& words);
    /// Makes a small stream `s`, with a group `g` if asked.
    void make_stream(bool with_group = true);
    /// Adds each text as an entry to `s`.
    void add(const std::vector<std::string>& entries);
    /// Path of a file in the folder.
    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
    /// Names in the folder, sorted, hidden ones too.
    [[nodiscard]] std::vector<std::string> files() const;
    /// Waits until the group's summary says so many pending entries.
    void wait_for_pending(const std::string& group, std::uint64_t count);
    /// Waits until so many consumers of the group are open.
    void wait_for_consumers(const std::string& group, std::size_t count);

private:
    std::string folder_;
};

}  // namespace shmq::test
