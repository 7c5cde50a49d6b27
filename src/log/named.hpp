// Adds that are never made twice: what a producer with a name leaves behind, so that whoever comes back under the name
// knows exactly which of its numbers was added last.
//
// Before the slot's exchange the owner of a name writes an intent: the number, and the first sequence the entry can
// have. An open intent of somebody who died is decided by the log: the entry is there or it is not. So that it can be
// looked for at any later time, whoever lifts the trim point first looks at what it passes, and records in the intent
// what it finds (synchronisation NUMBER of docs/protocol.md).
//
// "Found" may be recorded by anybody, since it stays true. "Not there" is concluded by the owner alone: by the living
// one, whose exchange failed, or by its successor, after the proof of death.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "layout/segment.hpp"

namespace shmq {

/// The last add under a name; number 0: there was none.
struct LastAdd {
    std::uint64_t number = 0;
    Sequence sequence = 0;
};

/// The row that bears the name; a row without one is given it for good. Error: `too_many_names`.
Result<std::uint32_t> row_of_name(const Segment& segment, std::string_view name) noexcept;

/// The name of a row, empty if it has none.
RowName name_of_row(const Segment& segment, std::uint32_t row) noexcept;

/// Rows that may have a name.
[[nodiscard]] inline std::uint32_t rows_with_names(const Segment& segment) noexcept {
    // acquire: NUMBER. A damaged word names no row.
    const std::uint64_t rows = segment.control().names.load(memory_order_acquire);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(rows, segment.geometry().producer_names));
}

/// Takes the row of a name, or says in `owner` who has it; to be asked again once that one's death was repaired.
bool take_name(const Segment& segment, AttachmentId me, std::uint32_t row, OwnerWord& owner) noexcept;

/// Gives it back; no intent is open.
void give_back_name(const Segment& segment, AttachmentId me, std::uint32_t row) noexcept;

/// What was added last under the name, as it was at some moment of the call. Changes nothing.
LastAdd look_at_last_add(const Segment& segment, std::uint32_t row) noexcept;

/// Before the trim point is lifted to `until`: records the entries below of intents that are open. One load for a
/// stream without names. The caller has seen every entry below `until` published.
void record_adds_below(const Segment& segment, Sequence until) noexcept;

/// The owner of a name's row. One thread at a time.
class NamedAdds {
public:
    /// The row was taken by us; finds out what the owner before us left.
    NamedAdds(const Segment& segment, std::uint32_t row) noexcept;

    [[nodiscard]] std::uint32_t row() const noexcept { return row_; }
    [[nodiscard]] LastAdd last() const noexcept { return last_; }

    /// An add with this number is about to be published at `first_possible` or later; all below is seen published.
    void begin(std::uint64_t number, Sequence first_possible) noexcept;
    /// It was, there.
    void done(Sequence sequence) noexcept;
    /// It was not, and will not be.
    void failed() noexcept;

private:
    [[nodiscard]] NamedRow& words() const noexcept { return segment_.named(row_); }

    Segment segment_;
    std::uint32_t row_;
    Sequence lowest_;  // the end of the log when the row was ours
    std::uint64_t number_ = 0;
    LastAdd last_;
};

}  // namespace shmq
