// Pages that are built in, word for word.
#pragma once

#include <string_view>

namespace shmq::inspect {

extern const std::string_view errors_document;   // docs/errors.md
extern const std::string_view inspect_document;  // docs/inspect.md
extern const std::string_view report_document;   // report.html

}  // namespace shmq::inspect
