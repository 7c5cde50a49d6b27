// The one table of commands and their flags. Parsing, help, the manual and completion all come from here.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "tools/common/parse.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"

namespace shmq::inspect {

namespace {

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

std::string problem_of_choice(const std::string& text, std::initializer_list<std::string> choices) {
    const std::vector<std::string> names(choices);
    if (std::find(names.begin(), names.end(), text) != names.end()) return {};
    return fmt::format("{} is none of {}", text, tools::name_list(names));
}
TimePoint now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

// What parameters do with what was typed, by the member it is for.
template <bool Request::*member>
std::string set(Request& request, const std::string&) {
    request.*member = true;
    return {};
}
template <std::string Request::*member>
std::string take_text(Request& request, const std::string& text) {
    request.*member = text;
    return {};
}
template <auto member, std::uint64_t least = 0, std::uint64_t greatest = tools::greatest_number>
std::string take_number(Request& request, const std::string& text) {
    return take(request.*member, tools::parse_number(text, least, greatest));
}
template <auto member>
std::string take_duration(Request& request, const std::string& text) {
    return take(request.*member, tools::parse_duration(text));
}
std::string take_position(Request& request, const std::string& text) {
    return take(request.position, tools::parse_position(text, now()));
}

constexpr Parameter name_word{
    "NAME", "NAME", "the stream: a name, or the path of a segment or a copy of one, which begins with / ./ or ../",
    take_text<&Request::name>};
constexpr Parameter group_word{"G", "G", "the group", take_text<&Request::group>};
constexpr Parameter from_word{"FROM", "FROM", "first sequence (default: the oldest kept)",
                              take_number<&Request::from, 1>};
constexpr Parameter to_word{"TO", "TO", "last sequence (default: the newest)", take_number<&Request::to, 1>};
constexpr Parameter word_word{"WORD", "WORD", "such as full, fenced, dead_owner", take_text<&Request::word>};
constexpr Parameter sequences_word{"SEQ", "SEQ", "sequences of entries",
                                   [](Request& request, const std::string& text) {
                                       const auto number = tools::parse_number(text, 1);
                                       if (number.value) request.sequences.push_back(*number.value);
                                       return number.problem;
                                   },
                                   true};
constexpr Parameter position_word{"POSITION", "oldest|newest|SEQ|@TIME",
                                  "oldest, newest, a sequence, or @ and a time: where it is to go on", take_position};
constexpr Parameter shell_word{"SHELL", "bash|zsh|fish", "bash, zsh or fish",
                               [](Request& request, const std::string& text) {
                                   request.shell = text;
                                   return problem_of_choice(text, {"bash", "zsh", "fish"});
                               }};
constexpr Parameter pid_word{"PID", "PID", "of this process only, alive or dead", take_number<&Request::pid, 1>};
constexpr Parameter file_word{"FILE", "FILE", "what dump wrote, as jsonl or binary", take_text<&Request::file>};
constexpr std::array name_only{&name_word};
constexpr std::array name_and_group{&name_word, &group_word};
constexpr std::array group_only{&group_word};
constexpr std::array range_words{&from_word, &to_word};
constexpr std::array word_only{&word_word};
constexpr std::array entries_words{&name_word, &group_word, &sequences_word};
constexpr std::array cursor_words{&name_word, &group_word, &position_word};
constexpr std::array pid_only{&pid_word};
constexpr std::array load_words{&name_word, &file_word};
constexpr std::array shell_only{&shell_word};

constexpr Parameter over_flag{
    "--over", "D", "the time between the two looks that make a rate",
    [](Request& request, const std::string& text) { return take_positive(request.over, text); }};
constexpr Parameter last_flag{"--last", "N", "the newest N of them", take_number<&Request::last, 1>};
constexpr Parameter grep_flag{"--grep", "RE", "those whose payload matches the regular expression, as it is shown",
                              [](Request& request, const std::string& text) -> std::string {
                                  try {
                                      request.grep.emplace(text);
                                  } catch (const std::regex_error& error) {
                                      return fmt::format("{}: {}", text, error.what());
                                  }
                                  return {};
                              }};
constexpr Parameter hex_flag{"--hex", "", "payloads as hexadecimal numbers", set<&Request::hex>};
constexpr Parameter text_flag{"--text", "", "the whole payload as text, on lines below, of fields a line each",
                              set<&Request::whole>};
constexpr Parameter fields_flag{"--fields", "", "the same, and only entries of fields",
                                [](Request& request, const std::string&) {
                                    request.whole = request.fields = true;
                                    return std::string();
                                }};
constexpr Parameter follow_flag{"--follow", "", "go on with what comes later, until Ctrl-C", set<&Request::follow>};
constexpr Parameter deep_flag{"--deep", "", "read every entry too", set<&Request::deep>};
constexpr Parameter lag_flag{"--lag", "N", "critical if a group has more entries before it",
                             take_number<&Request::most_lag>};
constexpr Parameter age_flag{"--age", "D", "critical if the oldest unfinished entry of a group is older",
                             take_duration<&Request::most_age>};
constexpr Parameter output_flag{"--output", "FILE", "into this file, which is replaced at once",
                                take_text<&Request::output>};

constexpr Parameter format_flag{"--format", "jsonl|resp|binary",
                                "lines of JSON (default), for redis-cli --pipe, or CBOR",
                                [](Request& request, const std::string& text) {
                                    if (text == "resp") request.format = DumpFormat::resp;
                                    if (text == "binary") request.format = DumpFormat::binary;
                                    return problem_of_choice(text, {"jsonl", "resp", "binary"});
                                }};

constexpr Parameter listen_flag{"--listen", "PORT", "to who asks http://127.0.0.1:PORT/metrics, until Ctrl-C",
                                take_number<&Request::port, 0, 65'535>};
constexpr Parameter html_flag{"--html", "FILE", "where the page goes: one file that needs no other",
                              take_text<&Request::output>};
constexpr Parameter write_flag{"--write", "", "do it", set<&Request::write>};
constexpr Parameter dry_run_flag{"--dry-run", "", "say what it would do, and do nothing", set<&Request::dry_run>};
constexpr Parameter idle_flag{"--idle", "D", "only what was delivered at least so long ago",
                              take_duration<&Request::idle>};
constexpr Parameter delay_flag{"--delay", "D", "deliver it again after so long (default: as the group says)",
                               take_duration<&Request::delay>};
constexpr Parameter count_flag{"--count", "N", "the N lowest of them at most", take_number<&Request::count, 1>};
constexpr Parameter pending_count_flag{"--count", "N", "the N lowest of them (default: 1,000 on a screen, all as JSON)",
                                       take_number<&Request::count, 1>};
constexpr Parameter before_flag{"--before", "SEQ|@TIME", "all before a sequence or a time", take_position};
constexpr Parameter keep_flag{"--keep", "N", "all but the newest N", take_number<&Request::keep>};
constexpr Parameter keep_bytes_flag{
    "--keep-bytes", "SIZE", "all but the newest that take SIZE",
    [](Request& request, const std::string& text) { return take(request.keep_bytes, tools::parse_size(text)); }};
constexpr Parameter manual_format_flag{"--format", "man|synopsis", "for man (default), or a line a command",
                                       [](Request& request, const std::string& text) {
                                           request.synopsis = text == "synopsis";
                                           return problem_of_choice(text, {"man", "synopsis"});
                                       }};

constexpr std::array rate_flags{&over_flag};
constexpr std::array entry_flags{&last_flag, &follow_flag, &grep_flag, &hex_flag, &text_flag, &fields_flag};
constexpr std::array pending_flags{&pending_count_flag};
constexpr std::array verify_flags{&deep_flag};
constexpr std::array check_flags{&lag_flag, &age_flag, &over_flag};
constexpr std::array metrics_flags{&output_flag, &listen_flag};
constexpr std::array dump_flags{&format_flag, &output_flag};
constexpr std::array claim_words{&name_word, &group_word, &idle_flag};
constexpr std::array report_words{&name_word, &html_flag};
constexpr std::array report_flags{&over_flag};
constexpr std::array change_flags{&write_flag, &dry_run_flag};
constexpr std::array claim_flags{&count_flag, &write_flag, &dry_run_flag};
constexpr std::array retry_flags{&delay_flag, &write_flag, &dry_run_flag};
constexpr std::array trim_flags{&before_flag, &keep_flag, &keep_bytes_flag, &write_flag, &dry_run_flag};
constexpr std::array manual_flags{&manual_format_flag};

/// A row of a command that changes a stream.
constexpr Command change(std::string_view name, Parameters required, Parameters flags, std::string_view summary,
                         int (*run)(Answer& answer)) {
    return {name, required, {}, flags, summary, run, tools::exit_usage, true};
}

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
    Command{"consumers",
            name_only,
            group_only,
            {},
            "who reads group G or all: process, what it holds, since when",
            run_consumers},
    Command{"latency",
            name_only,
            group_only,
            {},
            "how long entries waited for delivery, and then for their ack, of group G or of all",
            run_latency},
    Command{"pending",
            name_and_group,
            {},
            pending_flags,
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
    Command{"trace", name_only, pid_only, {}, "what each process did last, also of the dead", run_trace},
    Command{"audit", name_only, {}, {}, "who changed groups, entries or the stream by hand", run_audit},
    Command{
        "report", report_words, {}, report_flags, "a page of plots: rates, lag, latency, chunks, memory", run_report},
    Command{"explain", word_only, {}, {}, "a paragraph about an error, or about what is odd", run_explain},
    change("recover", name_only, change_flags, "hands on what dead processes held", run_recover),
    change("reap", {}, change_flags, "the same in every stream of the folder", run_reap),
    change("claim", claim_words, claim_flags, "takes what consumers hold too long from them, for retry", run_claim),
    change("ack", entries_words, change_flags, "finishes pending entries, whoever holds them", run_ack),
    change("retry", entries_words, retry_flags,
           "gives pending entries back for retry, whoever holds them; dead ones too", run_retry),
    change("dead", entries_words, change_flags, "makes pending entries dead: they are delivered no more", run_dead),
    change("trim", name_only, trim_flags, "gives up old entries that every group has finished", run_trim),
    change("set-cursor", cursor_words, change_flags,
           "has a group go on elsewhere, with nothing pending; what was held is fenced", run_set_cursor),
    change("drop-group", name_and_group, change_flags, "takes a group away", run_drop_group),
    change("load", load_words, change_flags, "makes a stream from a dump: entries, groups, what is pending", run_load),
    change("rm", name_only, change_flags, "takes a stream away; who waits for it ends", run_remove),
    Command{"manual", {}, {}, manual_flags, "the manual page: `shmq-inspect manual | man -l -`", run_manual},
    Command{"completion", shell_only, {}, {}, "what a shell needs to complete words", run_completion},
};

}  // namespace

const Parameter watch_flag{
    "--watch", "D", "again every D, such as 1s, until Ctrl-C",
    [](Request& request, const std::string& text) { return take_positive(request.watch, text); }};

std::span<const Command> commands() noexcept { return table; }

}  // namespace shmq::inspect
