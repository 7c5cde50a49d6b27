// Reading cells, and the two exchanges that anybody may make on them.
#include "log/parking.hpp"

namespace shmq {

namespace {

constexpr unsigned cell_bits = 10;
constexpr unsigned low_generation_bits = handover_bits - cell_bits;
static_assert(most_parked == 1u << cell_bits);

/// Whether the ring's record of the entry in a tentative cell names it.
bool is_named(const Segment& segment, std::uint32_t cell, std::uint64_t generation) noexcept {
    const Geometry& g = segment.geometry();
    // relaxed: whole if the ring names the cell, which the look at the ring then finds out.
    const auto row = static_cast<std::uint32_t>(segment.parking(cell).group.load(memory_order_relaxed));
    const Sequence sequence = segment.parking(cell).sequence.load(memory_order_relaxed);
    return row < g.group_rows &&
           segment.record(row, sequence).load(memory_order_acquire) == parked_record(g, sequence, cell, generation);
}

}  // namespace

std::uint64_t parked_record(const Geometry& geometry, Sequence sequence, std::uint32_t cell,
                            std::uint64_t generation) noexcept {
    const auto low = static_cast<std::uint32_t>(generation & low_mask(low_generation_bits));
    return pack_pending(geometry, {geometry.record_tag(sequence), 0, low << cell_bits | cell, PendingState::parked});
}

std::optional<std::uint32_t> cell_of(const Geometry& geometry, std::uint64_t record) noexcept {
    const auto cell = static_cast<std::uint32_t>(unpack_pending(geometry, record).handover & low_mask(cell_bits));
    return cell < geometry.parking ? std::optional(cell) : std::nullopt;
}

bool look_at_cell(const Segment& segment, std::uint32_t cell, ParkedEntry& entry) noexcept {
    const Geometry& g = segment.geometry();
    const ParkingCell& row = segment.parking(cell);
    // acquire: what its maker wrote before it became live, and the last use of who freed it.
    std::uint64_t word = row.word.load(memory_order_seq_cst);
    // Named by the ring it is as good as live, and everything in it is written. If it is not, it was perhaps made live
    // since we looked, and the ring went round.
    if (unpack_cell(word).state == CellState::tentative && !is_named(segment, cell, unpack_cell(word).generation)) {
        word = row.word.load(memory_order_seq_cst);
        if (unpack_cell(word).state != CellState::live) return false;
    }
    entry.word = unpack_cell(word);
    if (entry.word.state != CellState::tentative && entry.word.state != CellState::live) return false;
    // relaxed: believed only if the word is the same behind the fence.
    const std::uint64_t group = row.group.load(memory_order_relaxed);
    entry.cell = cell;
    entry.group_row = static_cast<std::uint32_t>(group);
    entry.group_incarnation = static_cast<std::uint32_t>(group >> 32);
    entry.sequence = row.sequence.load(memory_order_relaxed);
    entry.place = row.place.load(memory_order_relaxed);
    entry.stripe = static_cast<std::uint32_t>(row.stripe.load(memory_order_relaxed));
    entry.record = row.record.load(memory_order_seq_cst);  // what its last exchange carries (ACK); ORDER
    if (pending_tag(g, entry.record) != (entry.word.generation & g.record_tag_mask)) return false;
    fence(memory_order_acquire);
    const CellWord after = unpack_cell(row.word.load(memory_order_relaxed));
    return after.state != CellState::free && after.generation == entry.word.generation;
}

void settle_parked(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t record) noexcept {
    const auto cell = cell_of(segment.geometry(), record);
    if (!cell) return;  // damage
    ParkingCell& row = segment.parking(*cell);
    std::uint64_t word = row.word.load(memory_order_acquire);
    const CellWord found = unpack_cell(word);
    // (1) live, or finished and freed: nothing to do  (2) reserved anew, for another entry: likewise  (3) this one's
    if (found.state != CellState::tentative) return;  // (1)
    // relaxed: whole since the record that names the cell, if it is this one's (PARK); else the exchange fails.
    if (parked_record(segment.geometry(), sequence, *cell, found.generation) != record ||
        static_cast<std::uint32_t>(row.group.load(memory_order_relaxed)) != group ||
        row.sequence.load(memory_order_relaxed) != sequence)
        return;  // (2)
    // seq_cst: before the trim point passes the entry, so who takes its chunk sees the cell (PARK). A failed exchange
    // is somebody else's who settled it.
    row.word.compare_exchange(word, pack_cell({CellState::live, 0, found.generation}), memory_order_seq_cst,
                              memory_order_relaxed);
}

bool free_cell(const Segment& segment, const ParkedEntry& entry) noexcept {
    Word& word = segment.parking(entry.cell).word;
    const std::uint64_t live = pack_cell({CellState::live, 0, entry.word.generation});
    if (entry.word.state == CellState::tentative) {  // named by the ring: its maker's last step first
        std::uint64_t tentative = pack_cell(entry.word);
        word.compare_exchange(tentative, live, memory_order_seq_cst, memory_order_relaxed);
    }
    std::uint64_t seen = live;
    // release: the last look at the entry is over before its chunk can be taken (PARK).
    return word.compare_exchange(seen, pack_cell({CellState::free, 0, entry.word.generation + 1}), memory_order_acq_rel,
                                 memory_order_relaxed);
}

bool is_chunk_parked(const Segment& segment, std::uint32_t chunk) noexcept {
    const std::uint32_t used = cells_in_use(segment);
    for (std::uint32_t cell = 0; cell < used; ++cell) {
        const ParkingCell& row = segment.parking(cell);
        // A tentative cell's entry is above the trim point still.
        if (unpack_cell(row.word.load(memory_order_seq_cst)).state != CellState::live) continue;
        const std::uint64_t chunks = row.chunks.load(memory_order_relaxed);  // whole since before the cell was live
        const auto first = static_cast<std::uint32_t>(chunks);
        if (chunk < first || chunk - first >= chunks >> 32) continue;
        // Finished, and not freed because its acker died: no reason to keep the chunk. If the cell is another's by now,
        // this may keep it once too often. acquire: the acker's last look at the bytes (ACK).
        if (pending_state(row.record.load(memory_order_acquire)) != PendingState::acked) return true;
    }
    return false;
}

bool is_parking_full(const Segment& segment) noexcept {
    const Geometry& g = segment.geometry();
    if (cells_in_use(segment) < g.parking) return false;
    for (std::uint32_t cell = 0; cell < g.parking; ++cell)
        if (unpack_cell(segment.parking(cell).word.load(memory_order_acquire)).state == CellState::free) return false;
    return true;
}

std::optional<ParkedEntry> lowest_parked(const Segment& segment) noexcept {
    std::optional<ParkedEntry> lowest;
    const std::uint32_t used = cells_in_use(segment);
    ParkedEntry entry{};
    for (std::uint32_t cell = 0; cell < used; ++cell)
        if (look_at_cell(segment, cell, entry) && is_unfinished(entry) &&
            (!lowest || entry.sequence < lowest->sequence))
            lowest = entry;
    return lowest;
}

}  // namespace shmq
