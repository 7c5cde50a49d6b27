// A load of any shape on one stream: so many producers, groups and consumers, each a process of its own, and what they
// moved in which time. Every receiver checks the numbers of each producer and sums the payload.
#pragma once

#include <cstdint>
#include <string>

#include "shmq/options.hpp"

namespace bench {

struct Load {
    unsigned producers = 1;
    unsigned groups = 1;
    unsigned consumers = 1;  // of each group
    std::size_t size = 64;   // bytes of a payload, a multiple of 8
    std::size_t batch = 64;  // entries of a read at most
    bool loans = false;      // payloads are made where they stay
    bool waits = true;       // consumers read by calls that wait; if not they poll, with the pause of the settings
    unsigned gap = 0;        // pauses of a producer before each add
    std::uint32_t keys = 0;  // 0: entries have none
    shmq::Order order = shmq::Order::none;
    std::uint64_t slots = 65'536;
    std::uint64_t payload = 32u << 20;  // bytes
    std::string folder;                 // where the stream lies; empty: as always
};

/// Entries delivered a second, of all groups together, while `entries` are added and read, unless the load says
/// otherwise by calls that wait: as is usual where there are more processes than processors. Not counted is the first
/// eighth, or the first lap of the ring if that is less.
double delivered_a_second(const Load& load, std::uint64_t entries);

}  // namespace bench
