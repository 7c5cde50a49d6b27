// A process at work on a stream that may be damaged: what it calls is chosen by a fuzzer's input. Every answer has to
// be a value, or an error that can say what it is; of what it is shown every byte is looked at.
//
// Shared by the targets of libFuzzer. Anything that is not as promised ends the process.
#pragma once

#include <optional>
#include <string>

#include "fuzz/input.hpp"
#include "shmq/shmq.hpp"

namespace shmq::fuzz {

class User {
public:
    /// Opens `path` with its first call; `letters` is the stream for dead letters.
    User(std::string path, std::string letters, bool read_only = false)
        : path_(std::move(path)), letters_(std::move(letters)), read_only_(read_only) {}

    /// Opens it now. False if that is refused.
    bool open();
    /// One call, chosen by `input`. False if the stream can't be opened.
    bool call(Input& input);
    /// Each of the calls once.
    void call_all();

private:
    void call(std::uint64_t which, const char* group, std::uint64_t number);
    void look(std::uint64_t which, const char* group, std::uint64_t number);
    void work(std::uint64_t which, const char* group, std::uint64_t number);
    void operate(std::uint64_t which, const char* group, std::uint64_t number);
    void follow(Result<Reader> reader);
    void read(const char* group, std::uint64_t number);
    void take(Result<Batch> batch);
    void add_named(std::uint64_t number);
    void lend(std::uint64_t number);

    std::string path_;
    std::string letters_;
    bool read_only_;
    std::optional<Stream> stream_;
    std::optional<Consumer> consumer_;
    std::optional<Batch> batch_;
};

}  // namespace shmq::fuzz
