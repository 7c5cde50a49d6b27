// The mover's words and the mark on the record; the rules are in dead_move.hpp.
#include "group/dead_move.hpp"

#include "group/delays.hpp"
#include "group/deliver.hpp"
#include "group/order.hpp"

namespace shmq {

namespace {

/// The record as it is while the entry is moved: dead, of nobody.
std::uint64_t marked(const Geometry& g, std::uint64_t record) noexcept {
    PendingWord word = unpack_pending(g, record);
    word.consumer = 0;
    return pack_pending(g, word);
}

/// Whether a record is that of `sequence`, dead.
bool is_dead(const Geometry& g, std::uint64_t record, Sequence sequence) noexcept {
    return pending_tag(g, record) == g.record_tag(sequence) && pending_state(record) == PendingState::dead;
}

/// Whether a record is that of `sequence`, marked by a mover.
bool is_marked(const Geometry& g, std::uint64_t record, Sequence sequence) noexcept {
    return is_dead(g, record, sequence) && is_being_moved(unpack_pending(g, record));
}

void end_intent(const Segment& segment, std::uint32_t group) noexcept {
    segment.group(group).moving_sequence.store(0, memory_order_release);  // after the record (LETTER)
}

}  // namespace

void expect_dead(const Segment& segment, std::uint32_t group, std::uint64_t now_ms, std::uint32_t in_ms) noexcept {
    Word& hint = segment.group(group).dead_waits;
    // seq_cst: after the record's exchange, this load and the walk of who takes the hint away have one order (LETTER).
    if (hint.load(memory_order_seq_cst) == 0) hint.store(1, memory_order_seq_cst);
    lower_due(segment, group, now_ms + in_ms, now_ms);
}

std::vector<Sequence> dead_to_move(const Segment& segment, std::uint32_t group, std::size_t most) {
    const Geometry& g = segment.geometry();
    segment.group(group).dead_waits.store(0, memory_order_seq_cst);  // before the walk (LETTER)
    std::vector<Sequence> dead;
    const Sequence end = find_cursor(segment, group);
    for (Sequence s = find_base(segment, group); s < end && dead.size() < most; ++s)
        if (is_dead(g, segment.record(group, s).load(memory_order_seq_cst), s)) dead.push_back(s);
    return dead;
}

bool take_mover(const Segment& segment, AttachmentId me, std::uint32_t group, OwnerWord& owner) noexcept {
    std::uint64_t seen = 0;
    // acquire: all that the mover before us did (LETTER).
    if (segment.group(group).mover.compare_exchange(seen, me.word(OwnerState::live), memory_order_acq_rel,
                                                    memory_order_acquire))
        return true;
    owner = unpack_owner(seen);
    return false;
}

void give_back_mover(const Segment& segment, AttachmentId me, std::uint32_t group) noexcept {
    std::uint64_t mine = me.word(OwnerState::live);
    segment.group(group).mover.compare_exchange(mine, 0, memory_order_acq_rel, memory_order_relaxed);
}

std::uint64_t movable_record(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_seq_cst);
    return is_dead(g, record, sequence) && !is_being_moved(unpack_pending(g, record)) ? record : 0;
}

bool begin_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept {
    GroupRow& row = segment.group(group);
    // relaxed, then release: whoever sees the sequence sees the rest (LETTER).
    row.moving_number.store(move.number, memory_order_relaxed);
    row.moving_target.store(move.target, memory_order_relaxed);
    row.moving_record.store(move.record, memory_order_relaxed);
    row.moving_sequence.store(move.sequence, memory_order_release);
    std::uint64_t seen = move.record;
    // acq_rel: the intent before the mark; after it a requeue or a drop finds the entry marked.
    if (segment.record(group, move.sequence)
            .compare_exchange(seen, marked(segment.geometry(), move.record), memory_order_seq_cst,
                              memory_order_relaxed))
        return true;
    end_intent(segment, group);  // requeued, dropped or acked meanwhile
    return false;
}

std::optional<DeadMove> unsettled_move(const Segment& segment, std::uint32_t group) noexcept {
    const Geometry& g = segment.geometry();
    GroupRow& row = segment.group(group);
    DeadMove move;
    move.sequence = row.moving_sequence.load(memory_order_acquire);
    if (move.sequence == 0) return std::nullopt;
    move.number = row.moving_number.load(memory_order_relaxed);  // visible with the sequence, as the next two
    move.target = row.moving_target.load(memory_order_relaxed);
    move.record = row.moving_record.load(memory_order_relaxed);
    const std::uint64_t record = segment.record(group, move.sequence).load(memory_order_seq_cst);
    if (is_marked(g, record, move.sequence)) return move;
    end_intent(segment, group);
    return std::nullopt;
}

void finish_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept {
    const Geometry& g = segment.geometry();
    Word& word = segment.record(group, move.sequence);
    std::uint64_t record = word.load(memory_order_seq_cst);
    // seq_cst: as finish_entry (ACK, SLEEP). It fails only if an operator's ack came before.
    if (is_marked(g, record, move.sequence) && word.compare_exchange(record, with_state(record, PendingState::acked),
                                                                     memory_order_seq_cst, memory_order_relaxed))
        after_finishing_any(segment, group);
    end_intent(segment, group);
}

void undo_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept {
    const Geometry& g = segment.geometry();
    Word& word = segment.record(group, move.sequence);
    std::uint64_t record = word.load(memory_order_seq_cst);
    PendingWord before = unpack_pending(g, record);
    // Whose it was matters only for who takes it first after a requeue; damage makes it anybody's.
    const std::uint32_t consumer = unpack_pending(g, move.record).consumer;
    before.consumer = consumer != 0 && consumer <= g.consumers ? consumer : 1;
    if (is_marked(g, record, move.sequence))  // else an operator acked it
        word.compare_exchange(record, pack_pending(g, before), memory_order_seq_cst, memory_order_relaxed);
    end_intent(segment, group);
}

}  // namespace shmq
