// Attachments: how a handle gets a row and a lock, and how anybody tells whether it lives.
//
// Every incarnation of a row has a lock byte of its own, far beyond the end of the file. A handle takes a free row
// (attaching), locks the byte on an open file description of its own, and only then declares itself live. The kernel
// drops the lock when the process dies; no timer is involved. The lock's description is never mapped through nor
// duplicated, and probing uses another one, since a description does not see its own locks (docs/protocol.md, ATTACH).
#pragma once

#include "layout/segment.hpp"
#include "os/file.hpp"
#include "os/process.hpp"

namespace shmq {

/// Attaches: errors `too_many_attachments`, `system`. `lock` must be an open file description that nothing else uses.
Result<AttachmentId> attach(const Segment& segment, const os::Descriptor& lock, const os::Descriptor& probe,
                            const os::ProcessInfo& who);

/// Gives the row back. Everything it owned has been given up before. The lock falls when `lock` is closed.
void detach(const Segment& segment, AttachmentId id) noexcept;

/// Byte that the process of this row and incarnation keeps locked.
[[nodiscard]] std::uint64_t lock_offset(const Geometry& geometry, AttachmentId id) noexcept;

enum class Life : std::uint8_t { alive, dead, gone };  // gone: another incarnation has the row, or none

/// Whether the handle of an attachment lives: word, lock, word again. One or two system calls. What can't be probed
/// counts as alive.
Life probe_life(const Segment& segment, const os::Descriptor& probe, AttachmentId id) noexcept;

}  // namespace shmq
