// A way into being dead, for operators, and two ways out of it, each one exchange: so an entry leaves it once, whoever
// tries and whoever dies. The third is to be moved to another stream (dead_move.hpp); while that is under way the
// record is marked, and both refuse.
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

Result<void> make_dead(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t now_ms) noexcept {
    constexpr std::uint32_t meanwhile_ms = 60'000;
    for (;;) {  // again only if somebody else changed the record
        auto at = find_pending(segment, group, sequence);
        if (!at) return Code::not_pending;
        const PendingWord pending = unpack_pending(segment.geometry(), at->value);
        if (pending.state == PendingState::dead) return {};
        if (pending.state == PendingState::delivered) {
            // Given back first, so late that nobody is given it meanwhile; dying here leaves it so.
            if (auto given = operator_nack(segment, group, sequence, now_ms, meanwhile_ms); !given) return given;
            continue;
        }
        if (end_delivery(segment, group, sequence, *at, PendingState::dead, {}, now_ms)) return {};
    }
}

Result<void> requeue_dead(const Segment& segment, std::uint32_t group, Sequence sequence,
                          std::uint64_t now_ms) noexcept {
    bool moving = false;
    const auto requeued =
        change_dead(segment, group, sequence, [&](const RecordAt& at) -> std::optional<std::uint64_t> {
            const PendingWord dead = unpack_pending(segment.geometry(), at.value);
            if ((moving = is_being_moved(dead)) || dead.handover >= last_handover) return std::nullopt;
            // The counts and the mark first: dying in between leaves a dead entry without counts, to be requeued again.
            clock_forget(*at.delivery, dead, now_ms);
            mark_retry(segment, group, sequence);
            return with_state(at.value, PendingState::retry);
        });
    if (!requeued) return moving ? Code::busy : Code::not_pending;
    mark_retry(segment, group, sequence);  // a reader that saw the entry dead still may have taken it away
    entries_came(segment, sleeper_mask(group), 1);
    return {};
}

Result<void> drop_dead(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    if (!may_finish(segment, group, sequence)) return Error(Code::out_of_order, sequence);
    bool moving = false;
    const auto dropped = change_dead(segment, group, sequence, [&](const RecordAt& at) -> std::optional<std::uint64_t> {
        if ((moving = is_being_moved(unpack_pending(segment.geometry(), at.value)))) return std::nullopt;
        return with_state(at.value, PendingState::acked);
    });
    if (!dropped) return moving ? Code::busy : Code::not_pending;
    if (dropped->parked) leave_parking(segment, *dropped->parked);
    after_finishing_any(segment, group);
    return {};
}

}  // namespace shmq
