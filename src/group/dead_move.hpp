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
#pragma once

#include <vector>

#include "group/visit.hpp"

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

/// Takes the hint away, and lists what is dead, at most `most`.
std::vector<Sequence> dead_to_move(const Segment& segment, std::uint32_t group, std::size_t most);

/// Makes `me` the group's mover, or says in `owner` who is; to be asked again once that one's death was repaired.
bool take_mover(const Segment& segment, AttachmentId me, std::uint32_t group, OwnerWord& owner) noexcept;
void give_back_mover(const Segment& segment, AttachmentId me, std::uint32_t group) noexcept;

/// A move. The functions below are the mover's alone.
struct DeadMove {
    Sequence sequence = 0;
    std::uint64_t number = 0;  // of its letter
    std::uint64_t target = 0;  // which segment the letter goes to
    std::uint64_t record = 0;  // before it was marked
};

/// Whether this dead entry's record is marked.
[[nodiscard]] inline bool is_being_moved(const PendingWord& dead) noexcept { return dead.consumer == 0; }

/// The record of a dead entry that is not marked, 0 if it is none.
[[nodiscard]] std::uint64_t movable_record(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// Writes the intent and marks the record. False, with nothing begun, if the record is no longer `move.record`.
bool begin_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept;

/// What a mover before left; nullopt if nothing is under way. A move whose entry is not marked is ended here: it never
/// came to its letter, or is through.
std::optional<DeadMove> unsettled_move(const Segment& segment, std::uint32_t group) noexcept;

/// The letter was added: the entry is finished. Whatever became of the record by an operator's ack stays.
void finish_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept;
/// It was not, and will not be: the entry is dead as before.
void undo_move(const Segment& segment, std::uint32_t group, const DeadMove& move) noexcept;

}  // namespace shmq
