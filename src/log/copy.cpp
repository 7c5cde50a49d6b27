// Slot, header, bytes, then the trim point: in this order, or the copy is worth nothing.
#include "log/copy.hpp"

namespace shmq {

Copied copy_entry(const Segment& segment, Sequence sequence, CopyTarget& target, EntryFields& header) {
    const Geometry& g = segment.geometry();
    // acquire: the bytes of the entry (PUBLISH).
    const SlotWord slot = unpack_slot(g, segment.slot(sequence).load(memory_order_acquire));
    const auto is_gone = [&] {
        // The reads above stay above; whoever overwrote bytes we saw had seen the trim point pass them, and so do we
        // (COPY).
        fence(memory_order_acquire);
        return segment.control().trim_point.load(memory_order_acquire) > sequence;
    };
    if (slot.tag != g.slot_tag(sequence)) {
        if (is_gone()) return Copied::gone;
        return slot.tag == ((g.slot_tag(sequence) - 1) & g.tag_mask) ||
                       tag_earlier(slot.tag, g.slot_tag(sequence), g.tag_bits)
                   ? Copied::not_yet
                   : Copied::corrupt;
    }
    const auto entry = entry_at(segment, slot.place);
    if (!entry) return is_gone() ? Copied::gone : Copied::corrupt;
    const std::uint64_t key_room = round_up(entry->header.key_size, key_alignment);
    const std::uint64_t size = key_room + entry->header.size;
    std::byte* to = target.room(size);
    std::memcpy(to, segment.payload() + entry->payload_offset - key_room, size);
    header = entry->header;
    return is_gone() ? Copied::gone : Copied::done;
}

}  // namespace shmq
