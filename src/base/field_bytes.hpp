// Writing fields without asking again whether they may be written: what Fields::encode and an add of fields share.
#pragma once

#include "shmq/fields.hpp"

namespace shmq {

/// Writes pairs that Fields::encoded_size found good, as many bytes as it said. One past the last byte written.
std::byte* write_fields(std::span<const Field> fields, std::byte* to) noexcept;

}  // namespace shmq
