// The packed 8-byte words of the shared state, bit by bit. Pure functions; widths that depend on the geometry are
// parameters.
//
//   slot word      [ tag : tag_bits | place : place_bits ]                              place in units of the geometry
//   pending word   [ tag | consumer : consumer_bits | hand-over : 16 | state : 3 ]      consumer + 1; 0 is nobody
//     parked       [ tag | 0 | low bits of the cell's generation : 6 | cell : 10 | state : 3 ]
//     in a cell    as pending words, the cell's generation in place of the tag
//   cell word      [ generation : 49 | attachment row : 12 | state : 3 ]    row: of who reserved it, while tentative
//   delivery word  [ deaths : 8 | failures : 8 | counted : 1 | hand-over : 6 | tag : 3 | time : 38 ]   ms, going round
//   owner word     [ incarnation : 49 | attachment row : 12 | state : 3 ]
//   group word     [ incarnation : 25 | low bits of its maker's : 24 | attachment row : 12 | state : 3 ]
//     closing      [ incarnation : 25 | 0 : 5 | successor's : 25 | successor's row + 1 : 6 | state : 3 ]
//   pin word       [ generation : 16 | chunks : 16 | first chunk : 16 | consumer : 15 | used : 1 ]
//   intent word    [ sequence : 63 | open : 1 ]        open: an add may be published there or later; 0: nothing open
//   turn word      [ version : 48 | consumer + 1 : 16 ]   whose turn it is in a strict group; 0: nobody's
//   directory word [ version : 32 | active group rows : 32 ]
//
// How wide a tag must be: a compare-and-swap of a process that slept since its load can only be fooled if the very same
// word comes back, after 2^tag_bits laps at the earliest. tag_bits + log2(slots) >= 52 holds for slot words: at 100
// million entries a second that is 1.4 years. Pending words also need the same consumer and hand-over number to come
// back; a delivery fooled so is a delivery all the same, and is found and given back by the check of the trim point
// behind it.
#pragma once

#include <cstdint>
#include <optional>

#include "layout/geometry.hpp"

namespace shmq {

// Slot words.
struct SlotWord {
    std::uint64_t tag;
    std::uint64_t place;
};
[[nodiscard]] inline SlotWord unpack_slot(const Geometry& g, std::uint64_t word) noexcept {
    return {word >> g.place_bits, word & g.place_mask};
}
[[nodiscard]] inline std::uint64_t pack_slot(const Geometry& g, std::uint64_t tag, std::uint64_t place) noexcept {
    return tag << g.place_bits | place;
}

// Pending words.
enum class PendingState : std::uint8_t {
    none = 0,
    delivered = 1,
    acked = 2,
    retry = 3,
    delayed = 4,
    dead = 5,
    parked = 6
};
inline constexpr unsigned state_bits = 3;
inline constexpr unsigned handover_bits = 16;
inline constexpr std::uint64_t last_handover = low_mask(handover_bits);

struct PendingWord {
    std::uint64_t tag;
    std::uint32_t consumer;  // row + 1; 0 is nobody
    std::uint32_t handover;
    PendingState state;

    bool operator==(const PendingWord&) const = default;
};
[[nodiscard]] inline std::uint64_t pack_pending(const Geometry& g, const PendingWord& w) noexcept {
    return w.tag << g.record_shift | std::uint64_t{w.consumer} << (state_bits + handover_bits) |
           std::uint64_t{w.handover} << state_bits | static_cast<std::uint64_t>(w.state);
}
[[nodiscard]] inline PendingWord unpack_pending(const Geometry& g, std::uint64_t word) noexcept {
    return {word >> g.record_shift,
            static_cast<std::uint32_t>(word >> (state_bits + handover_bits) & low_mask(g.consumer_bits)),
            static_cast<std::uint32_t>(word >> state_bits & low_mask(handover_bits)),
            static_cast<PendingState>(word & low_mask(state_bits))};
}
[[nodiscard]] inline std::uint64_t pending_tag(const Geometry& g, std::uint64_t word) noexcept {
    return word >> g.record_shift;
}
[[nodiscard]] inline PendingState pending_state(std::uint64_t word) noexcept {
    return static_cast<PendingState>(word & low_mask(state_bits));
}
/// The same delivery in another state.
[[nodiscard]] inline std::uint64_t with_state(std::uint64_t word, PendingState state) noexcept {
    return (word & ~low_mask(state_bits)) | static_cast<std::uint64_t>(state);
}

// Delivery words.
inline constexpr unsigned time_bits = 38;
inline constexpr unsigned delivery_tag_bits = 3;
inline constexpr unsigned delivery_handover_bits = 6;
inline constexpr std::uint32_t highest_count = 255;

struct DeliveryWord {
    std::uint64_t time_ms;   // modulo 2^38; of a dead entry the low two bits say how its last delivery ended
    std::uint32_t tag;       // low bits of the record's
    std::uint32_t handover;  // low bits of the record's
    bool counted;            // the end of this delivery is among the counts already
    std::uint32_t failures;  // nacks, and claims from somebody alive
    std::uint32_t deaths;    // owners that died
};
[[nodiscard]] inline std::uint64_t pack_delivery(const DeliveryWord& w) noexcept {
    return (w.time_ms & low_mask(time_bits)) | std::uint64_t{w.tag} << 38 | std::uint64_t{w.handover} << 41 |
           std::uint64_t{w.counted} << 47 | std::uint64_t{w.failures} << 48 | std::uint64_t{w.deaths} << 56;
}
[[nodiscard]] inline DeliveryWord unpack_delivery(std::uint64_t word) noexcept {
    return {word & low_mask(time_bits),
            static_cast<std::uint32_t>(word >> 38 & low_mask(delivery_tag_bits)),
            static_cast<std::uint32_t>(word >> 41 & low_mask(delivery_handover_bits)),
            (word >> 47 & 1) != 0,
            static_cast<std::uint32_t>(word >> 48 & highest_count),
            static_cast<std::uint32_t>(word >> 56)};
}
/// Whether a delivery word speaks of this very delivery.
[[nodiscard]] inline bool delivery_matches(const DeliveryWord& d, const PendingWord& p) noexcept {
    return d.tag == (p.tag & low_mask(delivery_tag_bits)) &&
           d.handover == (p.handover & low_mask(delivery_handover_bits));
}

// Owner words: of attachments (row unused), producers, consumers and chunks.
enum class OwnerState : std::uint8_t {
    free = 0,
    attaching = 1,
    live = 2,
    away = 3,
    owned = 4,
    unfinished = 5,
    sealed = 6
};
struct OwnerWord {
    OwnerState state;
    std::uint32_t row;          // of the attachment
    std::uint64_t incarnation;  // of the attachment

    bool operator==(const OwnerWord&) const = default;
};
[[nodiscard]] constexpr std::uint64_t pack_owner(const OwnerWord& w) noexcept {
    return static_cast<std::uint64_t>(w.state) | std::uint64_t{w.row} << 3 | w.incarnation << 15;
}
[[nodiscard]] constexpr OwnerWord unpack_owner(std::uint64_t word) noexcept {
    return {static_cast<OwnerState>(word & 7), static_cast<std::uint32_t>(word >> 3 & low_mask(12)), word >> 15};
}

/// Which process handle, once and for all: the row and its incarnation never come back.
struct AttachmentId {
    std::uint32_t row = 0;
    std::uint64_t incarnation = 0;

    bool operator==(const AttachmentId&) const = default;
    [[nodiscard]] std::uint64_t word(OwnerState state) const noexcept { return pack_owner({state, row, incarnation}); }
};

// Group words: an owner word with a short incarnation, and the group row's own above it.
enum class GroupState : std::uint8_t { free = 0, preparing = 1, active = 2, closing = 3, dropped = 4 };
inline constexpr unsigned maker_bits = 24;
inline constexpr unsigned group_incarnation_bits = 25;
inline constexpr unsigned group_incarnation_shift = 64 - group_incarnation_bits;

/// Which group, once and for all: rows are reused with another incarnation.
struct GroupId {
    std::uint32_t row = 0;
    std::uint32_t incarnation = 0;

    bool operator==(const GroupId&) const = default;
};

struct GroupWord {
    GroupState state;
    std::uint32_t row;                // of the attachment that prepares it
    std::uint32_t owner_incarnation;  // low 24 bits of that attachment's
    std::uint32_t incarnation;        // of the group row, 25 bits

    bool operator==(const GroupWord&) const = default;
};
[[nodiscard]] inline std::uint64_t pack_group(const GroupWord& w) noexcept {
    return pack_owner({static_cast<OwnerState>(w.state), w.row, w.owner_incarnation}) | std::uint64_t{w.incarnation}
                                                                                            << group_incarnation_shift;
}
[[nodiscard]] inline GroupWord unpack_group(std::uint64_t word) noexcept {
    const OwnerWord low = unpack_owner(word & low_mask(group_incarnation_shift));
    return {static_cast<GroupState>(low.state), low.row, static_cast<std::uint32_t>(low.incarnation),
            static_cast<std::uint32_t>(word >> group_incarnation_shift)};
}
[[nodiscard]] inline std::uint64_t group_word(GroupState state, std::uint32_t incarnation) noexcept {
    return pack_group({state, 0, 0, incarnation});
}
/// The word of a row that `maker` prepares.
[[nodiscard]] inline std::uint64_t preparing_word(AttachmentId maker, std::uint32_t incarnation) noexcept {
    const auto low_incarnation = static_cast<std::uint32_t>(maker.incarnation & low_mask(maker_bits));
    return pack_group({GroupState::preparing, maker.row, low_incarnation, incarnation});
}
/// Whether `who` prepares the row of this word.
[[nodiscard]] inline bool is_made_by(const GroupWord& word, AttachmentId who) noexcept {
    return word.state == GroupState::preparing && word.row == who.row &&
           word.owner_incarnation == (who.incarnation & low_mask(maker_bits));
}

/// The word of a row that closes has no owner, since anybody may finish it: it names who takes its place.
struct ClosingWord {
    std::uint32_t incarnation;         // of the row that closes
    std::optional<GroupId> successor;  // none: the group is dropped

    bool operator==(const ClosingWord&) const = default;
};
inline constexpr unsigned successor_row_bits = 6;
[[nodiscard]] inline std::uint64_t pack_closing(const ClosingWord& w) noexcept {
    const std::uint64_t word = group_word(GroupState::closing, w.incarnation);
    if (!w.successor) return word;
    return word | std::uint64_t{w.successor->row + 1} << state_bits |
           std::uint64_t{w.successor->incarnation} << (state_bits + successor_row_bits);
}
/// Of a word whose state is `closing`.
[[nodiscard]] inline ClosingWord unpack_closing(std::uint64_t word) noexcept {
    ClosingWord closing{static_cast<std::uint32_t>(word >> group_incarnation_shift), std::nullopt};
    const auto row = static_cast<std::uint32_t>(word >> state_bits & low_mask(successor_row_bits));
    if (row != 0)
        closing.successor = GroupId{row - 1, static_cast<std::uint32_t>(word >> (state_bits + successor_row_bits) &
                                                                        low_mask(group_incarnation_bits))};
    return closing;
}

// Pin words.
struct PinWord {
    bool used;
    std::uint32_t consumer;  // row among all consumer rows
    std::uint32_t chunk;     // first chunk kept
    std::uint32_t count;     // chunks kept
    std::uint32_t generation;
};
[[nodiscard]] inline std::uint64_t pack_pin(const PinWord& w) noexcept {
    return std::uint64_t{w.used} | std::uint64_t{w.consumer} << 1 | std::uint64_t{w.chunk} << 16 |
           std::uint64_t{w.count} << 32 | std::uint64_t{w.generation & 0xffff} << 48;
}
[[nodiscard]] inline PinWord unpack_pin(std::uint64_t word) noexcept {
    return {(word & 1) != 0, static_cast<std::uint32_t>(word >> 1 & low_mask(15)),
            static_cast<std::uint32_t>(word >> 16 & low_mask(16)),
            static_cast<std::uint32_t>(word >> 32 & low_mask(16)), static_cast<std::uint32_t>(word >> 48)};
}

// Intent words of named producers. Open: an add is under way, and its entry, if there is one, is at `sequence` or
// later. Not open: the add with the row's number was given `sequence`; 0: none is under way, and the last one is in the
// row.
struct IntentWord {
    bool open;
    Sequence sequence;

    bool operator==(const IntentWord&) const = default;
};
[[nodiscard]] inline std::uint64_t pack_intent(const IntentWord& w) noexcept {
    return w.sequence << 1 | std::uint64_t{w.open};
}
[[nodiscard]] inline IntentWord unpack_intent(std::uint64_t word) noexcept { return {(word & 1) != 0, word >> 1}; }

// The turn word.
inline constexpr unsigned turn_bits = 16;
[[nodiscard]] inline std::uint64_t next_turn(std::uint64_t turn, std::uint32_t consumer) noexcept {
    return ((turn >> turn_bits) + 1) << turn_bits | consumer;
}

// The directory word.
[[nodiscard]] inline std::uint32_t active_groups(std::uint64_t directory) noexcept {
    return static_cast<std::uint32_t>(directory);
}
[[nodiscard]] inline std::uint64_t next_directory(std::uint64_t directory, std::uint32_t active) noexcept {
    return ((directory >> 32) + 1) << 32 | active;
}

}  // namespace shmq
