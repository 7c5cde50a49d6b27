// The one loop in which anybody waits, over one stream or many: spins, then announces, looks again, and sleeps in
// slices (SLEEP). Called by core.hpp and wait_many.cpp alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stop_token>

#include "base/atomic.hpp"
#include "os/clock.hpp"
#include "shmq/options.hpp"

namespace shmq::detail {

/// How a wait ended.
enum class Waited : std::uint8_t { done, timeout, stopped, removed };

/// Looks on for `spin`, at least once. True as soon as `look` answers true.
template <class Look>
bool spin_until(Duration spin, Look& look) {
    const std::uint64_t start = os::monotonic_ns();
    do {
        if (look()) return true;
        if (spin <= Duration{0}) return false;
        for (int i = 0; i < 16; ++i) pause();  // leaves the line to whoever writes it
    } while (os::monotonic_ns() - start < static_cast<std::uint64_t>(spin.count()));
    return false;
}

/// Calls `look` until it answers true, `at_most` is over, the token stops it, or what `place` stands for was removed
/// and `look` still finds nothing. `look` must be cheap. A `place` knows how to sleep:
///
///     announce()           makes itself known to wakers; a change after the next look ends the next pause at once
///     pause(deadline_ns)   sleeps until woken, at most a slice (some where it is still: stillness.hpp), and scans for
///                          the dead when one is due
///     wake_for_stop()      ends a pause; called by whoever requests the stop
///     marked_removed()     whether it was removed, by a load
///     removed()            the same, by a call of the kernel
template <class Place, class Look>
Waited wait_in_slices(Place& place, Duration at_most, const std::stop_token& stop, Look& look) {
    if (look()) return Waited::done;
    if (stop.stop_requested()) return Waited::stopped;
    if (at_most <= Duration{0}) return place.marked_removed() ? Waited::removed : Waited::timeout;
    const std::uint64_t start = os::monotonic_ns();
    const auto span = static_cast<std::uint64_t>(at_most.count());
    const std::uint64_t deadline = at_most == forever || span > ~start ? ~std::uint64_t{0} : start + span;
    const std::stop_callback wake(stop, [&] { place.wake_for_stop(); });
    for (;;) {  // a wait: ends as the comment above says
        place.announce();
        if (look()) return Waited::done;
        if (stop.stop_requested()) return Waited::stopped;
        if (place.removed()) return look() ? Waited::done : Waited::removed;
        if (os::monotonic_ns() >= deadline) return Waited::timeout;
        place.pause(deadline);
    }
}

}  // namespace shmq::detail
