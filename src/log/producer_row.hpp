// The bound on how many producers add at one time: each takes a row before its first add and gives it back when it
// closes; the scanner frees those of the dead.
#pragma once

#include <optional>

#include "layout/segment.hpp"

namespace shmq {

/// Takes a row; nullopt if all are taken.
inline std::optional<std::uint32_t> take_producer_row(const Segment& segment, AttachmentId owner) noexcept {
    for (std::uint32_t row = 0; row < segment.geometry().producers; ++row) {
        std::uint64_t free = 0;
        // relaxed: a guess that saves the exchange, which decides.
        if (segment.producer(row).word.load(memory_order_relaxed) == free &&
            segment.producer(row).word.compare_exchange(free, owner.word(OwnerState::live), memory_order_acq_rel,
                                                        memory_order_relaxed))
            return row;
    }
    return std::nullopt;
}

inline void give_back_producer_row(const Segment& segment, AttachmentId owner, std::uint32_t row) noexcept {
    std::uint64_t mine = owner.word(OwnerState::live);
    segment.producer(row).word.compare_exchange(mine, 0, memory_order_acq_rel, memory_order_relaxed);
}

}  // namespace shmq
