// What a command of shmq-inspect is: a row of the one table that drives parsing, help and dispatch.
//
// A command is given a Request whose words are already found good, opens the stream for looking only, and shows a
// screen or, with --json, one object. It gives the exit code of tools/common/exit_code.hpp.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tools/common/exit_code.hpp"
#include "tools/common/manual.hpp"
#include "tools/inspect/dump.hpp"
#include "tools/inspect/screen.hpp"

namespace shmq::inspect {

struct Request {
    std::string command;
    std::string name;  ///< of the stream, as it was typed; empty where it may be left out: all of them
    std::string group;
    std::string word;              ///< to be explained
    std::string file;              ///< to be loaded
    std::optional<Sequence> from;  ///< first entry asked for
    std::optional<Sequence> to;    ///< last entry asked for
    bool json = false;
    std::optional<Duration> watch;          ///< again so often, until a signal
    std::optional<Duration> over;           ///< between two looks that make a rate
    std::optional<std::uint64_t> last;      ///< entries
    std::optional<std::regex> grep;         ///< what the payload, as it is shown, has to match
    bool hex = false;                       ///< payloads as hexadecimal numbers
    bool whole = false;                     ///< payloads from end to end
    bool fields = false;                    ///< only entries of fields
    bool follow = false;                    ///< go on with what comes later
    bool deep = false;                      ///< look at every entry too
    std::optional<std::uint64_t> most_lag;  ///< of any group, entries
    std::optional<Duration> most_age;       ///< of any group's oldest unfinished entry
    DumpFormat format = DumpFormat::jsonl;
    std::string output;                 ///< file to be written, empty: standard output
    std::optional<std::uint64_t> pid;   ///< of the process whose events are asked for
    std::optional<std::uint16_t> port;  ///< to be listened on
    std::string shell;                  ///< whose completion is asked for
    bool synopsis = false;              ///< and not the page for man

    // Of commands that change a stream.
    bool write = false;                       ///< do it
    bool dry_run = false;                     ///< only say what would be done
    std::vector<Sequence> sequences;          ///< entries it is about
    std::optional<Position> position;         ///< where to
    std::optional<Duration> idle;             ///< held for at least so long
    std::optional<Duration> delay;            ///< until it is delivered again
    std::optional<std::uint64_t> count;       ///< entries at most
    std::optional<std::uint64_t> keep;        ///< entries
    std::optional<std::uint64_t> keep_bytes;  ///< of the payload
};

/// What a command writes to: standard output, as a screen or as an object.
class Answer {
public:
    /// `output` is borrowed; `width` in columns, for lines that are cut.
    Answer(const Request& request, tools::Output& output, bool has_colour, std::size_t width)
        : request_(request), output_(output), screen_(output, has_colour), width_(width) {}

    [[nodiscard]] const Request& request() const noexcept { return request_; }
    [[nodiscard]] Screen& screen() noexcept { return screen_; }
    [[nodiscard]] tools::Output& output() noexcept { return output_; }
    [[nodiscard]] std::size_t width() const noexcept { return width_; }

    /// An object with "schema" and "command", to be filled and given to `put`.
    [[nodiscard]] nlohmann::ordered_json object() const;
    /// Writes the object on one line.
    void put(const nlohmann::ordered_json& object);
    /// Has `write` put everything where --output says: into a file that is replaced only when all of it is there (and
    /// has `mode`), or to standard output. `write` gives an exit code, as this does.
    int write(mode_t mode, const std::function<int(tools::Output&)>& write);
    /// Complains on standard error and, with --json, writes an object with "error". Returns the exit code of the error.
    int fail(const Error& error);

private:
    const Request& request_;
    tools::Output& output_;
    Screen screen_;
    std::size_t width_;
};

/// A word or a flag of a command.
struct Parameter {
    std::string_view spelling;  ///< "--last", or of a word that is told by its place "NAME"
    std::string_view value;     ///< of a flag, what stands behind it, such as "N"; empty: nothing
    std::string_view meaning;
    /// Takes what was typed; the answer says what is wrong with it, or is empty. Of a word that may be given many
    /// times, once for each.
    std::string (*take)(Request& request, const std::string& text);
    bool many = false;
};
using Parameters = std::span<const Parameter* const>;

/// Exit code of `check` where it cannot tell.
inline constexpr int check_unknown = 3;

struct Command {
    std::string_view name;
    Parameters required;  ///< words in their order, and flags that have to be there
    Parameters optional;  ///< words behind these
    Parameters flags;
    std::string_view summary;
    int (*run)(Answer& answer);
    int usage_code = tools::exit_usage;  ///< exit code where the words are wrong
    bool changes = false;                ///< does nothing without --write
};

[[nodiscard]] std::span<const Command> commands() noexcept;
/// A flag of every command that only looks.
extern const Parameter watch_flag;

/// The help of one command.
[[nodiscard]] std::string command_help(const Command& command);
/// The list of all commands.
[[nodiscard]] std::string general_help();
/// All of it, for a page, the documentation and for shells.
[[nodiscard]] tools::Manual manual();

/// Runs what the words after the program's name ask for. Returns the exit code.
int run_command_line(const std::vector<std::string>& words);

// The functions behind the rows.
int run_list(Answer& answer);         // list.cpp
int run_show(Answer& answer);         // show.cpp
int run_groups(Answer& answer);       // groups.cpp
int run_consumers(Answer& answer);    // consumers.cpp
int run_latency(Answer& answer);      // latency.cpp
int run_pending(Answer& answer);      // pending.cpp
int run_attachments(Answer& answer);  // attachments.cpp
int run_entries(Answer& answer);      // entries.cpp
int run_rate(Answer& answer);         // rate.cpp
int run_memory(Answer& answer);       // memory.cpp
int run_layout(Answer& answer);       // memory.cpp
int run_verify(Answer& answer);       // verify.cpp
int run_doctor(Answer& answer);       // doctor.cpp
int run_check(Answer& answer);        // doctor.cpp
int run_top(Answer& answer);          // top.cpp
int run_dump(Answer& answer);         // dump.cpp
int run_metrics(Answer& answer);      // metrics.cpp
int run_report(Answer& answer);       // report.cpp
int run_trace(Answer& answer);        // trace.cpp
int run_audit(Answer& answer);        // trace.cpp
int run_explain(Answer& answer);      // explain.cpp
int run_recover(Answer& answer);      // changes.cpp, as the next
int run_reap(Answer& answer);
int run_claim(Answer& answer);
int run_ack(Answer& answer);
int run_retry(Answer& answer);
int run_dead(Answer& answer);
int run_trim(Answer& answer);
int run_set_cursor(Answer& answer);
int run_drop_group(Answer& answer);
int run_remove(Answer& answer);
int run_load(Answer& answer);        // load.cpp
int run_manual(Answer& answer);      // about.cpp
int run_completion(Answer& answer);  // about.cpp

}  // namespace shmq::inspect
