// /proc/PID/stat: the state is the third word, the start the 22nd; the name between may hold anything but ends with the
// last bracket.
#include "tools/inspect/processes.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace shmq::inspect {

namespace {

constexpr int words_to_start = 19;  // from behind the state

}  // namespace

ProcessState state_of(const AttachmentInfo& attachment) {
    if (attachment.owner != Owner::alive || attachment.pid <= 0) return ProcessState::unknown;
    std::ifstream file(fmt::format("/proc/{}/stat", attachment.pid));
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::size_t bracket = text.rfind(')');
    if (bracket == std::string::npos) return ProcessState::unknown;
    std::istringstream words(text.substr(bracket + 1));
    char state = 0;
    std::uint64_t start = 0;
    words >> state;
    for (int word = 0; word < words_to_start; ++word) words >> start;
    if (!words || start != attachment.start_time) return ProcessState::unknown;
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
