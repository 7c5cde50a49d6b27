// Whether a test tries all it can, or the selection that fits into every run.
#pragma once

#include <cstdlib>
#include <string_view>

namespace shmq::test {

/// Whether all points are to be tried (./run test proof), or the selection of ./run test.
inline bool whole_proof() {
    const char* value = std::getenv("SHMQ_PROOF");
    return value != nullptr && std::string_view(value) == "all";
}

}  // namespace shmq::test
