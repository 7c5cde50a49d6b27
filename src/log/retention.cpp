// Demotion. Asked for only by who finds no room, so a group that is late and in nobody's way stays as it is.
#include "log/retention.hpp"

#include <algorithm>

#include "log/copy.hpp"
#include "log/publish.hpp"
#include "os/clock.hpp"

namespace shmq {

namespace {

constexpr std::uint64_t ns_in_ms = 1'000'000;

/// Whether an entry was stamped at least so long ago. The clock may have been set back since: then it was not.
bool is_old(const EntryFields& header, std::uint64_t behind_ms) noexcept {
    const std::uint64_t now = os::realtime_ns();
    return header.time_ns != 0 && now > header.time_ns && (now - header.time_ns) / ns_in_ms >= behind_ms;
}

/// Demotes the group in the way if it is late. True if it holds the trim point no longer, or may not any more: then
/// another look is worth it.
bool demote_if_late(const Segment& segment, const Blocked& blocked) noexcept {
    GroupRow& group = segment.group(blocked.group);
    if (retention_of(group) != Retention::until) return false;
    // (1) not the word of the group that is active in the row now: it is demoted, or the row is about to change hands
    // (2) the group finished the entry meanwhile  (3) trimmed meanwhile  (4) not late, or damaged: it stays  (5) late
    std::uint64_t demoted = group.demoted.load(memory_order_acquire);
    const GroupWord word = unpack_group(group.word.load(memory_order_acquire));
    if (demoted != undemoted_word(word.incarnation) || word.state != GroupState::active)
        return demoted >> 63 == 0;  // (1)
    // Looked for anew, behind the word: of this group, or of a later one, and then the exchange fails.
    const Sequence oldest = finished_until(segment, blocked.group, find_begin(segment), blocked.sequence + 1);
    if (oldest > blocked.sequence) return true;  // (2)
    EntryFields header;
    const Copied copied = copy_header(segment, oldest, header);
    if (copied == Copied::gone) return true;                                       // (3)
    if (copied != Copied::done || !is_old(header, group.behind_ms)) return false;  // (4)
    // seq_cst: as the trim point that is raised by it. A failed exchange is somebody else's demotion.
    group.demoted.compare_exchange(demoted, oldest, memory_order_seq_cst, memory_order_relaxed);  // (5)
    return true;
}

}  // namespace

Lifted lift_for_room(const Segment& segment, Sequence needed, Sequence wanted) noexcept {
    Lifted lifted = lift_trim(segment, wanted);
    // Each turn but the last found that a group was demoted, or that somebody finished or trimmed what was in the way;
    // bounded, and a caller that waits comes again.
    for (std::uint32_t turn = 0; turn < 2 * segment.geometry().group_rows; ++turn) {
        if (lifted.trim >= needed || !lifted.blocked.known) break;
        if (!demote_if_late(segment, lifted.blocked)) break;
        lifted = lift_trim(segment, wanted);
    }
    return lifted;
}

}  // namespace shmq
