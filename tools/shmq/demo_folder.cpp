// Files in the demo's folder.
#include "tools/shmq/demo_folder.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace shmq::tools {

namespace {

std::string output_path(const Plan& plan, std::string_view worker, int start) {
    return fmt::format("{}/{}.{}", plan.folder, worker, start);
}

}  // namespace

EntryHead head_of(std::string_view payload) noexcept {
    EntryHead head;
    if (payload.size() >= sizeof(head)) std::memcpy(&head, payload.data(), sizeof(head));
    return head;
}

std::string_view text_in(std::string_view payload) noexcept {
    return payload.size() >= sizeof(EntryHead) ? payload.substr(sizeof(EntryHead)) : payload;
}

int create_output(const Plan& plan, std::string_view worker) {
    for (int start = 0;; ++start) {
        const int file = ::open(output_path(plan, worker, start).c_str(),
                                O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file >= 0 || errno != EEXIST) return file;
    }
}

std::vector<std::string> outputs_of(const Plan& plan, std::string_view worker_prefix) {
    std::vector<std::pair<std::string, int>> found;
    std::error_code problem;
    for (const auto& file : std::filesystem::directory_iterator(plan.folder, problem)) {
        const std::string name = file.path().filename().string();
        const std::size_t dot = name.rfind('.');
        if (name.starts_with(worker_prefix) && dot != std::string::npos)
            found.emplace_back(name.substr(0, dot), std::stoi(name.substr(dot + 1)));
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> paths;
    for (const auto& [worker, start] : found) paths.push_back(output_path(plan, worker, start));
    return paths;
}

bool write_whole(int file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

MappedFile::MappedFile(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return;
    struct stat status {};
    if (::fstat(file, &status) == 0 && status.st_size > 0) {
        void* const address =
            ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
        if (address != MAP_FAILED) {
            bytes_ = static_cast<const std::byte*>(address);
            size_ = static_cast<std::size_t>(status.st_size);
            ::madvise(address, size_, MADV_SEQUENTIAL);
        }
    }
    ::close(file);
}

MappedFile::~MappedFile() {
    if (bytes_ != nullptr) ::munmap(const_cast<std::byte*>(bytes_), size_);
}

// A fact is one line: kind, worker, pid, time, the sequences that were held, and a dot, without which it is torn. A
// newline comes before it too, so that a torn one does not swallow the next.
bool append_fact(const Plan& plan, const Fact& fact) {
    std::string line = fmt::format("\n{} {} {} {}", fact.kind == Fact::Kind::planned_kill ? "kill" : "death",
                                   fact.worker, fact.pid, fact.time_ns);
    for (const Sequence sequence : fact.held) line += fmt::format(" {}", sequence);
    line += " .\n";
    const int file =
        ::open((plan.folder + "/facts").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return false;
    const bool written = write_whole(file, bytes_of(line));
    ::close(file);
    return written;
}

std::vector<Fact> read_facts(const Plan& plan) {
    std::vector<Fact> facts;
    std::ifstream file(plan.folder + "/facts");
    for (std::string line; std::getline(file, line);) {
        if (!line.ends_with(" .")) continue;
        std::istringstream words(line);
        std::string kind;
        Fact fact;
        words >> kind >> fact.worker >> fact.pid >> fact.time_ns;
        if (!words) continue;
        fact.kind = kind == "kill" ? Fact::Kind::planned_kill : Fact::Kind::death;
        for (Sequence sequence = 0; words >> sequence;) fact.held.push_back(sequence);
        facts.push_back(std::move(fact));
    }
    return facts;
}

}  // namespace shmq::tools
