// Mapping a segment into this process.
//
// A mapping holds no descriptor: the caller may close the one it was made through, and must not keep a lock on it,
// since a mapping keeps the open file description, and with it the lock, alive. A forked child does not get the pages
// at all; its copies of Mapping are abandoned by a ForkGuard, so that they never unmap what stands there by then.
//
// Called by src/log when a stream is opened. Boost.Interprocess does the mapping and is seen in map.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/file.hpp"
#include "shmq/status.hpp"

namespace shmq::os {

/// A whole segment, mapped shared. Move-only; the object is for one thread at a time, the bytes are for all.
class Mapping {
public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    /// Maps the first `size` bytes of `file`, at least 1; `writable` needs a descriptor open for writing.
    /// Errors: corrupt with the size of the file if that is less than `size`; not_allowed and system with errno.
    [[nodiscard]] static Result<Mapping> map(const Descriptor& file, std::uint64_t size, bool writable);

    /// The first byte, at the start of a page; null if nothing is mapped. Writing through it when not `writable` is a
    /// SIGSEGV.
    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    /// Bytes.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool writable() const noexcept { return writable_; }
    explicit operator bool() const noexcept { return data_ != nullptr; }

    /// Forgets the mapping without unmapping it, for forked children. Async-signal-safe.
    void abandon() noexcept;

private:
    struct Region;
    friend Result<void> flush(const Mapping& mapping);
    void reset() noexcept;

    Region* region_ = nullptr;
    std::byte* data_ = nullptr;
    std::uint64_t size_ = 0;
    bool writable_ = false;
    bool abandoned_ = false;
};

/// Writes all changed bytes of a segment on a disk to the disk and waits for it; of no use, and no harm, in /dev/shm.
/// Errors: closed if nothing is mapped; system with errno.
[[nodiscard]] Result<void> flush(const Mapping& mapping);

}  // namespace shmq::os
