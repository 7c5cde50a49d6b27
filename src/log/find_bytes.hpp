// Finding where the newest entries begin that together take so many bytes, by copied headers alone; nothing is pinned.
#pragma once

#include "log/copy.hpp"

namespace shmq {

/// `done`, and in `found` the first of the newest entries that together take at most `bytes` of chunks (header, key and
/// payload, each entry rounded up to the unit); the end of the log if the newest alone takes more. Costs a look at each
/// entry that is kept. `corrupt`, and in `found` the entry that is damaged.
Copied find_newest_bytes(const Segment& segment, std::uint64_t bytes, Sequence& found) noexcept;

}  // namespace shmq
