// The mover's words and the mark on the record; the rules are in dead_move.hpp.
#include "group/dead_move.hpp"

#include "group/count.hpp"
#include "group/delays.hpp"
#include "log/owner.hpp"

namespace shmq {

namespace {

/// Whether a record is that of a dead entry which is marked.
bool is_marked(const Geometry& g, std::uint64_t record) noexcept {
    return pending_state(record) == PendingState::dead && is_being_moved(unpack_pending(g, record));
}

/// The record with another consumer.
std::uint64_t of_consumer(const Geometry& g, std::uint64_t record, std::uint32_t consumer) noexcept {
    PendingWord word = unpack_pending(g, record);
    word.consumer = consumer;
    return pack_pending(g, word);
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
    segment.group(group).dead_waits.store(0, memory_order_seq_cst);  // before the walk (LETTER)
    std::vector<Sequence> dead;
    each_pending(segment, group, 0, ~Sequence{0}, [&](Sequence s, const PendingWord& pending, const RecordAt&) {
        if (pending.state == PendingState::dead) dead.push_back(s);
        return dead.size() < most;
    });
    return dead;
}

bool take_mover(const Segment& segment, AttachmentId me, std::uint32_t group, OwnerWord& owner) noexcept {
    return take_ownership(segment.group(group).mover, me, owner);
}

void give_back_mover(const Segment& segment, AttachmentId me, std::uint32_t group) noexcept {
    give_back_ownership(segment.group(group).mover, me);
}

std::optional<Movable> find_movable(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    const auto at = find_pending(segment, group, sequence);
    if (!at || pending_state(at->value) != PendingState::dead || is_marked(g, at->value)) return std::nullopt;
    return Movable{with_tag(g, at->value, g.record_tag(sequence)), at->place};
}

std::optional<DeliveryFacts> begin_move(const Segment& segment, std::uint32_t group, const DeadMove& move,
                                        std::uint64_t now_ms) noexcept {
    const Geometry& g = segment.geometry();
    GroupRow& row = segment.group(group);
    // relaxed, then release: whoever sees the sequence sees the rest (LETTER).
    row.moving_number.store(move.number, memory_order_relaxed);
    row.moving_target.store(move.target, memory_order_relaxed);
    row.moving_record.store(move.record, memory_order_relaxed);
    row.moving_sequence.store(move.sequence, memory_order_release);
    DeliveryFacts facts;
    // The intent before the mark; after it a requeue or a drop finds the entry marked.
    const auto begun =
        change_dead(segment, group, move.sequence, [&](const RecordAt& at) -> std::optional<std::uint64_t> {
            if (at.value != at.as_there(g, move.record)) return std::nullopt;
            facts = clock_read(*at.delivery, unpack_pending(g, at.value), now_ms);
            return of_consumer(g, at.value, 0);
        });
    if (begun) return facts;
    end_intent(segment, group);  // requeued, dropped or acked meanwhile
    return std::nullopt;
}

std::optional<DeadMove> unsettled_move(const Segment& segment, std::uint32_t group) noexcept {
    GroupRow& row = segment.group(group);
    DeadMove move;
    move.sequence = row.moving_sequence.load(memory_order_acquire);
    if (move.sequence == 0) return std::nullopt;
    move.number = row.moving_number.load(memory_order_relaxed);  // visible with the sequence, as the next two
    move.target = row.moving_target.load(memory_order_relaxed);
    move.record = row.moving_record.load(memory_order_relaxed);
    const auto at = find_pending(segment, group, move.sequence);
    if (at && is_marked(segment.geometry(), at->value)) return move;
    end_intent(segment, group);
    return std::nullopt;
}

void finish_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept {
    // It fails only if an operator's ack came before.
    const auto finished =
        change_dead(segment, group, move.sequence, [&](const RecordAt& at) -> std::optional<std::uint64_t> {
            if (!is_marked(segment.geometry(), at.value)) return std::nullopt;
            return with_state(at.value, PendingState::acked);
        });
    if (finished) {
        if (finished->parked) leave_parking(segment, *finished->parked);
        after_finishing_any(segment, group);
    }
    end_intent(segment, group);
}

void undo_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept {
    const Geometry& g = segment.geometry();
    // Whose it was matters only for who takes it first after a requeue; damage makes it anybody's.
    const std::uint32_t before = unpack_pending(g, move.record).consumer;
    change_dead(segment, group, move.sequence, [&](const RecordAt& at) -> std::optional<std::uint64_t> {
        if (!is_marked(g, at.value)) return std::nullopt;  // an operator acked it
        return of_consumer(g, at.value, before != 0 && before <= g.consumers ? before : 1);
    });
    end_intent(segment, group);
}

}  // namespace shmq
