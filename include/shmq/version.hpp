// The version of the library, and of the bytes in the segment.
#pragma once

#include <cstdint>

#define SHMQ_VERSION "0.1.0"

namespace shmq {

/// A segment is opened only by a library of the same format version; any changed byte of the layout raises it.
inline constexpr std::uint32_t format_version = 4;

}  // namespace shmq
