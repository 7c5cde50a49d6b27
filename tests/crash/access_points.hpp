// Ends or stops this process before a chosen access to shared memory.
//
// To die is tried before every write: between two of them nothing changes that others could see, so a death before a
// load is the same as one before the next write. There are two ways to see writes: the hook of base/atomic.hpp sees
// those of shared words, and a trap (write_trap.hpp) sees every instruction that writes into the mapping, those of
// headers and payload too. To stop is tried before every access to a shared word, since a load that is old by the time
// of the exchange behind it is what a stop is about; the cells of the pin table, hundreds of loads of one kind, count
// as one.
#pragma once

#include <cstdint>
#include <string>

namespace shmq::test {

enum class Point : std::uint8_t {
    death,       ///< before a store to a shared word, or an exchange of one
    stop,        ///< before any access to a shared word
    instruction  ///< death before an instruction that writes into the mapping; see `traps_writes`
};

/// From now on the `at`-th point, counted from 1, of this thread inside the mapping of `path` ends or stops the
/// process. 0: only counts. An empty path means any address, which Point::instruction cannot have.
void arm(Point point, const std::string& path, std::uint64_t at);
/// No further point; how many there were.
std::uint64_t disarm();

}  // namespace shmq::test
