// Looking at every attachment row; what is done about a dead one is in repair.cpp.
#include "recovery/scan.hpp"

#include "group/closing.hpp"
#include "group/count.hpp"
#include "group/delays.hpp"
#include "group/deliver.hpp"
#include "group/delivery_clock.hpp"
#include "group/finish.hpp"
#include "group/parked.hpp"
#include "log/audit.hpp"
#include "os/lock.hpp"
#include "recovery/judge.hpp"

namespace shmq {

namespace {

AttachmentVerdict look_at(const Segment& segment, const os::Descriptor& probe, std::uint32_t row,
                          OwnerWord& before) noexcept {
    const Word& word = segment.attachment(row).word;
    before = unpack_owner(word.load(memory_order_seq_cst));
    if (before.state == OwnerState::free) return AttachmentVerdict::leave;
    const auto locked = os::byte_is_locked(probe, lock_offset(segment.geometry(), {row, before.incarnation}));
    if (!locked) return AttachmentVerdict::leave;  // what can't be probed is not proven
    return judge_attachment({before, *locked, unpack_owner(word.load(memory_order_seq_cst))});
}

/// Tells the recorders that a dead process was seen to.
void tell_of(const Segment& segment, std::uint32_t teller, std::uint32_t pid, std::uint64_t entries) noexcept {
    note(segment, teller, Did::recovered, std::nullopt, pid, entries);
    audit(segment, auditor_of(segment, teller), Did::recovered, {}, pid, entries);
}

}  // namespace

RecoveryReport scan(const Segment& segment, Visits& visits, const os::Descriptor& probe,
                    std::uint64_t now_ms) noexcept {
    std::uint64_t all = no_limit;
    return scan(segment, visits, probe, now_ms, all);
}

RecoveryReport scan(const Segment& segment, Visits& visits, const os::Descriptor& probe, std::uint64_t now_ms,
                    std::uint64_t& most_entries) noexcept {
    RecoveryReport report;
    for (std::uint32_t row = 0; row < segment.geometry().attachments; ++row) {
        if (row == visits.owner().row) continue;  // I live
        OwnerWord before;
        const AttachmentVerdict verdict = look_at(segment, probe, row, before);
        if (verdict == AttachmentVerdict::dead) {
            const std::uint32_t pid = segment.attachment(row).pid.load(memory_order_relaxed);  // for people
            const RecoveryReport found = report;
            repair(segment, visits, {row, before.incarnation}, now_ms, report, most_entries);
            if (report.dead != found.dead) tell_of(segment, visits.owner().row, pid, report.entries - found.entries);
        }
        if (most_entries == 0) return report;
        if (verdict == AttachmentVerdict::reset) {
            std::uint64_t word = pack_owner(before);
            segment.attachment(row).word.compare_exchange(word,
                                                          pack_owner({OwnerState::free, 0, before.incarnation + 1}),
                                                          memory_order_acq_rel, memory_order_relaxed);
        }
    }
    finish_closings(segment, visits);  // after the repairs, which free pin cells
    free_left_cells(segment);
    return report;
}

bool free_dead_row(const Segment& segment, const os::Descriptor& probe, std::uint64_t now_ms) noexcept {
    for (std::uint32_t row = 0; row < segment.geometry().attachments; ++row) {
        OwnerWord before;
        if (look_at(segment, probe, row, before) != AttachmentVerdict::dead) continue;
        const AttachmentId dead{row, before.incarnation};
        Visits visits(segment, dead, true);
        RecoveryReport report;
        repair(segment, visits, dead, now_ms, report);
        return true;
    }
    return false;
}

void adopt_boot(const Segment& segment, Visits& visits, std::uint64_t boot, std::uint64_t now_ms) noexcept {
    Word& word = segment.control().boot;
    std::uint64_t seen = word.load(memory_order_acquire);
    if (seen == boot) return;
    for (std::uint32_t row = 0; row < segment.geometry().group_rows; ++row) {
        const Visit visit(visits, row);
        if (!is_in_directory(segment, row)) continue;
        each_pending(segment, row, 0, ~Sequence{0}, [&](Sequence, const PendingWord& pending, const RecordAt& at) {
            clock_restamp(*at.delivery, pending, now_ms);
            if (pending.state == PendingState::delayed) lower_due(segment, row, now_ms, now_ms);
            return true;
        });
    }
    word.compare_exchange(seen, boot, memory_order_acq_rel, memory_order_relaxed);
}

}  // namespace shmq
