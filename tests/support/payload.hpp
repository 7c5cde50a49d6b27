// Payloads that prove themselves: a number, and bytes that follow from it and from the size.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "shmq/options.hpp"

namespace shmq::test {

/// The byte at a place of the payload of a number.
[[nodiscard]] inline char byte_of(std::uint64_t number, std::size_t place) noexcept {
    std::uint64_t mixed = (number + 0x9e37'79b9'7f4a'7c15 * (place + 1)) * 0xbf58'476d'1ce4'e5b9;
    mixed ^= mixed >> 29;
    return static_cast<char>(mixed & 0xff);
}

/// `size` bytes, at least 8, that hold `number`.
[[nodiscard]] inline std::string payload_of(std::uint64_t number, std::size_t size = 24) {
    std::string bytes(std::max<std::size_t>(size, 8), '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    for (std::size_t place = sizeof number; place < bytes.size(); ++place) bytes[place] = byte_of(number, place);
    return bytes;
}

/// The number a payload holds; nullopt if any of its bytes is not what it should be.
[[nodiscard]] inline std::optional<std::uint64_t> number_of(Bytes payload) noexcept {
    std::uint64_t number = 0;
    if (payload.size() < sizeof number) return std::nullopt;
    std::memcpy(&number, payload.data(), sizeof number);
    for (std::size_t place = sizeof number; place < payload.size(); ++place)
        if (static_cast<char>(payload[place]) != byte_of(number, place)) return std::nullopt;
    return number;
}

}  // namespace shmq::test
