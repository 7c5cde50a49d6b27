// Making a segment file so that nobody sees half of it and nothing stays behind.
//
// O_TMPFILE makes a file without a name, which the kernel forgets with its last descriptor. posix_fallocate takes all
// its room. linkat then gives it the name, or refuses since somebody else has it. Where O_TMPFILE is missing, a hidden
// name takes its place, and give_name takes that away after linking.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>
#include <limits>

#include "os/file.hpp"
#include "os/refused.hpp"

namespace shmq::os {
namespace {

bool no_room(int number) noexcept { return number == ENOSPC || number == EFBIG || number == EDQUOT; }

/// refused(), but no_space with the size asked for where the room is what is missing.
Error cannot_make(int number, std::uint64_t size) noexcept {
    return no_room(number) ? Error(Code::no_space, size) : refused(number);
}

std::string_view base_name(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// Whether there is hope at all. Allocating first would fill all memory, only to give it back; and beyond the limit of
/// the process the kernel sends SIGXFSZ, which ends it.
bool may_fit(const Descriptor& file, std::uint64_t size) noexcept {
    if (size > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return false;
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
        return false;
    struct statvfs space {};
    if (::fstatvfs(file.get(), &space) != 0 || space.f_blocks == 0) return true;  // no blocks: a tmpfs without a limit
    return size / space.f_frsize <= space.f_bfree;
}

/// Gives a new, empty file its mode and its room.
Result<void> furnish(const Descriptor& file, std::uint64_t size, std::uint32_t mode) noexcept {
    if (::fchmod(file.get(), mode & 0777) != 0) return refused(errno);
    if (!may_fit(file, size)) return Error(Code::no_space, size);
    int number;
    do number = ::posix_fallocate(file.get(), 0, static_cast<off_t>(size));
    while (number == EINTR);
    if (number != 0) return cannot_make(number, size);
    return {};
}

/// The hidden name of a file of make_hidden; empty if it has none, as those of make_unnamed.
std::string hidden_name(const Descriptor& file) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || status.st_nlink == 0) return {};
    std::array<char, 4096> target{};
    const ssize_t size = ::readlink(proc_path(file).c_str(), target.data(), target.size());
    if (size <= 0 || static_cast<std::size_t>(size) >= target.size()) return {};
    std::string name(target.data(), static_cast<std::size_t>(size));
    if (!base_name(name).starts_with('.')) return {};
    struct stat named {};
    const bool same =
        ::lstat(name.c_str(), &named) == 0 && named.st_dev == status.st_dev && named.st_ino == status.st_ino;
    return same ? name : std::string{};
}

/// 0 or errno.
int link_file(const Descriptor& file, const std::string& path) {
    if (::linkat(AT_FDCWD, proc_path(file).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return 0;
    if (errno != ENOENT) return errno;
    // Without /proc: by the descriptor itself, which older kernels allow to root alone.
    return ::linkat(file.get(), "", AT_FDCWD, path.c_str(), AT_EMPTY_PATH) == 0 ? 0 : errno;
}

}  // namespace

Result<Descriptor> make_unnamed(const std::string& path, std::uint64_t size, std::uint32_t mode) {
    Descriptor file = open_file(folder_of(path).c_str(), O_TMPFILE | O_RDWR, 0600);
    if (!file) {
        // EISDIR: a kernel or file system that does not know the flag and sees a folder opened for writing.
        if (errno == EOPNOTSUPP || errno == EISDIR) return make_hidden(path, size, mode);
        return cannot_make(errno, size);
    }
    if (const Result<void> furnished = furnish(file, size, mode); !furnished) return furnished.error();
    return file;
}

Result<Descriptor> make_hidden(const std::string& path, std::uint64_t size, std::uint32_t mode) {
    std::string name = folder_of(path);
    name.append("/.").append(base_name(path)).append(".XXXXXX");
    int number = ::mkostemp(name.data(), O_CLOEXEC);
    if (number < 0) return cannot_make(errno, size);
    Descriptor file(number);
    Result<void> furnished;
    if (number <= STDERR_FILENO) {
        file = Descriptor(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        if (!file) furnished = refused(errno);
    }
    if (furnished) furnished = furnish(file, size, mode);
    if (furnished) return file;
    ::unlink(name.c_str());
    return furnished.error();
}

Result<void> give_name(const Descriptor& file, const std::string& path) {
    const std::string hidden = hidden_name(file);
    const int number = link_file(file, path);
    if (!hidden.empty()) ::unlink(hidden.c_str());
    if (number == 0) return {};
    if (number == EEXIST) return Error(Code::exists);
    if (number == ENAMETOOLONG) return Error(Code::bad_name, path.size());
    if (no_room(number)) {
        struct stat status {};
        const bool known = ::fstat(file.get(), &status) == 0;
        return Error(Code::no_space, known ? static_cast<std::uint64_t>(status.st_size) : 0);
    }
    return refused(number);
}

void discard(const Descriptor& file) noexcept {
    const std::string hidden = hidden_name(file);
    if (!hidden.empty()) ::unlink(hidden.c_str());
}

}  // namespace shmq::os
