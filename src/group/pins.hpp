// Keeping views of a former owner readable (synchronisation PIN).
//
// Who takes an entry from a holder that may be alive first reserves a pin cell that names the holder's consumer row and
// the entry's chunks. Only then may the entry be finished by others and the trim point pass it; who takes a chunk looks
// at the cells after it saw the trim point pass. The holder frees its cells when it closes the batch, the scanner at
// its proven death. No cell left: the taking is refused.
#pragma once

#include <optional>

#include "group/visit.hpp"

namespace shmq {

/// A cell reserved by us, to be given back if the taking failed.
struct PinTicket {
    std::uint32_t cell = 0;
    std::uint64_t word = 0;
    bool fresh = false;  // false: the same pin was there already, and stays
};

/// The chunks an entry at a place covers.
struct ChunkSpan {
    std::uint32_t first = 0;
    std::uint32_t count = 1;
};
[[nodiscard]] std::optional<ChunkSpan> chunks_of(const Segment& segment, std::uint64_t place) noexcept;

/// Row number of a consumer among the consumer rows of all groups.
[[nodiscard]] inline std::uint32_t consumer_number(const Geometry& geometry, std::uint32_t group,
                                                   std::uint32_t row) noexcept {
    return group * geometry.consumers + row;
}

/// Reserves a cell for the holder of an entry; nullopt if the table is used up.
std::optional<PinTicket> reserve_pin(const Segment& segment, std::uint32_t group, std::uint32_t consumer,
                                     ChunkSpan chunks) noexcept;
/// The taking failed: nobody needs the pin.
void return_pin(const Segment& segment, const PinTicket& ticket) noexcept;

/// Frees the cells of a consumer row for whose chunks `keep(chunks)` is false.
template <class Keep>
void free_pins(const Segment& segment, std::uint32_t group, std::uint32_t consumer, Keep keep) noexcept {
    const std::uint32_t number = consumer_number(segment.geometry(), group, consumer);
    for (std::uint32_t cell = 0; cell < segment.geometry().pins; ++cell) {
        std::uint64_t word = segment.pin(cell).load(memory_order_acquire);
        const PinWord pin = unpack_pin(word);
        if (!pin.used || pin.consumer != number || keep(ChunkSpan{pin.chunk, pin.count})) continue;
        // release: our last look at the bytes is over before the chunk can be taken.
        segment.pin(cell).compare_exchange(word, pack_pin({false, 0, 0, 0, pin.generation}), memory_order_release,
                                           memory_order_relaxed);
    }
}

/// Frees every cell that names a consumer row of this group row. Only while nobody is inside it.
void free_group_pins(const Segment& segment, std::uint32_t group) noexcept;

}  // namespace shmq
