// Links, stripes, and the search where no link tells; in the ring first, then in the cells, as entries move.
#include "group/predecessor.hpp"

#include <algorithm>

#include "group/group_options.hpp"
#include "group/parked.hpp"
#include "log/copy.hpp"
#include "log/publish.hpp"

namespace shmq {

namespace {

// A link: [ low bits of the entry's record tag : 20 | distance to its predecessor : 44 ]; distance 0 is none. A process
// that slept before it stored a link puts an old tag there, which matches no entry before 2^20 laps.
constexpr unsigned distance_bits = 44;

std::uint64_t pack_link(const Geometry& g, Sequence sequence, std::uint64_t distance) noexcept {
    return g.record_tag(sequence) << distance_bits | (distance <= low_mask(distance_bits) ? distance : 0);
}

/// FNV-1a over eight bytes at a time, folded: keys are short, and a stripe is all that is wanted of it.
std::uint64_t hash_of(const std::byte* key, std::size_t size) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (; size != 0;) {
        std::uint64_t word = 0;
        const std::size_t part = std::min<std::size_t>(size, sizeof word);
        std::memcpy(&word, key, part);
        hash = (hash ^ word ^ size) * 0x100'0000'01b3;
        hash ^= hash >> 29;
        key += part;
        size -= part;
    }
    hash *= 0x9e37'79b9'7f4a'7c15;
    return hash ^ hash >> 32;
}

/// The highest entry of the stripe below `below` that is parked and not finished; 0 if there is none. Exact if those
/// were parked before the caller saw that `below` is, or that the trim point passed them.
Sequence highest_parked(const Segment& segment, std::uint32_t group, std::uint32_t stripe, Sequence below) noexcept {
    const GroupId here = group_in(segment, group);
    const std::uint32_t used = cells_in_use(segment);
    Sequence highest = 0;
    ParkedEntry entry{};
    for (std::uint32_t cell = 0; cell < used; ++cell) {
        // relaxed: a guess, read again together with the rest.
        const Sequence guess = segment.parking(cell).sequence.load(memory_order_relaxed);
        if (guess <= highest || guess >= below || !look_at_cell(segment, cell, entry)) continue;
        if (entry.group() == here && entry.stripe == stripe + 1 && entry.sequence < below && is_unfinished(entry))
            highest = std::max(highest, entry.sequence);
    }
    return highest;
}

/// The stripe of an entry that left the ring unfinished; none if it has no key, or is finished.
std::optional<std::uint32_t> parked_stripe_of(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    if (cells_in_use(segment) == 0) return std::nullopt;
    const auto at = find_moved(segment, group, sequence, segment.record(group, sequence).load(memory_order_acquire));
    if (!at || !at->parked || at->parked->stripe == 0 || at->parked->stripe > segment.geometry().key_stripes)
        return std::nullopt;
    return at->parked->stripe - 1;
}

/// Finds the predecessor in the log itself. Only where no link tells: its writer was overtaken by laps, or damage.
Sequence search(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    const auto place_of = [&](Sequence s) { return unpack_slot(g, segment.slot(s).load(memory_order_acquire)).place; };
    const auto stripe = stripe_of(segment, place_of(sequence));
    if (!stripe) return 0;
    const Sequence base = std::max(find_begin(segment), start_of(segment.group(group), memory_order_acquire));
    Sequence s = sequence;
    bool found = false;
    while (!found && s > base && sequence - s < g.slots) found = stripe_of(segment, place_of(--s)) == stripe;
    // What the trim point passed meanwhile, or before, is finished or in a cell.
    return found && is_kept(segment, s) ? s : highest_parked(segment, group, *stripe, sequence);
}

/// The predecessor as the link says.
Sequence linked(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    // acquire: written before the stripe's word, or the record, that led us here.
    const std::uint64_t link = segment.key_link(group, sequence).load(memory_order_acquire);
    if (link >> distance_bits != (g.record_tag(sequence) & low_mask(64 - distance_bits)))
        return search(segment, group, sequence);
    const std::uint64_t distance = link & low_mask(distance_bits);
    return distance == 0 || distance >= sequence ? 0 : sequence - distance;
}

}  // namespace

std::optional<std::uint32_t> stripe_of(const Segment& segment, std::uint64_t place) noexcept {
    const std::uint32_t stripes = segment.geometry().key_stripes;
    if (stripes == 0) return std::nullopt;
    return read_unpinned([&]() -> std::optional<std::uint32_t> {
        EntryAt at;
        if (!find_entry(segment, place, at) || at.header.key_size == 0) return std::nullopt;
        const std::uint64_t hash = hash_of(segment.payload() + at.offset + sizeof(EntryHeader), at.header.key_size);
        return static_cast<std::uint32_t>((hash & 0xffff'ffff) * stripes >> 32);
    });
}

bool is_kept(const Segment& segment, Sequence sequence) noexcept {
    fence(memory_order_acquire);  // what was read before stays before (COPY)
    return find_begin(segment) <= sequence;
}

Sequence meet(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint32_t stripe) noexcept {
    const Geometry& g = segment.geometry();
    Word& last = segment.key_stripe(group, stripe);
    Sequence seen = last.load(memory_order_acquire);
    // (1) the stripe's word is below the entry: it names the predecessor, since all before was met. The link first, so
    // that whoever sees the word has it; release, so that who meets it a lap late finds the trim point past it (COPY).
    // (2) Somebody met the entry too: the link is there.
    while (seen < sequence) {  // (1), else (2)
        segment.key_link(group, sequence)
            .store(pack_link(g, sequence, seen == 0 ? 0 : sequence - seen), memory_order_release);
        if (last.compare_exchange(seen, sequence, memory_order_seq_cst, memory_order_acquire)) return seen;
    }
    return linked(segment, group, sequence);
}

Sequence predecessor_of(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Order order = order_of(segment.group(group));
    if (order == Order::strict) return sequence - 1;
    if (order == Order::none) return 0;
    const Geometry& g = segment.geometry();
    const SlotWord slot = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire));
    if (slot.tag == g.slot_tag(sequence)) {
        const Sequence found = stripe_of(segment, slot.place) ? linked(segment, group, sequence) : 0;
        if (is_kept(segment, sequence)) return found;
    }
    const auto stripe = parked_stripe_of(segment, group, sequence);
    return stripe ? highest_parked(segment, group, *stripe, sequence) : 0;
}

Sequence last_met(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    if (order_of(segment.group(group)) == Order::strict) {
        Sequence s = sequence;  // seq_cst: walked, not taken from the hint (ORDER)
        while (s - sequence < g.slots &&
               pending_tag(g, segment.record(group, s + 1).load(memory_order_seq_cst)) == g.record_tag(s + 1))
            ++s;
        return s;
    }
    const SlotWord slot = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire));
    auto stripe = slot.tag == g.slot_tag(sequence) ? stripe_of(segment, slot.place) : std::nullopt;
    if (!is_kept(segment, sequence)) stripe = parked_stripe_of(segment, group, sequence);
    // seq_cst: what was taken before our entry changed hands was met before (ORDER).
    return stripe ? segment.key_stripe(group, *stripe).load(memory_order_seq_cst) : sequence;
}

std::optional<PendingWord> unfinished_record(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    if (sequence < start_of(segment.group(group), memory_order_relaxed)) return std::nullopt;
    // seq_cst: ORDER, here and of a cell's record.
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_seq_cst);
    PendingWord found = unpack_pending(g, record);
    if (found.tag == g.record_tag(sequence) && found.state != PendingState::parked)
        return found.state == PendingState::acked ? std::nullopt : std::optional(found);
    // An earlier lap: not given out yet. A later one: the trim point passed it.
    if (tag_earlier(found.tag, g.record_tag(sequence), g.record_tag_bits)) return PendingWord{};
    const auto at = find_moved(segment, group, sequence, record);
    if (!at || !is_unfinished(*at->parked)) return std::nullopt;
    found = unpack_pending(g, at->value);
    found.tag = g.record_tag(sequence);
    return found;
}

}  // namespace shmq
