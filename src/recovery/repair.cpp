// What one dead attachment left. The order of the steps does not matter for safety; the row itself is freed last and
// only by one who made the whole pass, so that nobody has to remember half of it.
#include <algorithm>
#include <array>
#include <bit>

#include "group/closing.hpp"
#include "group/dead_move.hpp"
#include "group/deliver.hpp"
#include "group/finish.hpp"
#include "group/parked.hpp"
#include "group/pins.hpp"
#include "log/named.hpp"
#include "log/publish.hpp"
#include "log/sleep.hpp"
#include "recovery/judge.hpp"
#include "recovery/scan.hpp"

namespace shmq {

namespace {

constexpr std::uint32_t most_consumers = 1023;
using ConsumerSet = std::array<std::uint64_t, (most_consumers + 64) / 64>;

void repair_chunks(const Segment& segment, AttachmentId dead, RecoveryReport& report) noexcept {
    Sequence end =
        0;  // walked to only if it is needed, and after the proof of death: nothing of the dead's comes later
    for (std::uint32_t chunk = 0; chunk < segment.geometry().chunks; ++chunk) {
        ChunkRow& row = segment.chunk(chunk);
        std::uint64_t word = row.word.load(memory_order_acquire);
        if (judge_chunk(unpack_owner(word), dead) == ChunkVerdict::leave) continue;
        if (end == 0) end = find_end(segment);
        // An upper bound will do; it is raised before the word changes, and never lowered by a late scanner (CHUNK).
        raise_to(row.last, end - 1, memory_order_release);
        report.chunks += row.word.compare_exchange(word, pack_owner({OwnerState::unfinished, 0, 0}),
                                                   memory_order_acq_rel, memory_order_relaxed)
                             ? 1u
                             : 0u;
    }
}

void repair_producers(const Segment& segment, AttachmentId dead) noexcept {
    for (std::uint32_t producer = 0; producer < segment.geometry().producers; ++producer) {
        Word& row = segment.producer(producer).word;
        std::uint64_t word = row.load(memory_order_acquire);
        if (judge_row(unpack_owner(word), dead, false) == RowVerdict::free)
            row.compare_exchange(word, 0, memory_order_acq_rel, memory_order_relaxed);
    }
    // Names stay; whoever comes back under one finds out what its last owner added (NUMBER).
    for (std::uint32_t name = 0; name < rows_with_names(segment); ++name) {
        Word& row = segment.named(name).word;
        std::uint64_t word = row.load(memory_order_acquire);
        if (judge_row(unpack_owner(word), dead, false) == RowVerdict::free)
            row.compare_exchange(word, 0, memory_order_acq_rel, memory_order_relaxed);
    }
}

/// Cells that the dead one reserved, and those that acks and drops which ended in a death left.
void repair_cells(const Segment& segment, AttachmentId dead) noexcept {
    for (std::uint32_t cell = 0; cell < cells_in_use(segment); ++cell) {
        Word& row = segment.parking(cell).word;
        std::uint64_t word = row.load(memory_order_seq_cst);
        const CellWord found = unpack_cell(word);
        if (found.state == CellState::free) continue;
        // After the word, before the exchange: the row is the dead one's still, so the cell is too (REPAIR).
        if (segment.attachment(dead.row).word.load(memory_order_seq_cst) != dead.word(OwnerState::live)) return;
        ParkedEntry entry{};
        const bool named = look_at_cell(segment, cell, entry) && entry.word == found;
        const CellVerdict verdict = judge_cell({found, named, named && is_done_with(segment, entry)}, dead);
        if (verdict == CellVerdict::leave) continue;
        const CellWord after = verdict == CellVerdict::live ? CellWord{CellState::live, 0, found.generation}
                                                            : CellWord{CellState::free, 0, found.generation + 1};
        row.compare_exchange(word, pack_cell(after), memory_order_seq_cst, memory_order_relaxed);
    }
}

void settle_group(const Segment& segment, Visits& visits, std::uint32_t row, AttachmentId dead) noexcept {
    Word& word = segment.group(row).word;
    std::uint64_t seen = word.load(memory_order_seq_cst);
    const GroupWord found = unpack_group(seen);
    // In this order: a closing that ended between the two looks has listed its successor.
    const bool named = is_successor(segment, {row, found.incarnation});
    switch (judge_group({found, named, is_in_directory(segment, row)}, dead)) {
        case GroupVerdict::leave: break;
        case GroupVerdict::finish: finish_creation(segment, row); break;
        case GroupVerdict::free:
            word.compare_exchange(seen, group_word(GroupState::free, found.incarnation), memory_order_seq_cst,
                                  memory_order_relaxed);
            break;
        case GroupVerdict::close: finish_closing(segment, visits, row); break;
    }
}

/// The consumer rows of a group that are the dead one's.
std::uint32_t find_consumers(const Segment& segment, std::uint32_t group, AttachmentId dead,
                             ConsumerSet& set) noexcept {
    std::uint32_t count = 0;
    for (std::uint32_t consumer = 0; consumer < segment.geometry().consumers; ++consumer) {
        const OwnerWord word = unpack_owner(segment.consumer(group, consumer).word.load(memory_order_acquire));
        if (judge_row(word, dead, true) == RowVerdict::leave) continue;
        set[consumer / 64] |= std::uint64_t{1} << consumer % 64;
        ++count;
    }
    return count;
}

/// Hands to retry what the consumers of `set` hold, `most` entries at most; how many it were.
std::uint64_t hand_on(const Segment& segment, std::uint32_t group, AttachmentId dead, const ConsumerSet& set,
                      std::uint64_t now_ms, std::uint64_t most) noexcept {
    const Geometry& g = segment.geometry();
    std::uint64_t handed = 0;
    const auto hand_on_if_held = [&](Sequence s, std::uint64_t word) {
        const PendingWord record = unpack_pending(g, word);
        if (record.consumer == 0 || record.consumer > g.consumers) return;
        const std::uint32_t consumer = record.consumer - 1;
        if ((set[consumer / 64] >> consumer % 64 & 1) == 0) return;
        if (judge_record(record, g.record_tag(s), consumer) == RecordVerdict::leave) return;
        // After the record, before the exchange: the row is the dead one's still, so the record is too (REPAIR).
        if (segment.consumer(group, consumer).word.load(memory_order_seq_cst) != dead.word(OwnerState::live)) return;
        handed += give_back(segment, group, s, word, Ending::died, now_ms) == Finish::done ? 1u : 0u;
    };
    const Sequence begin = std::max(find_begin(segment), start_of(segment.group(group), memory_order_acquire));
    const Sequence end = find_end(segment);
    for (Sequence s = begin; s < end && handed < most; ++s)
        hand_on_if_held(s, segment.record(group, s).load(memory_order_seq_cst));
    if (cells_in_use(segment) != 0)  // after the ring, which they left; with the ring's tag, as every held word
        for (const ParkedEntry& entry : ParkedList(segment, group_in(segment, group)))
            if (handed < most) hand_on_if_held(entry.sequence, with_tag(g, entry.record, g.record_tag(entry.sequence)));
    return handed;
}

void wake_for(const Segment& segment, std::uint32_t group, std::uint64_t handed) noexcept {
    if (handed != 0)
        entries_came(segment, sleeper_mask(group), static_cast<unsigned>(std::min<std::uint64_t>(handed, 1'000)));
}

void repair_group(const Segment& segment, Visits& visits, std::uint32_t group, AttachmentId dead, std::uint64_t now_ms,
                  RecoveryReport& report, std::uint64_t& most_entries) noexcept {
    const Visit visit(visits, group);  // also while a half-made group is finished
    settle_group(segment, visits, group, dead);
    const GroupState state = unpack_group(segment.group(group).word.load(memory_order_seq_cst)).state;
    if (state == GroupState::free || state == GroupState::preparing) return;
    // What it was moving to another stream, the next mover settles (LETTER).
    std::uint64_t mover = dead.word(OwnerState::live);
    if (segment.group(group).mover.compare_exchange(mover, 0, memory_order_acq_rel, memory_order_relaxed))
        expect_dead(segment, group, now_ms, 0);  // it had taken the hint away
    ConsumerSet set{};
    if (find_consumers(segment, group, dead, set) == 0) return;
    // Nobody misses the entries of a dropped group, and its row may be prepared anew right now: who does that may have
    // looked before we came in (VISIT).
    const std::uint64_t handed =
        state == GroupState::dropped ? 0 : hand_on(segment, group, dead, set, now_ms, most_entries);
    report.entries += handed;
    most_entries -= handed;
    if (most_entries == 0) return wake_for(segment, group, handed);  // the rows stay the dead one's
    for (std::uint32_t consumer = 0; consumer < segment.geometry().consumers; ++consumer) {
        if ((set[consumer / 64] >> consumer % 64 & 1) == 0) continue;
        ConsumerRow& row = segment.consumer(group, consumer);
        std::uint64_t word = row.word.load(memory_order_acquire);
        const RowVerdict verdict = judge_row(unpack_owner(word), dead, row.anonymous == 0);
        if (verdict == RowVerdict::leave) continue;
        free_pins(segment, group, consumer, [](ChunkSpan) { return false; });
        const std::uint64_t after =
            pack_owner({verdict == RowVerdict::away ? OwnerState::away : OwnerState::free, 0, 0});
        report.consumers +=
            row.word.compare_exchange(word, after, memory_order_acq_rel, memory_order_relaxed) ? 1u : 0u;
    }
    wake_for(segment, group, handed);
}

}  // namespace

void repair(const Segment& segment, Visits& visits, AttachmentId dead, std::uint64_t now_ms,
            RecoveryReport& report) noexcept {
    std::uint64_t all = no_limit;
    repair(segment, visits, dead, now_ms, report, all);
}

void repair(const Segment& segment, Visits& visits, AttachmentId dead, std::uint64_t now_ms, RecoveryReport& report,
            std::uint64_t& most_entries) noexcept {
    repair_chunks(segment, dead, report);
    repair_producers(segment, dead);
    repair_cells(segment, dead);
    for (std::uint32_t group = 0; group < segment.geometry().group_rows && most_entries != 0; ++group)
        repair_group(segment, visits, group, dead, now_ms, report, most_entries);
    if (most_entries == 0) return;
    std::uint64_t word = dead.word(OwnerState::live);
    if (segment.attachment(dead.row).word.compare_exchange(
            word, pack_owner({OwnerState::free, 0, dead.incarnation + 1}), memory_order_acq_rel, memory_order_relaxed))
        ++report.dead;
    room_came(segment);
}

}  // namespace shmq
