// Two ways out of being dead, each one exchange: so an entry leaves it once, whoever tries and whoever dies. The third
// is to be moved to another stream (dead_move.hpp); while that is under way the record is marked, and both refuse.
#include "group/dead.hpp"

#include "group/dead_move.hpp"
#include "group/delivery_clock.hpp"
#include "group/finish.hpp"
#include "group/order.hpp"
#include "group/retry_index.hpp"
#include "log/publish.hpp"
#include "log/sleep.hpp"

namespace shmq {

namespace {

/// The record of a dead entry, 0 if it is none.
std::uint64_t dead_record(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const std::uint64_t record = pending_record(segment, group, sequence);
    if (record == 0 || pending_state(record) != PendingState::dead) return 0;
    return find_begin(segment) > sequence ? 0 : record;  // then it is of another lap
}

}  // namespace

Result<void> requeue_dead(const Segment& segment, std::uint32_t group, Sequence sequence,
                          std::uint64_t now_ms) noexcept {
    std::uint64_t record = dead_record(segment, group, sequence);
    const PendingWord dead = unpack_pending(segment.geometry(), record);
    if (record != 0 && is_being_moved(dead)) return Code::busy;
    if (record == 0 || dead.handover >= last_handover) return Code::not_pending;
    // The counts and the mark first: dying in between leaves a dead entry without counts, to be requeued again.
    clock_forget(segment, group, sequence, dead, now_ms);
    mark_retry(segment, group, sequence);
    if (!segment.record(group, sequence)
             .compare_exchange(record, with_state(record, PendingState::retry), memory_order_seq_cst,
                               memory_order_relaxed))
        return Code::not_pending;          // somebody else ended it
    mark_retry(segment, group, sequence);  // a reader that saw the entry dead still may have taken it away
    entries_came(segment, sleeper_mask(group), 1);
    return {};
}

Result<void> drop_dead(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    std::uint64_t record = dead_record(segment, group, sequence);
    if (record != 0 && !may_finish(segment, group, sequence)) return Error(Code::out_of_order, sequence);
    if (record != 0 && is_being_moved(unpack_pending(segment.geometry(), record))) return Code::busy;
    // seq_cst: as finish_entry (ACK, SLEEP).
    if (record == 0 || !segment.record(group, sequence)
                            .compare_exchange(record, with_state(record, PendingState::acked), memory_order_seq_cst,
                                              memory_order_relaxed))
        return Code::not_pending;
    after_finishing_any(segment, group);
    return {};
}

}  // namespace shmq
