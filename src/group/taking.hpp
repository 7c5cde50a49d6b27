// Putting entries into a batch that is being filled; for who hands them out.
#pragma once

#include <algorithm>

#include "group/deliver.hpp"
#include "log/copy.hpp"

namespace shmq {

/// Bytes of payload that count against max_bytes. Only looked at when there is a limit, since it waits for the entry's
/// first line. The entry may be another's by then, and its bytes overwritten; then the exchange of its record fails.
[[nodiscard]] inline std::size_t size_of(const Segment& segment, const Taking& taking, std::uint64_t place) noexcept {
    if (taking.max_bytes == ~std::size_t{0}) return 0;
    const auto entry = read_unpinned([&] { return entry_at(segment, place); });
    return entry ? entry->header.size : 0;
}

/// Whether an entry of `size` bytes may be taken still: the first may, whatever its size.
[[nodiscard]] inline bool fits(const Taking& taking, std::size_t size) noexcept {
    return taking.count == 0 || size <= taking.max_bytes - std::min(taking.max_bytes, taking.bytes);
}

inline void put(Taking& taking, const Taken& taken, std::size_t size) noexcept {
    taking.room[taking.count++] = taken;
    taking.bytes += size;
}

}  // namespace shmq
