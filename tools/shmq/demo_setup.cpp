// Leftovers, folder, stream.
#include "tools/shmq/demo_setup.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <vector>

#include "shmq/stream.hpp"
#include "tools/shmq/demo_print.hpp"

namespace shmq::tools {

namespace {

constexpr std::string_view name_prefix = "shmq-demo-";

/// Folders that may take the outputs, the preferred one first.
std::vector<std::string> places() {
    std::vector<std::string> result;
    const char* const chosen = ::getenv("TMPDIR");
    if (chosen != nullptr && *chosen == '/') result.emplace_back(chosen);
    result.emplace_back("/tmp");
    result.emplace_back("/var/tmp");
    return result;
}

/// The pid in "shmq-demo-PID" or "shmq-demo-PID-XXXXXX"; 0 if it is no such name.
pid_t keeper_of(std::string_view name) {
    if (!name.starts_with(name_prefix)) return 0;
    name.remove_prefix(name_prefix.size());
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    const std::string_view rest(parsed.ptr, static_cast<std::size_t>(name.data() + name.size() - parsed.ptr));
    return parsed.ec == std::errc{} && pid > 0 && (rest.empty() || rest.front() == '-') ? pid : 0;
}

bool process_lives(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

/// Whether a stream is a demo's and nobody alive is attached to it.
bool is_abandoned(const std::string& name) {
    const auto stream = Stream::open(name, {.read_only = true});
    if (!stream || !stream->group(index_group) || !stream->group(audit_group)) return false;
    const auto attachments = stream->attachments();
    return attachments && std::none_of(attachments->begin(), attachments->end(), [](const AttachmentInfo& one) {
               return one.owner == Owner::alive || one.owner == Owner::unknown;
           });
}

void remove_folders_of_the_dead(const std::string& place) {
    std::error_code problem;
    for (std::filesystem::directory_iterator file(place, problem), end; !problem && file != end;
         file.increment(problem)) {
        const std::string name = file->path().filename().string();
        const pid_t keeper = keeper_of(name);
        if (keeper == 0 || process_lives(keeper)) continue;
        const auto stream = Stream::open(fmt::format("{}{}", name_prefix, keeper), {.read_only = true});
        if (stream || !(stream.error() == Code::no_stream)) continue;
        struct stat status {};
        if (::lstat(file->path().c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid())
            continue;
        std::error_code ignored;
        std::filesystem::remove_all(file->path(), ignored);
    }
}

}  // namespace

void remove_leftovers() {
    const auto names = Stream::list();
    if (names) {
        for (const std::string& name : *names) {
            const pid_t keeper = keeper_of(name);
            if (keeper != 0 && !process_lives(keeper) && is_abandoned(name)) static_cast<void>(Stream::remove(name));
        }
    }
    for (const std::string& place : places()) remove_folders_of_the_dead(place);
}

bool make_folder(Plan& plan, std::uint64_t size) {
    std::string problems;
    for (const std::string& place : places()) {
        struct statvfs room {};
        if (::statvfs(place.c_str(), &room) != 0) {
            problems += fmt::format("\n  {}: {}", place, std::strerror(errno));
            continue;
        }
        const std::uint64_t free = room.f_bavail * room.f_frsize;
        if (free < size) {
            problems += fmt::format("\n  {}: {} free", place, size_text(free));
            continue;
        }
        std::string path = fmt::format("{}/{}-XXXXXX", place, plan.stream);
        if (::mkdtemp(path.data()) != nullptr) {
            plan.folder = path;
            return true;
        }
        problems += fmt::format("\n  {}: {}", place, std::strerror(errno));
    }
    complain("no folder has room for the outputs, {}; set TMPDIR to one that has:{}", size_text(size), problems);
    return false;
}

bool make_stream(const Plan& plan, const Records& records) {
    constexpr std::uint64_t overhead = 4'096;  // head and key of an entry, generously
    StreamOptions options;
    options.slots = 16'384;
    options.payload = std::bit_ceil(std::max<std::uint64_t>(16u << 20, 16 * (records.largest() + overhead)));
    options.groups = 2;
    options.consumers = 8;
    options.producers = 8;
    options.attachments = 64;
    options.time = TimeStamps::precise;
    auto stream = Stream::create(plan.stream, options);
    if (!stream) return complain("{}", stream.error().message()), false;
    for (const std::string_view group : {index_group, audit_group}) {
        const auto created = stream->create_group(group);
        if (!created) return complain("{}", created.error().message()), false;
    }
    const auto info = stream->info();
    if (info)
        say("  stream {}: {} slots, {} of payload, {} of shared memory; groups {} and {}\n", plan.stream,
            grouped(info->options.slots), size_text(info->options.payload), size_text(info->size), index_group,
            audit_group);
    return true;
}

void tidy_up(const Plan& plan) {
    static_cast<void>(Stream::remove(plan.stream));
    std::error_code ignored;
    if (!plan.folder.empty()) std::filesystem::remove_all(plan.folder, ignored);
}

}  // namespace shmq::tools
