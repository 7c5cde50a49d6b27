// What a command is: a row of the one table that drives both parsing and help.
//
// A command has parameters, each with a kind that says how its text is read. Arguments are what somebody typed, already
// found good by the kinds; the command asks for them by the names in the table. Asking for a name that is not in the
// command's row is a bug of the command and stops the process.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/manual.hpp"
#include "tools/common/parse.hpp"

namespace shmq::tools {

/// How the text of a parameter is read. `name` is text that is not empty; the library judges its characters.
/// `choice` is one of the words of Parameter::value.
enum class Kind : std::uint8_t {
    flag,
    text,
    name,
    number,
    size,
    duration,
    mode,
    position,
    time_stamps,
    format,
    field,
    choice
};

/// How often a parameter is given.
enum class Need : std::uint8_t {
    optional,
    required,
    many,     ///< one value or more, one behind the other
    repeated  ///< any number of times, each with one value
};

struct Parameter {
    std::string_view name;  ///< "--wait", or a word in capitals for one that is told by its place
    Kind kind;
    std::string_view value;  ///< stands for the value in help; empty for flags
    std::string_view help;
    Need need = Need::optional;
    std::uint64_t least = 0;  ///< of numbers and sizes
    std::uint64_t greatest = greatest_number;
    std::string_view excludes{};  ///< a parameter of the same command that cannot be given together with it
    std::string_view needs{};     ///< one that must be given together with it

    [[nodiscard]] bool is_option() const noexcept { return name.starts_with("--"); }
};

class Arguments {
public:
    using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

    Arguments(std::span<const Parameter> parameters, Values values)
        : parameters_(parameters), values_(std::move(values)) {}

    [[nodiscard]] bool has(std::string_view name) const;
    /// The text or name as it was typed, empty if it was not. Lives as long as the Arguments.
    [[nodiscard]] const std::string& text(std::string_view name) const;
    [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
    [[nodiscard]] std::uint32_t number32(std::string_view name, std::uint32_t otherwise) const;
    /// Every value of a parameter of the kind `number` that may be given many times.
    [[nodiscard]] std::vector<std::uint64_t> numbers(std::string_view name) const;
    [[nodiscard]] std::uint64_t size(std::string_view name, std::uint64_t otherwise) const;
    [[nodiscard]] Duration duration(std::string_view name, Duration otherwise) const;
    [[nodiscard]] std::uint32_t mode(std::string_view name, std::uint32_t otherwise) const;
    [[nodiscard]] Position position(std::string_view name, Position otherwise) const;
    /// Every value of a parameter of the kind `field`. They live as long as the Arguments.
    [[nodiscard]] std::vector<Field> fields(std::string_view name) const;
    [[nodiscard]] TimeStamps time_stamps(std::string_view name, TimeStamps otherwise) const;
    /// Whether --format json was asked for.
    [[nodiscard]] bool json() const;

private:
    const std::vector<std::string>* find(std::string_view name, std::optional<Kind> kind) const;

    std::span<const Parameter> parameters_;
    Values values_;
};

struct Command {
    std::string_view name;     ///< one word, or two such as "group create"
    std::string_view summary;  ///< one line, for the list of commands
    std::span<const Parameter> parameters;
    std::string_view details;                ///< what help adds below the parameters; may be empty
    int (*run)(const Arguments& arguments);  ///< gives the exit code
};

/// The table.
[[nodiscard]] std::span<const Command> commands() noexcept;

/// Why `text` is not a value of the parameter; empty if it is one.
[[nodiscard]] std::string problem_of(const Parameter& parameter, const std::string& text);

/// "shmq read NAME --group G [--count N] ..."
[[nodiscard]] std::string usage_line(const Command& command);
/// The help of one command.
[[nodiscard]] std::string command_help(const Command& command);
/// The list of all commands.
[[nodiscard]] std::string general_help();
/// All of it, for a page, the documentation and for shells.
[[nodiscard]] Manual manual();

/// Complains about a wrong use of `command` (may be null) and names the help. Returns the exit code 64.
int usage_error(std::string_view command, std::string_view problem);

/// Runs what the words after the program's name ask for. Returns the exit code.
int run_command_line(const std::vector<std::string>& words);

}  // namespace shmq::tools
