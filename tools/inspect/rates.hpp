// How fast a stream moves: what changed between two looks at it. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tools/inspect/facts.hpp"

namespace shmq::inspect {

/// Entries a second, and what they come to.
struct GroupRates {
    std::string name;
    double delivered = 0;  ///< given out for the first time
    double finished = 0;   ///< acked or dropped, less what was given back
    double lag_grows = 0;  ///< negative: it catches up
};
struct Rates {
    std::chrono::duration<double> over{0};  ///< between the looks
    double added = 0;
    std::vector<GroupRates> groups;  ///< of the groups that were there both times
    /// Until the entries that some group has not finished fill the ring; nullopt if they do not grow.
    std::optional<std::chrono::duration<double>> full_in;

    [[nodiscard]] const GroupRates* of(std::string_view group) const noexcept;
};

/// `later` is a look at the same stream, `over` after `earlier`.
[[nodiscard]] Rates rates_between(const StreamFacts& earlier, const StreamFacts& later,
                                  std::chrono::duration<double> over);
/// "12,300/s", "0.2/s".
[[nodiscard]] std::string rate_text(double rate);

}  // namespace shmq::inspect
