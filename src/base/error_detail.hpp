// The names and numbers behind an Error, kept in a ring of each thread until Error::message() is asked for.
//
// Outcomes store names and numbers and build no text; errors of the world are rare and build their text at once, into
// the ring, without allocation. Called by every room above.
#pragma once

#include <cstdint>
#include <string_view>

#include "shmq/status.hpp"

namespace shmq {

/// An error of the world or of an argument, with its text: what, with names and numbers, and the cure.
[[gnu::format(printf, 3, 4)]] Error text_error(Code code, std::uint64_t number, const char* format, ...) noexcept;

/// `full`: what there is no room in ("slot" or "chunk"), and who needs the entry that holds it. Empty names where
/// nobody is known. `no_parking`: the entry is stuck, and there is no cell free that it could be parked in.
Error full_error(std::string_view what, std::string_view group, std::string_view consumer, std::uint64_t sequence,
                 bool no_parking = false) noexcept;

Error option_error(const char* option, std::uint64_t value, std::uint64_t lowest, std::uint64_t highest) noexcept;
Error option_differs_error(const char* option, std::uint64_t wanted, std::uint64_t found) noexcept;
/// `corrupt`: the field, the offset in the segment's bytes, and what was found there.
Error corrupt_error(const char* field, std::uint64_t offset, std::uint64_t found) noexcept;
/// `system`: the call and its errno.
Error system_error(const char* call, int number) noexcept;

}  // namespace shmq
