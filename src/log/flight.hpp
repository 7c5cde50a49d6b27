// The flight recorder: what each handle did last, of what is rare, so that somebody who comes afterwards can see what a
// process was about when it died, stopped or hung. Adding, reading and acking leave no event: the log and the pending
// records tell of them.
//
// A ring of `flight_events` for each attachment row, written by whoever owns the row. It is never cleared: what a
// former owner did stays until it is overwritten, and `opened` tells where the next began. Nothing depends on it, and
// nobody waits for anybody: threads of one handle that write at once, or a thread that wakes up after the row changed
// hands, may spoil an event, which its check tells.
//
// log/recorded.hpp has the word of an event, and how it is written and read.
//
// Without recorders in the geometry nothing is written.
#pragma once

#include <optional>
#include <vector>

#include "layout/segment.hpp"

namespace shmq {

/// What was done, and what its two numbers are. The numbers are kept: they stand in segments.
enum class Did : std::uint8_t {
    none,
    opened,         // pid; start time of the process in clock ticks since boot
    closed,         //
    joined,         // consumer row
    left,           // consumer row
    took_chunk,     // chunk; the log's end then
    found_full,     // oldest entry that is kept; times so far, one after the other
    waits_to_read,  // next entry of the group; times so far, one after the other
    gave_back,      // first sequence; entries. As failed deliveries
    took_over,      // entries, from who held them too long; the first of them
    was_fenced,     // sequence: it was handed on meanwhile
    recovered,      // pid of the dead; entries that were handed on
    parked,         // oldest entry that is kept: what stood there was parked
    made_group,
    dropped_group,
    moved_group,
    acked_for,      // sequence: as an operator, whoever held it
    gave_back_for,  // sequence: likewise
    requeued_dead,  // sequence
    dropped_dead,   // sequence
    trimmed,        // first entry that is kept; entries given up
    removed,        // the stream
    made_dead,      // sequence: as an operator
    count
};

/// Notes something in the ring of an attachment row; `group` is a group row, or none. A clock, and six stores to lines
/// that are one's own.
void note(const Segment& segment, std::uint32_t attachment, Did what, std::optional<std::uint32_t> group,
          std::uint64_t first = 0, std::uint64_t second = 0) noexcept;
/// The same, but if the last event was the same in the same group it is moved on, and its `second` counts.
void note_again(const Segment& segment, std::uint32_t attachment, Did what, std::optional<std::uint32_t> group,
                std::uint64_t first) noexcept;

struct FlightEvent {
    std::uint64_t number = 0;   ///< of the ring's events, modulo 2^32
    std::uint64_t time_ns = 0;  ///< since 1970
    Did what = Did::none;
    std::optional<std::uint32_t> group;  ///< row
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

/// The events of a ring that are whole, oldest first. For who only looks.
[[nodiscard]] std::vector<FlightEvent> flight_of(const Segment& segment, std::uint32_t attachment);

}  // namespace shmq
