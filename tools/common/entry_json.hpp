// An entry as one JSON object: {"sequence", "key", "deliveries", and one of
//
//   "data"           opaque bytes that are UTF-8        "data_base64"     other opaque bytes
//   "fields"         fields: an object of their values  "fields_base64"   fields that are no such object, encoded
//
// A value of a field is a string, or {"base64": ...} if it is not UTF-8. Fields are no object if a name is not UTF-8 or
// stands there twice, or if their bytes are damaged. The key is "" if there is none, and "key_base64" in its place if
// it is not UTF-8. Deliveries is 0 outside a group.
#pragma once

#include <string>

#include "shmq/entry.hpp"

namespace shmq::tools {

/// One line without its newline.
[[nodiscard]] std::string entry_json(const Entry& entry);

/// Fields as people read them: `name=value name=value`. A name or value stands as it is if it has nothing but visible
/// ASCII characters without quotes, backslash and, in a name, `=`; a value may be empty. Others stand as in JSON,
/// quoted or as {"base64":...}.
[[nodiscard]] std::string fields_text(const Fields& fields);

}  // namespace shmq::tools
