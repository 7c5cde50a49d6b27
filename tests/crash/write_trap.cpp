// Memory that cannot be written, and the handler of the fault that an instruction raises there.
#include "crash/write_trap.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace shmq::test {

namespace {

std::byte* first = nullptr;
std::size_t length = 0;
std::uint64_t count = 0;
void (*observer)(std::uint64_t) noexcept = nullptr;

void protect(int protection) noexcept {
    if (::mprotect(first, length, protection) != 0) ::abort();
}

#if defined(__x86_64__)

constexpr greg_t trap_flag = 0x100;

greg_t* registers_of(void* context) noexcept { return static_cast<ucontext_t*>(context)->uc_mcontext.gregs; }

/// A step of `rep movs` or `rep stos` (prefix F3, 48 if of eight bytes), done here: the processor would stop after each
/// element of it. False if the instruction is another.
bool step_of_string(greg_t* registers) noexcept {
    constexpr std::size_t bytes_per_step = 64;
    const auto* code = reinterpret_cast<const unsigned char*>(registers[REG_RIP]);
    if (*code++ != 0xF3) return false;
    const bool wide = *code == 0x48;
    if (wide) ++code;
    const bool moves = *code == 0xA4 || *code == 0xA5;
    if (!moves && *code != 0xAA && *code != 0xAB) return false;
    const std::size_t element = (*code & 1) == 0 ? 1 : wide ? 8 : 4;
    const std::size_t elements = std::min(static_cast<std::size_t>(registers[REG_RCX]), bytes_per_step / element);
    const std::size_t bytes = elements * element;
    auto* const to = reinterpret_cast<std::byte*>(registers[REG_RDI]);
    if (moves) {
        std::memcpy(to, reinterpret_cast<const std::byte*>(registers[REG_RSI]), bytes);
        registers[REG_RSI] += static_cast<greg_t>(bytes);
    } else {
        for (std::size_t at = 0; at < bytes; at += element) std::memcpy(to + at, &registers[REG_RAX], element);
    }
    registers[REG_RDI] += static_cast<greg_t>(bytes);
    registers[REG_RCX] -= static_cast<greg_t>(elements);
    if (registers[REG_RCX] == 0) registers[REG_RIP] = reinterpret_cast<greg_t>(code + 1);
    return true;
}

/// A write to the pages; any other fault is one of the program, and ends it as it would have without us.
void on_fault(int, siginfo_t* info, void* context) noexcept {
    const auto* const where = static_cast<const std::byte*>(info->si_addr);
    if (where < first || where >= first + length) {
        ::signal(SIGSEGV, SIG_DFL);
        return;
    }
    observer(++count);
    protect(PROT_READ | PROT_WRITE);
    greg_t* const registers = registers_of(context);
    if (step_of_string(registers))
        protect(PROT_READ);
    else
        registers[REG_EFL] |= trap_flag;
}

/// That write is done.
void on_step(int, siginfo_t*, void* context) noexcept {
    registers_of(context)[REG_EFL] &= ~trap_flag;
    protect(PROT_READ);
}

#else

void on_fault(int, siginfo_t*, void*) noexcept { ::abort(); }
void on_step(int, siginfo_t*, void*) noexcept { ::abort(); }

#endif

void handle(int signal, void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    if (::sigaction(signal, &action, nullptr) != 0) ::abort();
}

}  // namespace

void trap_writes(std::byte* from, std::size_t size, void (*before_write)(std::uint64_t) noexcept) {
    if (!traps_writes) ::abort();
    first = from;
    length = size;
    count = 0;
    observer = before_write;
    handle(SIGSEGV, on_fault);
    handle(SIGTRAP, on_step);
    protect(PROT_READ);
}

std::uint64_t release_writes() {
    // ENOMEM: the program has unmapped them itself.
    if (::mprotect(first, length, PROT_READ | PROT_WRITE) != 0 && errno != ENOMEM) ::abort();
    return count;
}

}  // namespace shmq::test
