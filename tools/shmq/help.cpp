// Help and the manual, made from the table, so that they cannot say other than what is parsed.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "shmq/version.hpp"
#include "tools/shmq/command.hpp"

namespace shmq::tools {

namespace {

constexpr std::string_view summary = "message streams in shared memory";
constexpr std::string_view notes =
    "Durations: 250ms 1.5s 2m. Sizes: 4096 64KiB 1GiB 10MB. Data that begins with a dash: put -- before it.\n";
constexpr std::string_view exit_status =
    "0 done; 1 nothing there within the wait, not_pending, fenced, duplicate; 2 damaged segment; 64 usage, bad name, "
    "bad\n"
    "number; 66 no such stream or group; 71 the system refused; 73 exists, cannot create, no space; 75 full, busy, too "
    "many\n"
    "producers, consumers or groups; 77 not allowed.\n";

// "--wait DURATION", "NAME", "--quiet".
std::string spelling(const Parameter& parameter) {
    if (!parameter.is_option()) return std::string(parameter.value);
    return parameter.kind == Kind::flag ? std::string(parameter.name)
                                        : fmt::format("{} {}", parameter.name, parameter.value);
}

}  // namespace

std::string usage_line(const Command& command) {
    std::string line = fmt::format("shmq {}", command.name);
    for (const Parameter& parameter : command.parameters) {
        const std::string spelt = spelling(parameter);
        if (parameter.need == Need::optional || parameter.need == Need::repeated)
            line += fmt::format(" [{}]{}", spelt, parameter.need == Need::repeated ? "..." : "");
        else
            line += fmt::format(" {}{}", spelt, parameter.need == Need::many ? "..." : "");
    }
    return line;
}

std::string command_help(const Command& command) {
    std::string text = fmt::format("usage: {}\n\n{}\n", usage_line(command), command.summary);
    std::size_t width = 0;
    for (const Parameter& parameter : command.parameters) width = std::max(width, spelling(parameter).size());
    if (!command.parameters.empty()) text += "\n";
    for (const Parameter& parameter : command.parameters)
        text += fmt::format("  {:<{}}  {}\n", spelling(parameter), width, parameter.help);
    if (!command.details.empty()) text += fmt::format("\n{}", command.details);
    return text;
}

std::string general_help() {
    std::string text = fmt::format(
        "shmq " SHMQ_VERSION ", {}\n\nusage: shmq COMMAND ...      shmq COMMAND --help says more\n\n", summary);
    std::size_t width = 0;
    for (const Command& command : commands()) width = std::max(width, command.name.size());
    for (const Command& command : commands())
        text += fmt::format("  {:<{}}  {}\n", command.name, width, command.summary);
    return text + fmt::format("\n{}Exit status: {}", notes, exit_status);
}

Manual manual() {
    Manual manual{"shmq", std::string(summary), {}, std::string(notes), std::string(exit_status), "shmq-inspect (1)"};
    for (const Command& command : commands()) {
        ManualCommand row{std::string(command.name),
                          usage_line(command).substr(manual.program.size() + 1),
                          std::string(command.summary),
                          {},
                          std::string(command.details)};
        for (const Parameter& parameter : command.parameters)
            row.words.push_back(
                {std::string(parameter.name), std::string(parameter.value), std::string(parameter.help)});
        manual.commands.push_back(std::move(row));
    }
    return manual;
}

}  // namespace shmq::tools
