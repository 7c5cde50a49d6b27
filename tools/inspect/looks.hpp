// Two looks at a stream, some time apart: what is so now, and how fast it changes.
#pragma once

#include <string_view>

#include "tools/inspect/rates.hpp"

namespace shmq::inspect {

struct TwoLooks {
    StreamFacts facts;  ///< of the second
    Rates rates;
};

/// Sleeps `over` between the looks. Errors: those of open_to_look and gather.
Result<TwoLooks> look_twice(std::string_view name, Duration over);

}  // namespace shmq::inspect
