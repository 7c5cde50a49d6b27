// Moving the trim point; called when room is needed, not for each entry.
#include "log/trim.hpp"

#include <algorithm>
#include <bit>

#include "base/error_detail.hpp"
#include "log/named.hpp"
#include "log/parking.hpp"
#include "log/retention.hpp"

namespace shmq {

namespace {

/// How far every active group of `directory` that holds the trim point has finished, from `from` on, up to `to`.
Lifted least_finished(const Segment& segment, std::uint64_t directory, Sequence from, Sequence to) noexcept {
    Lifted least{to, {}};
    for (std::uint32_t groups = active_groups(directory); groups != 0; groups &= groups - 1) {
        const auto group = static_cast<std::uint32_t>(std::countr_zero(groups));
        if (group >= segment.geometry().group_rows) break;  // a damaged directory names no row
        if (!holds_trim(segment.group(group))) continue;    // what it has not finished is lost
        const Sequence until = finished_until(segment, group, from, least.trim);
        if (until < least.trim) least = {until, {true, group, until}};
    }
    return least;
}

}  // namespace

Sequence finished_until(const Segment& segment, std::uint32_t group, Sequence from, Sequence to) noexcept {
    const Geometry& g = segment.geometry();
    // seq_cst: a start that its maker raised before we read the directory must be seen (TRIM).
    Sequence s = std::max(from, start_of(segment.group(group), memory_order_seq_cst));
    // Nothing is prefetched: what follows is what the consumers' processors are working on.
    for (; s < to; ++s) {
        const std::uint64_t record = segment.record(group, s).load(memory_order_acquire);
        if (pending_tag(g, record) != g.record_tag(s)) return s;
        if (pending_state(record) == PendingState::acked) [[likely]]
            continue;
        if (pending_state(record) != PendingState::parked) return s;
        settle_parked(segment, group, s, record);  // its cell is live before anybody passes it (PARK)
    }
    return to;
}

Lifted lift_trim(const Segment& segment, Sequence wanted) noexcept {
    Control& control = segment.control();
    // (1) somebody lifted it already  (2) a group holds it  (3) the directory or the goal changed: look again, at most
    // twice, and else leave the rest to the next caller  (4) the goal stands and no group is below it: raise the trim
    // point.
    Sequence trim = control.trim_point.load(memory_order_acquire);
    Lifted least{};
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (trim >= wanted) return {trim, {}};  // (1)
        // seq_cst on directory, goal and start: the single order in which a mover that missed a new group is seen by
        // its maker.
        const std::uint64_t directory = control.directory.load(memory_order_seq_cst);
        least = least_finished(segment, directory, trim, wanted);
        if (least.trim <= trim) return {trim, least.blocked};  // (2)
        raise_to(control.trim_goal, least.trim, memory_order_seq_cst);
        const Sequence goal = control.trim_goal.load(memory_order_seq_cst);
        const std::uint64_t again = control.directory.load(memory_order_seq_cst);
        Sequence until = least.trim;
        if (again != directory) until = least_finished(segment, again, trim, least.trim).trim;
        if (until >= least.trim && goal >= least.trim) {  // (4)
            record_adds_below(segment, least.trim);       // NUMBER
            raise_to(control.trim_point, least.trim, memory_order_seq_cst);
            return {control.trim_point.load(memory_order_acquire), least.blocked};
        }
        trim = control.trim_point.load(memory_order_acquire);  // (3)
    }
    return {trim, least.blocked};
}

Error blocked_error(const Segment& segment, const char* what, const Blocked& blocked) noexcept {
    const Geometry& g = segment.geometry();
    const auto held = [&](std::uint32_t group, Sequence sequence, const PendingWord& record) {
        const RowName name = row_name(segment.group(group).name);
        const bool table_full = record.state != PendingState::none && g.parking != 0 && is_parking_full(segment);
        if (record.state != PendingState::delivered || record.consumer == 0 || record.consumer > g.consumers)
            return full_error(what, name.view(), {}, sequence, table_full);
        const RowName consumer = row_name(segment.consumer(group, record.consumer - 1).name);
        return full_error(what, name.view(), consumer.size != 0 ? consumer.view() : "(anonymous)", sequence,
                          table_full);
    };
    if (!blocked.known) {  // no entry of the ring; perhaps one that is parked
        const auto parked = lowest_parked(segment);
        if (!parked || parked->group_row >= g.group_rows) return full_error(what, {}, {}, 0);
        return held(parked->group_row, parked->sequence, unpack_pending(g, parked->record));
    }
    PendingWord record = unpack_pending(g, segment.record(blocked.group, blocked.sequence).load(memory_order_acquire));
    if (record.tag != g.record_tag(blocked.sequence)) record = {};  // never delivered
    return held(blocked.group, blocked.sequence, record);
}

}  // namespace shmq
