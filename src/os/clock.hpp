// The clocks. All but monotonic_offset_ns are read in user space (vDSO): no system call, so they may be on the hot
// path.
//
// realtime: nanoseconds since 1970, what entries are stamped with; it may jump. monotonic: since some start, never
// back, what waits are measured with inside one process. monotonic_coarse_ms: what idle times are measured with between
// processes.
#pragma once

#include <time.h>

#include <cstdint>
#include <string_view>

#include "base/atomic.hpp"

namespace shmq::os {

[[nodiscard]] inline std::uint64_t clock_ns(clockid_t clock) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now);  // can't fail for the clocks used here
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

/// Nanoseconds since 1970, exact to one tick of the kernel (1 to 10 ms).
[[nodiscard]] inline std::uint64_t realtime_coarse_ns() noexcept { return clock_ns(CLOCK_REALTIME_COARSE); }
/// Nanoseconds since 1970.
[[nodiscard]] inline std::uint64_t realtime_ns() noexcept { return clock_ns(CLOCK_REALTIME); }
/// Nanoseconds that never go back, of this process's time namespace.
[[nodiscard]] inline std::uint64_t monotonic_ns() noexcept { return clock_ns(CLOCK_MONOTONIC); }

/// By how many nanoseconds the monotonic clock of this process's time namespace runs ahead of the machine's. Reads
/// /proc. 0 if that can't be told, also for a process that itself called unshare(CLONE_NEWTIME), which moves only its
/// children.
[[nodiscard]] std::int64_t monotonic_offset_ns() noexcept;

/// The line `monotonic SECONDS NANOSECONDS` of /proc/self/timens_offsets, in nanoseconds; 0 if there is none.
[[nodiscard]] std::int64_t parse_monotonic_offset(std::string_view text) noexcept;

// The offset that this process remembers; forgotten in a forked child, which may live in another time namespace than
// its parent. Relaxed: nothing else depends on it, and whoever finds it unknown reads the same.
inline constexpr std::uint64_t unknown_offset = std::uint64_t{1} << 63;
inline constinit Atomic<std::uint64_t> remembered_offset{unknown_offset};
/// Reads it and remembers it.
std::uint64_t remember_offset() noexcept;
/// For the child's handler of fork.cpp.
inline void forget_offset() noexcept { remembered_offset.store(unknown_offset, memory_order_relaxed); }

/// Milliseconds of the machine's monotonic clock, exact to one tick of the kernel (1 to 10 ms), the same in all
/// processes of one boot whatever their time namespaces. The namespace's offset is read at the first call.
[[nodiscard]] inline std::uint64_t monotonic_coarse_ms() noexcept {
    std::uint64_t offset_ns = remembered_offset.load(memory_order_relaxed);
    if (offset_ns == unknown_offset) offset_ns = remember_offset();
    return (clock_ns(CLOCK_MONOTONIC_COARSE) - offset_ns) / 1'000'000u;
}

}  // namespace shmq::os
