// Numbers, names and bytes as people and JSON want them. Pure functions, no state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shmq/stream.hpp"

namespace shmq::tools {

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// Bytes with the largest unit of powers of 1024 that leaves at least 1, such as "1.5 MiB"; below 1 KiB "17 bytes".
[[nodiscard]] std::string human_size(std::uint64_t bytes);
/// "1 entry", "3 entries"; the number is grouped. `plural` is the whole word.
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view singular, std::string_view plural);
/// A duration in its largest fitting unit with up to three digits, such as "1.5 s", "250 ms", "2 m 5 s".
[[nodiscard]] std::string human_duration(Duration duration);
/// The options of a group, such as "delivery limit 5, retry after 1 s, doubling up to 1 m 0 s"; empty if it has none.
[[nodiscard]] std::string options_text(const GroupOptions& options);
/// The same of a group, with what it lost and since when it is lossy.
[[nodiscard]] std::string options_text(const GroupInfo& group);
/// "a", "a and b", "a, b and c".
[[nodiscard]] std::string name_list(std::span<const std::string> names);

/// Whether all of `bytes` is well-formed UTF-8 (RFC 3629: no surrogates, nothing over-long, nothing above U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;
/// RFC 4648 base64 with padding.
[[nodiscard]] std::string base64(std::string_view bytes);
/// The bytes of such a text; nullopt if it is none.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace shmq::tools
