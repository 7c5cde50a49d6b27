// An owner word that stands alone: 0, or the attachment that has it. It is taken from 0, and given back by its owner,
// or by the scanner after that one's proven death.
#pragma once

#include "layout/segment.hpp"

namespace shmq {

/// Makes `me` the owner, or says in `owner` who is.
inline bool take_ownership(Word& word, AttachmentId me, OwnerWord& owner) noexcept {
    std::uint64_t seen = 0;
    // acquire: all that the owner before us did, or that was repaired of it (NUMBER, LETTER).
    if (word.compare_exchange(seen, me.word(OwnerState::live), memory_order_acq_rel, memory_order_acquire)) return true;
    owner = unpack_owner(seen);
    return false;
}

inline void give_back_ownership(Word& word, AttachmentId me) noexcept {
    std::uint64_t mine = me.word(OwnerState::live);
    word.compare_exchange(mine, 0, memory_order_acq_rel, memory_order_relaxed);
}

}  // namespace shmq
