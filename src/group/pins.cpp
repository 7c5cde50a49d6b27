// The pin table: 256 cells, searched from the start, since takings from the living are rare.
#include "group/pins.hpp"

#include "log/copy.hpp"

namespace shmq {

std::optional<ChunkSpan> chunks_of(const Segment& segment, std::uint64_t place) noexcept {
    // The entry may be finished under our eyes, and its bytes be overwritten: the exchange of its record, or a look at
    // it behind the pin, finds that out, and the pin is given back.
    const auto entry = read_unpinned([&] { return entry_at(segment, place); });
    if (!entry) return std::nullopt;
    const Geometry& g = segment.geometry();
    const std::uint64_t last = entry->payload_offset + (entry->header.size == 0 ? 0 : entry->header.size - 1);
    const auto first_chunk = static_cast<std::uint32_t>(entry->offset / g.chunk_size);
    const auto last_chunk = static_cast<std::uint32_t>(std::min(last, g.payload - 1) / g.chunk_size);
    return ChunkSpan{first_chunk, last_chunk - first_chunk + 1};
}

std::optional<PinTicket> reserve_pin(const Segment& segment, std::uint32_t group, std::uint32_t consumer,
                                     ChunkSpan chunks) noexcept {
    const std::uint32_t number = consumer_number(segment.geometry(), group, consumer);
    ConsumerRow& row = segment.consumer(group, consumer);
    for (std::uint32_t cell = 0; cell < segment.geometry().pins; ++cell) {
        std::uint64_t word = segment.pin(cell).load(memory_order_acquire);
        const PinWord pin = unpack_pin(word);
        if (pin.used) {
            if (pin.consumer != number || pin.chunk != chunks.first || pin.count != chunks.count) continue;
            // Shared under a generation of its own: who reserved it first can't give it back any more, should its
            // taking fail. It may be freed right now by its holder's closing; our exchange on the record fails then,
            // since closing gives back first.
            const std::uint64_t shared = pack_pin({true, number, chunks.first, chunks.count, pin.generation + 1});
            if (!segment.pin(cell).compare_exchange(word, shared, memory_order_seq_cst, memory_order_relaxed))
                continue;  // a cell of our own
            row.pinned.store(1, memory_order_seq_cst);
            return PinTicket{cell, shared, false};
        }
        const std::uint64_t wanted = pack_pin({true, number, chunks.first, chunks.count, pin.generation + 1});
        // seq_cst: before the exchange on the record, so before the trim point can pass the entry (PIN).
        if (!segment.pin(cell).compare_exchange(word, wanted, memory_order_seq_cst, memory_order_relaxed)) continue;
        row.pinned.store(1, memory_order_seq_cst);  // the holder looks at it when it closes a batch
        return PinTicket{cell, wanted, true};
    }
    return std::nullopt;
}

void return_pin(const Segment& segment, const PinTicket& ticket) noexcept {
    if (!ticket.fresh) return;
    std::uint64_t word = ticket.word;
    const PinWord pin = unpack_pin(word);
    segment.pin(ticket.cell)
        .compare_exchange(word, pack_pin({false, 0, 0, 0, pin.generation}), memory_order_release, memory_order_relaxed);
}

void free_group_pins(const Segment& segment, std::uint32_t group) noexcept {
    for (std::uint32_t cell = 0; cell < segment.geometry().pins; ++cell) {
        std::uint64_t word = segment.pin(cell).load(memory_order_acquire);
        const PinWord pin = unpack_pin(word);
        if (pin.used && pin.consumer / segment.geometry().consumers == group)
            segment.pin(cell).compare_exchange(word, pack_pin({false, 0, 0, 0, pin.generation}), memory_order_release,
                                               memory_order_relaxed);
    }
}

}  // namespace shmq
