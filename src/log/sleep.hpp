// Sleeping and waking across processes, without a counter that a death could leave wrong (synchronisation SLEEP).
//
// One read-mostly word says who may be asleep: bit g for the consumers of group row g, one for readers without a group,
// one for producers that wait for room. A sleeper reads its futex word, sets its bit, looks once more at what it waits
// for, and sleeps for a bounded time, a slice or a few. A waker, after its change, takes the bits it serves away, moves
// the futex words on and wakes; if it woke as many as it wanted there may be more, so it puts the bit back. A waker
// that dies in between delays a sleeper by so long, never loses it.
//
// The change, the bit and the waker's look are sequentially consistent, and a fence stands between the bit and the
// sleeper's look: otherwise a sleeper could miss the change while the waker misses the bit.
#pragma once

#include "layout/segment.hpp"
#include "os/futex.hpp"

namespace shmq {

/// Bit of the sleepers word for the consumers of a group row; `reader_bit` and `room_bit` are the others.
[[nodiscard]] constexpr std::uint64_t sleeper_mask(unsigned bit) noexcept { return std::uint64_t{1} << bit; }

/// The futex word of a bit: a wake moves it on.
[[nodiscard]] Atomic<std::uint32_t>& wake_word(const Segment& segment, unsigned bit) noexcept;

/// Announces a sleeper: returns the value its futex word had before. The caller must look again at what it waits for
/// before `sleep`.
std::uint32_t announce_sleeper(const Segment& segment, unsigned bit) noexcept;

/// Sleeps until woken, interrupted or `at_most` is over. `seen` comes from announce_sleeper.
os::Woken sleep(const Segment& segment, unsigned bit, std::uint32_t seen, Duration at_most) noexcept;

/// Wakes up to `count` sleepers of each bit in `mask` that has any, but all of the readers: each of those wants every
/// entry. The slow half of the two functions below.
void wake_sleepers(const Segment& segment, std::uint64_t mask, unsigned count) noexcept;

/// After entries were added or given back: wakes who waits for them. One load while nobody sleeps.
inline void entries_came(const Segment& segment, std::uint64_t mask, unsigned count) noexcept {
    const std::uint64_t sleepers = segment.control().sleepers.load(memory_order_seq_cst) & mask;
    if (sleepers != 0) [[unlikely]]
        wake_sleepers(segment, sleepers, count);
}
/// After the trim point or a chunk moved: wakes producers that wait for room.
inline void room_came(const Segment& segment) noexcept { entries_came(segment, sleeper_mask(room_bit), ~0u >> 1); }

/// Whether the stream was removed while in use.
[[nodiscard]] inline bool is_removed(const Segment& segment) noexcept {
    // relaxed: a flag of its own, which orders nothing.
    return (segment.control().sleepers.load(memory_order_relaxed) & removed_mark) != 0;
}
/// Marks the stream as removed and wakes everybody.
void mark_removed(const Segment& segment) noexcept;

}  // namespace shmq
