// Reads the numbers, sizes, durations and positions that people type. Strict: the whole text is one value or it is
// refused with a reason; no sign, no leading zero, no blank, no overflow, nothing behind it.
//
//   number    42
//   size      4096   64KiB MiB GiB TiB (powers of 1024)   10kB MB GB TB (powers of 1000)   12B
//   duration  250ms  1.5s  2m  1h  40us  9ns  0           a fraction has one to nine digits
//   mode      600 or 0600, octal as chmod has it
//   position  oldest, newest, a sequence, or @ and a time
//   time      2026-11-22T10:00:00Z  2026-11-22T10:00:00.25Z (RFC 3339, UTC)  -5m (so long ago)
//   field     NAME=VALUE, the name up to the first =
//
// Pure functions; used by the tables of all tools.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "shmq/fields.hpp"
#include "shmq/options.hpp"

namespace shmq::tools {

/// A value, or why there is none: a text that says what is wrong with what was typed.
template <class T>
struct Parsed {
    std::optional<T> value;
    std::string problem;
};

inline constexpr std::uint64_t greatest_number = std::numeric_limits<std::uint64_t>::max();

/// A decimal number from `least` to `greatest`.
[[nodiscard]] Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t least = 0,
                                                 std::uint64_t greatest = greatest_number);
/// Bytes, from `least` to `greatest`.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text, std::uint64_t least = 0,
                                               std::uint64_t greatest = greatest_number);
/// At most about 292 years; what is finer than a nanosecond is rounded up.
[[nodiscard]] Parsed<Duration> parse_duration(std::string_view text);
/// Permission bits, 0 to 0777.
[[nodiscard]] Parsed<std::uint32_t> parse_mode(std::string_view text);
/// A moment from 1970 to 2261; `now` is what an age is counted back from, as far as 1970.
[[nodiscard]] Parsed<TimePoint> parse_time(std::string_view text, TimePoint now);
/// `oldest`, `newest`, a sequence of at least 1, or a time behind @.
[[nodiscard]] Parsed<Position> parse_position(std::string_view text, TimePoint now);
/// A name of 1 to 255 bytes, = and a value, which may be empty. Shows the text.
[[nodiscard]] Parsed<Field> parse_field(std::string_view text);

}  // namespace shmq::tools
