// A folder of a test's own on shared memory, and environment variables that are put back.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace shmq::test {

/// A new folder, removed with all in it. Streams in it are opened by path.
class Folder {
public:
    explicit Folder(const std::string& parent = "/dev/shm") : path_(parent + "/shmq-test.XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << path_;
        ::chmod(path_.c_str(), 0755);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    /// How many files there are.
    [[nodiscard]] std::size_t count() const {
        namespace fs = std::filesystem;
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
    }

private:
    std::string path_;
};

/// Sets an environment variable for as long as it lives.
class Environment {
public:
    Environment(const char* name, const std::string& value) : name_(name) {
        if (const char* before = ::getenv(name); before != nullptr) before_ = before, had_ = true;
        ::setenv(name, value.c_str(), 1);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() {
        if (had_)
            ::setenv(name_, before_.c_str(), 1);
        else
            ::unsetenv(name_);
    }

private:
    const char* name_;
    std::string before_;
    bool had_ = false;
};

}  // namespace shmq::test
