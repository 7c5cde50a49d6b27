// Consumer rows; how two joiners of one name are told apart is said in membership.hpp.
#include "group/membership.hpp"

#include "base/error_detail.hpp"
#include "group/pins.hpp"

namespace shmq {

namespace {

constexpr std::uint64_t free_word = 0;
// Looks at somebody else's joining before we withdraw: some microseconds, and a hundred times that.
constexpr unsigned short_patience = 16;
constexpr unsigned long_patience = 1'600;
const std::uint64_t away_word = pack_owner({OwnerState::away, 0, 0});

bool has_name(const ConsumerRow& row, std::string_view name) noexcept { return row_name(row.name).view() == name; }

/// The row that bears the name, whoever owns it, but `except`, our own. One that is joined, or away, comes before one
/// that attaches.
std::optional<std::uint32_t> find_name(const Segment& segment, std::uint32_t group, std::string_view name,
                                       std::uint32_t except, OwnerState& state) noexcept {
    std::optional<std::uint32_t> attaching;
    for (std::uint32_t i = 0; i < segment.geometry().consumers; ++i) {
        const ConsumerRow& row = segment.consumer(group, i);
        const OwnerState found = unpack_owner(row.word.load(memory_order_seq_cst)).state;  // with `joins`: one order
        if (i == except || !has_name(row, name)) continue;
        state = found;
        if (found == OwnerState::live || found == OwnerState::away) return i;
        if (found == OwnerState::attaching && !attaching) attaching = i;
    }
    state = OwnerState::attaching;
    return attaching;
}

/// Takes a free row, or else one that is away, whose name is then forgotten.
std::optional<std::uint32_t> take_row(const Segment& segment, AttachmentId me, std::uint32_t group) noexcept {
    for (const std::uint64_t wanted : {free_word, away_word})
        for (std::uint32_t i = 0; i < segment.geometry().consumers; ++i) {
            std::uint64_t seen = wanted;
            Word& word = segment.consumer(group, i).word;
            // relaxed: a guess that saves the exchange, which decides.
            if (word.load(memory_order_relaxed) == wanted &&
                word.compare_exchange(seen, me.word(OwnerState::attaching), memory_order_seq_cst, memory_order_relaxed))
                return i;
        }
    return std::nullopt;
}

Result<Joined> take_new_row(const Segment& segment, AttachmentId me, std::uint32_t group,
                            std::string_view name) noexcept {
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

Result<Joined> join_group(const Segment& segment, AttachmentId me, std::uint32_t group, std::string_view name,
                          NameTaken& taken) noexcept {
    const auto live = me.word(OwnerState::live);
    const auto busy = [&](std::uint32_t row) {
        taken.owner = unpack_owner(segment.consumer(group, row).word.load(memory_order_acquire));
        return Code::busy;
    };
    OwnerState state{};
    for (int turn = 0; turn < 3 && !name.empty(); ++turn) {  // again only if the row changed hands since we looked
        const auto row = find_name(segment, group, name, ~0u, state);
        if (!row || state == OwnerState::attaching) break;
        if (state == OwnerState::live) return busy(*row);
        ConsumerRow& known = segment.consumer(group, *row);
        std::uint64_t seen = away_word;
        if (!known.word.compare_exchange(seen, live, memory_order_seq_cst, memory_order_relaxed)) continue;
        if (has_name(known, name)) return Joined{*row, true};
        known.word.store(away_word, memory_order_release);  // taken and left under another name: not ours
    }
    auto joined = take_new_row(segment, me, group, name);
    if (!joined) return joined;
    ConsumerRow& mine = segment.consumer(group, joined->consumer);
    // seq_cst: of two who join under one name, whoever moves `joins` on second sees the row and name of the first
    // (JOIN).
    if (!name.empty()) segment.group(group).joins.fetch_add(1, memory_order_seq_cst);
    // (1) the name is in no other row: it is ours  (2) it is joined, or away: withdraw  (3) it attaches in another row:
    // that one joined before us and goes on, or finds us too; look again, and withdraw if it never tells, the higher
    // row sooner, so that the lower can go on
    for (unsigned turn = 0; !name.empty(); ++turn) {
        const auto other = find_name(segment, group, name, joined->consumer, state);
        if (!other) break;  // (1)
        const unsigned patience = *other < joined->consumer ? short_patience : long_patience;
        if (state != OwnerState::attaching || turn >= patience) {  // (2)
            const Code code = busy(*other);
            withdraw(segment, group, joined->consumer);
            return code;
        }
        pause();  // (3)
    }
    std::uint64_t attaching = me.word(OwnerState::attaching);
    if (!mine.word.compare_exchange(attaching, live, memory_order_seq_cst, memory_order_relaxed)) return Code::busy;
    return joined;
}

void leave_group(const Segment& segment, AttachmentId me, std::uint32_t group, std::uint32_t consumer) noexcept {
    ConsumerRow& row = segment.consumer(group, consumer);
    // relaxed: ours, and all pins on what we held are there, since nothing is held any more.
    row.pinned.store(0, memory_order_relaxed);
    free_pins(segment, group, consumer, [](ChunkSpan) { return false; });
    std::uint64_t mine = me.word(OwnerState::live);
    row.word.compare_exchange(mine, row.anonymous != 0 ? free_word : away_word, memory_order_acq_rel,
                              memory_order_relaxed);
}

}  // namespace shmq
