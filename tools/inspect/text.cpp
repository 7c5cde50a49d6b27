// See text.hpp.
#include "tools/inspect/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "tools/common/text.hpp"

namespace shmq::inspect {

namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

// Code points a terminal does not simply show: C1 controls, marks that join the character before, are invisible, change
// the direction of writing or end a line, and private ones.
constexpr std::array<Range, 15> hidden{{{0x80, 0xA0},
                                        {0xAD, 0xAD},
                                        {0x300, 0x36F},
                                        {0x600, 0x605},
                                        {0x61C, 0x61C},
                                        {0x6DD, 0x6DD},
                                        {0x70F, 0x70F},
                                        {0x180B, 0x180F},
                                        {0x200B, 0x200F},
                                        {0x2028, 0x202F},
                                        {0x2060, 0x206F},
                                        {0xE000, 0xF8FF},
                                        {0xFE00, 0xFE0F},
                                        {0xFEFF, 0xFEFF},
                                        {0xFFF0, 0xFFFF}}};
constexpr std::uint32_t first_unseen_plane = 0x40000;

std::uint32_t byte_of(char character) noexcept { return static_cast<unsigned char>(character); }

// Size in bytes of the visible character that `bytes` begins with; 0 if it has to be escaped.
std::size_t visible_size(std::string_view bytes) noexcept {
    const std::uint32_t first = byte_of(bytes.front());
    if (first < 0x80) return first >= ' ' && first <= '~' && first != '\\' ? 1 : 0;
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (bytes.size() < size || !tools::is_utf8(bytes.substr(0, size))) return 0;
    std::uint32_t value = first & (0x7Fu >> size);
    for (std::size_t index = 1; index < size; ++index) value = value << 6 | (byte_of(bytes[index]) & 0x3Fu);
    const bool shown = std::none_of(hidden.begin(), hidden.end(),
                                    [&](const Range& range) { return value >= range.first && value <= range.last; });
    return shown && value < first_unseen_plane ? size : 0;
}

std::string escape_of(char character) {
    switch (character) {
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        case '\\': return "\\\\";
        default: return fmt::format("\\x{:02x}", byte_of(character));
    }
}

}  // namespace

std::string exact_size(std::uint64_t bytes) {
    if (bytes < 1024) return tools::human_size(bytes);
    return fmt::format("{} ({} bytes)", tools::human_size(bytes), tools::grouped(bytes));
}

std::uint64_t percent(std::uint64_t part, std::uint64_t whole) noexcept {
    if (whole == 0) return 0;
    if (part <= ~std::uint64_t{0} / 100) return part * 100 / whole;
    return part / (whole / 100 + 1);
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {
    const std::uint64_t share = percent(part, whole);
    return share == 0 && part > 0 ? std::string("<1 %") : fmt::format("{} %", share);
}

std::string utc_time(std::uint64_t time_ns) {
    if (time_ns == 0) return "-";
    const auto seconds = static_cast<std::time_t>(time_ns / 1'000'000'000);
    std::tm parts{};
    if (gmtime_r(&seconds, &parts) == nullptr) return "-";
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, time_ns % 1'000'000'000 / 1'000);
}

std::uint64_t wall_clock_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

SafeText safe_text(std::string_view bytes, std::size_t width) {
    SafeText result;
    std::size_t left = width;
    while (!bytes.empty()) {
        const std::size_t size = visible_size(bytes);
        const std::string piece = size > 0 ? std::string(bytes.substr(0, size)) : escape_of(bytes.front());
        const std::size_t columns = display_width(piece);
        if (columns > left) {
            result.cut = true;
            return result;
        }
        left -= columns;
        result.text += piece;
        bytes.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return result;
}

std::size_t display_width(std::string_view text) noexcept {
    const auto starts = [](char character) { return (byte_of(character) & 0xC0u) != 0x80u; };
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts));
}

std::string shell_word(std::string_view word) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/+=:,@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
    std::string quoted = "'";
    for (const char character : word) {
        if (character == '\'')
            quoted += "'\\''";
        else
            quoted += character;
    }
    return quoted + "'";
}

}  // namespace shmq::inspect
