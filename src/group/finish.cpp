// The exchanges that end a delivery, and what an operator may do to anybody's.
#include "group/finish.hpp"

#include <algorithm>

#include "group/dead_move.hpp"
#include "group/delays.hpp"
#include "group/group_options.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"
#include "group/pins.hpp"
#include "group/retry_index.hpp"
#include "log/publish.hpp"
#include "log/retention.hpp"
#include "log/sleep.hpp"
#include "log/trim.hpp"

namespace shmq {

namespace {

/// What becomes of a delivery that ended with this word beside it. Whoever ends it, also after a death in between,
/// comes to the same, since the word was written first.
PendingState state_after(const GroupRow& row, const PendingWord& delivery, const DeliveryWord& ended,
                         std::uint64_t now_ms) noexcept {
    if (delivery.handover >= last_handover || is_at_limit(row, ended)) return PendingState::dead;
    const std::uint64_t rest = (ended.time_ms - now_ms) & low_mask(time_bits);
    return rest != 0 && rest <= most_delay_ms ? PendingState::delayed : PendingState::retry;
}

/// Marks a retry entry that the index may have lost, and one that is parked under the same mark.
void unmark(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    unmark_retry(segment, group, sequence);
    if (parked_waits_at(segment, group_in(segment, group), sequence)) mark_retry(segment, group, sequence);
}

/// Gives back the delivery at `at`, as it was seen there. False if the record is another by now: at.value has it.
bool give_back_at(const Segment& segment, std::uint32_t group, Sequence sequence, RecordAt& at, Ending ending,
                  std::uint64_t now_ms, std::optional<std::uint32_t> delay_ms) noexcept {
    const PendingWord delivery = unpack_pending(segment.geometry(), at.value);
    const GroupRow& row = segment.group(group);
    const DelayRule delay = delay_ms ? DelayRule{*delay_ms, *delay_ms} : back_off_of(row);
    const DeliveryWord ended = clock_end(*at.delivery, row.delivery_limit, delivery, ending, now_ms, delay);
    return end_delivery(segment, group, sequence, at, state_after(row, delivery, ended, now_ms), ended, now_ms);
}

}  // namespace

bool end_delivery(const Segment& segment, std::uint32_t group, Sequence sequence, RecordAt& at, PendingState state,
                  const DeliveryWord& ended, std::uint64_t now_ms) noexcept {
    // The mark or the hint first: dying in between leaves one too many, not an entry too few.
    if (state == PendingState::retry) mark_retry(segment, group, sequence);
    if (state == PendingState::delayed) lower_due(segment, group, ended.time_ms, now_ms);
    const bool moves = state == PendingState::dead && has_dead_letter(segment.group(group));
    if (moves) expect_dead(segment, group, now_ms, 0);
    const std::uint64_t after = with_state(at.value, state);
    if (!at.record->compare_exchange(at.value, after, memory_order_seq_cst, memory_order_acquire)) return false;
    if (moves) expect_dead(segment, group, now_ms, 0);  // as below, of who took that hint away (LETTER)
    // Again: somebody may have taken the hint away since, and walked past the record before we changed it (DELAY).
    if (state == PendingState::delayed) lower_due(segment, group, ended.time_ms, now_ms);
    // Likewise the mark of a parked entry, which a reader finds at a slot that is another entry's by now.
    if (state == PendingState::retry && at.parked) mark_retry(segment, group, sequence);
    return true;
}

Finish give_back(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held, Ending ending,
                 std::uint64_t now_ms, std::optional<std::uint32_t> delay_ms) noexcept {
    RecordAt at{&segment.record(group, sequence), &segment.delivery(group, sequence), held, 0, {}};
    // Looked at first: the delivery word of a slot that is another entry's by now is not ours to count in.
    std::uint64_t found = at.record->load(memory_order_acquire);
    if (found == held) {
        if (give_back_at(segment, group, sequence, at, ending, now_ms, delay_ms)) return Finish::done;
        found = at.value;
    }
    auto moved = find_moved(segment, group, sequence, found);
    if (!moved) return refused_everywhere(segment, group, sequence, held, found);
    const std::uint64_t mine = moved->as_there(segment.geometry(), held);
    if (moved->value != mine) return refused(mine, moved->value);
    if (give_back_at(segment, group, sequence, *moved, ending, now_ms, delay_ms)) return Finish::done;
    return refused(mine, moved->value);
}

Finish look_at_delivery(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held) noexcept {
    const std::uint64_t found = segment.record(group, sequence).load(memory_order_seq_cst);
    if (found == held) return Finish::done;
    const auto moved = find_moved(segment, group, sequence, found);
    if (!moved) return refused_everywhere(segment, group, sequence, held, found);
    const std::uint64_t mine = moved->as_there(segment.geometry(), held);
    return moved->value == mine ? Finish::done : refused(mine, moved->value);
}

Finish extend_entry(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t held,
                    std::uint64_t now_ms) noexcept {
    const Geometry& g = segment.geometry();
    // After the word: who takes the entry over later has seen it, or took it by an idle time of before.
    const auto extend = [&](Word& record, Word& delivery, std::uint64_t mine) {
        std::uint64_t found = record.load(memory_order_acquire);
        if (found == mine) {
            clock_extend(delivery, unpack_pending(g, mine), now_ms);
            found = record.load(memory_order_seq_cst);
        }
        return found;
    };
    std::uint64_t found = extend(segment.record(group, sequence), segment.delivery(group, sequence), held);
    if (found == held) return Finish::done;
    const auto moved = find_moved(segment, group, sequence, found);
    if (!moved) return refused_everywhere(segment, group, sequence, held, found);
    const std::uint64_t mine = moved->as_there(g, held);
    found = extend(*moved->record, *moved->delivery, mine);
    return found == mine ? Finish::done : refused(mine, found);
}

std::uint64_t pending_record(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_acquire);
    // Of another lap, or of an entry before the group's start, whose record only stands in for a finished one.
    if (pending_tag(g, record) != g.record_tag(sequence)) return 0;
    const PendingState state = pending_state(record);
    const bool is_pending = state == PendingState::delivered || state == PendingState::retry ||
                            state == PendingState::delayed || state == PendingState::dead;
    return is_pending ? record : 0;
}

void lift_for_producers(const Segment& segment, std::uint32_t group, Sequence wanted) noexcept {
    const Sequence trim = find_begin(segment);
    // Less than what is wanted helps nobody, so nothing is tried before the last entry of it is finished; whichever ack
    // comes last finds it so. A wish beyond what the ring holds is damage, and is bounded below.
    if (wanted - trim <= segment.geometry().slots && finished_until(segment, group, wanted - 1, wanted) < wanted)
        return;
    const Sequence end = find_end(segment);  // a damaged or late wish asks for no more than there is
    const Lifted lifted = lift_trim(segment, std::min(wanted, end));
    // A producer that waits has to park the entry itself.
    const bool helps =
        lifted.trim > trim || (lifted.blocked.known && lifted.blocked.group == group &&
                               can_park(segment, group, lifted.blocked.sequence) && !is_parking_full(segment));
    if (helps) room_came(segment);
}

Result<void> operator_ack(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    const bool copies = hands_out_copies(segment.group(group));  // which need no pin
    // Each turn fails only if the entry changed hands meanwhile, or was parked.
    for (;;) {
        const auto at = find_pending(segment, group, sequence);
        if (!at) return Code::not_pending;
        if (!may_finish(segment, group, sequence)) return Error(Code::out_of_order, sequence);
        const PendingWord pending = unpack_pending(g, at->value);
        std::optional<PinTicket> pin;
        if (pending.state == PendingState::delivered && pending.consumer != 0 && pending.consumer <= g.consumers &&
            !copies) {
            const auto chunks = chunks_of(segment, at->place);
            if (chunks && !(pin = reserve_pin(segment, group, pending.consumer - 1, *chunks)))
                return Code::too_many_pins;
        }
        std::uint64_t seen = at->value;
        if (at->record->compare_exchange(seen, with_state(seen, PendingState::acked), memory_order_seq_cst,
                                         memory_order_relaxed)) {
            if (pending.state == PendingState::retry) unmark(segment, group, sequence);
            if (at->parked) leave_parking(segment, *at->parked);
            after_finishing_any(segment, group);
            return {};
        }
        if (pin) return_pin(segment, *pin);
    }
}

Result<void> operator_nack(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t now_ms,
                           std::optional<std::uint32_t> delay_ms) noexcept {
    const Geometry& g = segment.geometry();
    const bool copies = hands_out_copies(segment.group(group));
    for (;;) {  // as above
        auto at = find_pending(segment, group, sequence);
        if (!at) return Code::not_pending;
        const PendingWord pending = unpack_pending(g, at->value);
        if (pending.state != PendingState::delivered) return {};  // it waits already
        std::optional<PinTicket> pin;
        const auto chunks = copies ? std::nullopt : chunks_of(segment, at->place);
        if (chunks && pending.consumer != 0 && pending.consumer <= g.consumers &&
            !(pin = reserve_pin(segment, group, pending.consumer - 1, *chunks)))
            return Code::too_many_pins;
        const std::uint32_t holder = pending.consumer - 1;
        if (pin && !take_back_from(segment, group, sequence, holder, now_ms)) {
            return_pin(segment, *pin);
            return Code::too_many_pins;
        }
        if (give_back_at(segment, group, sequence, *at, Ending::failed, now_ms, delay_ms)) {
            entries_came(segment, sleeper_mask(group), 1);
            return {};
        }
        if (pin) return_pin(segment, *pin);
    }
}

}  // namespace shmq
