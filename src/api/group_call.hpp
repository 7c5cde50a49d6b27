// How the calls of a Stream that name a group begin. Used by stream.cpp and stream_operate.cpp.
#pragma once

#include "api/core.hpp"
#include "base/error_detail.hpp"

namespace shmq::detail {

[[nodiscard]] inline Error bad_name(std::string_view what, std::string_view name) noexcept {
    return text_error(Code::bad_name, name.size(),
                      "%.*s name of %zu bytes: 1 to %zu of A-Z a-z 0-9 . _ : - without a dot or dash first",
                      static_cast<int>(what.size()), what.data(), name.size(), max_name);
}

/// The usual beginning of a call that changes something in a group.
[[nodiscard]] inline Result<void> check_group_call(const std::shared_ptr<StreamCore>& core, std::string_view group) {
    if (!core) return Code::closed;
    if (auto fine = core->writable(); !fine) return fine;
    if (!os::valid_name(group, max_name)) return bad_name("group", group);
    return {};
}

}  // namespace shmq::detail
