// Counted visits of one attachment, and the question whether anybody is inside a row.
#include "group/visit.hpp"

namespace shmq {

void Visits::enter(std::uint32_t row) noexcept {
    const std::lock_guard lock(mutex_);
    if (counts_[row]++ == 0)
        // seq_cst: before the look at the group's word that follows; see is_visited.
        segment_.attachment(owner_.row).inside.fetch_or(std::uint64_t{1} << row, memory_order_seq_cst);
}

void Visits::leave(std::uint32_t row) noexcept {
    const std::lock_guard lock(mutex_);
    if (--counts_[row] == 0 && !for_dead_)
        // release: every exchange on the row's records is over before.
        segment_.attachment(owner_.row).inside.fetch_and(~(std::uint64_t{1} << row), memory_order_release);
}

bool is_visited(const Segment& segment, std::uint32_t row) noexcept {
    for (std::uint32_t i = 0; i < segment.geometry().attachments; ++i) {
        const AttachmentRow& attachment = segment.attachment(i);
        // seq_cst, both: a visitor became live before it came in, and either it sees that the row was dropped, or we
        // see its bit.
        if (unpack_owner(attachment.word.load(memory_order_seq_cst)).state != OwnerState::live) continue;
        if ((attachment.inside.load(memory_order_seq_cst) >> row & 1) != 0) return true;
    }
    return false;
}

}  // namespace shmq
