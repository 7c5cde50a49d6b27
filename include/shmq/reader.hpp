// Reading a stream without a group: nothing is delivered, pinned or acked; entries are copied out and checked.
#pragma once

#include <memory>
#include <vector>

#include "shmq/entry.hpp"
#include "shmq/status.hpp"

namespace shmq {

namespace detail {
class ReaderCore;
}

/// Copied entries with their bytes. Owns everything it shows.
class Copies {
public:
    Copies() = default;
    Copies(Copies&&) noexcept = default;
    Copies& operator=(Copies&&) noexcept = default;

    [[nodiscard]] std::span<const Entry> entries() const noexcept { return entries_; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] auto begin() const noexcept { return entries().begin(); }
    [[nodiscard]] auto end() const noexcept { return entries().end(); }
    [[nodiscard]] const Entry& operator[](std::size_t index) const noexcept { return entries_[index]; }

private:
    friend class detail::ReaderCore;
    std::vector<Entry> entries_;
    std::vector<std::unique_ptr<std::byte[]>> blocks_;
};

/// Follows a stream from a position on, or reads a range of it. Works with read permission alone; then it looks in
/// slices of at most 10 ms instead of sleeping on a mark. Threads: one at a time. fork: in the child every call answers
/// `forked`.
class Reader {
public:
    Reader() noexcept;
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();

    /// The next entry, copied into the reader's own buffer: valid until the next call. If the stream overwrote entries
    /// before they were read, reading goes on at the oldest kept one and `lapped()` grows by exactly the number missed.
    /// A reader of a range answers `empty` at its end, without waiting.
    /// Errors: `empty` after the wait, `stopped`, `removed`, `corrupt`.
    Result<Entry> next(Duration wait = Duration{0}, std::stop_token stop = {});

    /// As Consumer::poll_fd: readable until `next` answers `empty`, for a reader at the end of its range for good. With
    /// a read-only handle the thread looks every 2 ms instead of being woken.
    Result<int> poll_fd();

    /// Entries missed since the reader was made.
    [[nodiscard]] std::uint64_t lapped() const noexcept;
    /// The sequence the next entry has at least.
    [[nodiscard]] Sequence position() const noexcept;
    /// The sequence behind the last of its range; the greatest there is for a reader without an end.
    [[nodiscard]] Sequence end() const noexcept;

private:
    friend class Stream;
    friend class Waiter;
    explicit Reader(std::unique_ptr<detail::ReaderCore> core) noexcept;
    std::unique_ptr<detail::ReaderCore> core_;
};

}  // namespace shmq
