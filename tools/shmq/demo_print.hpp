// Output of the demo: text for people on standard output. A closed pipe is no error and stops nothing.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "tools/common/text.hpp"

namespace shmq::tools {

/// Writes all of a text to standard output; what cannot be written is dropped.
void put(std::string_view text);

template <class... Arguments>
void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    put(fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// One line on standard error, with the demo's name before it.
template <class... Arguments>
void complain(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    const std::string text = "shmq demo: " + fmt::format(format, std::forward<Arguments>(arguments)...) + "\n";
    static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

/// Nanoseconds in the unit that reads best: "850 ns", "12.3 us", "4.5 ms", "2.1 s".
std::string duration_text(std::uint64_t nanoseconds);
/// Bytes in the unit that reads best: "512 B", "1.4 MiB".
std::string size_text(std::uint64_t bytes);
/// A text from a file as it may be shown on a terminal: bytes outside printable ASCII become '?'.
std::string shown(std::string_view text);
/// CLOCK_REALTIME, nanoseconds since 1970: the clock of a stream's precise time stamps.
std::uint64_t now_ns();

}  // namespace shmq::tools
