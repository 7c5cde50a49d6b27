// Where the sequences of a test begin: at 1, or where the environment says (./run test starts). Tests that name
// sequences by their place in the stream do so by `at`, so that they hold wherever it begins.
#pragma once

#include <cstdlib>

#include "shmq/shmq.hpp"

namespace shmq::test {

/// SHMQ_FIRST_SEQUENCE, or 1.
[[nodiscard]] inline Sequence first_sequence() {
    const char* value = std::getenv("SHMQ_FIRST_SEQUENCE");
    const Sequence first = value == nullptr ? 0 : std::strtoull(value, nullptr, 10);
    return first == 0 ? 1 : first;
}

/// The sequence of the entry that is the `place`th of the stream, from 1 on.
[[nodiscard]] inline Sequence at(std::uint64_t place) { return first_sequence() - 1 + place; }

}  // namespace shmq::test
