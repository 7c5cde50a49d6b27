// An entry as one JSON object: {"sequence", "key", "deliveries", "data" or, if it is not UTF-8, "data_base64"}.
//
// The key is "" if there is none, and "key_base64" in its place if it is not UTF-8. Deliveries is 0 outside a group.
#pragma once

#include <string>

#include "shmq/entry.hpp"

namespace shmq::tools {

/// One line without its newline.
[[nodiscard]] std::string entry_json(const Entry& entry);

}  // namespace shmq::tools
