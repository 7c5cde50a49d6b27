// The time namespace's part of the clocks.
#include "os/clock.hpp"

#include <array>
#include <charconv>

#include "os/proc_text.hpp"

namespace shmq::os {
namespace {

/// Where a link in /proc leads; empty if it can't be read.
std::string link_target(const char* path) {
    std::array<char, 128> target{};
    const ssize_t size = ::readlink(path, target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string{};
}

/// Takes blanks and then a number from the front of `text`; false if there is none.
bool take_number(std::string_view& text, std::int64_t& number) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    const std::from_chars_result parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return true;
}

}  // namespace

std::int64_t parse_monotonic_offset(std::string_view text) noexcept {
    constexpr std::string_view word = "monotonic";
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
        if (!line.starts_with(word)) continue;
        line.remove_prefix(word.size());
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        if (!take_number(line, seconds) || !take_number(line, nanoseconds)) return 0;
        constexpr std::int64_t most_seconds = 9'000'000'000;  // 285 years, so that the product fits
        if (seconds > most_seconds || seconds < -most_seconds || nanoseconds < 0 || nanoseconds > 999'999'999) return 0;
        return seconds * 1'000'000'000 + nanoseconds;
    }
    return 0;
}

std::int64_t monotonic_offset_ns() noexcept {
    // The file shows the offsets of the namespace that children are born into, which is not always one's own.
    if (link_target("/proc/self/ns/time") != link_target("/proc/self/ns/time_for_children")) return 0;
    return parse_monotonic_offset(read_text("/proc/self/timens_offsets"));
}

std::uint64_t remember_offset() noexcept {
    const auto offset_ns = static_cast<std::uint64_t>(monotonic_offset_ns());
    remembered_offset.store(offset_ns, memory_order_relaxed);  // relaxed: see clock.hpp
    return offset_ns;
}

}  // namespace shmq::os
