// Locks on single bytes of a segment file: how a process shows that it lives.
//
// They are open file description locks (F_OFD_SETLK). The kernel drops one when the last reference to its description
// is gone: at close, at SIGKILL, also for zombies; nothing the holder does not do can keep it or fake it. Rules for
// callers:
// * The description that locks is used for nothing else: never mapped through, never duplicated (os::reopen makes one).
// * Asking needs another description, one that never locks: the holder's own sees its lock as free.
// * A forked child closes its copy and never unlocks: both share one description, so unlocking takes the parent's lock.
// * Nobody takes another's byte to find out whether it is dead; byte_is_locked only looks.
//
// Called by src/log and src/recovery (attachments). Any thread; no allocation.
#pragma once

#include <cstdint>

#include "os/file.hpp"
#include "shmq/status.hpp"

namespace shmq::os {

/// Locks the byte at `offset`, 0 to 2^63 - 2, which may be beyond the end of the file. Never waits. `file` must be open
/// for writing. True: this description holds it now (or did already); false: another one does. Errors: system with
/// errno.
[[nodiscard]] Result<bool> try_lock_byte(const Descriptor& file, std::uint64_t offset) noexcept;

/// Gives the byte back; nothing happens if it was not held.
void unlock_byte(const Descriptor& file, std::uint64_t offset) noexcept;

/// Whether another description than `file`'s holds the byte. A descriptor open for reading alone is enough. Only locks
/// of try_lock_byte count: who may only read the file can take no such lock, and so can't make the dead look alive.
/// Errors: system with errno.
[[nodiscard]] Result<bool> byte_is_locked(const Descriptor& file, std::uint64_t offset) noexcept;

}  // namespace shmq::os
