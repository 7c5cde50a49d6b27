// Rows and locks of attachments; the steps and their order are in attach.hpp.
#include "recovery/attach.hpp"

#include <algorithm>

#include "base/error_detail.hpp"
#include "os/lock.hpp"
#include "recovery/judge.hpp"

namespace shmq {

namespace {

/// Takes the row if it is free; resets one that was left attaching. True if the row is now attaching and ours.
bool take_row(const Segment& segment, const os::Descriptor& probe, std::uint32_t row, AttachmentId& id) noexcept {
    Word& word = segment.attachment(row).word;
    std::uint64_t seen = word.load(memory_order_acquire);
    OwnerWord found = unpack_owner(seen);
    if (found.state == OwnerState::attaching) {
        const auto locked = os::byte_is_locked(probe, lock_offset(segment.geometry(), {row, found.incarnation}));
        const OwnerWord after = unpack_owner(word.load(memory_order_acquire));
        if (!locked || judge_attachment({found, *locked, after}) != AttachmentVerdict::reset) return false;
        const std::uint64_t reset = pack_owner({OwnerState::free, 0, found.incarnation + 1});
        if (!word.compare_exchange(seen, reset, memory_order_acq_rel, memory_order_relaxed)) return false;
        seen = reset;
        found = unpack_owner(seen);
    }
    if (found.state != OwnerState::free) return false;
    id = {row, found.incarnation};
    return word.compare_exchange(seen, id.word(OwnerState::attaching), memory_order_acq_rel, memory_order_relaxed);
}

void describe(AttachmentRow& row, const os::ProcessInfo& who) noexcept {
    row.inside.store(0, memory_order_relaxed);  // visible with the word, as the rest
    row.pid.store(static_cast<std::uint32_t>(who.pid), memory_order_relaxed);
    row.start_time.store(who.start_time, memory_order_relaxed);
    std::memset(row.command, 0, sizeof row.command);
    std::memcpy(row.command, who.command.data(), std::min(who.command.size(), sizeof row.command - 1));
}

}  // namespace

std::uint64_t lock_offset(const Geometry& geometry, AttachmentId id) noexcept {
    constexpr std::uint64_t base = std::uint64_t{1} << 41;  // above the largest segment
    const std::uint64_t offset = base + id.row + id.incarnation % (std::uint64_t{1} << 49) * geometry.attachments;
    return offset & low_mask(62);
}

Result<AttachmentId> attach(const Segment& segment, const os::Descriptor& lock, const os::Descriptor& probe,
                            const os::ProcessInfo& who) {
    for (std::uint32_t row = 0; row < segment.geometry().attachments; ++row) {
        AttachmentId id;
        if (!take_row(segment, probe, row, id)) continue;
        const auto locked = os::try_lock_byte(lock, lock_offset(segment.geometry(), id));
        if (!locked) return locked.error();
        describe(segment.attachment(row), who);
        std::uint64_t mine = id.word(OwnerState::attaching);
        // It fails if somebody looked before the lock was there and reset the row: take another then. seq_cst: before
        // any visit of ours (VISIT).
        if (*locked && segment.attachment(row).word.compare_exchange(mine, id.word(OwnerState::live),
                                                                     memory_order_seq_cst, memory_order_relaxed))
            return id;
        if (*locked) os::unlock_byte(lock, lock_offset(segment.geometry(), id));
    }
    return text_error(Code::too_many_attachments, segment.geometry().attachments,
                      "the stream allows %u open handles and has them; close some, or create it with more attachments",
                      segment.geometry().attachments);
}

void detach(const Segment& segment, AttachmentId id) noexcept {
    std::uint64_t mine = id.word(OwnerState::live);
    segment.attachment(id.row).word.compare_exchange(mine, pack_owner({OwnerState::free, 0, id.incarnation + 1}),
                                                     memory_order_acq_rel, memory_order_relaxed);
}

Life probe_life(const Segment& segment, const os::Descriptor& probe, AttachmentId id) noexcept {
    if (id.row >= segment.geometry().attachments) return Life::gone;
    const Word& word = segment.attachment(id.row).word;
    const OwnerWord before = unpack_owner(word.load(memory_order_seq_cst));
    if (before.incarnation != id.incarnation || before.state == OwnerState::free) return Life::gone;
    const auto locked = os::byte_is_locked(probe, lock_offset(segment.geometry(), id));
    if (!locked) return Life::alive;
    const OwnerWord after = unpack_owner(word.load(memory_order_seq_cst));
    return judge_attachment({before, *locked, after}) == AttachmentVerdict::dead ? Life::dead : Life::alive;
}

}  // namespace shmq
