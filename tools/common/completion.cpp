// Completion: the scripts that shells run, and the answer to what they ask.
//
// The scripts know nothing of commands: they hand the words typed so far to the program itself, which looks into its
// table and into the folder of streams. So one table serves every shell, and a script does not age.
#include <fmt/format.h>

#include <algorithm>

#include "shmq/stream.hpp"
#include "tools/common/manual.hpp"

namespace shmq::tools {

namespace {

constexpr std::string_view any_file = ":file\n";

// PROGRAM stands for the program's name.
constexpr std::string_view bash_script = R"script(# Completion of PROGRAM for bash: eval "$(PROGRAM completion bash)"
_shmq_complete() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        if [ "$line" = :file ]; then
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$2")
        else
            COMPREPLY+=("${line%%$'\t'*}")
        fi
    done < <("$1" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _shmq_complete PROGRAM
)script";
constexpr std::string_view zsh_script = R"script(#compdef PROGRAM
# Completion of PROGRAM for zsh: eval "$(PROGRAM completion zsh)", or as the file _PROGRAM in a folder of fpath.
_shmq_complete() {
    local line
    local -a values meanings
    for line in ${(f)"$("$words[1]" --complete "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
        if [[ $line == :file ]]; then
            _files
            return
        fi
        values+=("${line%%$'\t'*}")
        meanings+=("${line//$'\t'/  }")
    done
    compadd -l -d meanings -a values
}
if [[ "$funcstack[1]" == _PROGRAM ]]; then
    _shmq_complete
else
    compdef _shmq_complete PROGRAM
fi
)script";
constexpr std::string_view fish_script = R"script(# Completion of PROGRAM for fish: PROGRAM completion fish | source
function __shmq_complete
    set -l typed (commandline -opc) (commandline -ct)
    set -l found ($typed[1] --complete $typed[2..-1] 2>/dev/null)
    if test "$found[1]" = :file
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c PROGRAM -f -a '(__shmq_complete)'
)script";
constexpr std::string_view placeholder = "PROGRAM";

std::string line_of(std::string_view word, std::string_view meaning) {
    return meaning.empty() ? fmt::format("{}\n", word) : fmt::format("{}\t{}\n", word, meaning);
}

std::string names_of_streams() {
    std::string lines;
    const auto names = Stream::list();
    if (!names) return lines;
    for (const std::string& name : *names) lines += line_of(name, "");
    return lines;
}

std::string names_of_groups(const std::string& stream_name) {
    std::string lines;
    const auto stream = Stream::open(stream_name, {.read_only = true});
    if (!stream) return lines;
    const auto groups = stream->groups();
    if (!groups) return lines;
    for (const GroupInfo& group : *groups) lines += line_of(group.name, "");
    return lines;
}

/// The alternatives of "text|json" that are words to be typed as they stand.
std::string alternatives(std::string_view value) {
    std::string lines;
    while (!value.empty()) {
        const std::string_view one = value.substr(0, value.find('|'));
        if (std::all_of(one.begin(), one.end(), [](char c) { return c >= 'a' && c <= 'z'; })) lines += line_of(one, "");
        value.remove_prefix(std::min(value.size(), one.size() + 1));
    }
    return lines;
}

/// What can be typed for a value; `stream` is the stream that was named, or is empty.
std::string values_for(std::string_view value, const std::string& stream) {
    if (value == "NAME" || value == "STREAM") return names_of_streams();
    if (value == "G") return names_of_groups(stream);
    if (value.find("FILE") != std::string_view::npos) return std::string(any_file);
    return value.find('|') == std::string_view::npos ? std::string() : alternatives(value);
}

/// What was typed behind a command: which words have their values, and what the next one is about.
struct Typed {
    std::vector<std::string> places;        // of words that are no options
    std::vector<std::string_view> options;  // their spellings
    const ManualWord* open = nullptr;       // the option whose value comes next
};
Typed read_words(const ManualCommand& command, const std::vector<std::string>& words, std::size_t from) {
    Typed typed;
    for (std::size_t i = from; i + 1 < words.size(); ++i) {
        if (typed.open != nullptr) {
            typed.open = nullptr;
            continue;
        }
        const auto word = std::find_if(command.words.begin(), command.words.end(), [&](const ManualWord& known) {
            return known.is_option() && known.spelling == words[i];
        });
        if (word == command.words.end()) {
            if (!words[i].starts_with("--")) typed.places.push_back(words[i]);
            continue;
        }
        typed.options.push_back(word->spelling);
        if (!word->value.empty()) typed.open = &*word;
    }
    return typed;
}

std::string words_of_command(const ManualCommand& command, const std::vector<std::string>& words, std::size_t from) {
    const Typed typed = read_words(command, words, from);
    const std::string stream = typed.places.empty() ? std::string() : typed.places.front();
    if (typed.open != nullptr) return values_for(typed.open->value, stream);
    std::string lines;
    if (words.back().starts_with("-")) {
        for (const ManualWord& word : command.words) {
            const bool is_given =
                std::find(typed.options.begin(), typed.options.end(), word.spelling) != typed.options.end();
            if (word.is_option() && !is_given) lines += line_of(word.spelling, word.help);
        }
        return lines + line_of("--help", "all about this command");
    }
    std::size_t place = typed.places.size();
    for (const ManualWord& word : command.words)
        if (!word.is_option() && place-- == 0) return values_for(word.value, stream);
    return lines;
}

/// Commands, or the second words of those whose first one was typed.
std::string names_of_commands(const Manual& manual, const std::string& first) {
    std::string lines;
    std::string last;
    for (const ManualCommand& command : manual.commands) {
        const std::size_t blank = command.name.find(' ');
        const std::string front = command.name.substr(0, blank);
        if (first.empty() && front != last)
            lines += line_of(front, blank == std::string::npos ? std::string_view(command.summary) : "");
        if (!first.empty() && front == first && blank != std::string::npos)
            lines += line_of(command.name.substr(blank + 1), command.summary);
        last = front;
    }
    return lines;
}

std::string all_completions(const Manual& manual, const std::vector<std::string>& words) {
    if (words.size() == 1) return names_of_commands(manual, "");
    for (const ManualCommand& command : manual.commands) {
        if (command.name == words[0]) return words_of_command(command, words, 1);
        if (words.size() > 2 && command.name == words[0] + " " + words[1]) return words_of_command(command, words, 2);
    }
    return words.size() == 2 ? names_of_commands(manual, words[0]) : std::string();
}

}  // namespace

std::optional<std::string> completion_script(const Manual& manual, std::string_view shell) {
    std::string text(shell == "bash" ? bash_script : shell == "zsh" ? zsh_script : shell == "fish" ? fish_script : "");
    if (text.empty()) return std::nullopt;
    for (std::size_t at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at))
        text.replace(at, placeholder.size(), manual.program);
    return text;
}

std::string completions(const Manual& manual, const std::vector<std::string>& words) {
    if (words.empty()) return {};
    const std::string all = all_completions(manual, words);
    if (all == any_file) return all;
    std::string lines;
    for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = all.find('\n', begin) + 1;
        const std::string_view line = std::string_view(all).substr(begin, end - begin);
        if (line.starts_with(words.back())) lines += line;
        begin = end;
    }
    return lines;
}

}  // namespace shmq::tools
