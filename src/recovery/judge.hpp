// What a state that was found means: the recovery table of docs/protocol.md, as pure functions. They read nothing and
// change nothing, so that every combination can be tested; src/recovery/repair.cpp does what they say.
#pragma once

#include "layout/words.hpp"
#include "log/parking.hpp"

namespace shmq {

/// Rows A to E of the table: an attachment row.
enum class AttachmentVerdict : std::uint8_t {
    leave,  // A free; B attaching and locked; D live and locked; or it changed while it was looked at
    reset,  // C attaching without a lock: its process ended in between, or has not locked yet and will find out
    dead    // E live without a lock, the same before and after the probe: proven
};
struct AttachmentFinding {
    OwnerWord before;  // the row's word
    bool locked;       // its incarnation's byte, probed after
    OwnerWord after;   // the word again
};
[[nodiscard]] AttachmentVerdict judge_attachment(const AttachmentFinding& finding) noexcept;

/// Rows F and G: a chunk, against a dead owner.
enum class ChunkVerdict : std::uint8_t {
    leave,      // G not owned, or owned by another incarnation
    unfinished  // F owned by the dead: left for adoption
};
[[nodiscard]] ChunkVerdict judge_chunk(const OwnerWord& chunk, AttachmentId dead) noexcept;

/// Rows H to K: a producer's or consumer's row, against a dead owner.
enum class RowVerdict : std::uint8_t {
    leave,  // H not the dead one's
    free,   // I the dead one's: a producer, an anonymous consumer, or one that had not finished joining
    away    // K a named consumer: the row keeps the name
};
[[nodiscard]] RowVerdict judge_row(const OwnerWord& row, AttachmentId dead, bool keeps_name) noexcept;

/// Rows L and M: a pending record of a consumer whose row is the dead one's still.
enum class RecordVerdict : std::uint8_t {
    leave,  // L of another lap, not delivered, or delivered to another consumer
    retry   // M delivered to the dead
};
[[nodiscard]] RecordVerdict judge_record(const PendingWord& record, std::uint64_t tag, std::uint32_t consumer) noexcept;

/// Rows S to V: a parking cell, against a dead attachment whose row is its own still.
enum class CellVerdict : std::uint8_t {
    leave,  // S free, live with an entry that somebody needs, or reserved by somebody else
    live,   // U reserved by the dead, and the ring names it: the entry is in it
    free    // V reserved by the dead for nothing, or live and finished, or of a group that is gone
};
struct CellFinding {
    CellWord word;
    bool named;  // tentative: the ring's record names it; looked at after its maker's proven death
    bool done;   // live: its entry is finished, or its group gone
};
[[nodiscard]] CellVerdict judge_cell(const CellFinding& cell, AttachmentId dead) noexcept;

/// Rows N to R: a group row whose maker may be the dead one.
enum class GroupVerdict : std::uint8_t {
    leave,   // N nobody prepares it, or somebody else; Q a closing row names it: whoever finishes that one lists it
    finish,  // O preparing, and in the directory: the group exists
    free,    // P preparing, named by no closing row and not in the directory: it never existed
    close    // R closing, whoever began it: decided, so anybody finishes it
};
struct GroupFinding {
    GroupWord word;
    bool is_successor;  // a closing row named it; looked at after its maker's proven death, so no other will
    bool in_directory;  // looked at after that
};
[[nodiscard]] GroupVerdict judge_group(const GroupFinding& group, AttachmentId dead) noexcept;

}  // namespace shmq
