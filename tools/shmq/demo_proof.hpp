// The end of the demo: says what was measured, proves that nothing was lost, and shows shmq-inspect's screens.
#pragma once

#include "tools/shmq/demo_folder.hpp"
#include "tools/shmq/demo_records.hpp"

namespace shmq::tools {

/// Prints everything on standard output. False if any part of the proof fails; that part is named. Needs the stream,
/// the outputs and the facts, and no worker any more.
bool prove(const Plan& plan, const Records& records);

}  // namespace shmq::tools
