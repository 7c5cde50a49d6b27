// What stands before the payload of each entry in its chunk. Written privately by the producer, made visible by the
// slot's compare-and-swap (synchronisation PUBLISH, log/publish.cpp), never changed afterwards.
//
//   offset size field      written by
//        0    4 size       producer    bytes of payload
//        4    2 key_size   producer    bytes of key; the key follows the header, the payload the key, rounded up to 16
//        6    1 kind       producer    1 data; 2 void is kept for later
//        7    1 flags      producer    bit 0: the payload is fields (include/shmq/fields.hpp); the others are 0
//        8    4 checksum   producer    0: none
//       12    4 producer   producer    row of the producer + 1; with a number, row of its name + 1
//       16    8 number     producer    the add's number of a producer with a name; 0: it has none
//       24    8 time_ns    producer    since 1970; 0: none
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "base/atomic.hpp"

namespace shmq {

inline constexpr std::uint8_t kind_data = 1;
inline constexpr std::uint8_t flag_fields = 1;
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
static_assert(offsetof(EntryHeader, key_size) == 4 && offsetof(EntryHeader, kind) == 6 &&
              offsetof(EntryHeader, flags) == 7);
static_assert(offsetof(EntryHeader, checksum) == 8 && offsetof(EntryHeader, producer) == 12);
static_assert(offsetof(EntryHeader, number) == 16 && offsetof(EntryHeader, time_ns) == 24);
static_assert(std::has_unique_object_representations_v<EntryHeader> && std::is_trivially_copyable_v<EntryHeader>);
static_assert(std::endian::native == std::endian::little);

/// Writes the header of a data entry without checksum in four whole words. A struct that is filled field by
/// field and copied goes through the stack in narrow stores and wide loads, which cost a third of an add.
inline void write_entry_header(std::byte* to, std::uint32_t size, std::uint16_t key_size, std::uint8_t flags,
                               std::uint32_t producer, std::uint64_t number, std::uint64_t time_ns) noexcept {
    const std::uint64_t words[] = {
        size | std::uint64_t{key_size} << 32 | std::uint64_t{kind_data} << 48 | std::uint64_t{flags} << 56,
        std::uint64_t{producer} << 32, number, time_ns};
#pragma GCC unroll 4
    for (std::size_t i = 0; i < std::size(words); ++i) {
        std::memcpy(to + 8 * i, &words[i], 8);
        compiler_fence();  // keeps the compiler from gathering them on the stack again
    }
}

/// The fields of a header that a reader shows.
struct EntryFields {
    std::uint32_t size;
    std::uint16_t key_size;
    std::uint8_t kind;
    std::uint8_t flags;
    std::uint64_t time_ns;

    [[nodiscard]] bool is_fields() const noexcept { return (flags & flag_fields) != 0; }
};
inline EntryFields read_entry_header(const std::byte* from) noexcept {
    std::uint64_t first, time_ns;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&time_ns, from + offsetof(EntryHeader, time_ns), sizeof time_ns);
    return {static_cast<std::uint32_t>(first), static_cast<std::uint16_t>(first >> 32),
            static_cast<std::uint8_t>(first >> 48), static_cast<std::uint8_t>(first >> 56), time_ns};
}

/// Whose add an entry is: name's row + 1 and number; number 0 is nobody's.
struct EntryOrigin {
    std::uint32_t producer;
    std::uint64_t number;
};
inline EntryOrigin read_entry_origin(const std::byte* from) noexcept {
    EntryOrigin origin;
    std::memcpy(&origin.producer, from + offsetof(EntryHeader, producer), sizeof origin.producer);
    std::memcpy(&origin.number, from + offsetof(EntryHeader, number), sizeof origin.number);
    return origin;
}

}  // namespace shmq
