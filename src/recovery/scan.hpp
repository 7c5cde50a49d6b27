// The scanner: finds attachments whose process died and hands on what they held. It takes no lock and holds nothing:
// every step is a compare-and-swap from a value that can't come back, so any number of scanners may repair the same
// death at once and any of them may stop for ever (docs/protocol.md, REPAIR). Run by waiters, by producers that find no
// room, by every open, and on request.
#pragma once

#include "group/visit.hpp"
#include "os/file.hpp"
#include "recovery/attach.hpp"
#include "shmq/stream.hpp"

namespace shmq {

inline constexpr std::uint64_t no_limit = ~std::uint64_t{0};  // entries

/// Looks at every attachment but `visits.owner()` and repairs what the dead ones left. A system call per live row. Also
/// finishes every drop and move that was begun, whether by the dead or by somebody who is stopped.
RecoveryReport scan(const Segment& segment, Visits& visits, const os::Descriptor& probe, std::uint64_t now_ms) noexcept;
/// The same, but hands on `most_entries` at most, which it counts down: at 0 it ended there, as one who dies does, and
/// the next scan goes on. So a reader that scans need not hand on a million entries before it is given the first.
RecoveryReport scan(const Segment& segment, Visits& visits, const os::Descriptor& probe, std::uint64_t now_ms,
                    std::uint64_t& most_entries) noexcept;

/// Repairs what one attachment left that is proven dead (repair.cpp), the second as far as `most_entries` goes.
void repair(const Segment& segment, Visits& visits, AttachmentId dead, std::uint64_t now_ms,
            RecoveryReport& report) noexcept;
void repair(const Segment& segment, Visits& visits, AttachmentId dead, std::uint64_t now_ms, RecoveryReport& report,
            std::uint64_t& most_entries) noexcept;

/// Frees one row of a dead attachment for a handle that found none free and so has none to scan from. False if nobody
/// is dead.
bool free_dead_row(const Segment& segment, const os::Descriptor& probe, std::uint64_t now_ms) noexcept;

/// After a reboot the times of deliveries mean nothing: all are set to now, once, and the segment gets the present
/// boot's number.
void adopt_boot(const Segment& segment, Visits& visits, std::uint64_t boot, std::uint64_t now_ms) noexcept;

}  // namespace shmq
