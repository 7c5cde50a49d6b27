// Which chunks can be taken: the search that src/log/chunks.cpp takes from.
#pragma once

#include <optional>

#include "layout/segment.hpp"
#include "log/trim.hpp"

namespace shmq {

/// Chunks that singles are taken from: all but those kept for runs.
[[nodiscard]] std::uint32_t single_chunks(const Geometry& geometry) noexcept;

/// Whether a pin cell names the chunk, since a former owner of an entry in it still looks at its bytes, or an entry in
/// it is parked. To be asked after the trim point was seen above the chunk's last sequence (PIN, PARK).
[[nodiscard]] bool is_pinned(const Segment& segment, std::uint32_t chunk) noexcept;

/// What a search for one chunk found.
struct ChunkChoice {
    enum class Kind : std::uint8_t { adopt, reuse, wait, none };
    Kind kind = Kind::none;
    std::uint32_t chunk = 0;
    std::uint64_t word = 0;  // its word when it was looked at: what the exchange expects
    Sequence last = 0;       // wait: the trim point must pass this first
};

/// The best chunk for an entry of `size` bytes: an unfinished one with room for it, or the lowest whose entries are all
/// below `trim`, or else the one that becomes so first; `none` if producers, loans and pins hold all.
ChunkChoice choose_chunk(const Segment& segment, std::uint64_t size, Sequence trim) noexcept;

/// A run of chunks that can be taken once the trim point reaches `limit`.
struct RunChoice {
    bool found = false;
    std::uint32_t chunk = 0;
    Sequence limit = 0;
};

/// The highest run of `count` chunks that is free at `trim`, or else at the lowest trim point, up to `end`, at which
/// there is one.
RunChoice choose_run(const Segment& segment, std::uint32_t count, Sequence trim, Sequence end) noexcept;

/// Takes one chunk whose word was `word` for `owner`, if its entries are all below the trim point still.
bool take_chunk(const Segment& segment, std::uint32_t chunk, std::uint64_t word, std::uint64_t owned) noexcept;

}  // namespace shmq
