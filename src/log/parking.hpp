// The parking table: where an unfinished entry goes when the ring needs its slot. This header knows the cells; who
// parks is group/parking.hpp, and what happens to an entry that is parked is group/parked.hpp.
//
// A cell goes free(g) -> tentative(g), reserved by an attachment -> live(g) -> free(g + 1). A tentative cell is filled,
// and then the entry's record in the ring is exchanged for one that names cell and generation (synchronisation PARK):
// from there on the cell has the record, and the ring's never changes again but for the next lap. Whoever meets such a
// record on the way of the trim point makes the cell live first, so T passes only what a live cell keeps. The chunks of
// a live cell are not taken as long as its entry is unfinished.
//
// A record in a cell has the generation in place of the tag, so a late word about an earlier use of the cell fails.
#pragma once

#include <optional>

#include "layout/segment.hpp"

namespace shmq {

/// Cells a table has at most.
inline constexpr std::uint32_t most_parked = 1'024;

// Cell words: shaped like owner words.
enum class CellState : std::uint8_t { free = 0, tentative = 1, live = 2 };
struct CellWord {
    CellState state;
    std::uint32_t row;         // of the attachment that reserved it; tentative cells alone
    std::uint64_t generation;  // moves on when the cell is freed

    bool operator==(const CellWord&) const = default;
};
[[nodiscard]] inline std::uint64_t pack_cell(const CellWord& w) noexcept {
    return pack_owner({static_cast<OwnerState>(w.state), w.row, w.generation});
}
[[nodiscard]] inline CellWord unpack_cell(std::uint64_t word) noexcept {
    const OwnerWord w = unpack_owner(word);
    return {static_cast<CellState>(w.state), w.row, w.incarnation};
}

/// The record that stays in the ring: it names a cell, and the low bits of its generation.
[[nodiscard]] std::uint64_t parked_record(const Geometry& geometry, Sequence sequence, std::uint32_t cell,
                                          std::uint64_t generation) noexcept;
/// The cell that such a record names; nullopt if there is no such cell.
[[nodiscard]] std::optional<std::uint32_t> cell_of(const Geometry& geometry, std::uint64_t record) noexcept;

/// A pending word with another tag.
[[nodiscard]] inline std::uint64_t with_tag(const Geometry& g, std::uint64_t record, std::uint64_t tag) noexcept {
    return (record & low_mask(g.record_shift)) | (tag & g.record_tag_mask) << g.record_shift;
}

/// Cells that were ever used; what lies above is free. 0 as long as nothing was ever parked.
[[nodiscard]] inline std::uint32_t cells_in_use(const Segment& segment) noexcept {
    // acquire: raised before the first use of a cell, which who has to look there has seen (PARK).
    const std::uint64_t used = segment.control().parked.load(memory_order_acquire);
    return used < segment.geometry().parking ? static_cast<std::uint32_t>(used) : segment.geometry().parking;
}

/// What a cell holds. Without initial values: lists of them are made on the stack.
struct ParkedEntry {
    std::uint32_t cell;
    std::uint32_t group_row;
    std::uint32_t group_incarnation;
    CellWord word;
    Sequence sequence;
    std::uint64_t place;
    std::uint64_t record;  // the generation its tag
    std::uint32_t stripe;  // of its key, + 1; 0: no key, or no order in the group

    [[nodiscard]] GroupId group() const noexcept { return {group_row, group_incarnation}; }
};

/// Reads a cell as it was at one moment of the call; writes nothing. False if it holds no entry: it is free, or
/// reserved for one that the ring has still.
bool look_at_cell(const Segment& segment, std::uint32_t cell, ParkedEntry& entry) noexcept;

/// Whether the entry is pending still.
[[nodiscard]] inline bool is_unfinished(const ParkedEntry& entry) noexcept {
    return pending_state(entry.record) != PendingState::acked;
}

/// Makes the cell live that a parked record of the ring names. Before the trim point passes the record; the caller
/// loaded that with acquire.
void settle_parked(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t record) noexcept;

/// Frees the cell of a finished entry, or of a group that is gone. False if somebody did so before.
bool free_cell(const Segment& segment, const ParkedEntry& entry) noexcept;

/// Whether an unfinished entry that is parked stands in the chunk. To be asked after the trim point was seen above the
/// chunk's last sequence, and before the pin cells are looked at (PARK, PIN).
[[nodiscard]] bool is_chunk_parked(const Segment& segment, std::uint32_t chunk) noexcept;

/// Whether every cell is in use.
[[nodiscard]] bool is_parking_full(const Segment& segment) noexcept;

/// The lowest unfinished entry that is parked.
[[nodiscard]] std::optional<ParkedEntry> lowest_parked(const Segment& segment) noexcept;

}  // namespace shmq
