// Publishing: the one compare-and-swap that gives a filled place its sequence, and finding the end of the log.
//
// Invariants (docs/protocol.md): density (1): sequence t is published only after t-1 was seen published; a slot changes
// only from exactly the lap before, after the trim point was seen above t - slots (2). The tail is a hint and may hold
// anything (8).
#pragma once

#include "layout/segment.hpp"

namespace shmq {

/// One publisher per producer; remembers what it saw, so that most adds read two shared words. One thread at a time.
class Publisher {
public:
    explicit Publisher(const Segment& segment) noexcept;

    /// Adds the entry at `place` (in units). The bytes there are written and nobody changes them afterwards. Returns
    /// its sequence, `full` with who holds the room, or `corrupt`. One locked instruction when nobody interferes.
    Result<Sequence> publish(std::uint64_t place) noexcept;

    /// No later add of this producer can get a lower sequence: all below was seen published.
    [[nodiscard]] Sequence first_possible() const noexcept { return known_ + 1; }

    /// The same as `publish` for the common case, inline: the hint is right, there is room, and nobody interferes. 0 if
    /// anything is unusual: nothing was published then, and `publish` finds out why.
    Sequence publish_at_hint(std::uint64_t place) noexcept;

    /// Asks for the slot of the next entry while its bytes are being written, unless others add too, who would have to
    /// wait for the line.
    void prefetch_next() noexcept {
        // relaxed: a hint.
        if (segment_.control().tail.load(memory_order_relaxed) <= known_ + 1)
            prefetch_for_writing(&segment_.slot(known_ + 1));
    }

private:
    bool find_room(Sequence t, Error& why) noexcept;
    bool has_room(Sequence t) noexcept;
    bool wait_for_stride(Sequence t) noexcept;
    void ask_for_room(Sequence t) noexcept;
    void see_trim(Sequence trim) noexcept;

    Segment segment_;
    Sequence trim_seen_ = 0;    // a trim point read earlier: only stricter than the present one
    Sequence known_ = 0;        // the highest sequence seen published
    Sequence stood_at_ = 0;     // the trim point when the ring was last found full
    Sequence asked_until_ = 0;  // up to here the last wish was looked at
    std::uint64_t ask_above_;   // entries in the ring from which on room is asked for in advance
    std::uint64_t quick_room_;  // entries above trim_seen_ that can be added without asking for room now
};

inline Sequence Publisher::publish_at_hint(std::uint64_t place) noexcept {
    const Geometry& g = segment_.geometry();
    const Sequence hint = segment_.control().tail.load(memory_order_relaxed);  // only where to begin
    const Sequence t = hint <= known_ ? known_ + 1 : hint;
    if (t - trim_seen_ >= quick_room_)
        return 0;  // no room, or soon none; below the trim point it goes round and is large
    if (t > known_ + 1 && !segment_.published(t - 1, memory_order_acquire)) return 0;  // DENSITY
    Word& slot = segment_.slot(t);
    prefetch_for_writing(&slot);                           // again: a reader that polls takes the line back meanwhile
    std::uint64_t word = slot.load(memory_order_relaxed);  // the exchange decides, and orders
    if (word >> g.place_bits != ((t >> g.slot_bits) & g.tag_mask)) return 0;  // not the lap before
    // seq_cst: PUBLISH and SLEEP, as in publish.
    if (!slot.compare_exchange(word, pack_slot(g, (t >> g.slot_bits) + 1, place), memory_order_seq_cst,
                               memory_order_relaxed))
        return 0;
    known_ = t;
    segment_.control().tail.store(
        t + 1, memory_order_relaxed);  // a hint; it may put back a later one, and whoever starts from it walks
    return t;
}

/// The first sequence that is not published, walked to from the hint. Exact at some moment of the call.
Sequence find_end(const Segment& segment) noexcept;

/// The oldest sequence kept.
[[nodiscard]] inline Sequence find_begin(const Segment& segment) noexcept {
    return segment.control().trim_point.load(memory_order_acquire);
}

}  // namespace shmq
