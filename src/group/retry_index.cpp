// A bitmap of bitmaps over the slots of one group; the top level is one word.
#include "group/retry_index.hpp"

#include <algorithm>
#include <bit>

namespace shmq {

namespace {

/// The first index in [from, count) whose bit is set in level 0, or `count`; upper levels skip what is empty.
std::uint64_t next_index(const Segment& segment, std::uint32_t group, std::uint64_t from,
                         std::uint64_t count) noexcept {
    const unsigned levels = segment.geometry().retry_levels;
    unsigned level = 0;
    std::uint64_t position = from;  // of a bit at `level`
    // Goes up while the rest of a word is empty, down at the first bit found. Each turn moves `position` on or changes
    // the level at a place it does not come back to, so there are at most a few turns for each word looked at.
    for (;;) {
        const std::uint64_t bits = (count + (std::uint64_t{1} << 6 * level) - 1) >> 6 * level;
        if (position >= bits) return count;
        const std::uint64_t word =
            segment.retry_level(group, level)[position / 64].load(memory_order_acquire) >> position % 64;
        if (word == 0) {
            position = position / 64 + 1;
            if (++level == levels) return count;
            continue;
        }
        position += static_cast<std::uint64_t>(std::countr_zero(word));
        if (level == 0) return std::min(position, count);
        --level;
        position *= 64;
    }
}

}  // namespace

void mark_retry(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    std::uint64_t position = segment.geometry().index_of(sequence);
    for (unsigned level = 0; level < segment.geometry().retry_levels; ++level, position /= 64) {
        Word& word = segment.retry_level(group, level)[position / 64];
        const std::uint64_t bit = std::uint64_t{1} << position % 64;
        // Above the lowest level it is mostly set. Who takes it away after this load looks at the level below once
        // more, and sees the bit that we set there before (all seq_cst).
        if (level != 0 && (word.load(memory_order_seq_cst) & bit) != 0) continue;
        word.fetch_or(bit, memory_order_seq_cst);
    }
}

void unmark_retry(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const unsigned levels = segment.geometry().retry_levels;
    const std::uint64_t index = segment.geometry().index_of(sequence);
    std::uint64_t position = index;
    for (unsigned level = 0; level < levels; ++level, position /= 64) {
        const std::uint64_t bit = std::uint64_t{1} << position % 64;
        if ((segment.retry_level(group, level)[position / 64].fetch_and(~bit, memory_order_seq_cst) & ~bit) != 0) break;
    }
    // Somebody may have set a bit below between two of these steps and its bit above before we took that away: put it
    // back.
    position = index;
    for (unsigned level = 0; level + 1 < levels; ++level, position /= 64)
        if (segment.retry_level(group, level)[position / 64].load(memory_order_seq_cst) != 0)
            segment.retry_level(group, level + 1)[position / 4096].fetch_or(std::uint64_t{1} << position / 64 % 64,
                                                                            memory_order_seq_cst);
}

bool is_marked_retry(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    std::uint64_t position = segment.geometry().index_of(sequence);
    for (unsigned level = 0; level < segment.geometry().retry_levels; ++level, position /= 64)
        if ((segment.retry_level(group, level)[position / 64].load(memory_order_acquire) >> position % 64 & 1) == 0)
            return false;
    return true;
}

Sequence next_marked(const Segment& segment, std::uint32_t group, Sequence from, Sequence to) noexcept {
    const Geometry& g = segment.geometry();
    if (from >= to) return to;
    const std::uint64_t first = g.index_of(from);
    const std::uint64_t until_wrap = std::min(to - from, g.slots - first);  // indices before the ring begins again
    const std::uint64_t found = next_index(segment, group, first, first + until_wrap);
    if (found != first + until_wrap) return from + (found - first);
    const std::uint64_t rest = std::min(to - from - until_wrap, first);
    if (rest == 0) return to;
    const std::uint64_t again = next_index(segment, group, 0, rest);
    return again == rest ? to : from + until_wrap + again;
}

}  // namespace shmq
