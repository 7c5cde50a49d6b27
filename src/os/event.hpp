// A flag that poll, epoll and every event loop can wait for: an eventfd(2), readable while the flag is raised.
//
// Called by src/api (poll_thread). Any thread; no allocation but in `make`.
#pragma once

#include "os/file.hpp"

namespace shmq::os {

class Event {
public:
    /// A raised flag. system with errno (EMFILE, ENFILE, ENOMEM) if the kernel gives no descriptor.
    static Result<Event> make() noexcept;

    /// Non-blocking, closed by exec, never 0, 1 or 2. Owned by the Event.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
    /// Makes the descriptor readable. errno stays as it was.
    void raise() const noexcept;
    /// Makes it unreadable, however often it was raised.
    void lower() const noexcept;

private:
    explicit Event(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
    Descriptor descriptor_;
};

}  // namespace shmq::os
