// From the words somebody typed to a row of the table, its Request and its function.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "shmq/version.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/parse.hpp"
#include "tools/common/process.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"

namespace shmq::inspect {

namespace {

int usage_error(std::string_view command, std::string_view problem) {
    tools::complain(fmt::format("{}; see shmq-inspect {}{}--help", problem, command, command.empty() ? "" : " "));
    return tools::exit_usage;
}

// Declares a word or a flag to CLI11; what is wrong with what was typed for it is an error of the parser.
void declare(CLI::App& application, Request& request, const Parameter& parameter, bool required) {
    const std::string name(parameter.spelling);
    const auto take = [&request, &parameter](const std::string& text) {
        const std::string problem = parameter.take(request, text);
        if (!problem.empty()) throw CLI::ValidationError(std::string(parameter.spelling), problem);
    };
    if (parameter.value.empty()) {
        application.add_flag_callback(name, [take] { take(""); });
        return;
    }
    // The words as they are: CLI11's own conversions take `{}` and empty words for no value.
    CLI::Option* option = application.add_option(name, CLI::callback_t([take](const CLI::results_t& typed) {
                                                     for (const std::string& text : typed) take(text);
                                                     return true;
                                                 }));
    option->required(required);
    option->expected(1, parameter.many ? CLI::detail::expected_max_vector_size : 1)->allow_extra_args(parameter.many);
}

int run_once(const Command& command, const Request& request) {
    tools::Output output(STDOUT_FILENO);
    Answer answer(request, output, wants_colour(STDOUT_FILENO), width_of(STDOUT_FILENO));
    const int code = command.run(answer);
    const int written = output.finish();
    return code != tools::exit_done ? code : written;
}

// With --watch again and again: on a terminal each time on a cleared screen. Ends with the last run's exit code.
int run(const Command& command, const Request& request) {
    if (!request.watch) return run_once(command, request);
    const tools::StopSignals signals(STDOUT_FILENO);
    const bool clears = ::isatty(STDOUT_FILENO) == 1 && !request.json;
    for (;;) {
        if (clears) tools::print("\x1b[H\x1b[2J");
        const int code = run_once(command, request);
        const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(*request.watch).count();
        pollfd stop{signals.descriptor(), POLLIN, 0};
        const int longest = static_cast<int>(std::min<long long>(wait_ms, 1'000'000'000));
        if (::poll(&stop, 1, longest) != 0 || signals.requested())
            return signals.output_closed() ? tools::exit_done : code;
    }
}

int parse_and_run(const Command& command, std::vector<std::string> words) {
    Request request;
    request.command = command.name;
    CLI::App application{std::string(command.summary)};
    application.set_help_flag();
    application.allow_windows_style_options(false);
    application.add_flag("--json", request.json);
    for (const Parameter* word : command.required) declare(application, request, *word, true);
    for (const Parameter* word : command.optional) declare(application, request, *word, false);
    for (const Parameter* flag : command.flags) declare(application, request, *flag, false);
    if (!command.changes) declare(application, request, watch_flag, false);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        application.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        usage_error(command.name, error.what());
        return command.usage_code;
    }
    if (request.from && request.to && *request.from > *request.to)
        return usage_error(command.name, fmt::format("FROM {} is above TO {}", *request.from, *request.to));
    if (request.follow && (request.watch || request.to))
        return usage_error(command.name, "--follow goes on for ever: it goes without --watch and without TO");
    if (request.port && (request.watch || !request.output.empty()))
        return usage_error(command.name, "--listen goes without --watch and --output");
    if (command.changes && request.write == request.dry_run)
        return usage_error(command.name, "it changes the stream: exactly one of --write and --dry-run is needed");
    return run(command, request);
}

bool asks_for_help(const std::vector<std::string>& words) {
    const auto end = std::find(words.begin(), words.end(), "--");
    return std::any_of(words.begin(), end, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

const Command* find_command(std::string_view name) {
    const auto found = std::find_if(commands().begin(), commands().end(),
                                    [name](const Command& command) { return command.name == name; });
    return found == commands().end() ? nullptr : &*found;
}

}  // namespace

int run_command_line(const std::vector<std::string>& words) {
    if (words.empty()) return usage_error("", "a command is needed");
    if (words.front() == "--version") return tools::print("shmq-inspect " SHMQ_VERSION "\n");
    if (words.front() == "--complete")
        return tools::print(tools::completions(manual(), {words.begin() + 1, words.end()}));
    const bool help = words.front() == "help" || words.front() == "--help" || words.front() == "-h";
    if (help && words.size() == 1) return tools::print(general_help());
    const std::string& name = help ? words[1] : words.front();
    const Command* command = find_command(name);
    if (command == nullptr) {
        std::vector<std::string> names;
        names.reserve(commands().size());
        for (const Command& known : commands()) names.emplace_back(known.name);
        return usage_error("", fmt::format("no command '{}': there are {}", name, tools::name_list(names)));
    }
    if (help || asks_for_help(words)) return tools::print(command_help(*command));
    return parse_and_run(*command, {words.begin() + 1, words.end()});
}

}  // namespace shmq::inspect
