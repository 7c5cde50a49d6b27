// What is odd about a stream, in words, with the command that mends it.
//
// A pure function over the gathered facts, so that every finding is judged from what the screen shows. The words are
// stable: scripts read them from --json. docs/inspect.md has the table. Called by `show` and `list`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/inspect/facts.hpp"
#include "tools/inspect/rates.hpp"

namespace shmq::inspect {

/// Ring, chunks and tables are nearly full from this share on.
inline constexpr std::uint64_t nearly_percent = 80;

/// How much it matters: `note` needs nobody, `warning` needs somebody soon, `trouble` stops somebody now.
enum class Level : std::uint8_t { healthy, note, warning, trouble };
[[nodiscard]] std::string_view level_word(Level level) noexcept;

/// A command to type, and what it does.
struct Cure {
    std::string command;
    std::string effect;
};

struct Finding {
    Level level = Level::note;
    std::string word;         ///< such as "dead_owner"
    std::string text;         ///< one line, safe for a terminal
    std::vector<Cure> cures;  ///< the best one first; may be empty
};

/// Gravest first, otherwise in the order of the table in docs/inspect.md. What `rates` tell is looked for only if they
/// were measured.
[[nodiscard]] std::vector<Finding> judge(const StreamFacts& facts, const Rates* rates = nullptr);
/// Why a stream could not be looked at, as a finding.
[[nodiscard]] Finding judge(std::string_view name, const Error& error);

struct Verdict {
    Level level = Level::healthy;
    std::string text;  ///< one line, without the level's word
};
/// `findings` as `judge` gives them.
[[nodiscard]] Verdict verdict_of(const StreamFacts& facts, const std::vector<Finding>& findings);

}  // namespace shmq::inspect
