// What a group lost that is not required: which entries the trim point passed that nobody of it finished or holds, and
// that each of them is told to one of its consumers at least (synchronisation LOSS).
//
// GroupRow::skipped only grows: what is lost below it was told. A read looks from there up to the trim point as it is,
// claims from that on, builds its batch with the losses in it, and only then raises `skipped`: who dies before leaves
// them to the next. Only who raises it tells, so two readers do not tell the same. GroupRow::cursor is raised after
// that, by the next read, so that all below it were delivered, or told as lost.
//
// Lost is: never delivered; given back (waiting, delayed or dead), or left by a dead consumer, and not delivered again.
// Not lost is what somebody holds: he has a copy. A record that a later lap has overwritten says nothing any more:
// below the cursor such an entry was delivered, from it on it counts as lost.
#pragma once

#include <vector>

#include "layout/segment.hpp"
#include "shmq/consumer.hpp"

namespace shmq {

/// Between what was told and the trim point, as both were at one moment.
struct Untold {
    Sequence from = 0;
    Sequence until = 0;
};

/// Adds a range to ranges, behind or within the last of them.
void append_lost(std::vector<LostRange>& lost, Sequence first, Sequence last);
/// Brings ranges into order, and what overlaps together.
void merge_lost(std::vector<LostRange>& lost) noexcept;
/// How many entries the ranges have.
[[nodiscard]] std::uint64_t count_lost(std::span<const LostRange> lost) noexcept;

/// What was lost and not told yet, into `lost`, which is emptied before.
Untold find_losses(const Segment& segment, std::uint32_t group, std::vector<LostRange>& lost);

/// The losses that find_losses found are about to be told: raises `skipped` to the end of what was looked at, and takes
/// out of `lost` what others told meanwhile.
void tell_losses(const Segment& segment, std::uint32_t group, const Untold& untold,
                 std::vector<LostRange>& lost) noexcept;

/// Whether the record of an entry that was held is a later lap's by now.
[[nodiscard]] bool is_overtaken(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

}  // namespace shmq
