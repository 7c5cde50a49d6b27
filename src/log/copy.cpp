// Slot, header, bytes, then the trim point: in this order, or the copy is worth nothing.
#include "log/copy.hpp"

namespace shmq {

namespace {

/// Whether the trim point passed the entry. The reads above stay above; whoever overwrote bytes we saw had seen the
/// trim point pass them, and so do we (COPY).
bool is_gone(const Segment& segment, Sequence sequence) noexcept {
    fence(memory_order_acquire);
    return segment.control().trim_point.load(memory_order_acquire) > sequence;
}

/// Slot and header. What is `done` may still turn out to be gone.
Copied locate(const Segment& segment, Sequence sequence, EntryAt& at) noexcept {
    const Geometry& g = segment.geometry();
    // acquire: the bytes of the entry (PUBLISH).
    const SlotWord slot = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire));
    if (slot.tag != g.slot_tag(sequence)) {
        if (is_gone(segment, sequence)) return Copied::gone;
        return slot.tag == ((g.slot_tag(sequence) - 1) & g.tag_mask) ||
                       tag_earlier(slot.tag, g.slot_tag(sequence), g.tag_bits)
                   ? Copied::not_yet
                   : Copied::corrupt;
    }
    if (read_unpinned([&] { return find_entry(segment, slot.place, at); })) return Copied::done;
    return is_gone(segment, sequence) ? Copied::gone : Copied::corrupt;
}

void copy_bytes(const Segment& segment, const EntryAt& at, CopyTarget& target) {
    const std::uint64_t key_room = round_up(at.header.key_size, key_alignment);
    const std::uint64_t size = key_room + at.header.size;
    std::byte* to = target.room(size);
    read_unpinned([&] { return std::memcpy(to, segment.payload() + at.payload_offset - key_room, size); });
}

}  // namespace

Copied copy_entry(const Segment& segment, Sequence sequence, CopyTarget& target, EntryFields& header) {
    EntryAt at;
    if (const Copied located = locate(segment, sequence, at); located != Copied::done) return located;
    copy_bytes(segment, at, target);
    header = at.header;
    return is_gone(segment, sequence) ? Copied::gone : Copied::done;
}

bool copy_entry_at(const Segment& segment, std::uint64_t place, CopyTarget& target, EntryFields& header) {
    EntryAt at;
    if (!read_unpinned([&] { return find_entry(segment, place, at); })) return false;
    copy_bytes(segment, at, target);
    header = at.header;
    fence(memory_order_acquire);  // before the caller's look whether the entry was finished (COPY)
    return true;
}

Copied copy_header(const Segment& segment, Sequence sequence, EntryFields& header) noexcept {
    EntryAt at;
    if (const Copied located = locate(segment, sequence, at); located != Copied::done) return located;
    header = at.header;
    return is_gone(segment, sequence) ? Copied::gone : Copied::done;
}

}  // namespace shmq
