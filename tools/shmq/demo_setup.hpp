// Before and after the demo: what dead demos left is removed, a folder with enough room is found, the stream is made;
// and at the end all of it goes away again.
//
// A demo's stream is called shmq-demo-PID and its folder shmq-demo-PID-XXXXXX, with the pid of its keeper. It is a
// leftover when that process is gone, no living process is attached to the stream, and the stream has the demo's two
// groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/shmq/demo_folder.hpp"
#include "tools/shmq/demo_records.hpp"

namespace shmq::tools {

void remove_leftovers();
/// Makes the folder under TMPDIR, /tmp or /var/tmp, whichever first has `size` bytes free; fills in plan.folder. False
/// after a complaint.
bool make_folder(Plan& plan, std::uint64_t size);
/// Makes the stream and its groups, with room enough for the largest record and small enough for a container's 64 MiB
/// of /dev/shm. False after a complaint.
bool make_stream(const Plan& plan, const Records& records);
/// Removes stream and folder; both may be gone already.
void tidy_up(const Plan& plan);

}  // namespace shmq::tools
