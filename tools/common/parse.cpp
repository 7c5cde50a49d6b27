// Digits first, then the unit; every step refuses rather than guesses.
#include "tools/common/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace shmq::tools {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::uint64_t kibi = 1024;
constexpr std::array<Unit, 11> size_units{{{"", 1},
                                           {"B", 1},
                                           {"KiB", kibi},
                                           {"MiB", kibi* kibi},
                                           {"GiB", kibi* kibi* kibi},
                                           {"TiB", kibi* kibi* kibi* kibi},
                                           {"kB", 1'000},
                                           {"KB", 1'000},
                                           {"MB", 1'000'000},
                                           {"GB", 1'000'000'000},
                                           {"TB", 1'000'000'000'000}}};
constexpr std::array<Unit, 6> duration_units{{{"ns", 1},
                                              {"us", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000}}};

bool is_digit(char character) { return character >= '0' && character <= '9'; }

std::string_view leading_digits(std::string_view text) {
    return text.substr(0,
                       static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin()));
}

bool has_leading_zero(std::string_view digits) { return digits.size() > 1 && digits.front() == '0'; }

// Decimal digits as a number; nothing if it exceeds 64 bits.
std::optional<std::uint64_t> value_of(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char digit : digits) {
        if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return std::nullopt;
        if (__builtin_add_overflow(value, static_cast<std::uint64_t>(digit - '0'), &value)) return std::nullopt;
    }
    return value;
}

template <std::size_t Count>
const Unit* find_unit(const std::array<Unit, Count>& units, std::string_view name) {
    const auto found = std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.name == name; });
    return found == units.end() ? nullptr : &*found;
}

template <class T>
Parsed<T> refuse(std::string problem) {
    return {std::nullopt, std::move(problem)};
}

Parsed<std::uint64_t> within(std::uint64_t value, std::string_view text, std::uint64_t least, std::uint64_t greatest) {
    if (value < least) return refuse<std::uint64_t>(fmt::format("'{}' is too small: at least {}", text, least));
    if (value > greatest) return refuse<std::uint64_t>(fmt::format("'{}' is too large: at most {}", text, greatest));
    return {value, {}};
}

// Nanoseconds in 0.DIGITS (up to nine of them) of a unit of `factor` nanoseconds, rounded up. Units of a second and
// more are whole seconds, so that no product exceeds 64 bits.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t factor) {
    constexpr std::uint64_t billion = 1'000'000'000;
    std::uint64_t billionths = value_of(digits).value_or(0);
    for (std::size_t count = digits.size(); count < 9; ++count) billionths *= 10;
    return factor >= billion ? billionths * (factor / billion) : (billionths * factor + billion - 1) / billion;
}

}  // namespace

Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t greatest) {
    const std::string_view digits = leading_digits(text);
    if (digits.empty() || digits.size() != text.size() || has_leading_zero(digits))
        return refuse<std::uint64_t>(fmt::format("'{}' is not a number: digits only, no sign, no leading zero", text));
    const auto value = value_of(digits);
    if (!value) return refuse<std::uint64_t>(fmt::format("'{}' is too large: at most {}", text, greatest));
    return within(*value, text, least, greatest);
}

Parsed<std::uint64_t> parse_size(std::string_view text, std::uint64_t least, std::uint64_t greatest) {
    const std::string_view digits = leading_digits(text);
    const Unit* unit = find_unit(size_units, text.substr(digits.size()));
    if (digits.empty() || has_leading_zero(digits) || unit == nullptr)
        return refuse<std::uint64_t>(
            fmt::format("'{}' is not a size: digits, then nothing or B KiB MiB GiB TiB kB MB GB TB", text));
    std::uint64_t bytes = 0;
    const auto value = value_of(digits);
    if (!value || __builtin_mul_overflow(*value, unit->factor, &bytes))
        return refuse<std::uint64_t>(fmt::format("'{}' is too large: at most {} bytes", text, greatest));
    return within(bytes, text, least, greatest);
}

Parsed<Duration> parse_duration(std::string_view text) {
    if (text == "0") return {Duration{0}, {}};
    const std::string_view digits = leading_digits(text);
    std::string_view rest = text.substr(digits.size());
    std::string_view fraction;
    bool good = !digits.empty() && !has_leading_zero(digits);
    if (!rest.empty() && rest.front() == '.') {
        fraction = leading_digits(rest.substr(1));
        rest.remove_prefix(1 + fraction.size());
        good = good && !fraction.empty() && fraction.size() <= 9;
    }
    const Unit* unit = find_unit(duration_units, rest);
    if (!good || unit == nullptr)
        return refuse<Duration>(
            fmt::format("'{}' is not a duration: a number and ns us ms s m or h, such as 250ms or 1.5s", text));
    std::uint64_t nanoseconds = 0;
    const auto value = value_of(digits);
    if (!value || __builtin_mul_overflow(*value, unit->factor, &nanoseconds) ||
        __builtin_add_overflow(nanoseconds, fraction_of(fraction, unit->factor), &nanoseconds) ||
        nanoseconds >= static_cast<std::uint64_t>(Duration::max().count()))
        return refuse<Duration>(fmt::format("'{}' is too long: at most 2562047h", text));
    return {Duration{static_cast<Duration::rep>(nanoseconds)}, {}};
}

Parsed<std::uint32_t> parse_mode(std::string_view text) {
    const bool octal = std::all_of(text.begin(), text.end(), [](char digit) { return digit >= '0' && digit <= '7'; });
    if (!octal || text.size() < 3 || text.size() > 4 || (text.size() == 4 && text.front() != '0'))
        return refuse<std::uint32_t>(fmt::format("'{}' is not a mode: three octal digits, such as 600 or 0640", text));
    std::uint32_t mode = 0;
    for (const char digit : text) mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
    return {mode, {}};
}

Parsed<TimePoint> parse_time(std::string_view text, TimePoint now) {
    if (text.starts_with('-')) {
        const auto age = parse_duration(text.substr(1));
        if (!age.value) return refuse<TimePoint>(age.problem);
        return {std::max(now, TimePoint{} + *age.value) - *age.value, {}};
    }
    const auto refused = [text] {
        return refuse<TimePoint>(fmt::format(
            "'{}' is not a time: such as 2026-11-22T10:00:00Z (UTC, 1970 to 2261), or -5m for five minutes ago", text));
    };
    // As the digits of `shape` stand; the fraction of a second, which may be left out, stands before the Z.
    constexpr std::string_view shape = "0000-00-00T00:00:00";
    std::string_view fraction;
    bool good = text.size() > shape.size() && text.back() == 'Z';
    for (std::size_t place = 0; good && place < shape.size(); ++place)
        good = shape[place] == '0' ? is_digit(text[place]) : text[place] == shape[place];
    if (!good) return refused();
    if (const std::string_view rest = text.substr(shape.size(), text.size() - shape.size() - 1); !rest.empty()) {
        fraction = leading_digits(rest.substr(1));
        if (rest.front() != '.' || fraction.empty() || fraction.size() > 9 || fraction.size() + 1 != rest.size())
            return refused();
    }
    const auto number = [text](std::size_t place, std::size_t size) {
        return static_cast<unsigned>(value_of(text.substr(place, size)).value_or(0));
    };
    namespace chrono = std::chrono;
    const chrono::year_month_day date{chrono::year{static_cast<int>(number(0, 4))}, chrono::month{number(5, 2)},
                                      chrono::day{number(8, 2)}};
    const unsigned hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    if (!date.ok() || date.year() < chrono::year{1970} || date.year() > chrono::year{2261} || hour > 23 ||
        minute > 59 || second > 59)
        return refused();
    return {chrono::sys_days{date} + chrono::hours{hour} + chrono::minutes{minute} + chrono::seconds{second} +
                chrono::nanoseconds{fraction_of(fraction, 1'000'000'000)},
            {}};
}

Parsed<Position> parse_position(std::string_view text, TimePoint now) {
    if (text == "oldest") return {Position::oldest(), {}};
    if (text == "newest") return {Position::newest(), {}};
    if (text.starts_with('@')) {
        const auto time = parse_time(text.substr(1), now);
        if (!time.value) return refuse<Position>(time.problem);
        return {Position::at_time(*time.value), {}};
    }
    const auto sequence = parse_number(text, 1);
    if (sequence.value) return {Position::at(*sequence.value), {}};
    if (leading_digits(text).size() == text.size() && !text.empty()) return refuse<Position>(sequence.problem);
    return refuse<Position>(fmt::format("'{}' is not a position: oldest, newest, a sequence or @ and a time", text));
}

Parsed<Field> parse_field(std::string_view text) {
    const std::size_t name = text.find('=');
    if (name == std::string_view::npos || name == 0 || name > max_field_name)
        return refuse<Field>(fmt::format("'{}' is not a field: NAME=VALUE, the name of 1 to {} bytes",
                                         text.substr(0, 300), max_field_name));
    return {Field(text.substr(0, name), text.substr(name + 1)), {}};
}

}  // namespace shmq::tools
