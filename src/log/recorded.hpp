// How an event of a recorder becomes visible, and how it is read whole (RECORD in docs/protocol.md): shared by the
// flight recorder and the audit ring. The word is taken back, the rest is written, the word is set; a reader believes
// what it read between two looks at the same word, if the check holds. The word:
//
//   [ number : 32 | check : 16 | group row + 1 : 8 | what : 8 ]
#pragma once

#include <algorithm>
#include <initializer_list>
#include <vector>

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

/// Writes an event, which `store` stores relaxed, under its word.
template <class Store>
void write_recorded(Word& word, const RecordedWord& value, Store store) noexcept {
    // relaxed, with the fence: who sees one of the stores below sees that the word was taken back (RECORD).
    word.store(0, memory_order_relaxed);
    fence(memory_order_release);
    store();
    word.store(pack_recorded(value), memory_order_release);  // RECORD
}
/// Reads an event, which `load` loads relaxed and folds into its check; nullopt if none stands there whole.
template <class Load>
std::optional<RecordedWord> read_recorded(const Word& word, Load load) noexcept {
    const std::uint64_t seen = word.load(memory_order_acquire);  // RECORD
    const std::uint64_t check = load();
    fence(memory_order_acquire);  // RECORD
    // relaxed: behind the fence.
    if (word.load(memory_order_relaxed) != seen) return std::nullopt;
    const RecordedWord found = unpack_recorded(seen);
    if (found.what == Did::none || found.check != check) return std::nullopt;
    return found;
}

/// Oldest first. Numbers go round at 2^32, so they are compared by their distance from the next one.
template <class Event>
void sort_by_age(std::vector<Event>& events, std::uint64_t next_number) {
    const auto age = [next = static_cast<std::uint32_t>(next_number)](const Event& event) {
        return next - static_cast<std::uint32_t>(event.number);
    };
    std::sort(events.begin(), events.end(), [&](const Event& a, const Event& b) { return age(a) > age(b); });
}

}  // namespace shmq
