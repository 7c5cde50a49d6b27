// Entries that wait until they are due. There is no timer: whoever reads or goes to sleep next looks at the time.
//
// A delayed entry is a pending record in the state `delayed`; its delivery word has the time it is due instead of the
// time it was given back. One word of the group row is a hint: when the first of them is due (synchronisation DELAY).
// Who delays an entry lowers the hint before the record changes, so that a death in between leaves it too early, and
// looks again after: who takes a hint away that has come due (`ripen`) walks the records after that, so one of the two
// sees the other. A hint that was lost all the same, by a death inside `ripen` or by damage, is put back by the sweep.
#pragma once

#include "group/delivery_clock.hpp"

namespace shmq {

/// The hint: the low 32 bits of a time in ms, never 0; 0 if nothing is delayed. Times are at most 2^31 - 1 ms ahead.
[[nodiscard]] inline std::uint32_t due_hint(const Segment& segment, std::uint32_t group) noexcept {
    return segment.group(group).due.load(memory_order_relaxed);  // what it leads to is checked
}
/// How far off the hint is; not positive if it has come due.
[[nodiscard]] inline std::int32_t until_due(std::uint32_t hint, std::uint64_t now_ms) noexcept {
    return static_cast<std::int32_t>(hint - static_cast<std::uint32_t>(now_ms));
}
[[nodiscard]] inline bool is_due(std::uint32_t hint, std::uint64_t now_ms) noexcept {
    return hint != 0 && until_due(hint, now_ms) <= 0;
}

/// Makes the hint say `due_ms` or earlier.
void lower_due(const Segment& segment, std::uint32_t group, std::uint64_t due_ms, std::uint64_t now_ms) noexcept;

/// Once the hint has come due: hands every delayed entry that is due to retry, and sets the hint to the next one. Costs
/// a walk over what is pending. The caller is inside the row.
void ripen(const Segment& segment, std::uint32_t group, std::uint64_t now_ms) noexcept;

}  // namespace shmq
