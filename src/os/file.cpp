// Opening, naming, listing and removing segment files; create.cpp makes them.
#include "os/file.hpp"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <memory>

#include "base/error_detail.hpp"
#include "os/refused.hpp"
#include "shmq/options.hpp"

namespace shmq::os {
namespace {

constexpr std::string_view suffix = ".shmq";

bool letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// 1 to `longest` letters, digits and characters of `others`, no dot or dash first.
bool plain_name(std::string_view name, std::size_t longest, std::string_view others) noexcept {
    if (name.empty() || name.size() > longest || name.front() == '.' || name.front() == '-') return false;
    return std::all_of(name.begin(), name.end(),
                       [&](char c) { return letter_or_digit(c) || others.find(c) != std::string_view::npos; });
}

bool valid_stream_name(std::string_view name) noexcept { return plain_name(name, max_stream_name, "._-"); }

bool is_path(std::string_view name) noexcept {
    return name.starts_with("/") || name.starts_with("./") || name.starts_with("../");
}

std::string default_folder() {
    const char* folder = ::secure_getenv("SHMQ_DIR");
    return folder != nullptr && folder[0] != '\0' ? folder : "/dev/shm";
}

/// not_allowed, and in the number why, unless it is a regular file.
Result<void> check_regular(const struct stat& status) noexcept {
    if (S_ISREG(status.st_mode)) return {};
    if (S_ISLNK(status.st_mode)) return Error(Code::not_allowed, ELOOP);
    return Error(Code::not_allowed, S_ISDIR(status.st_mode) ? EISDIR : ENXIO);
}

/// What a path that could not be opened means.
Error cannot_open(int number, const std::string& path) noexcept {
    switch (number) {
        case ENOENT:
        case ENOTDIR:
            return text_error(Code::no_stream, 0,
                              "there is no %s; `shmq create` makes a stream, `shmq list` names those there are",
                              path.c_str());
        case ENAMETOOLONG: return Error(Code::bad_name, path.size());
        case ELOOP:
        case EISDIR:
        case ENXIO: return Error(Code::not_allowed, static_cast<std::uint64_t>(number));
        default: return refused(number);
    }
}

Result<struct stat> status_of(const Descriptor& file) noexcept {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return refused(errno);
    return status;
}

int access_flags(bool writable) noexcept { return (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY; }

/// The stream's name if a folder's entry is a segment by its name, otherwise empty.
std::string_view stream_of(std::string_view file_name) noexcept {
    if (!file_name.ends_with(suffix)) return {};
    file_name.remove_suffix(suffix.size());
    return valid_stream_name(file_name) ? file_name : std::string_view{};
}

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

}  // namespace

void Descriptor::close() noexcept {
    if (number_ < 0) return;
    const int before = errno;
    ::close(std::exchange(number_, -1));  // never again after EINTR: Linux has closed it
    errno = before;
}

Result<std::string> segment_path(std::string_view name) {
    const auto bad = [&] {
        return text_error(Code::bad_name, name.size(),
                          "\"%.*s\" (%zu bytes) is no stream name: 1 to %zu of A-Z a-z 0-9 . _ - without a dot or dash "
                          "first, or a path that "
                          "begins with /, ./ or ../",
                          static_cast<int>(std::min<std::size_t>(name.size(), 60)), name.data(), name.size(),
                          max_stream_name);
    };
    if (is_path(name)) {
        const bool odd = name.find('\0') != std::string_view::npos || name.ends_with('/') || name.size() >= PATH_MAX;
        if (odd) return bad();
        return std::string(name);
    }
    if (!valid_stream_name(name)) return bad();
    std::string path = default_folder();
    if (path.back() != '/') path += '/';
    path.append(name).append(suffix);
    return path;
}

bool valid_name(std::string_view name, std::size_t longest) noexcept { return plain_name(name, longest, "._:-"); }

Result<Descriptor> open_segment(const std::string& path, bool writable) {
    // O_NONBLOCK: opening a fifo must not wait for its other end.
    Descriptor file = open_file(path.c_str(), access_flags(writable) | O_NOFOLLOW);
    if (!file) return cannot_open(errno, path);
    const Result<struct stat> status = status_of(file);
    if (!status) return status.error();
    if (const Result<void> regular = check_regular(*status); !regular) return regular.error();
    return file;
}

Result<Descriptor> reopen(const Descriptor& file, const std::string& path, bool writable) {
    // The link in /proc leads to the inode itself, whatever happened to its name since.
    Descriptor again = open_file(proc_path(file).c_str(), access_flags(writable));
    if (!again) {
        if (errno != ENOENT) return cannot_open(errno, path);
        Result<Descriptor> opened = open_segment(path, writable);
        if (!opened) return opened.error();
        again = *std::move(opened);
    }
    const Result<FileId> wanted = identity(file);
    if (!wanted) return wanted.error();
    const Result<FileId> found = identity(again);
    if (!found) return found.error();
    if (*wanted != *found) return Error(Code::no_stream);
    return again;
}

Result<FileId> identity(const Descriptor& file) {
    const Result<struct stat> status = status_of(file);
    if (!status) return status.error();
    return FileId{status->st_dev, status->st_ino};
}

Result<std::uint64_t> file_size(const Descriptor& file) {
    const Result<struct stat> status = status_of(file);
    if (!status) return status.error();
    return static_cast<std::uint64_t>(status->st_size);
}

bool is_linked(const Descriptor& file) noexcept {
    const Result<struct stat> status = status_of(file);
    return status && status->st_nlink > 0;
}

Result<void> remove_file(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return cannot_open(errno, path);
    if (const Result<void> regular = check_regular(status); !regular) return regular;
    if (::unlink(path.c_str()) != 0) return cannot_open(errno, path);
    return {};
}

Result<std::vector<std::string>> list_segments() {
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir(default_folder().c_str()));
    if (!folder) return refused(errno);
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(folder.get());
        if (entry == nullptr) break;
        const std::string_view name = stream_of(entry->d_name);
        if (name.empty()) continue;
        struct stat status {};
        if (::fstatat(::dirfd(folder.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;  // just removed
        if (S_ISREG(status.st_mode)) names.emplace_back(name);
    }
    if (errno != 0) return refused(errno);
    std::sort(names.begin(), names.end());
    return names;
}

std::uint64_t free_space(const std::string& path) {
    struct statvfs space {};
    if (::statvfs(folder_of(path).c_str(), &space) != 0) return 0;
    return std::uint64_t{space.f_bavail} * space.f_frsize;
}

}  // namespace shmq::os
