// Sees each machine instruction that writes into a piece of memory, before it does.
//
// The pages are write-protected. An instruction that writes there faults; the handler counts it, opens the pages and
// lets this one instruction run by the processor's trap flag, after which they are closed again. A string instruction
// (`rep movs`, `rep stos`) counts once for each 64 bytes. Nothing of the program under test is changed for it.
//
// For processes with one thread, on x86-64, without sanitizers (which have handlers of their own).
#pragma once

#include <cstddef>
#include <cstdint>

namespace shmq::test {

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
inline constexpr bool traps_writes = true;
#else
inline constexpr bool traps_writes = false;
#endif

/// From now on `before_write(number)`, counted from 1, is called before each instruction that writes into the pages
/// [from, from + size). It is called in a signal handler.
void trap_writes(std::byte* from, std::size_t size, void (*before_write)(std::uint64_t number) noexcept);
/// The pages can be written as before; how many writes there were.
std::uint64_t release_writes();

}  // namespace shmq::test
