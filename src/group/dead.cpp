// Two ways out of being dead, each one exchange: so an entry leaves it once, whoever tries and whoever dies. The third
// is to be moved to another stream (dead_move.hpp); while that is under way the record is marked, and both refuse.
#include "group/dead.hpp"

#include "group/dead_move.hpp"
#include "group/delivery_clock.hpp"
#include "group/finish.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "group/retry_index.hpp"
#include "log/publish.hpp"
#include "log/sleep.hpp"

namespace shmq {

namespace {

/// The record of a dead entry, wherever it is.
std::optional<RecordAt> find_dead(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const auto at = find_pending(segment, group, sequence);
    return at && pending_state(at->value) == PendingState::dead ? at : std::nullopt;
}

/// Changes it to `state`. False if somebody else ended it, or it is not dead. `prepare` is called with what is about to
/// be changed. Again once if it was parked in between.
template <class Prepare>
std::optional<RecordAt> end_dead(const Segment& segment, std::uint32_t group, Sequence sequence, PendingState state,
                                 Prepare prepare) noexcept {
    for (int turn = 0; turn < 2; ++turn) {
        const auto at = find_dead(segment, group, sequence);
        if (!at || !prepare(*at)) return std::nullopt;
        std::uint64_t record = at->value;
        // seq_cst: as finish_entry (ACK, SLEEP).
        if (at->record->compare_exchange(record, with_state(record, state), memory_order_seq_cst, memory_order_relaxed))
            return at;
    }
    return std::nullopt;
}

}  // namespace

Result<void> requeue_dead(const Segment& segment, std::uint32_t group, Sequence sequence,
                          std::uint64_t now_ms) noexcept {
    bool moving = false;
    const auto requeued = end_dead(segment, group, sequence, PendingState::retry, [&](const RecordAt& at) {
        const PendingWord dead = unpack_pending(segment.geometry(), at.value);
        if ((moving = is_being_moved(dead)) || dead.handover >= last_handover) return false;
        // The counts and the mark first: dying in between leaves a dead entry without counts, to be requeued again.
        clock_forget(*at.delivery, dead, now_ms);
        mark_retry(segment, group, sequence);
        return true;
    });
    if (!requeued) return moving ? Code::busy : Code::not_pending;
    mark_retry(segment, group, sequence);  // a reader that saw the entry dead still may have taken it away
    entries_came(segment, sleeper_mask(group), 1);
    return {};
}

Result<void> drop_dead(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    if (!may_finish(segment, group, sequence)) return Error(Code::out_of_order, sequence);
    bool moving = false;
    const auto dropped = end_dead(segment, group, sequence, PendingState::acked, [&](const RecordAt& at) {
        moving = is_being_moved(unpack_pending(segment.geometry(), at.value));
        return !moving;
    });
    if (!dropped) return moving ? Code::busy : Code::not_pending;
    if (dropped->parked) leave_parking(segment, *dropped->parked);
    after_finishing_any(segment, group);
    return {};
}

}  // namespace shmq
