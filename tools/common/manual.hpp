// What a tool tells about itself beyond --help: a page for man(1), the synopsis of its page in docs/, and words that a
// shell completes. All come from a Manual, which each tool makes from the table that its parser uses.
//
// What can stand in a word's place is told by how help spells it:
//
//   NAME, STREAM        a stream of the folder        FILE            a file
//   G                   a group of the stream NAME    a|b|C           the words a and b; those in capitals are no words
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shmq::tools {

struct ManualWord {
    std::string spelling;  ///< "NAME", or of an option "--wait"
    std::string value;     ///< of an option, "DURATION"; empty: it has none. Of another word, its spelling.
    std::string help;

    [[nodiscard]] bool is_option() const noexcept { return spelling.starts_with("--"); }
    /// "--wait DURATION"
    [[nodiscard]] std::string whole() const {
        return is_option() && !value.empty() ? spelling + " " + value : spelling;
    }
};

struct ManualCommand {
    std::string name;   ///< one word or two
    std::string usage;  ///< without the program's name
    std::string summary;
    std::vector<ManualWord> words;  ///< in their order
    std::string details;            ///< may be empty
};

struct Manual {
    std::string program;
    std::string summary;
    std::vector<ManualCommand> commands;
    std::string notes;        ///< paragraph about what all commands share
    std::string exit_status;  ///< paragraph
    std::string see_also;     ///< "shmq-inspect(1)"
};

/// Usage lines of all commands, cut at blanks so that no line is longer than 116 columns.
[[nodiscard]] std::string synopsis(const Manual& manual);

/// The page in the language of man(7).
[[nodiscard]] std::string man_page(const Manual& manual);

/// What a shell is to run so that it completes the tool's words: for bash, zsh and fish; nullopt for another one.
[[nodiscard]] std::optional<std::string> completion_script(const Manual& manual, std::string_view shell);

/// What can stand in place of the last of `words`, which are those behind the program's name: one a line, followed by a
/// tab and what it means if that is known. The one line ":file" means: any file. Asked by the scripts of
/// completion_script, as `PROGRAM --complete WORD...`.
[[nodiscard]] std::string completions(const Manual& manual, const std::vector<std::string>& words);

}  // namespace shmq::tools
