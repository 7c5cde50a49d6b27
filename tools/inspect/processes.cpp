// In /proc/PID/stat the state stands behind the name, which may hold anything but ends with the last bracket.
#include "tools/inspect/processes.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <string>

#include "os/process.hpp"

namespace shmq::inspect {

ProcessState state_of(const AttachmentInfo& attachment) {
    if (attachment.owner != Owner::alive || attachment.pid <= 0) return ProcessState::unknown;
    std::ifstream file(fmt::format("/proc/{}/stat", attachment.pid));
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::uint64_t start = os::parse_start_time(text);  // 0 if the text is not whole
    if (start == 0 || start != attachment.start_time) return ProcessState::unknown;
    const char state = text[text.rfind(')') + 2];
    return state == 'T' || state == 't' ? ProcessState::stopped : ProcessState::runs;
}

std::string_view state_word(ProcessState state) noexcept {
    switch (state) {
        case ProcessState::unknown: return "unknown";
        case ProcessState::runs: return "runs";
        case ProcessState::stopped: return "stopped";
    }
    return "unknown";
}

}  // namespace shmq::inspect
