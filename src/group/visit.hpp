// Being inside a group row: how a dropped row becomes free for another group without anybody waiting (synchronisation
// VISIT).
//
// Whoever may be about to change records of a group row by a value it loaded earlier sets the row's bit in its
// attachment's `inside` word first, looks at the group's word again, and clears the bit when it is done. A dropped row
// is prepared anew only when no live attachment has the bit set; a stopped process keeps its bit, a dead one's no
// longer counts. Consumers are inside as long as they are open.
#pragma once

#include <array>
#include <mutex>
#include <utility>

#include "layout/segment.hpp"

namespace shmq {

/// Whether the group exists still: neither dropped nor moved, nor is either decided. An ack that succeeded on its
/// records after that came too late to count.
[[nodiscard]] inline bool is_active(const Segment& segment, GroupId group) noexcept {
    // seq_cst: after a claim, this load and the closing exchange have one order, so either we see the closing or the
    // pinning behind it sees our claim (DROP).
    return segment.group(group.row).word.load(memory_order_seq_cst) ==
           group_word(GroupState::active, group.incarnation);
}

/// The visits of one attachment, counted over the threads of its process. Safe for several threads.
class Visits {
public:
    /// `for_dead`: a scanner without a row of its own works in the name of the dead one it repairs, and leaves its
    /// marks to whoever attaches there next.
    Visits(const Segment& segment, AttachmentId owner, bool for_dead = false) noexcept
        : segment_(segment), owner_(owner), for_dead_(for_dead) {}
    Visits(const Visits&) = delete;
    Visits& operator=(const Visits&) = delete;

    void enter(std::uint32_t row) noexcept;
    void leave(std::uint32_t row) noexcept;
    [[nodiscard]] AttachmentId owner() const noexcept { return owner_; }

private:
    Segment segment_;
    AttachmentId owner_;
    bool for_dead_;
    std::mutex mutex_;  // among the threads of this process alone; never held across anything that can wait
    std::array<std::uint32_t, 32> counts_{};
};

/// One visit. Check `is_active` after making it.
class Visit {
public:
    Visit(Visits& visits, std::uint32_t row) noexcept : visits_(&visits), row_(row) { visits.enter(row); }
    Visit(Visit&& other) noexcept : visits_(std::exchange(other.visits_, nullptr)), row_(other.row_) {}
    Visit& operator=(Visit&&) = delete;
    ~Visit() {
        if (visits_ != nullptr) visits_->leave(row_);
    }

private:
    Visits* visits_;
    std::uint32_t row_;
};

/// Whether a live attachment is inside the row. Attachments that died count until the scanner freed their row.
[[nodiscard]] bool is_visited(const Segment& segment, std::uint32_t row) noexcept;

}  // namespace shmq
