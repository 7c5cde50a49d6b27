// Finding an entry by its time stamp, by copied headers alone; nothing is pinned.
//
// An entry is stamped before it is published, so stamps follow the order of sequences only nearly: a producer may be
// overtaken between the two, a loan is stamped when it is lent, and the realtime clock may be set. A search halves the
// ring as if they were in order and then looks at `time_window` entries on the side where one out of order would lie.
// It is exact for a ring of at most so many slots, and where no two entries stand in the wrong order further apart.
// Beyond that it finds one of the places where the stamps cross the time.
#pragma once

#include "log/copy.hpp"

namespace shmq {

inline constexpr std::uint64_t time_window = 4096;  // entries

/// `done`, and in `found` the first entry that is kept and stamped `time_ns` or later, the end of the log if there is
/// none. `corrupt`, and in `found` the entry that is damaged.
Copied find_from_time(const Segment& segment, std::uint64_t time_ns, Sequence& found) noexcept;
/// The same for the sequence behind the last entry stamped `time_ns` or earlier; the first kept one if there is none.
Copied find_after_time(const Segment& segment, std::uint64_t time_ns, Sequence& found) noexcept;

}  // namespace shmq
