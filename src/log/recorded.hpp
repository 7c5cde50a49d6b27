// The word that makes an event of a recorder visible: shared by the flight recorder and the audit ring.
//
//   [ number : 32 | check : 16 | group row + 1 : 8 | what : 8 ]
#pragma once

#include <initializer_list>

#include "base/bits.hpp"
#include "log/flight.hpp"

namespace shmq {

/// Folds values so that an event of which some words are another one's is told in all but one of 65,536 cases.
[[nodiscard]] inline std::uint64_t check_of(std::initializer_list<std::uint64_t> values) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a over words
    for (const std::uint64_t value : values) hash = (hash ^ value) * 0x100'0000'01b3;
    return (hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48) & 0xffff;
}

struct RecordedWord {
    std::uint32_t number;
    std::uint64_t check;
    std::optional<std::uint32_t> group;
    Did what;
};

[[nodiscard]] inline std::uint64_t pack_recorded(const RecordedWord& word) noexcept {
    return std::uint64_t{word.number} << 32 | word.check << 16 |
           (word.group ? (std::uint64_t{*word.group} + 1) << 8 : 0) | static_cast<std::uint64_t>(word.what);
}
/// `what` is `none` if the word is none that anybody writes.
[[nodiscard]] inline RecordedWord unpack_recorded(std::uint64_t word) noexcept {
    const std::uint64_t group = word >> 8 & 0xff;
    const std::uint64_t what = word & 0xff;
    return {static_cast<std::uint32_t>(word >> 32), word >> 16 & 0xffff,
            group == 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(group - 1)),
            what < static_cast<std::uint64_t>(Did::count) ? static_cast<Did>(what) : Did::none};
}

}  // namespace shmq
