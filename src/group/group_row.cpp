// Taking, preparing and finishing group rows; the states a row goes through are said in directory.hpp.
#include "group/group_row.hpp"

#include <algorithm>
#include <bit>

#include "base/error_detail.hpp"
#include "group/group_options.hpp"
#include "group/histograms.hpp"
#include "group/pins.hpp"
#include "log/publish.hpp"
#include "log/retention.hpp"

namespace shmq {

namespace {

/// Writes everything of a row that is ours alone, as if every entry before `start` were finished and none after it
/// delivered.
void prepare(const Segment& segment, GroupId id, std::string_view name, Sequence start,
             const GroupOptions& options) noexcept {
    const Geometry& g = segment.geometry();
    const std::uint32_t row = id.row;
    GroupRow& group = segment.group(row);
    // relaxed throughout: the exchange on the directory makes it visible (DIRECTORY). The fence: who lists groups
    // without being inside, and meets one of these, finds behind its own fence that the row is another's.
    fence(memory_order_release);
    group.start.store(start, memory_order_relaxed);
    group.cursor.store(start, memory_order_relaxed);
    group.floor.store(start, memory_order_relaxed);
    group.demoted.store(undemoted_word(id.incarnation), memory_order_relaxed);
    group.active.store(0, memory_order_relaxed);
    group.skipped.store(start, memory_order_relaxed);
    group.mover.store(0, memory_order_relaxed);
    group.moving_sequence.store(0, memory_order_relaxed);
    group.dead_waits.store(0, memory_order_relaxed);
    group.lost.store(0, memory_order_relaxed);
    put_options(group, options);
    group.due.store(0, memory_order_relaxed);
    set_row_name(group.name, name);
    for (Sequence s = start; s - start < g.slots; ++s) {
        const PendingWord lap_before{(g.record_tag(s) - 1) & g.record_tag_mask, 0, 0, PendingState::acked};
        segment.record(row, s).store(pack_pending(g, lap_before), memory_order_relaxed);
        segment.delivery(row, s).store(0, memory_order_relaxed);
    }
    const std::uint64_t retry_words = g.area(AreaKind::retry).stride / 8;
    Word* const retry = segment.retry_level(row, g.retry_levels - 1);  // the top level stands first
    for (std::uint64_t word = 0; word < retry_words; ++word) retry[word].store(0, memory_order_relaxed);
    for (std::uint32_t consumer = 0; consumer < g.consumers; ++consumer) {
        segment.consumer(row, consumer).word.store(0, memory_order_relaxed);
        segment.consumer(row, consumer).pinned.store(0, memory_order_relaxed);
    }
    for (std::uint32_t stripe = 0; options.order == Order::by_key && stripe < g.key_stripes; ++stripe)
        segment.key_stripe(row, stripe).store(0, memory_order_relaxed);
    clear_histograms(segment, row);
    free_group_pins(segment, row);
}

}  // namespace

std::optional<std::uint32_t> row_of(const Segment& segment, std::uint64_t directory, std::string_view name) noexcept {
    for (std::uint32_t groups = active_groups(directory); groups != 0; groups &= groups - 1) {
        const auto row = static_cast<std::uint32_t>(std::countr_zero(groups));
        if (row >= segment.geometry().group_rows) break;
        if (row_name(segment.group(row).name).view() == name) return row;
    }
    return std::nullopt;
}

Result<Sequence> start_at(const Segment& segment, Position from) noexcept {
    const Sequence goal = segment.control().trim_goal.load(memory_order_seq_cst);
    const Sequence end = find_end(segment);
    if (from.kind() == Position::Kind::oldest) return goal;
    if (from.kind() == Position::Kind::newest) return std::max(goal, end);
    const Sequence wanted = from.sequence();
    if (wanted == 0 || wanted > end)
        return text_error(Code::out_of_range, wanted, "sequence %llu was not added yet; the stream holds %llu to %llu",
                          static_cast<unsigned long long>(wanted), static_cast<unsigned long long>(goal),
                          static_cast<unsigned long long>(end - 1));
    if (wanted < goal)
        return text_error(Code::trimmed, wanted, "sequence %llu is no longer kept; the oldest is %llu",
                          static_cast<unsigned long long>(wanted), static_cast<unsigned long long>(goal));
    return wanted;
}

Result<GroupId> prepare_row(const Segment& segment, const Visits& visits, std::string_view name, Sequence start,
                            const GroupOptions& options) noexcept {
    const Geometry& g = segment.geometry();
    for (std::uint32_t row = 0; row < g.group_rows; ++row) {
        std::uint64_t word = segment.group(row).word.load(memory_order_seq_cst);
        const GroupWord found = unpack_group(word);
        if (is_in_directory(segment, row)) continue;
        if (found.state != GroupState::free && found.state != GroupState::dropped) continue;
        if (found.state == GroupState::dropped && is_visited(segment, row)) continue;
        const auto incarnation = static_cast<std::uint32_t>((found.incarnation + 1) & low_mask(group_incarnation_bits));
        if (!segment.group(row).word.compare_exchange(word, preparing_word(visits.owner(), incarnation),
                                                      memory_order_seq_cst, memory_order_relaxed))
            continue;
        prepare(segment, {row, incarnation}, name, start, options);
        return GroupId{row, incarnation};
    }
    return text_error(
        Code::too_many_groups, g.groups,
        "all %u group rows are in use, or watched by processes that were inside when their group was dropped; "
        "drop a group, or let those processes close their consumers",
        g.group_rows);
}

void abandon_row(const Segment& segment, GroupId group) noexcept {
    segment.group(group.row).word.store(group_word(GroupState::free, group.incarnation), memory_order_release);
}

void finish_creation(const Segment& segment, std::uint32_t row) noexcept {
    GroupRow& group = segment.group(row);
    std::uint64_t word = group.word.load(memory_order_seq_cst);
    const GroupWord found = unpack_group(word);
    // Only what is listed may be settled: another maker may prepare the row again since the caller saw it in the
    // directory. Once it is seen there from inside, it is not prepared anew (VISIT).
    if (found.state != GroupState::preparing || !is_in_directory(segment, row)) return;
    // (1) settled by somebody: nobody raises it any more, or a helper that comes late would lift an active group over
    // what it delivers (2) below the goal: raise it  (3) the goal stands at or below it: settle. Ends when no mover
    // raises the goal meanwhile; movers are rare and raise it by a stride. All seq_cst (TRIM).
    std::uint64_t start = group.start.load(memory_order_seq_cst);
    while ((start & start_settled) == 0) {  // else (1)
        const Sequence goal = segment.control().trim_goal.load(memory_order_seq_cst);
        const std::uint64_t wanted = start < goal ? goal : start | start_settled;  // (2) (3)
        if (group.start.compare_exchange(start, wanted, memory_order_seq_cst, memory_order_seq_cst)) start = wanted;
    }
    group.word.compare_exchange(word, group_word(GroupState::active, found.incarnation), memory_order_seq_cst,
                                memory_order_relaxed);
}

}  // namespace shmq
