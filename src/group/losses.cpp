// The walk over what the trim point passed, and the word that says how far it was told.
#include "group/losses.hpp"

#include <algorithm>

namespace shmq {

namespace {

/// Whether the holder of a delivered entry is there no more: it died, and the scan that found that came too late for
/// the entry.
bool is_left(const Segment& segment, std::uint32_t group, Sequence sequence, std::uint64_t record) noexcept {
    const std::uint32_t consumer = unpack_pending(segment.geometry(), record).consumer;
    if (consumer == 0 || consumer > segment.geometry().consumers) return false;
    const OwnerWord owner = unpack_owner(segment.consumer(group, consumer - 1).word.load(memory_order_seq_cst));
    // The record again: before it leaves in good order it ends what it holds.
    return owner.state != OwnerState::live && segment.record(group, sequence).load(memory_order_seq_cst) == record;
}

/// What the record says of an entry below the trim point.
bool is_lost(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    // seq_cst: after the trim point; who gives an entry back looks at that after its exchange, so one of us sees the
    // other (LOSS).
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_seq_cst);
    const std::uint64_t tag = g.record_tag(sequence);
    if (pending_tag(g, record) == tag) {
        const PendingState state = pending_state(record);
        if (state == PendingState::delivered) return is_left(segment, group, sequence, record);
        return state == PendingState::retry || state == PendingState::delayed || state == PendingState::dead;
    }
    if (tag_earlier(pending_tag(g, record), tag, g.record_tag_bits)) return true;
    return sequence >= segment.group(group).cursor.load(memory_order_relaxed);  // see losses.hpp
}

}  // namespace

void append_lost(std::vector<LostRange>& lost, Sequence first, Sequence last) {
    if (!lost.empty() && lost.back().last + 1 == first)
        lost.back().last = last;
    else
        lost.push_back({first, last});
}

void merge_lost(std::vector<LostRange>& lost) noexcept {
    std::sort(lost.begin(), lost.end(), [](const LostRange& a, const LostRange& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const LostRange range : lost)
        if (kept != 0 && range.first <= lost[kept - 1].last + 1)
            lost[kept - 1].last = std::max(lost[kept - 1].last, range.last);
        else
            lost[kept++] = range;
    lost.resize(kept);
}

std::uint64_t count_lost(std::span<const LostRange> lost) noexcept {
    std::uint64_t count = 0;
    for (const LostRange& range : lost) count += range.last - range.first + 1;
    return count;
}

Untold find_losses(const Segment& segment, std::uint32_t group, std::vector<LostRange>& lost) {
    const GroupRow& row = segment.group(group);
    lost.clear();
    // seq_cst: before the records (LOSS).
    const Sequence trim = segment.control().trim_point.load(memory_order_seq_cst);
    const Sequence told =
        std::max(row.skipped.load(memory_order_acquire), start_of(row, memory_order_relaxed));  // it stands still
    if (told >= trim) return {trim, trim};
    // Of a group that was not read for laps only the first lap and the last can have records that say something. What
    // stands between, and below the cursor, was delivered or told: a read that began when less was trimmed may have
    // come so far.
    const std::uint64_t slots = segment.geometry().slots;
    const Sequence first_lap = told + std::min(trim - told, slots);
    const Sequence last_lap = std::max(first_lap, trim - std::min(trim, slots));
    const Sequence unread = std::max<Sequence>(first_lap, row.cursor.load(memory_order_relaxed));  // as in is_lost
    for (Sequence s = told; s < first_lap; ++s)
        if (is_lost(segment, group, s)) append_lost(lost, s, s);
    if (last_lap > unread) append_lost(lost, unread, last_lap - 1);
    for (Sequence s = last_lap; s < trim; ++s)
        if (is_lost(segment, group, s)) append_lost(lost, s, s);
    return {told, trim};
}

void tell_losses(const Segment& segment, std::uint32_t group, const Untold& untold,
                 std::vector<LostRange>& lost) noexcept {
    Word& skipped = segment.group(group).skipped;
    std::uint64_t seen = skipped.load(memory_order_acquire);
    // (1) others told all of it, or all up to where they raised it to  (2) raised: the rest is ours to tell. A failed
    // exchange is (1). seq_cst: the batch is built before, and the cursor is raised after (LOSS).
    while (seen < untold.until &&
           !skipped.compare_exchange(seen, untold.until, memory_order_seq_cst, memory_order_acquire)) {}
    const Sequence told = std::min<Sequence>(std::max(seen, untold.from), untold.until);
    std::size_t kept = 0;
    for (const LostRange& range : lost)
        if (range.last >= told) lost[kept++] = {std::max(range.first, told), range.last};
    lost.resize(kept);
}

bool is_overtaken(const Segment& segment, std::uint32_t group, Sequence sequence) noexcept {
    const Geometry& g = segment.geometry();
    const std::uint64_t record = segment.record(group, sequence).load(memory_order_acquire);
    return pending_tag(g, record) != g.record_tag(sequence);
}

}  // namespace shmq
