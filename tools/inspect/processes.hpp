// What the kernel says of the processes behind attachments: whether one that lives is stopped.
//
// A pid in the segment is one of its process's own PID namespace; it is looked up here, and believed only if the
// process of that pid began at the same tick. Called when facts are gathered.
#pragma once

#include <cstdint>
#include <string_view>

#include "shmq/stream.hpp"

namespace shmq::inspect {

enum class ProcessState : std::uint8_t {
    unknown,  ///< dead, of another PID namespace, or the kernel does not tell
    runs,     ///< runs, or waits for something
    stopped   ///< by SIGSTOP, a terminal or a debugger: it does nothing until somebody lets it go on
};

[[nodiscard]] ProcessState state_of(const AttachmentInfo& attachment);
/// "runs", "stopped", "unknown".
[[nodiscard]] std::string_view state_word(ProcessState state) noexcept;

}  // namespace shmq::inspect
