// Times, sizes, shares and foreign bytes as text for people.
//
// Everything that comes out of a segment and goes to a terminal passes through `safe_text`: payloads, keys, names and
// command lines may hold anything, also escape sequences. Nothing here knows of streams. Called by all screens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace shmq::inspect {

/// "32 MiB (33,554,432 bytes)"; below 1 KiB "512 bytes".
[[nodiscard]] std::string exact_size(std::uint64_t bytes);
/// `part` of `whole` in percent, rounded down; 0 if `whole` is 0.
[[nodiscard]] std::uint64_t percent(std::uint64_t part, std::uint64_t whole) noexcept;
/// `part` of `whole` for people: "93 %", "<1 %" if it is little but not nothing.
[[nodiscard]] std::string share_text(std::uint64_t part, std::uint64_t whole);

/// "2026-01-31T12:34:56.123456Z" of nanoseconds since 1970; "-" of 0, which means that no time is kept.
[[nodiscard]] std::string utc_time(std::uint64_t time_ns);
/// Nanoseconds since 1970, now.
[[nodiscard]] std::uint64_t wall_clock_ns() noexcept;

/// Text that a terminal shows on one line and does not act on.
struct SafeText {
    std::string text;  ///< valid UTF-8 without control, format and bidirectional characters
    bool cut = false;  ///< there was more than the width asked for
};
/// Escapes bytes: printable ASCII and visible UTF-8 stay, a backslash doubles, newline, return and tab become \n, \r
/// and \t, any other byte \xNN. At most `width` columns of the result are made, whole escapes only.
[[nodiscard]] SafeText safe_text(std::string_view bytes, std::size_t width = ~std::size_t{0});

/// Columns that a valid UTF-8 text takes, each code point counted as one.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// A word of a shell command, quoted if it needs to be.
[[nodiscard]] std::string shell_word(std::string_view word);

}  // namespace shmq::inspect
