// Moving dead entries out of a group, exactly once: what the source stream keeps of a move. The other half, a numbered
// add to the target stream, is in api/dead_letters.cpp.
//
// One mover at a time: an owner word in the group's row, taken by an exchange from 0, given back by its owner or, after
// proven death, by the scanner. The mover first writes an intent into the row (the entry, the number its letter is
// going to have, in which segment), then *marks* the record: dead, of nobody. Only then it adds the letter, and makes
// the record acked. Whoever is the mover next settles what the intent says: unmarked, nothing was added; marked, the
// last number of the target's producer name tells whether the letter is there; acked, it is finished.
//
// The mark is what makes a move and an operator's requeue or drop exclude each other: each begins by an exchange of the
// same record from "dead, of somebody", so one of them wins, and the loser changes nothing.
//
// The record is wherever the entry is (parked.hpp): a producer may park it between any two of these steps, marked or
// not, and each looks for it anew.
#pragma once

#include <vector>

#include "group/parked.hpp"

namespace shmq {

/// How long who could not move a dead entry leaves it, ms.
inline constexpr std::uint32_t move_again_ms = 1'000;

/// Whether the group's dead entries are moved out.
[[nodiscard]] inline bool has_dead_letter(const GroupRow& row) noexcept { return row.dead_letter[0] != 0; }

/// Whether dead entries may be waiting for that: a hint.
[[nodiscard]] inline bool dead_waits(const Segment& segment, std::uint32_t group) noexcept {
    return segment.group(group).dead_waits.load(memory_order_relaxed) != 0;  // what it leads to is checked
}

/// Raises the hint, and makes a read look at it in `in_ms` at the latest. Before a record becomes dead, so that a death
/// in between leaves it too early, and again after: a mover takes it away before it looks at the records (LETTER).
void expect_dead(const Segment& segment, std::uint32_t group, std::uint64_t now_ms, std::uint32_t in_ms) noexcept;

/// Changes the record of a dead entry, in the ring or in a cell, to what `next(RecordAt)` answers. nullopt if that
/// answers nullopt, the entry is not dead, or somebody else changed it. Again once if it was parked in between.
template <class Next>
std::optional<RecordAt> change_dead(const Segment& segment, std::uint32_t group, Sequence sequence,
                                    Next next) noexcept {
    for (int turn = 0; turn < 2; ++turn) {
        const auto at = find_pending(segment, group, sequence);
        if (!at || pending_state(at->value) != PendingState::dead) return std::nullopt;
        const std::optional<std::uint64_t> after = next(*at);
        if (!after) return std::nullopt;
        std::uint64_t record = at->value;
        // seq_cst: as finish_entry (ACK, SLEEP); and before what follows it (LETTER).
        if (at->record->compare_exchange(record, *after, memory_order_seq_cst, memory_order_relaxed)) return at;
    }
    return std::nullopt;
}

/// Takes the hint away, and lists what is dead, lowest first, at most `most`.
std::vector<Sequence> dead_to_move(const Segment& segment, std::uint32_t group, std::size_t most);

/// Makes `me` the group's mover, or says in `owner` who is; to be asked again once that one's death was repaired.
bool take_mover(const Segment& segment, AttachmentId me, std::uint32_t group, OwnerWord& owner) noexcept;
void give_back_mover(const Segment& segment, AttachmentId me, std::uint32_t group) noexcept;

/// A move. The functions below are the mover's alone.
struct DeadMove {
    Sequence sequence = 0;
    std::uint64_t number = 0;  // of its letter
    std::uint64_t target = 0;  // which segment the letter goes to
    std::uint64_t record = 0;  // before it was marked; with the ring's tag, as every held word
};

/// Whether this dead entry's record is marked.
[[nodiscard]] inline bool is_being_moved(const PendingWord& dead) noexcept { return dead.consumer == 0; }

/// A dead entry that is not marked.
struct Movable {
    std::uint64_t record;  // as in DeadMove
    std::uint64_t place;   // its bytes are its own if begin_move from this record succeeds after they were read
};
[[nodiscard]] std::optional<Movable> find_movable(const Segment& segment, std::uint32_t group,
                                                  Sequence sequence) noexcept;

/// Writes the intent and marks the record; what the delivery word says of it. nullopt, with nothing begun, if the
/// record is no longer `move.record`.
std::optional<DeliveryFacts> begin_move(const Segment& segment, std::uint32_t group, const DeadMove& move,
                                        std::uint64_t now_ms) noexcept;

/// What a mover before left; nullopt if nothing is under way. A move whose entry is not marked is ended here: it never
/// came to its letter, or is through.
std::optional<DeadMove> unsettled_move(const Segment& segment, std::uint32_t group) noexcept;

/// The letter was added: the entry is finished. Whatever became of the record by an operator's ack stays.
void finish_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept;
/// It was not, and will not be: the entry is dead as before.
void undo_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept;

}  // namespace shmq
