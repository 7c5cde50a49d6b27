// Help and the manual, made from the table, so that they cannot say other than what is parsed.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "shmq/version.hpp"
#include "tools/inspect/command.hpp"

namespace shmq::inspect {

namespace {

constexpr std::string_view summary = "looks at message streams in shared memory, and changes nothing unless told to";
constexpr std::string_view notes =
    "NAME is the name of a stream, or the path of a segment or of a copy of one, which begins with / ./ or ../.\n"
    "--json: one object on one line; docs/inspect.md has the fields.\n"
    "What changes a stream needs --write; with --dry-run it says what it would do.\n";
constexpr std::string_view exit_status =
    "0 done; 1 no entries in that range, not_pending; 2 damaged segment; 64 usage, bad name, bad number; 66 no such\n"
    "stream or group; 71 the system refused; 75 busy; 77 not allowed.\n";

constexpr Parameter json_flag{"--json", "", "one object on one line; docs/inspect.md has the fields", nullptr};

std::string spelling(const Parameter& parameter) {
    const bool is_flag = parameter.spelling.starts_with("--") && !parameter.value.empty();
    return is_flag ? fmt::format("{} {}", parameter.spelling, parameter.value)
                   : fmt::format("{}{}", parameter.spelling, parameter.many ? "..." : "");
}

// "show NAME", "entries NAME [FROM [TO]]".
std::string words_of(const Command& command) {
    std::string text(command.name);
    for (const Parameter* word : command.required) text += " " + spelling(*word);
    for (const Parameter* word : command.optional) text += " [" + spelling(*word);
    return text + std::string(command.optional.size(), ']');
}
// Of a command that changes something, one of the two that have to be there.
bool is_choice_of_change(const Parameter& flag) { return flag.spelling == "--write" || flag.spelling == "--dry-run"; }

// The same with its flags.
std::string usage_of(const Command& command) {
    std::string text = words_of(command);
    for (const Parameter* flag : command.flags)
        if (!command.changes || !is_choice_of_change(*flag)) text += fmt::format(" [{}]", spelling(*flag));
    return command.changes ? text + " --write|--dry-run" : text;
}

// All that can stand behind a command.
std::vector<const Parameter*> parameters_of(const Command& command) {
    std::vector<const Parameter*> all;
    for (const Parameters some : {command.required, command.optional, command.flags})
        all.insert(all.end(), some.begin(), some.end());
    if (!command.changes) all.push_back(&watch_flag);
    all.push_back(&json_flag);
    return all;
}

}  // namespace

std::string general_help() {
    std::string text = fmt::format("shmq-inspect " SHMQ_VERSION
                                   ", {}\n\nusage: shmq-inspect COMMAND ... [--json] [--watch D]      shmq-inspect "
                                   "COMMAND --help says more\n\n",
                                   summary);
    std::size_t width = 0;
    for (const Command& command : commands()) width = std::max(width, words_of(command).size());
    for (const Command& command : commands())
        text += fmt::format("  {:<{}}  {}\n", words_of(command), width, command.summary);
    return text + fmt::format("\n{}Exit status: {}", notes, exit_status);
}

tools::Manual manual() {
    tools::Manual manual{"shmq-inspect",     std::string(summary),     {},
                         std::string(notes), std::string(exit_status), "shmq (1)"};
    for (const Command& command : commands()) {
        tools::ManualCommand row{std::string(command.name), usage_of(command), std::string(command.summary), {}, {}};
        for (const Parameter* parameter : parameters_of(command))
            row.words.push_back(
                {std::string(parameter->spelling), std::string(parameter->value), std::string(parameter->meaning)});
        manual.commands.push_back(std::move(row));
    }
    return manual;
}

std::string command_help(const Command& command) {
    std::string text = fmt::format("usage: shmq-inspect {} [--json]\n\n{}\n\n", usage_of(command), command.summary);
    std::size_t width = 0;
    for (const Parameter* parameter : parameters_of(command)) width = std::max(width, spelling(*parameter).size());
    for (const Parameter* parameter : parameters_of(command))
        text += fmt::format("  {:<{}}  {}\n", spelling(*parameter), width, parameter->meaning);
    return text;
}

}  // namespace shmq::inspect
