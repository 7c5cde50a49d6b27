// The recovery table as code: no loads, no stores, no calls of other rooms.
#include "recovery/judge.hpp"

namespace shmq {

namespace {

bool belongs_to(const OwnerWord& word, AttachmentId who) noexcept {
    return word.row == who.row && word.incarnation == who.incarnation;
}

}  // namespace

AttachmentVerdict judge_attachment(const AttachmentFinding& finding) noexcept {
    if (finding.locked || finding.before != finding.after) return AttachmentVerdict::leave;
    if (finding.before.state == OwnerState::attaching) return AttachmentVerdict::reset;
    return finding.before.state == OwnerState::live ? AttachmentVerdict::dead : AttachmentVerdict::leave;
}

ChunkVerdict judge_chunk(const OwnerWord& chunk, AttachmentId dead) noexcept {
    return chunk.state == OwnerState::owned && belongs_to(chunk, dead) ? ChunkVerdict::unfinished : ChunkVerdict::leave;
}

RowVerdict judge_row(const OwnerWord& row, AttachmentId dead, bool keeps_name) noexcept {
    if (!belongs_to(row, dead)) return RowVerdict::leave;
    if (row.state == OwnerState::attaching) return RowVerdict::free;
    if (row.state != OwnerState::live) return RowVerdict::leave;
    return keeps_name ? RowVerdict::away : RowVerdict::free;
}

RecordVerdict judge_record(const PendingWord& record, std::uint64_t tag, std::uint32_t consumer) noexcept {
    const bool held = record.tag == tag && record.state == PendingState::delivered && record.consumer == consumer + 1;
    return held ? RecordVerdict::retry : RecordVerdict::leave;
}

CellVerdict judge_cell(const CellFinding& cell, AttachmentId dead) noexcept {
    if (cell.word.state == CellState::live) return cell.done ? CellVerdict::free : CellVerdict::leave;
    if (cell.word.state != CellState::tentative || cell.word.row != dead.row) return CellVerdict::leave;
    return cell.named ? CellVerdict::live : CellVerdict::free;
}

GroupVerdict judge_group(const GroupFinding& group, AttachmentId dead) noexcept {
    if (group.word.state == GroupState::closing) return GroupVerdict::close;
    if (!is_made_by(group.word, dead) || group.is_successor) return GroupVerdict::leave;
    return group.in_directory ? GroupVerdict::finish : GroupVerdict::free;
}

}  // namespace shmq
