// Fields inside 64-bit words, and sizes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace shmq {

inline constexpr std::size_t cache_line = 64;

[[nodiscard]] constexpr std::uint64_t low_mask(unsigned bits) noexcept {
    return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}
/// `value` rounded up to a multiple of `unit`, a power of two. The caller keeps it from overflowing.
[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) noexcept {
    return (value + unit - 1) & ~(unit - 1);
}
/// Bits needed to write every number from 0 to `highest`.
[[nodiscard]] constexpr unsigned bits_for(std::uint64_t highest) noexcept {
    return static_cast<unsigned>(std::bit_width(highest));
}
/// Whether tag `a` is strictly earlier than tag `b` of `bits` bits: by 1 to half the range, going round.
[[nodiscard]] constexpr bool tag_earlier(std::uint64_t a, std::uint64_t b, unsigned bits) noexcept {
    const std::uint64_t distance = (b - a) & low_mask(bits);
    return distance != 0 && distance <= low_mask(bits) / 2 + 1;
}

}  // namespace shmq
