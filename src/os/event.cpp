// eventfd(2): its counter is 0 while the flag is down.
#include "os/event.hpp"

#include <sys/eventfd.h>

#include "base/error_detail.hpp"
#include "os/refused.hpp"

namespace shmq::os {

Result<Event> Event::make() noexcept {
    Descriptor descriptor(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    if (descriptor.get() >= 0 && descriptor.get() <= STDERR_FILENO)
        descriptor = Descriptor(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!descriptor) return system_error("eventfd", errno);
    return Event(std::move(descriptor));
}

void Event::raise() const noexcept {
    const int before = errno;
    const std::uint64_t one = 1;
    // It fails only where the counter is full, and then the flag is up.
    static_cast<void>(::write(descriptor_.get(), &one, sizeof one) == sizeof one);
    errno = before;
}

void Event::lower() const noexcept {
    const int before = errno;
    std::uint64_t count = 0;
    // It fails only where the counter is 0, and then the flag is down.
    static_cast<void>(::read(descriptor_.get(), &count, sizeof count) == sizeof count);
    errno = before;
}

}  // namespace shmq::os
