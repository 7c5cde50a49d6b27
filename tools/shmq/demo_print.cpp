// Numbers as people read them.
#include "tools/shmq/demo_print.hpp"

#include <time.h>

#include <array>

namespace shmq::tools {

void put(std::string_view text) { static_cast<void>(std::fwrite(text.data(), 1, text.size(), stdout)); }

std::string duration_text(std::uint64_t nanoseconds) {
    const double value = static_cast<double>(nanoseconds);
    if (value < 1e3) return fmt::format("{} ns", nanoseconds);
    if (value < 1e6) return fmt::format("{:.1f} us", value / 1e3);
    if (value < 1e9) return fmt::format("{:.1f} ms", value / 1e6);
    return fmt::format("{:.2f} s", value / 1e9);
}

std::string size_text(std::uint64_t bytes) {
    static constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string shown(std::string_view text) {
    std::string result(text);
    for (char& letter : result) {
        if (letter < ' ' || letter > '~') letter = '?';
    }
    return result;
}

std::uint64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace shmq::tools
