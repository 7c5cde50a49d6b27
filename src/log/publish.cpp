// The hot path of adding. The numbered cases above the loop are all that can be met.
#include "log/publish.hpp"

#include <algorithm>
#include <utility>

#include "base/error_detail.hpp"
#include "log/retention.hpp"
#include "log/trim.hpp"

namespace shmq {

namespace {

// Below this many slots every trim is by exactly what is needed; above it movers take strides, which costs the oldest
// part of what is kept, and spares one walk per entry.
constexpr std::uint64_t stride_from_slots = 4096;
// Looks at the trim point, with a pause each, that a full ring is given: some microseconds.
constexpr std::uint64_t most_looks = 64;

std::uint64_t trim_stride(const Geometry& g) noexcept { return g.slots >= stride_from_slots ? g.slots / 64 : 0; }

}  // namespace

Publisher::Publisher(const Segment& segment) noexcept
    : segment_(segment), trim_seen_(segment.control().trim_point.load(memory_order_acquire)),
      ask_above_(segment.geometry().slots - segment.geometry().slots / 8), quick_room_(ask_above_) {}

void Publisher::see_trim(Sequence trim) noexcept {
    trim_seen_ = trim;
    const Sequence asked = asked_until_ - trim;  // goes round if it was before the trim point
    quick_room_ = asked > ask_above_ && asked <= segment_.geometry().slots ? asked : ask_above_;
}

Result<Sequence> Publisher::publish(std::uint64_t place) noexcept {
    const Geometry& g = segment_.geometry();
    Control& control = segment_.control();
    // relaxed: only where the walk begins.
    Sequence t = control.tail.load(memory_order_relaxed);
    unsigned strange = 0;  // turns without progress of anybody; bounded
    // (1) the hint is below what is kept or above what can be: start at the nearest that can be
    // (2) t-1 was never seen published: look, and walk back if it is not  (3) no room: lift the trim point or answer
    // `full` (4) t is published by somebody: go on behind it  (5) not the lap before: the trim point moved, or damage
    // (6) compare-and-swap: done, or somebody took t: (4) in the next turn
    for (;;) {
        if (t < trim_seen_) t = trim_seen_;  // (1)
        if (t - trim_seen_ > g.slots) {
            see_trim(control.trim_point.load(memory_order_acquire));
            if (t < trim_seen_ || t - trim_seen_ > g.slots) t = trim_seen_;
        }
        if (t > known_ + 1 && t > trim_seen_) {  // (2)
            // acquire: what its publisher saw published is published for us too (DENSITY).
            if (!segment_.published(t - 1, memory_order_acquire)) {
                --t;
                continue;
            }
            known_ = t - 1;
        }
        if (t - trim_seen_ >= g.slots) {  // (3)
            Error why;
            if (!find_room(t, why)) return why;
            continue;
        }
        Word& slot = segment_.slot(t);
        // acquire: at (4) it is a look like that of (2) (DENSITY), and at (5) it comes before the trim point.
        std::uint64_t word = slot.load(memory_order_acquire);
        const std::uint64_t tag = word >> g.place_bits;
        if (tag == g.slot_tag(t)) {  // (4)
            known_ = t++;
            if (t == 0) [[unlikely]]  // sequences never come so far: the trim point is damaged
                return corrupt_error("trim point", segment_.offset_of(&control.trim_point), trim_seen_);
            continue;
        }
        if (tag != ((g.slot_tag(t) - 1) & g.tag_mask)) {  // (5)
            see_trim(std::max(trim_seen_, control.trim_point.load(memory_order_acquire)));
            if (t >= trim_seen_ && ++strange > 2) return corrupt_error("slot", segment_.offset_of(&slot), word);
            continue;
        }
        // seq_cst: release publishes the bytes (PUBLISH); the single order with the sleepers' word keeps SLEEP from
        // missing it.
        if (slot.compare_exchange(word, pack_slot(g, g.slot_tag(t), place), memory_order_seq_cst,
                                  memory_order_relaxed)) {  // (6)
            known_ = t;
            break;
        }
    }
    // relaxed: a hint. A producer that slept between load and store puts it back; whoever starts from it walks.
    if (control.tail.load(memory_order_relaxed) < t + 1) control.tail.store(t + 1, memory_order_relaxed);
    if (t - trim_seen_ >= ask_above_ && t >= asked_until_) [[unlikely]]
        ask_for_room(t);
    return t;
}

void Publisher::ask_for_room(Sequence t) noexcept {
    const Geometry& g = segment_.geometry();
    see_trim(segment_.control().trim_point.load(memory_order_acquire));
    if (trim_stride(g) == 0 || t - trim_seen_ < ask_above_) return;
    // relaxed: a wish. Consumers, which have the records at hand, lift the trim point when they finished that far. One
    // wish stands at a time, and is looked at anew only after a part of a stride: a word that changed with every add
    // would cost every ack a look.
    Word& wanted = segment_.control().room_wanted;
    if (wanted.load(memory_order_relaxed) <= trim_seen_)
        wanted.store(trim_seen_ + trim_stride(g), memory_order_relaxed);
    asked_until_ = t + trim_stride(g) / 4;
    see_trim(trim_seen_);
}

/// Whether there is room for `t` by the trim point as it is now, or `t` is behind it.
bool Publisher::has_room(Sequence t) noexcept {
    see_trim(segment_.control().trim_point.load(memory_order_acquire));
    return t < trim_seen_ || t - trim_seen_ < segment_.geometry().slots;
}

/// The ring is full: leaves the consumers a moment, some microseconds, to finish more than a few entries or to lift the
/// trim point themselves. Without it a producer that is faster goes entry by entry behind a consumer and takes from its
/// processor, each time, the records that it is working on. True if there is room now.
bool Publisher::wait_for_stride(Sequence t) noexcept {
    if (std::exchange(stood_at_, trim_seen_) == trim_seen_) return false;  // since the last look nobody finished any
    for (std::uint64_t turn = std::min(trim_stride(segment_.geometry()) / 16, most_looks); turn > 0; --turn) {
        pause();
        if (has_room(t)) return true;
    }
    return false;
}

bool Publisher::find_room(Sequence t, Error& why) noexcept {
    const Geometry& g = segment_.geometry();
    if (has_room(t) || wait_for_stride(t)) return true;
    const Sequence needed = t - g.slots + 1;
    const Lifted lifted = lift_for_room(segment_, needed, std::min(needed + trim_stride(g), t));
    see_trim(lifted.trim);
    if (trim_seen_ >= needed) return true;
    // seq_cst: the wish is seen by the next ack, or this producer's next look sees that ack (SLEEP). It asks for a
    // stride, so that a full ring is not handed over entry by entry; a waiter looks by itself after a slice, should the
    // consumers stop short of it.
    const Sequence wish = std::min(needed + trim_stride(g), t);
    Word& wanted = segment_.control().room_wanted;
    if (wanted.load(memory_order_seq_cst) != wish) wanted.store(wish, memory_order_seq_cst);
    why = blocked_error(segment_, "slot", lifted.blocked);
    return false;
}

Sequence find_end(const Segment& segment) noexcept {
    const Geometry& g = segment.geometry();
    // Repeated only if the trim point moved and passed the walk meanwhile, that is, if others added and finished
    // entries.
    for (;;) {
        const Sequence trim = segment.control().trim_point.load(memory_order_acquire);
        Sequence t = segment.control().tail.load(memory_order_relaxed);  // a hint
        if (t < trim || t - trim > g.slots) t = trim;
        while (t > trim && !segment.published(t - 1, memory_order_acquire)) --t;
        while (t - trim < g.slots && segment.published(t, memory_order_acquire)) ++t;
        fence(memory_order_acquire);  // the slot looked at before the trim point behind it
        const Sequence again = segment.control().trim_point.load(memory_order_acquire);
        if (again == trim || again <= t) return t;  // a damaged trim point stands still, and is no reason to go on
    }
}

}  // namespace shmq
