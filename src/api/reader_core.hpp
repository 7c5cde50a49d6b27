// What stands behind a Reader, Copies and range.
#pragma once

#include <vector>

#include "api/core.hpp"
#include "log/copy.hpp"

namespace shmq::detail {

/// Bytes of one entry, kept aligned and grown when needed.
class CopyBuffer final : public CopyTarget {
public:
    std::byte* room(std::size_t size) override;
    /// The block, given away; the buffer is empty afterwards.
    std::unique_ptr<std::byte[]> take() noexcept;

private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t capacity_ = 0;
};

class ReaderCore {
public:
    ReaderCore(std::shared_ptr<StreamCore> stream, Sequence position, Sequence end) noexcept
        : stream_(std::move(stream)), position_(position), end_(end) {}

    Result<Entry> next(Duration wait, const std::stop_token& stop);
    /// The next entry, copied into `buffer`; it stays the next one until it is accepted. Moves the position up to the
    /// trim point where that has passed it.
    Copied look(Entry& entry, CopyBuffer& buffer);
    void accept() noexcept { ++position_; }
    /// The error of a look that answered `corrupt`.
    [[nodiscard]] Error damage() const noexcept;
    [[nodiscard]] std::uint64_t lapped() const noexcept { return lapped_; }
    [[nodiscard]] Sequence position() const noexcept { return position_; }
    [[nodiscard]] Sequence end() const noexcept { return end_; }
    /// It has read its range and never gives anything more.
    [[nodiscard]] bool at_end() const noexcept { return position_ >= end_; }

    /// The first sequence of a reader.
    static Result<Sequence> start(const StreamCore& stream, Position from);
    /// The sequence behind the last of a range; at most the present end.
    static Result<Sequence> finish(const StreamCore& stream, Position to);
    /// Copies of what is kept between first and last, both included, ascending or descending.
    static Result<Copies> range(const StreamCore& stream, Sequence first, Sequence last, std::size_t max_entries,
                                bool descending);
    static Result<Copies> range(const StreamCore& stream, Position from, Position to, std::size_t max_entries,
                                bool descending);

    [[nodiscard]] StreamCore& stream() noexcept { return *stream_; }
    // poll_fd, in polled.cpp.
    Result<int> poll_fd();
    [[nodiscard]] bool polled() const noexcept { return poll_ != nullptr; }
    /// After a `next` that found nothing: looks once more and leaves the descriptor to the poll thread.
    Result<Entry> arm_after_empty();

private:
    std::shared_ptr<StreamCore> stream_;
    Sequence position_;
    Sequence end_;
    std::uint64_t lapped_ = 0;
    CopyBuffer buffer_;
    std::unique_ptr<PollSource> poll_;
};

}  // namespace shmq::detail
