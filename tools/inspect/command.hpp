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
#include "tools/inspect/dump.hpp"
#include "tools/inspect/screen.hpp"

namespace shmq::inspect {

struct Request {
    std::string command;
    std::string name;  ///< of the stream, as it was typed; empty where it may be left out: all of them
    std::string group;
    std::string word;              ///< to be explained
    std::optional<Sequence> from;  ///< first entry asked for
    std::optional<Sequence> to;    ///< last entry asked for
    bool json = false;
    std::optional<Duration> watch;          ///< again so often, until a signal
    std::optional<Duration> over;           ///< between two looks that make a rate
    std::optional<std::uint64_t> last;      ///< entries
    std::optional<std::regex> grep;         ///< what the payload, as it is shown, has to match
    bool hex = false;                       ///< payloads as hexadecimal numbers
    bool deep = false;                      ///< look at every entry too
    std::optional<std::uint64_t> most_lag;  ///< of any group, entries
    std::optional<Duration> most_age;       ///< of any group's oldest unfinished entry
    DumpFormat format = DumpFormat::jsonl;
    std::string output;  ///< file to be written, empty: standard output
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

/// The words of a command line after the command, in their order.
enum class Word : std::uint8_t { name, group, from, to, word };

/// A flag of a command.
struct Flag {
    std::string_view spelling;
    std::string_view value;  ///< what stands behind it, such as "N"; empty: nothing
    std::string_view meaning;
    /// Takes what was typed; the answer says what is wrong with it, or is empty.
    std::string (*take)(Request& request, const std::string& text);
};

/// Exit code of `check` where it cannot tell.
inline constexpr int check_unknown = 3;

struct Command {
    std::string_view name;
    std::span<const Word> required;
    std::span<const Word> optional;
    std::span<const Flag* const> flags;
    std::string_view summary;
    int (*run)(Answer& answer);
    int usage_code = tools::exit_usage;  ///< exit code where the words are wrong
};

[[nodiscard]] std::span<const Command> commands() noexcept;

/// Runs what the words after the program's name ask for. Returns the exit code.
int run_command_line(const std::vector<std::string>& words);

// The functions behind the rows.
int run_list(Answer& answer);         // list.cpp
int run_show(Answer& answer);         // show.cpp
int run_groups(Answer& answer);       // groups.cpp
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
int run_explain(Answer& answer);      // explain.cpp

}  // namespace shmq::inspect
