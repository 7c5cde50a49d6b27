// What a command with --write does to a stream: steps, each of which can be told beforehand and done.
//
// A plan is made by looking only. Meanwhile the stream goes on, so a step says what it found when it was planned, and
// the library decides anew whether it may be done.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/inspect/command.hpp"
#include "tools/inspect/facts.hpp"

namespace shmq::inspect {

struct Step {
    std::string what;  ///< "finish entry 3 of group workers, which w1 (alive) holds for 12 m"
    /// Does it; says what came of it, or nothing if that is clear.
    std::function<Result<std::string>()> act;
    std::string refusal{};               ///< why it cannot be done; empty if it probably can
    std::vector<std::string> details{};  ///< a line each: what it is about
};
using Plan = std::vector<Step>;

/// What a step gives whose call has no more to say.
[[nodiscard]] inline Result<std::string> without_words(const Result<void>& done) {
    if (!done) return done.error();
    return std::string();
}

/// Tells each step of a plan (--dry-run), or does each and tells so. Every step is tried. The exit code is that of the
/// first that failed, or cannot be done.
int carry_out(Answer& answer, const Plan& plan);

}  // namespace shmq::inspect
