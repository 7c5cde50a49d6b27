// Groups that keep an order: of the entries of one key, or of all (Order of include/shmq/options.hpp).
//
// Each entry has at most one *predecessor* in the group (predecessor.hpp). One rule makes the order, and it is looked
// up in the pending records, in the ring or in a parking cell, so that no death can leave it wrong:
//
//     An entry is given out only while its predecessor is finished, or held by the very consumer that takes it; and it
//     is finished only after its predecessor.
//
// So what is in flight of a stripe is held by one consumer. Who takes an entry because it holds the predecessor looks
// again whether it still does; who takes one over that was given out before (from retry, or by idle time) then takes
// back what others hold behind it, so one of the two sees the other (synchronisation ORDER). Who gives an entry back
// first gives back what it holds behind it.
//
// An entry that cannot be given out, while others flow past, is *waiting*: its record says retry, of nobody, hand-over
// 0. The reader that meets it makes it so, and it is found as retried ones are.
#pragma once

#include <optional>

#include "group/deliver.hpp"
#include "group/finish.hpp"
#include "group/predecessor.hpp"

namespace shmq {

/// Waiting entries of the ring that readers flow past; beyond them the group waits for its keys.
inline constexpr std::uint32_t most_waiting = 1'024;

[[nodiscard]] inline bool is_ordered(const Segment& segment, std::uint32_t group) noexcept {
    return (options_word(segment.group(group)) & option_order) != 0;
}

/// Whether it waits for earlier ones of its key, and was never given out.
[[nodiscard]] inline bool is_waiting(const PendingWord& record) noexcept {
    return record.state == PendingState::retry && record.handover == 0;
}

/// Whether nothing of the group before `sequence` keeps it from being finished.
[[nodiscard]] bool may_finish(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept;

/// Whether this consumer may be given the entry.
enum class Turn : std::uint8_t {
    none,    ///< the group keeps no order
    free,    ///< its predecessor is finished, for good
    behind,  ///< this consumer holds the predecessor; to be asked again after the claim
    waits
};
struct Standing {
    Turn turn = Turn::none;
    Sequence predecessor = 0;  // by which it was decided
};
[[nodiscard]] Standing standing_of(const Member& member, Sequence sequence) noexcept;

/// Of what was taken last, as `standing` allowed: takes back what others hold behind it. Gives it back, and answers
/// false, if the pin table refuses that, or if it was taken because this consumer held its predecessor, and it no
/// longer does.
bool stands_in_order(const Member& member, Taking& taking, const Standing& standing) noexcept;

/// take_new of a group that keeps an order.
void take_new_in_order(Member& member, Taking& taking) noexcept;

/// For who took an entry over: takes back what other consumers hold behind it. False if the pin table refused one.
bool take_back_from_others(const Member& member, Sequence sequence, std::uint64_t now_ms) noexcept;
/// The same of one consumer's, for who is about to give back what that one holds of `sequence`.
bool take_back_from(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint32_t consumer,
                    std::uint64_t now_ms) noexcept;

/// Of a strict group: whether it is this consumer's turn; takes it if whose turn it was has left or died.
[[nodiscard]] bool has_turn(const Member& member) noexcept;
/// Takes the turn, whoever has it.
void seize_turn(const Member& member) noexcept;
/// Gives it back, if it is this consumer's.
void give_turn_back(const Member& member) noexcept;

/// finish_entry and give_back of a group that may keep an order, for the holder. Whoever gives an entry back also gives
/// back what it holds behind it; only with the pin table used up does it keep those, and cannot finish them before.
Finish finish_in_order(const Member& member, Sequence sequence, std::uint64_t held) noexcept;
Finish give_back_in_order(const Member& member, Sequence sequence, std::uint64_t held, Ending ending,
                          std::uint64_t now_ms, std::optional<std::uint32_t> delay_ms) noexcept;

/// After entries of an ordered group were finished: wakes who may wait for them.
void finished_in_order(const Segment& segment, std::uint32_t group, unsigned count) noexcept;

/// after_finishing of one entry, whether or not the group keeps an order; for who does not know.
inline void after_finishing_any(const Segment& segment, std::uint32_t group) noexcept {
    after_finishing(segment, group);
    if (is_ordered(segment, group)) finished_in_order(segment, group, 1);
}

}  // namespace shmq
