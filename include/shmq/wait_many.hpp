// One wait over many consumers and readers, of one stream or of several.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "shmq/consumer.hpp"
#include "shmq/reader.hpp"
#include "shmq/status.hpp"

namespace shmq {

namespace detail {
class WaiterCore;
}

/// What one wait of a Waiter may take from all its sources together, and how long it may wait for it.
struct WaitOptions {
    std::size_t max_entries = 64;             ///< 1 to 4,096
    std::size_t max_bytes = ~std::size_t{0};  ///< payload bytes; the last entry may go beyond: see Waiter::wait
    Duration wait{0};                         ///< how long to wait for the first entry
    Duration claim_idle = forever;            ///< as in ReadOptions, for every consumer
    std::stop_token stop{};                   ///< ends the wait
};

/// What one source gave in one wait: entries, or the reason why it gives none any more.
class Delivery {
public:
    /// The source it is of, as `Waiter::add` numbered it.
    [[nodiscard]] std::uint32_t source() const noexcept { return source_; }
    /// `ok`, or what a read of the source answers: `empty` (a reader of a range, at its end), `removed`, `no_group`,
    /// `corrupt`, `forked`, `closed`, ...; then there are no entries.
    [[nodiscard]] Error error() const noexcept { return error_; }
    [[nodiscard]] std::span<const Entry> entries() const noexcept {
        return batch_.empty() ? copies_ : batch_.entries();
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries().size(); }
    [[nodiscard]] auto begin() const noexcept { return entries().begin(); }
    [[nodiscard]] auto end() const noexcept { return entries().end(); }
    [[nodiscard]] const Entry& operator[](std::size_t index) const noexcept { return entries()[index]; }
    /// The batch of a consumer, to ack, nack, or move away and keep. Empty for a reader.
    [[nodiscard]] Batch& batch() noexcept { return batch_; }

private:
    friend class detail::WaiterCore;
    std::uint32_t source_ = 0;
    Error error_;
    Batch batch_;
    std::span<const Entry> copies_;  // of a reader
};

/// Waits on many: the first source that has something ends the wait, and all that have something are read, the highest
/// priority first, until the common limits are reached.
///
///     shmq::Waiter waiter;
///     const auto urgent = waiter.add(alarms, 1);
///     waiter.add(jobs);
///     while (auto deliveries = waiter.wait({.wait = shmq::forever, .stop = stop}))
///         for (shmq::Delivery& delivery : *deliveries) { ...; delivery.batch().ack(); }
///
/// Lifetime: it borrows its consumers and readers. They may be moved, but must be alive, or taken out by `remove`, at
/// each wait; between waits they may be used by themselves. Threads: the waiter and its sources belong to one at a
/// time. fork: in the child every source answers `forked`.
class Waiter {
public:
    Waiter();
    Waiter(Waiter&&) noexcept;
    Waiter& operator=(Waiter&&) noexcept;
    ~Waiter();

    /// Adds a source; the number it has from now on: 0, 1, 2, ..., never used again. A higher priority is read first.
    /// A source without data, closed or in trouble is taken as well, and tells at the next wait.
    std::uint32_t add(Consumer& consumer, int priority = 0);
    std::uint32_t add(Reader& reader, int priority = 0);
    /// Takes a source out; false if there is none of this number. What the last wait gave stays as it is.
    bool remove(std::uint32_t source) noexcept;
    [[nodiscard]] std::size_t size() const noexcept;  ///< sources in it

    /// Deliveries in the order in which the sources were read, at least one, none without entries or an error. They are
    /// valid until the next wait, which closes their batches: what is neither acked, nacked nor moved away by then goes
    /// back to its group.
    ///
    /// Order: the highest priority first; among equals, those that gave something last come last. Starvation: a source
    /// is read only while the limits leave room, so one of higher priority that always has `max_entries` waiting keeps
    /// all below it from being read, for ever. Among equals nobody starves. Give equal priorities, or limits above what
    /// comes between two waits, where that matters.
    ///
    /// Limits: `max_entries` is exact. `max_bytes` ends the reading as soon as it is reached; each source that is still
    /// read gives one entry even if that alone is larger than what is left, so a wait exceeds it by less than one
    /// entry.
    ///
    /// Errors of a source are a delivery, come again at every wait until the source is removed, and keep no other
    /// source from being read. Errors of the wait: `empty` after `wait`, `stopped`, `bad_option` (limits; no source).
    ///
    /// It sleeps in the kernel on all sources at once, with at most one wake-up for each change; on kernels before 5.16
    /// and with more than 127 sources it sleeps on them in turn and may see a change a millisecond late. Slices, the
    /// look for the dead, and readers of read-only handles are as in Consumer::read and Reader::next. No allocation but
    /// in the first waits, and for entries of readers that are larger than those before.
    Result<std::span<Delivery>> wait(const WaitOptions& options = {});

private:
    std::unique_ptr<detail::WaiterCore> core_;
};

}  // namespace shmq
