// The hook itself. Nothing in it allocates or locks once it is armed.
#include "crash/access_points.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/atomic.hpp"
#include "crash/write_trap.hpp"

namespace shmq::test {

namespace {

Point wanted = Point::death;
std::uintptr_t lowest = 0;
std::uintptr_t highest = 0;
std::uint64_t counted = 0;
std::uint64_t chosen = 0;
std::uintptr_t last_load = 0;

/// A load that follows its neighbour's: one of a walk over a table.
bool continues_a_walk(Access access, std::uintptr_t address) noexcept {
    if (access != Access::load) {
        last_load = 0;
        return false;
    }
    const bool next = address == last_load + 8;
    last_load = address;
    return next;
}

void before(Access access, const volatile void* where) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(where);
    if (address < lowest || address >= highest) return;
    if (wanted == Point::death ? access == Access::load : continues_a_walk(access, address)) return;
    if (++counted != chosen) return;
    ::kill(::getpid(), wanted == Point::death ? SIGKILL : SIGSTOP);
}

void before_write(std::uint64_t number) noexcept {
    if (number == chosen) ::kill(::getpid(), SIGKILL);
}

/// Where the last mapping of a file lies.
void find_mapping(const std::string& path) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (!line.ends_with(path)) continue;
        unsigned long from = 0;
        unsigned long to = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx", &from, &to) != 2) continue;
        lowest = from;
        highest = to;
    }
}

}  // namespace

void arm(Point point, const std::string& path, std::uint64_t at) {
    wanted = point;
    counted = 0;
    chosen = at;
    last_load = 0;
    lowest = 0;
    highest = path.empty() ? ~std::uintptr_t{0} : 0;
    if (!path.empty()) find_mapping(path);
    if (point == Point::instruction)
        trap_writes(reinterpret_cast<std::byte*>(lowest), highest - lowest, before_write);
    else
        access_hook = before;
}

std::uint64_t disarm() {
    if (wanted == Point::instruction) return release_writes();
    access_hook = nullptr;
    return counted;
}

}  // namespace shmq::test
