// A member of a group: is given entries, acks them, or gives them back.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "shmq/entry.hpp"
#include "shmq/status.hpp"

namespace shmq {

namespace detail {
class ConsumerCore;
class BatchCore;
/// The part of a batch that is looked at inline.
struct BatchHead {
    const Entry* first = nullptr;
    std::size_t count = 0;
};
}  // namespace detail

/// Entries that a group lost, both included (Retention::lossy).
struct LostRange {
    Sequence first = 0;
    Sequence last = 0;
    friend bool operator==(const LostRange&, const LostRange&) = default;
};

/// Entries that one read delivered to one consumer, in sequence order with retried and claimed ones first.
///
/// Lifetime: the bytes of an entry stay where they are until it is acked, nacked or released, also if another consumer
/// claims it meanwhile; of a group that is not Retention::required they are a copy of the batch's own. What is neither
/// acked nor nacked when the batch is closed or destroyed goes back to retry and does not count as a failed delivery. A
/// batch must be closed before its consumer is; Consumer::close does it otherwise, after which the batch is empty.
/// Threads: a batch and its consumer belong to one thread at a time.
class Batch {
public:
    Batch() noexcept = default;
    Batch(Batch&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
    Batch& operator=(Batch&& other) noexcept {
        if (this != &other) {
            close();
            head_ = std::exchange(other.head_, nullptr);
        }
        return *this;
    }
    ~Batch() { close(); }

    [[nodiscard]] std::span<const Entry> entries() const noexcept {
        return head_ == nullptr ? std::span<const Entry>{} : std::span<const Entry>(head_->first, head_->count);
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries().size(); }
    [[nodiscard]] bool empty() const noexcept { return entries().empty(); }
    [[nodiscard]] auto begin() const noexcept { return entries().begin(); }
    [[nodiscard]] auto end() const noexcept { return entries().end(); }
    [[nodiscard]] const Entry& operator[](std::size_t index) const noexcept { return entries()[index]; }
    /// Of a group that is not Retention::required: what it lost, ascending, and nobody was told before. Each loss is
    /// told to one of its consumers at least, with the next entries that are delivered; who dies meanwhile leaves the
    /// telling to another. Lost is what was overwritten before it was delivered, or while it was given back and waited.
    /// Valid until the batch is closed.
    [[nodiscard]] std::span<const LostRange> lost() const noexcept;

    /// Finishes every entry that is still this batch's. `fenced` if some were handed on meanwhile (its number is the
    /// first such sequence); the others are acked all the same.
    Result<void> ack() noexcept;
    /// Finishes one entry; also a copy whose entry is overwritten by now. Errors: `fenced`, `not_pending`.
    Result<void> ack(Sequence sequence) noexcept;
    /// Finishes a list. The first error is returned, the others of the list are acked all the same.
    Result<void> ack(std::span<const Sequence> sequences) noexcept;
    Result<void> ack(std::initializer_list<Sequence> sequences) noexcept {
        return ack(std::span<const Sequence>(sequences.begin(), sequences.size()));
    }
    /// Gives one entry back for retry, at once or as the group's RetryPlan says; counts as a failed delivery, and the
    /// entry is *dead* if that was the group's last. Errors: `fenced`, `not_pending`; `trimmed` of a copy whose entry
    /// is overwritten by now, so that nobody can be given it again; it is told as lost.
    Result<void> nack(Sequence sequence) noexcept;
    /// Gives every entry that is still this batch's back for retry; counts as a failed delivery of each.
    Result<void> nack() noexcept;
    /// The same, with a wait of `delay` whatever the group says; 0 is at once. `bad_option` from 2^31 ms on.
    Result<void> nack(Sequence sequence, Duration delay) noexcept;
    Result<void> nack(Duration delay) noexcept;
    /// Says that the entry is still worked on: its idle time, by which others claim it, begins anew. Errors: `fenced`,
    /// `not_pending`.
    Result<void> extend(Sequence sequence) noexcept;
    /// Whether the entry is this batch's still: neither finished nor given back by it, nor handed on to others. For who
    /// looks before it begins: in a group that keeps an order, a nack takes the later entries of the same key away too.
    [[nodiscard]] bool holds(Sequence sequence) const noexcept;
    /// Gives back what is neither acked nor nacked, without counting it. The batch is empty afterwards.
    void close() noexcept {
        if (head_ != nullptr) release();
    }

private:
    friend class Consumer;
    friend class detail::ConsumerCore;
    explicit Batch(detail::BatchHead* head) noexcept : head_(head) {}
    [[nodiscard]] detail::BatchCore* core() const noexcept;
    void release() noexcept;
    detail::BatchHead* head_ = nullptr;
};

/// A named or anonymous member of a group.
///
/// Lifetime: keeps its stream's segment mapped. Closing gives back what it holds. When the process dies, the scanner
/// gives it back, counted as a failed delivery; under the same name the entries nobody took meanwhile come first.
/// Threads: one at a time. fork: in the child every call answers `forked`.
class Consumer {
public:
    Consumer() noexcept;
    Consumer(Consumer&&) noexcept;
    Consumer& operator=(Consumer&&) noexcept;
    ~Consumer();

    /// Delivers entries: with `claim_idle` stale ones, then those waiting for retry, then new ones. No allocation and
    /// no system call while there is something to deliver (but for the first batch of more than 256 entries, and for a
    /// third batch open at a time; of a group that is not required, until its copies found their size). An empty batch
    /// is never returned. Errors: `too_many_in_flight` at once, if the consumer holds all its group allows; `empty`
    /// after the wait, `stopped`, `removed` (stream removed and all entries delivered), `no_group` (dropped),
    /// `corrupt`, `forked`, `closed`, `bad_option`.
    Result<Batch> read(const ReadOptions& options = {});

    /// Takes over entries delivered to others (or to this consumer) at least `idle` ago and not yet acked, and entries
    /// waiting for retry are left alone. Looks at every pending entry. `empty` if there are none; `too_many_in_flight`
    /// as of a read.
    Result<Batch> claim(const ClaimOptions& options);

    /// Finishes an entry this consumer was given, in whatever batch. Errors: `fenced`, `not_pending`.
    Result<void> ack(Sequence sequence) noexcept;
    /// Gives back an entry this consumer was given, in whatever batch.
    Result<void> nack(Sequence sequence) noexcept;
    Result<void> nack(Sequence sequence, Duration delay) noexcept;
    /// As Batch::extend, in whatever batch.
    Result<void> extend(Sequence sequence) noexcept;

    /// A descriptor for poll, epoll and event loops: readable when there probably is something to read. Read until
    /// `empty`; that answer alone makes it unreadable, and from then on anything that a read would find makes it
    /// readable again, never missed. It starts readable.
    ///
    /// Level-triggered, one read for each event is enough; edge-triggered (EPOLLET), read until `empty`. A read may
    /// still answer `empty`: another consumer was faster. Also readable are a removed stream and a dropped or moved
    /// group: the read says which. `stopped` and errors leave it as it is. It says nothing about entries that only
    /// `claim_idle` would take. As a sleeper in its group it counts from `empty` until it is readable, so one that is
    /// readable and not read leaves its entry to the others' next look (50 ms).
    ///
    /// The first call of a stream handle starts one thread, which serves all consumers and readers of that handle,
    /// takes no signals, and ends with the last of them that asked. Who never asks has no thread and pays nothing. With
    /// it, each `empty` costs a few system calls. The descriptor is non-blocking, closed by exec, belongs to the
    /// consumer and is closed with it: do not read or close it, and take it out of the event loop before. Errors:
    /// `closed`, `forked`, `system` (no descriptor, no thread).
    Result<int> poll_fd();

    [[nodiscard]] std::string_view name() const noexcept;  ///< empty if anonymous
    [[nodiscard]] std::string_view group() const noexcept;
    /// Closes the open batches, gives their entries back, leaves the group. Idempotent.
    void close() noexcept;

private:
    friend class Stream;
    friend class Waiter;
    explicit Consumer(std::unique_ptr<detail::ConsumerCore> core) noexcept;
    std::unique_ptr<detail::ConsumerCore> core_;
};

}  // namespace shmq
