// When a consumer that waits leaves the producer a moment to itself.
//
// Who has caught up looks at the slot that is written next, and so takes its line from the producer's processor, again
// for each entry. Where entries come fast, both are quicker if it comes for several at once. Whether they come fast is
// tried now and then: to a peer that answers what it is sent each entry comes as soon, but no other behind it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "shmq/options.hpp"

namespace shmq::detail {

/// What one consumer knows of its stream's pace. One thread at a time.
class HoldBack {
public:
    static constexpr Duration span{2'000};      // how long it holds back
    static constexpr std::uint64_t enough = 4;  // entries that have to come in that time
    static constexpr unsigned soon = 64;        // looks: an entry that took longer to come is taken at once

    /// The next entry was found after so many looks: whether to hold back. If so, `learn` is called after it.
    [[nodiscard]] bool wants(unsigned looks) noexcept {
        if (looks <= soon) return pays_ || --until_try_ == 0;
        pays_ = false;  // the first entry of a burst is not held back
        return false;
    }
    void learn(bool enough_came) noexcept {
        pays_ = enough_came;
        gap_ = enough_came ? least_gap : std::min(2 * gap_, most_gap);
        until_try_ = gap_;
    }

private:
    static constexpr unsigned least_gap = 8;
    static constexpr unsigned most_gap = 4'096;

    bool pays_ = false;               // enough came the last time
    unsigned gap_ = least_gap;        // entries found soon, from one try to the next
    unsigned until_try_ = least_gap;  // of these, so many are left
};

}  // namespace shmq::detail
