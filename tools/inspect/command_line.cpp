// The one table of commands, and the way from the words somebody typed to a row of it. Parsing and help both come from
// here.
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

constexpr std::array name_only{Word::name};
constexpr std::array name_and_group{Word::name, Word::group};
constexpr std::array group_only{Word::group};
constexpr std::array range_words{Word::from, Word::to};
constexpr std::array word_only{Word::word};

// Takes what was typed for a flag into the request, or says what is wrong with it.
template <class Value, class Parsed>
std::string take(std::optional<Value>& to, const Parsed& parsed) {
    if (!parsed.value) return parsed.problem;
    to = static_cast<Value>(*parsed.value);
    return {};
}
std::string take_positive(std::optional<Duration>& to, const std::string& text) {
    const auto parsed = tools::parse_duration(text);
    if (parsed.value && *parsed.value <= Duration{0}) return "a time above 0 is wanted";
    return take(to, parsed);
}

constexpr Flag watch_flag{"--watch", "D", "again every D, such as 1s, until Ctrl-C",
                          [](Request& request, const std::string& text) { return take_positive(request.watch, text); }};
constexpr Flag over_flag{"--over", "D", "the time between the two looks that make a rate",
                         [](Request& request, const std::string& text) { return take_positive(request.over, text); }};
constexpr Flag last_flag{"--last", "N", "the newest N of them", [](Request& request, const std::string& text) {
                             return take(request.last, tools::parse_number(text, 1));
                         }};
constexpr Flag grep_flag{"--grep", "RE", "those whose payload matches the regular expression, as it is shown",
                         [](Request& request, const std::string& text) -> std::string {
                             try {
                                 request.grep.emplace(text);
                             } catch (const std::regex_error& error) {
                                 return fmt::format("{}: {}", text, error.what());
                             }
                             return {};
                         }};
constexpr Flag hex_flag{"--hex", "", "payloads as hexadecimal numbers", [](Request& request, const std::string&) {
                            request.hex = true;
                            return std::string();
                        }};
constexpr Flag deep_flag{"--deep", "", "read every entry too", [](Request& request, const std::string&) {
                             request.deep = true;
                             return std::string();
                         }};
constexpr Flag lag_flag{
    "--lag", "N", "critical if a group has more entries before it",
    [](Request& request, const std::string& text) { return take(request.most_lag, tools::parse_number(text)); }};
constexpr Flag age_flag{
    "--age", "D", "critical if the oldest unfinished entry of a group is older",
    [](Request& request, const std::string& text) { return take(request.most_age, tools::parse_duration(text)); }};
constexpr Flag output_flag{"--output", "FILE", "into this file, which is replaced at once",
                           [](Request& request, const std::string& text) {
                               request.output = text;
                               return std::string();
                           }};

constexpr Flag format_flag{"--format", "F", "jsonl (default), resp for redis-cli --pipe, or binary (CBOR)",
                           [](Request& request, const std::string& text) {
                               constexpr std::array words{"jsonl", "resp", "binary"};
                               const auto found = std::find(words.begin(), words.end(), text);
                               if (found == words.end()) return fmt::format("{} is not jsonl, resp or binary", text);
                               request.format = static_cast<DumpFormat>(found - words.begin());
                               return std::string();
                           }};

constexpr std::array rate_flags{&over_flag};
constexpr std::array entry_flags{&last_flag, &grep_flag, &hex_flag};
constexpr std::array verify_flags{&deep_flag};
constexpr std::array check_flags{&lag_flag, &age_flag, &over_flag};
constexpr std::array metrics_flags{&output_flag};
constexpr std::array dump_flags{&format_flag, &output_flag};

constexpr std::array table{
    Command{"list", {}, {}, {}, "every stream, one a line", run_list},
    Command{"show", name_only, {}, {}, "all about one stream, and what is odd about it", run_show},
    Command{"doctor", {}, name_only, rate_flags, "what is wrong, who it is, and what to type", run_doctor},
    Command{"check",
            {},
            name_only,
            check_flags,
            "the same in one line for monitoring; exits with 0 fine, 1 warning, 2 critical, 3 unknown",
            run_check,
            check_unknown},
    Command{"top", {}, name_only, {}, "a live screen of one stream or of all: rates, lag, what is odd", run_top},
    Command{"groups", name_only, {}, {}, "its groups and their consumers", run_groups},
    Command{"latency",
            name_only,
            group_only,
            {},
            "how long entries waited for delivery, and then for their ack, of group G or of all",
            run_latency},
    Command{"pending",
            name_and_group,
            {},
            {},
            "entries of group G that are delivered and not acked, or wait for retry",
            run_pending},
    Command{"attachments", name_only, {}, {}, "processes that have it open, and what they hold", run_attachments},
    Command{"entries", name_only, range_words, entry_flags, "entries that are kept, from sequence FROM to TO",
            run_entries},
    Command{"rate", name_only, {}, rate_flags, "entries a second, in and out of each group", run_rate},
    Command{"memory", name_only, {}, {}, "where every byte of the segment went, and who has its chunks", run_memory},
    Command{"layout", name_only, {}, {}, "where each area stands, for who reads the bytes", run_layout},
    Command{
        "verify", name_only, {}, verify_flags, "whether every header, tag, chain and count can be true", run_verify},
    Command{"dump",
            name_only,
            {},
            dump_flags,
            "its entries, groups, and what is pending, for another system or another day",
            run_dump},
    Command{"metrics", {}, name_only, metrics_flags, "figures as OpenMetrics text", run_metrics},
    Command{"explain", word_only, {}, {}, "a paragraph about an error, or about what is odd", run_explain},
};

std::string_view spelling(Word word) noexcept {
    switch (word) {
        case Word::name: return "NAME";
        case Word::group: return "G";
        case Word::from: return "FROM";
        case Word::to: return "TO";
        case Word::word: return "WORD";
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
        case Word::word: return "such as full, fenced, dead_owner";
    }
    return "";
}

// "show NAME", "entries NAME [FROM [TO]]".
std::string usage_of(const Command& command) {
    std::string text(command.name);
    for (const Word word : command.required) text += fmt::format(" {}", spelling(word));
    for (const Word word : command.optional) text += fmt::format(" [{}", spelling(word));
    text += std::string(command.optional.size(), ']');
    for (const Flag* flag : command.flags)
        text += fmt::format(" [{}{}{}]", flag->spelling, flag->value.empty() ? "" : " ", flag->value);
    return text;
}

std::string general_help() {
    std::string text =
        "shmq-inspect " SHMQ_VERSION
        ", looks at message streams in shared memory and changes nothing\n\n"
        "usage: shmq-inspect COMMAND ... [--json] [--watch D]      shmq-inspect COMMAND --help says more\n\n";
    const auto short_usage = [](Command command) {
        command.flags = {};
        return usage_of(command);
    };
    std::size_t width = 0;
    for (const Command& command : table) width = std::max(width, short_usage(command).size());
    for (const Command& command : table)
        text += fmt::format("  {:<{}}  {}\n", short_usage(command), width, command.summary);
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
        text += fmt::format("  {:<13}  {}\n", name, what);
    };
    for (const Word word : command.required) row(spelling(word), meaning(word));
    for (const Word word : command.optional) row(spelling(word), meaning(word));
    for (const Flag* flag : command.flags)
        row(fmt::format("{}{}{}", flag->spelling, flag->value.empty() ? "" : " ", flag->value), flag->meaning);
    row(fmt::format("{} {}", watch_flag.spelling, watch_flag.value), watch_flag.meaning);
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
        if (word == Word::word) request.word = text;
    };
    CLI::Option* option =
        application.add_option_function<std::string>(std::string(spelling(word)), take)->required(required);
    if (word == Word::from || word == Word::to)
        option->check([](const std::string& text) { return tools::parse_number(text, 1).problem; });
}

// Declares a flag of the row; what is wrong with what was typed for it is an error of the parser.
void declare(CLI::App& application, Request& request, const Flag& flag) {
    const auto take = [&request, &flag](const std::string& text) {
        const std::string problem = flag.take(request, text);
        if (!problem.empty()) throw CLI::ValidationError(std::string(flag.spelling), problem);
    };
    if (flag.value.empty())
        application.add_flag_callback(std::string(flag.spelling), [take] { take(""); });
    else
        application.add_option_function<std::string>(std::string(flag.spelling), take);
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
        if (clears) print("\x1b[H\x1b[2J");
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
    for (const Word word : command.required) declare(application, request, word, true);
    for (const Word word : command.optional) declare(application, request, word, false);
    for (const Flag* flag : command.flags) declare(application, request, *flag);
    declare(application, request, watch_flag);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        application.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        usage_error(command.name, error.what());
        return command.usage_code;
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
