// See text.hpp.
#include "tools/common/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace shmq::tools {

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t place = digits.size(); place > 3;) {
        place -= 3;
        digits.insert(place, 1, ',');
    }
    return digits;
}

std::string human_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 6> units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return counted(bytes, "byte", "bytes");
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    const bool whole = value == static_cast<double>(static_cast<std::uint64_t>(value));
    return fmt::format("{:.{}f} {}", value, whole ? 0 : 1, units[unit]);
}

std::string counted(std::uint64_t number, std::string_view singular, std::string_view plural) {
    return fmt::format("{} {}", grouped(number), number == 1 ? singular : plural);
}

std::string human_duration(Duration duration) {
    const auto nanoseconds = static_cast<std::uint64_t>(std::max(duration, Duration{0}).count());
    const double value = static_cast<double>(nanoseconds);
    if (nanoseconds < 1'000) return fmt::format("{} ns", nanoseconds);
    if (nanoseconds < 1'000'000) return fmt::format("{:.3g} us", std::min(value / 1e3, 999.0));
    if (nanoseconds < 1'000'000'000) return fmt::format("{:.3g} ms", std::min(value / 1e6, 999.0));
    const std::uint64_t seconds = nanoseconds / 1'000'000'000;
    if (seconds < 60) return fmt::format("{:.3g} s", value / 1e9);
    if (seconds < 3'600) return fmt::format("{} m {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} m", grouped(seconds / 3'600), seconds / 60 % 60);
}

std::string options_text(const GroupOptions& options) {
    std::string text;
    const auto say = [&](const std::string& option) { text += (text.empty() ? "" : ", ") + option; };
    if (options.order == Order::by_key) say("order by key");
    if (options.order == Order::strict) say("strict order");
    if (options.retention == Retention::lossy) say("lossy");
    if (options.retention == Retention::until)
        say(fmt::format("required until {} behind", human_duration(options.behind)));
    if (options.in_flight != 0) say(fmt::format("{} in flight a consumer", grouped(options.in_flight)));
    if (options.delivery_limit != 0) say(fmt::format("delivery limit {}", options.delivery_limit));
    if (!options.dead_letter.empty()) say(fmt::format("dead letters to {}", options.dead_letter));
    if (options.histograms) say("histograms");
    if (options.retry.first_delay == Duration{0}) return text;
    say(fmt::format("retry after {}", human_duration(options.retry.first_delay)));
    if (options.retry.kind == BackOff::doubling)
        say(fmt::format("doubling up to {}", human_duration(options.retry.most_delay)));
    return text;
}

std::string options_text(const GroupInfo& group) {
    std::string text = options_text(group.options);
    if (group.demoted_at != 0) text += fmt::format(", lossy since entry {} was too late", grouped(group.demoted_at));
    if (group.lost != 0)
        text += fmt::format(", {} {} lost", grouped(group.lost), group.lost == 1 ? "entry" : "entries");
    return text;
}

std::string name_list(std::span<const std::string> names) {
    std::string list;
    for (std::size_t index = 0; index < names.size(); ++index) {
        if (index > 0) list += index + 1 == names.size() ? " and " : ", ";
        list += names[index];
    }
    return list;
}

bool is_utf8(std::string_view bytes) noexcept {
    const auto byte_at = [&](std::size_t index) { return static_cast<unsigned char>(bytes[index]); };
    for (std::size_t index = 0; index < bytes.size();) {
        const unsigned char first = byte_at(index);
        if (first < 0x80) {
            ++index;
            continue;
        }
        const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        if (first < 0xc2 || first > 0xf4 || bytes.size() - index < length) return false;
        for (std::size_t next = index + 1; next < index + length; ++next)
            if ((byte_at(next) & 0xc0) != 0x80) return false;
        const unsigned char second = byte_at(index + 1);
        if (first == 0xe0 && second < 0xa0) return false;
        if (first == 0xed && second > 0x9f) return false;
        if (first == 0xf0 && second < 0x90) return false;
        if (first == 0xf4 && second > 0x8f) return false;
        index += length;
    }
    return true;
}

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t index = 0; index < bytes.size(); index += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - index);
        std::uint32_t word = 0;
        for (std::size_t place = 0; place < 3; ++place)
            word = word << 8 | (place < count ? static_cast<unsigned char>(bytes[index + place]) : 0u);
        for (std::size_t place = 0; place < 4; ++place)
            text.push_back(place <= count ? base64_alphabet[word >> (18 - 6 * place) & 63u] : '=');
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string bytes;
    std::uint32_t word = 0;
    for (std::size_t index = 0; index < text.size(); ++index) {
        const std::size_t six = base64_alphabet.find(text[index]);
        const bool is_padding = index >= text.size() - padding;
        if (six == std::string_view::npos && !is_padding) return std::nullopt;
        word = word << 6 | (is_padding ? 0u : static_cast<std::uint32_t>(six));
        if (index % 4 == 3)
            for (const unsigned shift : {16u, 8u, 0u}) bytes.push_back(static_cast<char>(word >> shift & 0xffu));
    }
    bytes.resize(bytes.size() - padding);
    return bytes;
}

}  // namespace shmq::tools
