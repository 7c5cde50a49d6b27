// The one table of commands, and the way from the words somebody typed to a row of it. Parsing and help both come from
// here.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "shmq/version.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/parse.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"

namespace shmq::inspect {

namespace {

constexpr std::array name_only{Word::name};
constexpr std::array name_and_group{Word::name, Word::group};
constexpr std::array group_only{Word::group};
constexpr std::array range_words{Word::from, Word::to};

constexpr std::array table{
    Command{"list", {}, {}, "every stream, one a line", run_list},
    Command{"show", name_only, {}, "all about one stream, and what is odd about it", run_show},
    Command{"groups", name_only, {}, "its groups and their consumers", run_groups},
    Command{"latency", name_only, group_only,
            "how long entries waited for delivery, and then for their ack, of group G or of all", run_latency},
    Command{"pending",
            name_and_group,
            {},
            "entries of group G that are delivered and not acked, or wait for retry",
            run_pending},
    Command{"attachments", name_only, {}, "processes that have it open, and what they hold", run_attachments},
    Command{"entries", name_only, range_words, "entries that are kept, from sequence FROM to TO", run_entries},
};

std::string_view spelling(Word word) noexcept {
    switch (word) {
        case Word::name: return "NAME";
        case Word::group: return "G";
        case Word::from: return "FROM";
        case Word::to: return "TO";
    }
    return "";
}

std::string_view meaning(Word word) noexcept {
    switch (word) {
        case Word::name:
            return "the stream: a name, or the path of a segment or a copy of one, which begins with / ./ or ../";
        case Word::group: return "the group";
        case Word::from: return "first sequence (default: the oldest kept)";
        case Word::to: return "last sequence (default: the newest)";
    }
    return "";
}

// "show NAME", "entries NAME [FROM [TO]]".
std::string usage_of(const Command& command) {
    std::string text(command.name);
    for (const Word word : command.required) text += fmt::format(" {}", spelling(word));
    for (const Word word : command.optional) text += fmt::format(" [{}", spelling(word));
    return text + std::string(command.optional.size(), ']');
}

std::string general_help() {
    std::string text = "shmq-inspect " SHMQ_VERSION
                       ", looks at message streams in shared memory and changes nothing\n\n"
                       "usage: shmq-inspect COMMAND ... [--json]\n\n";
    std::size_t width = 0;
    for (const Command& command : table) width = std::max(width, usage_of(command).size());
    for (const Command& command : table)
        text += fmt::format("  {:<{}}  {}\n", usage_of(command), width, command.summary);
    text += fmt::format(
        "\nNAME is {}.\n--json: one object on one line; docs/inspect.md has the fields.\n"
        "Exit status: 0 done; 1 no entries in that range; 2 damaged segment; 64 usage, bad name, bad number; 66 no "
        "such stream or\n"
        "group; 71 the system refused; 77 not allowed.\n",
        meaning(Word::name));
    return text;
}

std::string command_help(const Command& command) {
    std::string text = fmt::format("usage: shmq-inspect {} [--json]\n\n{}\n\n", usage_of(command), command.summary);
    const auto row = [&](std::string_view name, std::string_view what) {
        text += fmt::format("  {:<6}  {}\n", name, what);
    };
    for (const Word word : command.required) row(spelling(word), meaning(word));
    for (const Word word : command.optional) row(spelling(word), meaning(word));
    row("--json", "one object on one line; docs/inspect.md has the fields");
    return text;
}

int print(const std::string& text) {
    tools::Output output(STDOUT_FILENO);
    output.append(text);
    return output.finish();
}

int usage_error(std::string_view command, std::string_view problem) {
    tools::complain(fmt::format("{}; see shmq-inspect {}{}--help", problem, command, command.empty() ? "" : " "));
    return tools::exit_usage;
}

// Declares a word of the row to CLI11; what is typed for it goes to `request`.
void declare(CLI::App& application, Request& request, Word word, bool required) {
    const auto take = [&request, word](const std::string& text) {
        if (word == Word::name) request.name = text;
        if (word == Word::group) request.group = text;
        if (word == Word::from) request.from = tools::parse_number(text, 1).value;
        if (word == Word::to) request.to = tools::parse_number(text, 1).value;
    };
    CLI::Option* option =
        application.add_option_function<std::string>(std::string(spelling(word)), take)->required(required);
    if (word == Word::from || word == Word::to)
        option->check([](const std::string& text) { return tools::parse_number(text, 1).problem; });
}

int run(const Command& command, const Request& request) {
    tools::Output output(STDOUT_FILENO);
    Answer answer(request, output, wants_colour(STDOUT_FILENO), width_of(STDOUT_FILENO));
    const int code = command.run(answer);
    const int written = output.finish();
    return code != tools::exit_done ? code : written;
}

int parse_and_run(const Command& command, std::vector<std::string> words) {
    Request request;
    request.command = command.name;
    CLI::App application{std::string(command.summary)};
    application.set_help_flag();
    application.allow_windows_style_options(false);
    application.add_flag("--json", request.json);
    for (const Word word : command.required) declare(application, request, word, true);
    for (const Word word : command.optional) declare(application, request, word, false);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        application.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        return usage_error(command.name, error.what());
    }
    if (request.from && request.to && *request.from > *request.to)
        return usage_error(command.name, fmt::format("FROM {} is above TO {}", *request.from, *request.to));
    return run(command, request);
}

bool asks_for_help(const std::vector<std::string>& words) {
    const auto end = std::find(words.begin(), words.end(), "--");
    return std::any_of(words.begin(), end, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

const Command* find_command(std::string_view name) {
    const auto found =
        std::find_if(table.begin(), table.end(), [name](const Command& command) { return command.name == name; });
    return found == table.end() ? nullptr : &*found;
}

}  // namespace

Json Answer::object() const {
    Json object;
    object["schema"] = schema;
    object["command"] = request_.command;
    return object;
}

void Answer::put(const Json& object) {
    output_.append(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int Answer::fail(const Error& error) {
    if (request_.json) {
        Json failed = object();
        failed["error"] = json_of(error);
        put(failed);
        output_.flush();
    }
    return tools::report(error);
}

std::span<const Command> commands() noexcept { return table; }

int run_command_line(const std::vector<std::string>& words) {
    if (words.empty()) return usage_error("", "a command is needed");
    if (words.front() == "--version") return print("shmq-inspect " SHMQ_VERSION "\n");
    const bool help = words.front() == "help" || words.front() == "--help" || words.front() == "-h";
    if (help && words.size() == 1) return print(general_help());
    const std::string& name = help ? words[1] : words.front();
    const Command* command = find_command(name);
    if (command == nullptr) {
        std::vector<std::string> names;
        names.reserve(table.size());
        for (const Command& known : table) names.emplace_back(known.name);
        return usage_error("", fmt::format("no command '{}': there are {}", name, tools::name_list(names)));
    }
    if (help || asks_for_help(words)) return print(command_help(*command));
    return parse_and_run(*command, {words.begin() + 1, words.end()});
}

}  // namespace shmq::inspect
