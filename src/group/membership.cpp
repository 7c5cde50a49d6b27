// Consumer rows; how two joiners of one name are told apart is said in membership.hpp.
#include "group/membership.hpp"

#include "base/error_detail.hpp"
#include "group/pins.hpp"

namespace shmq {

namespace {

constexpr std::uint64_t free_word = 0;
const std::uint64_t away_word = pack_owner({OwnerState::away, 0, 0});

bool has_name(const ConsumerRow& row, std::string_view name) noexcept { return row_name(row.name).view() == name; }

/// The row that bears the name, whoever owns it; `except` is our own. Attaching rows count only when `attaching` says so.
std::optional<std::uint32_t> find_name(const Segment& segment, std::uint32_t group, std::string_view name, std::uint32_t except,
                                       bool attaching) noexcept {
    for (std::uint32_t i = 0; i < segment.geometry().consumers; ++i) {
        const ConsumerRow& row = segment.consumer(group, i);
        const OwnerState state = unpack_owner(row.word.load(memory_order_seq_cst)).state;  // with `joins`: one order
        const bool counts = state == OwnerState::live || state == OwnerState::away || (attaching && state == OwnerState::attaching);
        if (i != except && counts && has_name(row, name)) return i;
    }
    return std::nullopt;
}

/// Takes a free row, or else one that is away, whose name is then forgotten.
std::optional<std::uint32_t> take_row(const Segment& segment, AttachmentId me, std::uint32_t group) noexcept {
    for (const std::uint64_t wanted : {free_word, away_word})
        for (std::uint32_t i = 0; i < segment.geometry().consumers; ++i) {
            std::uint64_t seen = wanted;
            Word& word = segment.consumer(group, i).word;
            if (word.load(memory_order_relaxed) == wanted &&
                word.compare_exchange(seen, me.word(OwnerState::attaching), memory_order_seq_cst, memory_order_relaxed))
                return i;
        }
    return std::nullopt;
}

Result<Joined> take_new_row(const Segment& segment, AttachmentId me, std::uint32_t group, std::string_view name) noexcept {
    const auto row = take_row(segment, me, group);
    if (!row)
        return text_error(Code::too_many_consumers, segment.geometry().consumers,
                          "the group allows %u open consumers and has them; close some, or create the stream with more",
                          segment.geometry().consumers);
    ConsumerRow& mine = segment.consumer(group, *row);
    set_row_name(mine.name, name);
    mine.anonymous = name.empty() ? 1 : 0;
    mine.pinned.store(0, memory_order_relaxed);  // visible with the word
    return Joined{*row, false};
}

/// Gives back a row that was announced in vain; its name must not stay.
void withdraw(const Segment& segment, std::uint32_t group, std::uint32_t row) noexcept {
    segment.consumer(group, row).word.store(free_word, memory_order_seq_cst);
}

}  // namespace

Result<Joined> join_group(const Segment& segment, AttachmentId me, std::uint32_t group, std::string_view name, NameTaken& taken) noexcept {
    const auto live = me.word(OwnerState::live);
    const auto busy = [&](std::uint32_t row) {
        taken.owner = unpack_owner(segment.consumer(group, row).word.load(memory_order_acquire));
        return Code::busy;
    };
    if (!name.empty())
        if (const auto row = find_name(segment, group, name, ~0u, false)) {
            std::uint64_t seen = away_word;
            if (segment.consumer(group, *row).word.compare_exchange(seen, live, memory_order_seq_cst, memory_order_relaxed))
                return Joined{*row, true};
            return busy(*row);
        }
    auto joined = take_new_row(segment, me, group, name);
    if (!joined) return joined;
    ConsumerRow& mine = segment.consumer(group, joined->consumer);
    // (1) the name is there by now: withdraw  (2) nobody joined since we looked: it is ours  (3) somebody joined: look again, and this time an
    // attaching row of that name counts too. At most as many turns as consumers join meanwhile.
    for (bool again = false; !name.empty(); again = true) {
        std::uint64_t joins = segment.group(group).joins.load(memory_order_seq_cst);
        const auto other = find_name(segment, group, name, joined->consumer, again);
        const auto lower = find_name(segment, group, name, joined->consumer, true);
        if (other || (lower && *lower < joined->consumer)) {  // (1)
            const std::uint32_t row = other ? *other : *lower;
            const Code code = busy(row);
            withdraw(segment, group, joined->consumer);
            return code;
        }
        if (segment.group(group).joins.compare_exchange(joins, joins + 1, memory_order_seq_cst, memory_order_relaxed)) break;  // (2)
    }  // (3)
    std::uint64_t attaching = me.word(OwnerState::attaching);
    if (!mine.word.compare_exchange(attaching, live, memory_order_seq_cst, memory_order_relaxed)) return Code::busy;
    return joined;
}

void leave_group(const Segment& segment, AttachmentId me, std::uint32_t group, std::uint32_t consumer) noexcept {
    ConsumerRow& row = segment.consumer(group, consumer);
    row.pinned.store(0, memory_order_relaxed);
    free_pins(segment, group, consumer, [](ChunkSpan) { return false; });
    std::uint64_t mine = me.word(OwnerState::live);
    row.word.compare_exchange(mine, row.anonymous != 0 ? free_word : away_word, memory_order_acq_rel, memory_order_relaxed);
}

}  // namespace shmq
