// Where the bytes of a segment are, which a screen and the report show.
#pragma once

#include "tools/inspect/json.hpp"

namespace shmq::inspect {

/// Bytes of each area by its name, and `header_and_padding`; their sum is the size of the segment.
Result<Json> memory_parts(const StreamInfo& info);

}  // namespace shmq::inspect
