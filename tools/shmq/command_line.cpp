// From the words somebody typed to a row of the table, its Arguments and its function.
//
// The command is found here; its parameters are declared to CLI11 from its row. Each command is an application of its
// own for CLI11, so that data such as `read` or `++` is never taken for a subcommand.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "shmq/version.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/common/text.hpp"
#include "tools/shmq/command.hpp"

namespace shmq::tools {

namespace {

// The row of the command the words begin with, null if none; `used` is how many words name it.
const Command* find_command(const std::vector<std::string>& words, std::size_t& used) {
    for (used = std::min<std::size_t>(2, words.size()); used > 0; --used) {
        const std::string name = used == 2 ? words[0] + " " + words[1] : words[0];
        for (const Command& command : commands())
            if (command.name == name) return &command;
    }
    return nullptr;
}

// The second words of commands of two words that begin with `first`: "create", "drop", "list" for "group".
std::vector<std::string> second_words(const std::string& first) {
    std::vector<std::string> seconds;
    for (const Command& command : commands())
        if (command.name.starts_with(first + " ")) seconds.emplace_back(command.name.substr(first.size() + 1));
    return seconds;
}

int unknown_command(const std::vector<std::string>& words) {
    const std::vector<std::string> seconds = second_words(words.front());
    if (!seconds.empty())
        return usage_error(words.front(), fmt::format("'{}' needs one of {}", words.front(), name_list(seconds)));
    std::vector<std::string> names;
    for (const Command& command : commands()) names.emplace_back(command.name);
    return usage_error("", fmt::format("no command '{}': there are {}", words.front(), name_list(names)));
}

int print_help(const std::vector<std::string>& words) {
    if (words.empty()) return print(general_help());
    std::size_t used = 0;
    if (const Command* command = find_command(words, used)) return print(command_help(*command));
    std::string text;
    for (const Command& command : commands())
        if (command.name.starts_with(words.front() + " ")) text += (text.empty() ? "" : "\n") + command_help(command);
    return text.empty() ? unknown_command(words) : print(text);
}

// Declares one parameter; what is typed for it goes to `values`.
CLI::Option* declare(CLI::App& application, const Parameter& parameter, std::vector<std::string>& values) {
    const std::string name(parameter.name);
    if (parameter.kind == Kind::flag)
        return application.add_flag_callback(name, [&values] { values.emplace_back("true"); });
    // The words as they are: CLI11's own conversions take `{}` and empty words for no value.
    CLI::Option* option = application.add_option(name, CLI::callback_t([&values](const CLI::results_t& typed) {
                                                     values = typed;
                                                     return true;
                                                 }));
    const bool many = parameter.need == Need::many;
    const bool several = many || parameter.need == Need::repeated;
    option->expected(1, several ? CLI::detail::expected_max_vector_size : 1)->allow_extra_args(many);
    option->check([parameter](const std::string& text) { return problem_of(parameter, text); });
    option->required(many || parameter.need == Need::required);
    return option;
}

// CLI11 takes "[1,2]" for two values where several may be given; here a word is one value. Gives the first such word.
const std::string* bracketed(const Command& command, const std::vector<std::string>& words) {
    const auto many = [](const Parameter& parameter) { return parameter.need == Need::many; };
    if (std::none_of(command.parameters.begin(), command.parameters.end(), many)) return nullptr;
    const auto found =
        std::find_if(words.begin(), words.end(), [](const std::string& word) { return word.starts_with('['); });
    return found == words.end() ? nullptr : &*found;
}

int parse_and_run(const Command& command, std::vector<std::string> words) {
    if (const std::string* word = bracketed(command, words))
        return usage_error(command.name, fmt::format("'{}' is not one value", *word));
    CLI::App application{std::string(command.summary)};
    application.set_help_flag();
    application.allow_windows_style_options(false);
    std::map<std::string, std::vector<std::string>, std::less<>> values;
    std::map<std::string, CLI::Option*, std::less<>> options;
    for (const Parameter& parameter : command.parameters)
        options[std::string(parameter.name)] = declare(application, parameter, values[std::string(parameter.name)]);
    for (const Parameter& parameter : command.parameters) {
        CLI::Option* option = options.find(parameter.name)->second;
        if (!parameter.excludes.empty()) option->excludes(options.find(parameter.excludes)->second);
        if (!parameter.needs.empty()) option->needs(options.find(parameter.needs)->second);
    }
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        application.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        return usage_error(command.name, error.what());
    }
    return command.run(Arguments(command.parameters, std::move(values)));
}

// Whether help is asked for: `--help` or `-h` before any `--`.
bool asks_for_help(const std::vector<std::string>& words) {
    const auto end = std::find(words.begin(), words.end(), "--");
    return std::any_of(words.begin(), end, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

}  // namespace

int usage_error(std::string_view command, std::string_view problem) {
    complain(fmt::format("{}; see shmq {}{}--help", problem, command, command.empty() ? "" : " "));
    return exit_usage;
}

int run_command_line(const std::vector<std::string>& words) {
    if (words.empty()) return usage_error("", "a command is needed");
    const std::string& first = words.front();
    if (first == "--version") return print("shmq " SHMQ_VERSION "\n");
    if (first == "--complete") return print(completions(manual(), {words.begin() + 1, words.end()}));
    if (first == "help" || first == "--help" || first == "-h") return print_help({words.begin() + 1, words.end()});
    std::size_t used = 0;
    const Command* command = find_command(words, used);
    if (command == nullptr) return asks_for_help(words) ? print_help(words) : unknown_command(words);
    std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(used), words.end());
    if (asks_for_help(rest)) return print(command_help(*command));
    return parse_and_run(*command, std::move(rest));
}

}  // namespace shmq::tools
