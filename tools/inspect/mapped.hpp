// A segment file mapped for reading only, for commands that look at its words one by one.
#pragma once

#include <string>

#include "layout/segment.hpp"
#include "os/map.hpp"

namespace shmq::inspect {

struct Mapped {
    os::Mapping mapping;
    Segment segment;  ///< of its bytes, with the geometry that its header has
};

/// Errors: those of opening a stream.
Result<Mapped> map_segment(const std::string& name);

}  // namespace shmq::inspect
