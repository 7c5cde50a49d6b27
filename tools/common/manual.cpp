// The page for man(1) and the synopsis.
#include "tools/common/manual.hpp"

#include <fmt/format.h>

#include "shmq/version.hpp"

namespace shmq::tools {

namespace {

constexpr std::size_t synopsis_columns = 116;

/// Text as man(7) wants it: no character of it is taken for a request, a font or a hyphen.
std::string roff(std::string_view text) {
    std::string escaped;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) escaped += "\\&";
        if (c == '\\')
            escaped += "\\e";
        else if (c == '-')
            escaped += "\\-";
        else
            escaped += c;
        line_begins = c == '\n';
    }
    return escaped;
}

/// Words of a usage: what stands between blanks, but a bracket with all that it holds is one.
std::vector<std::string> parts_of(std::string_view usage) {
    std::vector<std::string> parts;
    std::string part;
    int depth = 0;
    for (const char c : usage) {
        depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (c == ' ' && depth == 0) {
            parts.push_back(std::move(part));
            part.clear();
        } else {
            part += c;
        }
    }
    parts.push_back(std::move(part));
    return parts;
}

std::string paragraph_lines(std::string_view text) {
    std::string lines;
    for (const char c : text) lines += c == '\n' ? std::string("\n.br\n") : std::string(1, c);
    while (lines.ends_with("\n.br\n")) lines.resize(lines.size() - 5);
    return lines + "\n";
}

}  // namespace

std::string synopsis(const Manual& manual) {
    std::string text;
    for (const ManualCommand& command : manual.commands) {
        std::string line = fmt::format("{} {}", manual.program, command.name);
        const std::size_t indent = line.size() + 1;
        for (const std::string& part : parts_of(std::string_view(command.usage).substr(command.name.size()))) {
            if (part.empty()) continue;
            if (line.size() + 1 + part.size() > synopsis_columns) {
                text += line + "\n";
                line = std::string(indent - 1, ' ');
            }
            line += " " + part;
        }
        text += line + "\n";
    }
    return text;
}

std::string man_page(const Manual& manual) {
    std::string page = fmt::format(".TH {} 1 \"\" \"shmq " SHMQ_VERSION "\" \"User Commands\"\n", manual.program);
    page += fmt::format(".SH NAME\n{} \\- {}\n", roff(manual.program), roff(manual.summary));
    page += fmt::format(".SH SYNOPSIS\n.B {}\n.I COMMAND\n.RI [ WORD ...]\n", roff(manual.program));
    page += fmt::format(".SH DESCRIPTION\n{}.SH COMMANDS\n", paragraph_lines(roff(manual.notes)));
    for (const ManualCommand& command : manual.commands) {
        page += fmt::format(".SS \"{}\"\n.B {} {}\n.PP\n{}\n", roff(command.name), roff(manual.program),
                            roff(command.usage), roff(command.summary));
        for (const ManualWord& word : command.words)
            page += fmt::format(".TP\n.B {}\n{}\n", roff(word.whole()), roff(word.help));
        if (!command.details.empty()) page += fmt::format(".PP\n{}", paragraph_lines(roff(command.details)));
    }
    page += fmt::format(".SH EXIT STATUS\n{}.SH SEE ALSO\n.BR {}\n", paragraph_lines(roff(manual.exit_status)),
                        roff(manual.see_also));
    return page;
}

}  // namespace shmq::tools
