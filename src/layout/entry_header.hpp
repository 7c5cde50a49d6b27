// What stands before the payload of each entry in its chunk. Written privately by the producer, made visible by the slot's
// compare-and-swap (synchronisation PUBLISH, log/publish.cpp), never changed afterwards.
//
//   offset size field      written by
//        0    4 size       producer    bytes of payload
//        4    2 key_size   producer    bytes of key; the key follows the header, the payload the key, rounded up to 16
//        6    1 kind       producer    1 data; 2 void and 3 fields are kept for later
//        7    1 flags      producer    0
//        8    4 checksum   producer    0: none
//       12    4 producer   producer    row of the producer + 1
//       16    8 number     producer    0: the producer keeps no numbers
//       24    8 time_ns    producer    since 1970; 0: none
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace shmq {

inline constexpr std::uint8_t kind_data = 1;
inline constexpr std::uint64_t key_alignment = 16;

struct EntryHeader {
    std::uint32_t size;
    std::uint16_t key_size;
    std::uint8_t kind;
    std::uint8_t flags;
    std::uint32_t checksum;
    std::uint32_t producer;
    std::uint64_t number;
    std::uint64_t time_ns;
};
static_assert(sizeof(EntryHeader) == 32);
static_assert(offsetof(EntryHeader, key_size) == 4 && offsetof(EntryHeader, kind) == 6);
static_assert(offsetof(EntryHeader, checksum) == 8 && offsetof(EntryHeader, producer) == 12);
static_assert(offsetof(EntryHeader, number) == 16 && offsetof(EntryHeader, time_ns) == 24);
static_assert(std::has_unique_object_representations_v<EntryHeader> && std::is_trivially_copyable_v<EntryHeader>);

}  // namespace shmq
