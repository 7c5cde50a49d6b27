// What /proc says of this process and this boot.
#include "os/process.hpp"

#include <charconv>

#include "os/proc_text.hpp"

namespace shmq::os {
namespace {

/// The value of a hexadecimal digit, -1 if it is none.
int digit_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::uint64_t parse_start_time(std::string_view stat) noexcept {
    // Field 2, the name, is in brackets and may hold blanks and brackets itself: count from the last bracket on.
    const std::size_t bracket = stat.rfind(')');
    if (bracket == std::string_view::npos) return 0;
    stat.remove_prefix(bracket + 1);
    constexpr int blanks = 22 - 2;  // field 3 stands behind the first blank
    for (int i = 0; i < blanks; ++i) {
        const std::size_t blank = stat.find(' ');
        if (blank == std::string_view::npos) return 0;
        stat.remove_prefix(blank + 1);
    }
    std::uint64_t ticks = 0;
    std::from_chars(stat.data(), stat.data() + stat.size(), ticks);  // stays 0 if there is no number
    return ticks;
}

ProcessInfo this_process() {
    ProcessInfo info;
    info.pid = ::getpid();
    info.start_time = parse_start_time(read_text("/proc/self/stat"));
    info.command = read_text("/proc/self/comm");
    if (info.command.ends_with('\n')) info.command.pop_back();
    return info;
}

std::array<std::uint8_t, 16> parse_boot_id(std::string_view text) noexcept {
    std::array<std::uint8_t, 16> id{};
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == '-' || c == '\n') continue;
        const int value = digit_value(c);
        if (value < 0 || digits == 2 * id.size()) return {};
        std::uint8_t& byte = id[digits / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
        ++digits;
    }
    return digits == 2 * id.size() ? id : std::array<std::uint8_t, 16>{};
}

std::array<std::uint8_t, 16> boot_id() { return parse_boot_id(read_text("/proc/sys/kernel/random/boot_id")); }

}  // namespace shmq::os
