// Open file description locks on single bytes.
#include "os/lock.hpp"

#include "os/refused.hpp"

namespace shmq::os {
namespace {

struct flock byte_at(std::uint64_t offset, short type) noexcept {
    struct flock lock {};  // l_pid must be 0 for locks of a description
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(offset);
    lock.l_len = 1;
    return lock;
}

}  // namespace

Result<bool> try_lock_byte(const Descriptor& file, std::uint64_t offset) noexcept {
    struct flock lock = byte_at(offset, F_WRLCK);
    if (::fcntl(file.get(), F_OFD_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    return Error(Code::system, static_cast<std::uint64_t>(errno));
}

void unlock_byte(const Descriptor& file, std::uint64_t offset) noexcept {
    struct flock lock = byte_at(offset, F_UNLCK);
    const int before = errno;
    ::fcntl(file.get(), F_OFD_SETLK, &lock);
    errno = before;
}

Result<bool> byte_is_locked(const Descriptor& file, std::uint64_t offset) noexcept {
    // Asking for a read lock finds write locks alone, which nobody can take who may only read the file. The kernel
    // looks at the descriptor's mode when it locks, not when it is asked.
    struct flock lock = byte_at(offset, F_RDLCK);
    if (::fcntl(file.get(), F_OFD_GETLK, &lock) != 0) return Error(Code::system, static_cast<std::uint64_t>(errno));
    return lock.l_type != F_UNLCK;
}

}  // namespace shmq::os
