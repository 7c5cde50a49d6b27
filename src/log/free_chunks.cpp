// Searches over the chunk table; a producer does one for each chunk it fills, not for each entry.
#include "log/free_chunks.hpp"

#include "log/parking.hpp"

namespace shmq {

namespace {

/// Whether a chunk in this state may be reused once the trim point has passed its last sequence.
bool is_reusable(OwnerState state) noexcept {
    return state == OwnerState::free || state == OwnerState::sealed || state == OwnerState::unfinished;
}

/// The highest run of `count` neighbours that are free at `limit`; count of chunks if there is none.
std::uint32_t highest_run(const Segment& segment, std::uint32_t count, Sequence limit) noexcept {
    const std::uint32_t chunks = segment.geometry().chunks;
    std::uint32_t length = 0;
    for (std::uint32_t chunk = chunks; chunk-- > 0;) {
        const ChunkRow& row = segment.chunk(chunk);
        const bool fits = is_reusable(unpack_owner(row.word.load(memory_order_acquire)).state) &&
                          row.last.load(memory_order_acquire) < limit && !is_pinned(segment, chunk);
        length = fits ? length + 1 : 0;
        if (length == count) return chunk;
    }
    return chunks;
}

}  // namespace

std::uint32_t single_chunks(const Geometry& geometry) noexcept {
    return geometry.chunks - (geometry.longest_run > 1 ? geometry.longest_run : 0);
}

bool is_pinned(const Segment& segment, std::uint32_t chunk) noexcept {
    // First, since a parked entry that is taken from its holder is pinned for that before it can be finished.
    if (is_chunk_parked(segment, chunk)) return true;
    for (std::uint32_t cell = 0; cell < segment.geometry().pins; ++cell) {
        const std::uint64_t word = segment.pin(cell).load(memory_order_seq_cst);
        if ((word & 1) == 0) continue;
        const PinWord pin = unpack_pin(word);
        if (chunk >= pin.chunk && chunk - pin.chunk < pin.count) return true;
    }
    return false;
}

ChunkChoice choose_chunk(const Segment& segment, std::uint64_t size, Sequence trim) noexcept {
    const Geometry& g = segment.geometry();
    ChunkChoice best;
    for (std::uint32_t chunk = 0; chunk < single_chunks(g); ++chunk) {
        const ChunkRow& row = segment.chunk(chunk);
        const std::uint64_t word = row.word.load(memory_order_acquire);
        const OwnerState state = unpack_owner(word).state;
        if (!is_reusable(state)) continue;
        const Sequence last = row.last.load(memory_order_acquire);
        // relaxed: a guess; the adopter reads the mark again once the chunk is its own.
        if (state == OwnerState::unfinished && last >= trim &&
            g.chunk_size - row.fill.load(memory_order_relaxed) >= size &&
            row.fill.load(memory_order_relaxed) <= g.chunk_size)
            return {ChunkChoice::Kind::adopt, chunk, word, last};
        if (last < trim) {
            if (best.kind != ChunkChoice::Kind::reuse && !is_pinned(segment, chunk))
                best = {ChunkChoice::Kind::reuse, chunk, word, last};
        } else if (best.kind == ChunkChoice::Kind::none || (best.kind == ChunkChoice::Kind::wait && last < best.last)) {
            if (!is_pinned(segment, chunk)) best = {ChunkChoice::Kind::wait, chunk, word, last};
        }
    }
    return best;
}

RunChoice choose_run(const Segment& segment, std::uint32_t count, Sequence trim, Sequence end) noexcept {
    const std::uint32_t none = segment.geometry().chunks;
    std::uint32_t chunk = highest_run(segment, count, trim);
    if (chunk != none) return {true, chunk, trim};
    if (highest_run(segment, count, end) == none) return {};
    Sequence low = trim, high = end;  // none at low, some at high
    while (high - low > 1) {
        const Sequence middle = low + (high - low) / 2;
        (highest_run(segment, count, middle) == none ? low : high) = middle;
    }
    chunk = highest_run(segment, count, high);
    return {chunk != none, chunk, high};
}

bool take_chunk(const Segment& segment, std::uint32_t chunk, std::uint64_t word, std::uint64_t owned) noexcept {
    ChunkRow& row = segment.chunk(chunk);
    // acquire: the last owner's `last` is seen (CHUNK). release: nothing of ours moves before the taking.
    if (!row.word.compare_exchange(word, owned, memory_order_acq_rel, memory_order_relaxed)) return false;
    const Sequence trim = segment.control().trim_point.load(memory_order_acquire);
    if (row.last.load(memory_order_acquire) < trim && !is_pinned(segment, chunk)) {
        // Whoever reads bytes that we write from here on sees, behind its fence, the trim point that let us (COPY).
        fence(memory_order_release);
        return true;
    }
    // It went round since we looked: taken, filled and sealed by somebody, with the same word. Put it back as it was.
    std::uint64_t mine = owned;
    row.word.compare_exchange(mine, pack_owner({OwnerState::sealed, 0, 0}), memory_order_acq_rel, memory_order_relaxed);
    return false;
}

}  // namespace shmq
