// The histograms of groups, which a screen and the report show.
#pragma once

#include <string>
#include <vector>

#include "tools/inspect/facts.hpp"
#include "tools/inspect/json.hpp"

namespace shmq::inspect {

struct NamedLatency {
    std::string group;
    GroupLatency latency;
};

/// Of the group `wanted`, or of all that there are if that is empty.
Result<std::vector<NamedLatency>> gather_latency(const Stream& stream, const std::string& wanted);
[[nodiscard]] Json json_of(const NamedLatency& named);

}  // namespace shmq::inspect
