// Which groups hold the trim point (GroupOptions::retention), and the demotion of one that fell too far behind.
//
// A required group always does, a lossy one never. One that is required *until* it is late does as long as its word
// `demoted` has bit 63. Who needs room and finds it blocked by such a group compares the time stamp of the blocking
// entry, which is kept, with the realtime clock, and demotes the group by one exchange, once and for all. No view has
// to be looked after, since the consumers of both kinds are given copies from the beginning.
#pragma once

#include <algorithm>

#include "log/trim.hpp"
#include "shmq/options.hpp"

namespace shmq {

/// GroupRow::demoted of a group that is not. It names the group, so that a mover that slept since it looked does not
/// demote another one in the same row.
[[nodiscard]] inline std::uint64_t undemoted_word(std::uint32_t incarnation) noexcept {
    return std::uint64_t{1} << 63 | incarnation;
}
/// The entry that was too old when the group was demoted; 0 if it was not.
[[nodiscard]] inline Sequence demoted_at(const GroupRow& group) noexcept {
    // relaxed: nothing else is read by it.
    const std::uint64_t demoted = group.demoted.load(memory_order_relaxed);
    return demoted >> 63 != 0 ? 0 : demoted;
}

[[nodiscard]] inline Retention retention_of(const GroupRow& group) noexcept {
    // relaxed: the directory made it visible (DIRECTORY). Of a row that is prepared anew meanwhile it may be another
    // group's, as its records may; the directory has changed then, and who reads it again sees that (TRIM).
    const std::uint32_t retention = group.retention.load(memory_order_relaxed);
    return static_cast<Retention>(std::min<std::uint32_t>(retention, static_cast<std::uint32_t>(Retention::until)));
}

/// Whether the trim point may not pass what the group has not finished. Stale is only stricter.
[[nodiscard]] inline bool holds_trim(const GroupRow& group) noexcept {
    const Retention retention = retention_of(group);
    if (retention == Retention::required) [[likely]]
        return true;
    return retention == Retention::until && demoted_at(group) == 0;
}

/// Whether its consumers are given copies of entries, which need no view of them kept.
[[nodiscard]] inline bool hands_out_copies(const GroupRow& group) noexcept {
    return retention_of(group) != Retention::required;
}

/// lift_trim for who needs the trim point at `needed`, and takes it up to `wanted`: groups that block that and are late
/// are demoted.
Lifted lift_for_room(const Segment& segment, Sequence needed, Sequence wanted) noexcept;

}  // namespace shmq
