// Closing rows and helping them to their end; why anybody may is said in closing.hpp and docs/protocol.md.
#include "group/closing.hpp"

#include <algorithm>
#include <array>

#include "group/parked.hpp"
#include "group/pins.hpp"
#include "log/publish.hpp"
#include "log/retention.hpp"
#include "log/sleep.hpp"

namespace shmq {

namespace {

constexpr std::uint64_t everybody = sleeper_mask(room_bit + 1) - 1;

/// Pins, each once, whatever their generation. There can't be more of them than cells.
class PinSet {
public:
    [[nodiscard]] bool contains(std::uint64_t pin) const noexcept {
        return std::find(pins_.begin(), pins_.begin() + count_, pin) != pins_.begin() + count_;
    }
    bool add(std::uint64_t pin) noexcept {
        if (count_ == static_cast<std::ptrdiff_t>(pins_.size())) return false;
        pins_[static_cast<std::size_t>(count_++)] = pin;
        return true;
    }
    void remove(std::uint64_t pin) noexcept {
        const auto end = pins_.begin() + count_;
        if (const auto found = std::find(pins_.begin(), end, pin); found != end) {
            *found = *(end - 1);
            --count_;
        }
    }
    [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(count_); }

private:
    std::array<std::uint64_t, pin_cells> pins_;
    std::ptrdiff_t count_ = 0;
};

/// An entry that a living consumer holds.
struct Held {
    const Word* record;
    std::uint64_t value;
    std::uint32_t consumer;
    ChunkSpan chunks;
    std::uint64_t pin;  // its pin's word, without a generation
};

/// Calls `look` for each of them until it answers false; whether it never did.
template <class Look>
bool each_held(const Segment& segment, std::uint32_t row, Look look) noexcept {
    const Geometry& g = segment.geometry();
    if (hands_out_copies(segment.group(row))) return true;  // no view is to be kept
    const auto look_if_held = [&](const Word& where, std::uint64_t value, std::uint64_t place) {
        const PendingWord record = unpack_pending(g, value);
        if (record.state != PendingState::delivered || record.consumer == 0 || record.consumer > g.consumers)
            return true;
        const std::uint32_t consumer = record.consumer - 1;
        if (unpack_owner(segment.consumer(row, consumer).word.load(memory_order_acquire)).state != OwnerState::live)
            return true;
        const auto chunks = chunks_of(segment, place);
        if (!chunks) return true;
        const std::uint64_t pin = pack_pin({true, consumer_number(g, row, consumer), chunks->first, chunks->count, 0});
        return look(Held{&where, value, consumer, *chunks, pin});
    };
    const Sequence end = find_end(segment);
    Sequence s = std::max(find_begin(segment), start_of(segment.group(row), memory_order_acquire));
    for (; s < end; ++s) {
        const Word& record = segment.record(row, s);
        const std::uint64_t value = record.load(memory_order_seq_cst);
        if (pending_tag(g, value) != g.record_tag(s)) continue;
        if (!look_if_held(record, value, unpack_slot(g, segment.slot(s).load(memory_order_acquire)).place))
            return false;
    }
    if (cells_in_use(segment) == 0) return true;
    for (const ParkedEntry& entry : ParkedList(segment, group_in(segment, row)))  // after the ring, which they left
        if (!look_if_held(segment.parking(entry.cell).record, entry.record, entry.place)) return false;
    return true;
}

/// Pins what living consumers hold in a closing row. False if the table is used up; what was pinned stays, and its
/// holders free it.
bool pin_held(const Segment& segment, std::uint32_t row, std::uint64_t closing) noexcept {
    PinSet pinned;
    return each_held(segment, row, [&](const Held& held) {
        if (pinned.contains(held.pin)) return true;
        const auto ticket = reserve_pin(segment, row, held.consumer, held.chunks);
        if (!ticket) return false;
        // Its holder may have finished, or somebody else the whole closing, since we looked: then nobody would free it.
        // seq_cst: after the pin; a holder that ends its delivery later sees the pin (PIN).
        if (held.record->load(memory_order_seq_cst) != held.value ||
            segment.group(row).word.load(memory_order_seq_cst) != closing)
            return_pin(segment, *ticket);
        else
            pinned.add(held.pin);
        return true;
    });
}

/// Who takes the place of a row, as its closing word says; checked, since it becomes an index.
std::optional<GroupId> successor_of(const Segment& segment, std::uint64_t closing) noexcept {
    const auto successor = unpack_closing(closing).successor;
    return successor && successor->row < segment.geometry().group_rows ? successor : std::nullopt;
}

/// Whether it waits to be listed, as it does until the closing row's bit goes away; else the word is damaged, or the
/// caller is late.
bool is_waiting(const Segment& segment, GroupId successor) noexcept {
    const GroupWord word = unpack_group(segment.group(successor.row).word.load(memory_order_acquire));
    return word.state == GroupState::preparing && word.incarnation == successor.incarnation;
}

}  // namespace

bool has_enough_pins(const Segment& segment, std::uint32_t row) noexcept {
    PinSet wanted;
    if (!each_held(segment, row, [&](const Held& held) { return wanted.contains(held.pin) || wanted.add(held.pin); }))
        return false;
    std::uint32_t free = 0;
    for (std::uint32_t cell = 0; cell < segment.geometry().pins; ++cell) {
        PinWord pin = unpack_pin(segment.pin(cell).load(memory_order_acquire));
        free += pin.used ? 0u : 1u;
        pin.generation = 0;
        wanted.remove(pack_pin(pin));  // it is there already, and would be shared
    }
    return free >= wanted.size();
}

bool begin_closing(const Segment& segment, GroupId group, std::optional<GroupId> successor) noexcept {
    std::uint64_t word = group_word(GroupState::active, group.incarnation);
    // seq_cst: claims that do not see it are seen by the pinning behind it (DROP). Its release half also carries the
    // prepared successor to whoever lists it (DIRECTORY).
    return segment.group(group.row).word.compare_exchange(word, pack_closing({group.incarnation, successor}),
                                                          memory_order_seq_cst, memory_order_relaxed);
}

bool finish_closing(const Segment& segment, Visits& visits, std::uint32_t row) noexcept {
    const Visit visit(visits, row);
    Word& word = segment.group(row).word;
    // Seen closing from inside: the row is not prepared anew before we leave (VISIT).
    std::uint64_t closing = word.load(memory_order_seq_cst);
    if (unpack_group(closing).state != GroupState::closing) return true;
    const auto successor = successor_of(segment, closing);
    // (1) all is done  (2) the bit is away, the rest is left  (3) no pin cell: whoever comes next goes on  (4) the
    // directory is what it was before we pinned, so the row is still listed and what we pinned is what there is: the
    // exchange takes its bit away and sets the successor's  (5) another change, by a helper or of another group
    for (;;) {
        std::uint64_t directory = load_directory(segment);
        if (word.load(memory_order_seq_cst) != closing) return true;  // (1)
        if ((active_groups(directory) >> row & 1) == 0) break;        // (2)
        if (!pin_held(segment, row, closing)) return false;           // (3)
        std::uint32_t active = active_groups(directory) & ~(std::uint32_t{1} << row);
        if (successor && is_waiting(segment, *successor)) active |= std::uint32_t{1} << successor->row;
        if (segment.control().directory.compare_exchange(directory, next_directory(directory, active),
                                                         memory_order_seq_cst, memory_order_relaxed))  // (4), else (5)
            break;
    }
    free_cells_of(segment, {row, unpack_closing(closing).incarnation});  // what living consumers look at is pinned
    // Active before the old row is dropped: once nothing is closing, nothing is left to do.
    if (successor) {
        const Visit successor_visit(visits, successor->row);
        finish_creation(segment, successor->row);
    }
    const std::uint64_t dropped = group_word(GroupState::dropped, unpack_closing(closing).incarnation);
    if (word.compare_exchange(closing, dropped, memory_order_seq_cst, memory_order_relaxed))
        wake_sleepers(segment, everybody, ~0u >> 1);  // its consumers are told, producers may have room
    return true;
}

bool finish_closing_of(const Segment& segment, Visits& visits, std::string_view name) noexcept {
    const auto row = row_of(segment, load_directory(segment), name);
    return !row || finish_closing(segment, visits, *row);
}

void finish_closings(const Segment& segment, Visits& visits) noexcept {
    // relaxed: a guess, and what is missed the next one finishes.
    for (std::uint32_t row = 0; row < segment.geometry().group_rows; ++row)
        if (unpack_group(segment.group(row).word.load(memory_order_relaxed)).state == GroupState::closing)
            finish_closing(segment, visits, row);  // which looks again
}

bool is_successor(const Segment& segment, GroupId group) noexcept {
    for (std::uint32_t row = 0; row < segment.geometry().group_rows; ++row) {
        // seq_cst: if it is no longer closing, the directory that is loaded after this has, or had, the successor.
        const std::uint64_t word = segment.group(row).word.load(memory_order_seq_cst);
        if (unpack_group(word).state == GroupState::closing && unpack_closing(word).successor == group) return true;
    }
    return false;
}

}  // namespace shmq
