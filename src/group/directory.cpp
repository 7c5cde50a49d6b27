// Group rows and the directory word; which step of making and dropping decides is said in directory.hpp.
#include "group/directory.hpp"

#include <algorithm>
#include <bit>

#include "base/error_detail.hpp"
#include "group/pins.hpp"
#include "log/publish.hpp"
#include "log/sleep.hpp"

namespace shmq {

namespace {

constexpr std::uint32_t no_successor = ~std::uint32_t{0};
constexpr std::uint64_t everybody = sleeper_mask(room_bit + 1) - 1;

std::uint64_t load_directory(const Segment& segment) noexcept {
    // seq_cst: one order with the trim goal and the group words (TRIM, DROP).
    return segment.control().directory.load(memory_order_seq_cst);
}

/// The active row of this name under `directory`, or no row.
std::optional<std::uint32_t> row_of(const Segment& segment, std::uint64_t directory, std::string_view name) noexcept {
    for (std::uint32_t groups = active_groups(directory); groups != 0; groups &= groups - 1) {
        const auto row = static_cast<std::uint32_t>(std::countr_zero(groups));
        if (row >= segment.geometry().group_rows) break;
        if (row_name(segment.group(row).name).view() == name) return row;
    }
    return std::nullopt;
}

/// Where a group that begins at `from` starts, checked against what is kept and what was added.
Result<Sequence> start_of(const Segment& segment, Position from) noexcept {
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

/// Writes everything of a row that is ours alone, as if every entry before `start` were finished and none after it
/// delivered.
void prepare(const Segment& segment, std::uint32_t row, std::string_view name, Sequence start) noexcept {
    const Geometry& g = segment.geometry();
    GroupRow& group = segment.group(row);
    // relaxed throughout: the exchange on the directory makes it visible (DIRECTORY).
    group.start.store(start, memory_order_relaxed);
    group.cursor.store(start, memory_order_relaxed);
    group.floor.store(start, memory_order_relaxed);
    group.kind = 0;
    group.options = 0;
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
}

/// Takes a row that is free, or dropped with nobody inside, and prepares it.
Result<GroupId> prepare_row(const Segment& segment, const Visits& visits, std::string_view name,
                            Sequence start) noexcept {
    const Geometry& g = segment.geometry();
    const AttachmentId me = visits.owner();
    for (std::uint32_t row = 0; row < g.group_rows; ++row) {
        std::uint64_t word = segment.group(row).word.load(memory_order_seq_cst);
        const GroupWord found = unpack_group(word);
        if (is_in_directory(segment, row)) continue;
        if (found.state != GroupState::free && found.state != GroupState::dropped) continue;
        if (found.state == GroupState::dropped && is_visited(segment, row)) continue;
        const auto incarnation = static_cast<std::uint32_t>((found.incarnation + 1) & low_mask(25));
        const GroupWord mine{GroupState::preparing, me.row, static_cast<std::uint32_t>(me.incarnation & low_mask(24)),
                             incarnation};
        if (!segment.group(row).word.compare_exchange(word, pack_group(mine), memory_order_seq_cst,
                                                      memory_order_relaxed))
            continue;
        prepare(segment, row, name, start);
        return GroupId{row, incarnation};
    }
    return text_error(
        Code::too_many_groups, g.groups,
        "all %u group rows are in use, or watched by processes that were inside when their group was dropped; "
        "drop a group, or let those processes close their consumers",
        g.group_rows);
}

/// Gives back a row that was prepared for nothing.
void abandon_row(const Segment& segment, GroupId group) noexcept {
    segment.group(group.row).word.store(group_word(GroupState::free, group.incarnation), memory_order_release);
}

/// Pins what living consumers hold. False if the table is used up.
bool pin_delivered(const Segment& segment, std::uint32_t row) noexcept {
    const Geometry& g = segment.geometry();
    const Sequence end = find_end(segment);
    for (Sequence s = std::max(find_begin(segment), shmq::start_of(segment.group(row), memory_order_acquire)); s < end;
         ++s) {
        const PendingWord record = unpack_pending(g, segment.record(row, s).load(memory_order_seq_cst));
        if (record.tag != g.record_tag(s) || record.state != PendingState::delivered) continue;
        if (record.consumer == 0 || record.consumer > g.consumers) continue;
        const OwnerWord owner =
            unpack_owner(segment.consumer(row, record.consumer - 1).word.load(memory_order_acquire));
        if (owner.state != OwnerState::live) continue;
        const auto chunks = chunks_of(segment, unpack_slot(g, segment.slot(s).load(memory_order_acquire)).place);
        if (chunks && !reserve_pin(segment, row, record.consumer - 1, *chunks)) return false;
    }
    return true;
}

/// Closes an active row for `me`; its word afterwards, or nullopt if it was not active.
std::optional<std::uint64_t> begin_closing(const Segment& segment, AttachmentId me, GroupId group) noexcept {
    std::uint64_t word = group_word(GroupState::active, group.incarnation);
    const std::uint64_t closing = pack_group(
        {GroupState::closing, me.row, static_cast<std::uint32_t>(me.incarnation & low_mask(24)), group.incarnation});
    // seq_cst: claims that do not see it are seen by the pinning behind it (DROP).
    if (!segment.group(group.row).word.compare_exchange(word, closing, memory_order_seq_cst, memory_order_relaxed))
        return std::nullopt;
    return closing;
}

/// Pins and takes the bit away, setting the successor's with the same exchange. False if the pin table is used up.
bool finish_closing(const Segment& segment, GroupId group, std::uint64_t closing, std::uint32_t successor) noexcept {
    Word& word = segment.group(group.row).word;
    if (!pin_delivered(segment, group.row)) {
        word.compare_exchange(closing, group_word(GroupState::active, group.incarnation), memory_order_seq_cst,
                              memory_order_relaxed);
        return false;
    }
    std::uint64_t directory = load_directory(segment);
    for (;;) {  // each failed exchange is another group's change
        std::uint32_t active = active_groups(directory) & ~(std::uint32_t{1} << group.row);
        if (successor != no_successor) active |= std::uint32_t{1} << successor;
        if (segment.control().directory.compare_exchange(directory, next_directory(directory, active),
                                                         memory_order_seq_cst, memory_order_seq_cst))
            break;
    }
    word.compare_exchange(closing, group_word(GroupState::dropped, group.incarnation), memory_order_seq_cst,
                          memory_order_relaxed);
    return true;
}

}  // namespace

void finish_creation(const Segment& segment, std::uint32_t row) noexcept {
    GroupRow& group = segment.group(row);
    std::uint64_t word = group.word.load(memory_order_seq_cst);
    const GroupWord found = unpack_group(word);
    if (found.state != GroupState::preparing) return;
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

std::optional<GroupId> find_group(const Segment& segment, Visits& visits, std::string_view name) noexcept {
    const auto row = row_of(segment, load_directory(segment), name);
    if (!row) return std::nullopt;
    const Visit visit(visits, *row);
    finish_creation(segment, *row);
    const GroupWord word = unpack_group(segment.group(*row).word.load(memory_order_seq_cst));
    if (word.state != GroupState::active || row_name(segment.group(*row).name).view() != name) return std::nullopt;
    return GroupId{*row, word.incarnation};
}

Result<GroupId> create_group(const Segment& segment, Visits& visits, std::string_view name, Position from) noexcept {
    const Geometry& g = segment.geometry();
    const auto exists = [&] {
        return text_error(Code::exists, 0, "group %.*s exists already", static_cast<int>(name.size()), name.data());
    };
    std::uint64_t directory = load_directory(segment);
    if (row_of(segment, directory, name)) return exists();
    if (static_cast<std::uint32_t>(std::popcount(active_groups(directory))) >= g.groups)
        return text_error(Code::too_many_groups, g.groups,
                          "the stream allows %u groups and has them; drop one, or create it with more", g.groups);
    const auto start = start_of(segment, from);
    if (!start) return start.error();
    const auto group = prepare_row(segment, visits, name, *start);
    if (!group) return group.error();
    const Visit visit(visits, group->row);
    for (;;) {  // each failed exchange is another group's change
        directory = load_directory(segment);
        const std::uint32_t active = active_groups(directory);
        if (row_of(segment, directory, name)) return abandon_row(segment, *group), exists();
        if (static_cast<std::uint32_t>(std::popcount(active)) >= g.groups)
            return abandon_row(segment, *group), Code::too_many_groups;
        const std::uint64_t wanted = next_directory(directory, active | std::uint32_t{1} << group->row);
        if (segment.control().directory.compare_exchange(directory, wanted, memory_order_seq_cst, memory_order_relaxed))
            break;
    }
    finish_creation(segment, group->row);
    return *group;
}

Result<void> drop_group(const Segment& segment, Visits& visits, std::string_view name) noexcept {
    const auto group = find_group(segment, visits, name);
    if (!group) return Code::no_group;
    const Visit visit(visits, group->row);
    const auto closing = begin_closing(segment, visits.owner(), *group);
    if (!closing) return Code::no_group;
    if (!finish_closing(segment, *group, *closing, no_successor)) return Code::too_many_pins;
    wake_sleepers(segment, everybody, ~0u >> 1);  // its consumers are told, producers may have room
    return {};
}

Result<GroupId> move_group(const Segment& segment, Visits& visits, std::string_view name, Position to) noexcept {
    const auto old = find_group(segment, visits, name);
    if (!old) return Code::no_group;
    const Visit visit(visits, old->row);
    const auto start = start_of(segment, to);
    if (!start) return start.error();
    const auto fresh = prepare_row(segment, visits, name, *start);
    if (!fresh) return fresh.error();
    const Visit fresh_visit(visits, fresh->row);
    const auto closing = begin_closing(segment, visits.owner(), *old);
    if (!closing) return abandon_row(segment, *fresh), Code::no_group;
    if (!finish_closing(segment, *old, *closing, fresh->row)) return abandon_row(segment, *fresh), Code::too_many_pins;
    finish_creation(segment, fresh->row);
    wake_sleepers(segment, everybody, ~0u >> 1);
    return *fresh;
}

bool is_closing(const Segment& segment, std::string_view name) noexcept {
    const auto row = row_of(segment, load_directory(segment), name);
    return row && unpack_group(segment.group(*row).word.load(memory_order_seq_cst)).state == GroupState::closing;
}

}  // namespace shmq
