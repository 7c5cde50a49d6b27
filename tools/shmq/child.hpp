// Runs a shell command for one entry, the payload on its standard input; of fields, which no shell could take apart,
// the entry's JSON line.
//
// The input is handed over as an unnamed memory file, not through a pipe: a command that does not read it, or leaves
// a grandchild behind that holds it, can neither block nor kill us. The child has our environment and the SHMQ_
// variables, the signal mask from before StopSignals, and none of our other descriptors (all are close-on-exec).
#pragma once

#include <signal.h>

#include <string>

#include "shmq/entry.hpp"

namespace shmq::tools {

/// How a command ended, or why it could not be run.
struct ChildEnd {
    int failed = 0;       ///< errno of what kept it from running; 0 if it ran
    int exit_status = 0;  ///< if it ended by itself
    int signal = 0;       ///< that ended it, 0 if none
    [[nodiscard]] bool good() const noexcept { return failed == 0 && exit_status == 0 && signal == 0; }
};

class ChildRunner {
public:
    /// `mask` is the signal mask of the children.
    ChildRunner(std::string command, std::string stream, std::string group, const sigset_t& mask);

    /// Runs the command and waits until it has ended.
    ChildEnd run(const Entry& entry) const;

private:
    [[nodiscard]] int start(const Entry& entry, int input, pid_t& child) const;

    std::string command_;
    std::string stream_;
    std::string group_;
    sigset_t mask_;
};

}  // namespace shmq::tools
