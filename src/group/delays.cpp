// The hint, and the walk when it has come due; the rules are in delays.hpp.
#include "group/delays.hpp"

#include <algorithm>

#include "group/deliver.hpp"
#include "group/parked.hpp"
#include "group/retry_index.hpp"
#include "log/sleep.hpp"

namespace shmq {

void lower_due(const Segment& segment, std::uint32_t group, std::uint64_t due_ms, std::uint64_t now_ms) noexcept {
    Atomic<std::uint32_t>& hint = segment.group(group).due;
    const std::uint32_t wanted = std::max(static_cast<std::uint32_t>(due_ms), std::uint32_t{1});
    // seq_cst: after the record's exchange, this load and the walk of who takes the hint away have one order (DELAY).
    std::uint32_t seen = hint.load(memory_order_seq_cst);
    // Each failed exchange is somebody's earlier time, or a hint taken away.
    while (seen == 0 || until_due(seen, now_ms) > until_due(wanted, now_ms))
        if (hint.compare_exchange(seen, wanted, memory_order_seq_cst, memory_order_seq_cst)) return;
}

void ripen(const Segment& segment, std::uint32_t group, std::uint64_t now_ms) noexcept {
    const Geometry& g = segment.geometry();
    Atomic<std::uint32_t>& hint = segment.group(group).due;
    std::uint32_t seen = hint.load(memory_order_relaxed);  // the exchange decides
    // Before the walk: who delays an entry that the walk does not see finds the hint gone, and sets it (DELAY).
    if (!is_due(seen, now_ms) || !hint.compare_exchange(seen, 0, memory_order_seq_cst, memory_order_relaxed)) return;
    std::uint64_t soonest = ~std::uint64_t{0};
    unsigned came = 0;
    const Sequence end = find_cursor(segment, group);
    for (Sequence s = find_base(segment, group); s < end; ++s) {
        std::uint64_t record = segment.record(group, s).load(memory_order_seq_cst);
        const PendingWord pending = unpack_pending(g, record);
        if (pending.state != PendingState::delayed || pending.tag != g.record_tag(s)) continue;
        const std::uint64_t rest = clock_rest(segment, group, s, pending, now_ms);
        if (rest != 0) {
            soonest = std::min(soonest, rest);
            continue;
        }
        mark_retry(segment, group, s);  // the mark first, as in give_back
        if (!segment.record(group, s).compare_exchange(record, with_state(record, PendingState::retry),
                                                       memory_order_seq_cst, memory_order_relaxed))
            continue;
        mark_retry(segment, group, s);  // a reader that saw the entry delayed still may have taken it away
        ++came;
    }
    came += ripen_parked(segment, group, now_ms, soonest);  // after the ring, which entries leave for a cell
    if (soonest != ~std::uint64_t{0}) lower_due(segment, group, now_ms + soonest, now_ms);
    if (came != 0) entries_came(segment, sleeper_mask(group), came);
}

}  // namespace shmq
