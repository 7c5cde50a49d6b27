// See screen.hpp.
#include "tools/inspect/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

constexpr std::size_t field_width = 16;
constexpr std::size_t least_width = 60;
constexpr std::size_t usual_width = 120;

std::string_view colour_of(Tone tone) noexcept {
    switch (tone) {
        case Tone::plain: return "";
        case Tone::heading: return "\x1b[1m";
        case Tone::quiet: return "\x1b[2m";
        case Tone::good: return "\x1b[32m";
        case Tone::note: return "\x1b[36m";
        case Tone::warning: return "\x1b[33m";
        case Tone::trouble: return "\x1b[1;31m";
    }
    return "";
}

std::string padded(std::string_view text, std::size_t width, bool to_the_right) {
    const std::string blanks(width - std::min(width, display_width(text)), ' ');
    return to_the_right ? blanks + std::string(text) : std::string(text) + blanks;
}

std::string without_blanks_behind(std::string text) {
    text.resize(text.find_last_not_of(' ') + 1);
    return text;
}

std::vector<std::size_t> widths_of(const Table& table) {
    std::vector<std::size_t> widths;
    for (std::size_t index = 0; index < table.columns.size(); ++index) {
        std::size_t width = display_width(table.columns[index].title);
        for (const std::vector<Cell>& row : table.rows) width = std::max(width, display_width(row[index].text));
        widths.push_back(width);
    }
    return widths;
}

std::string upper(std::string_view word) {
    std::string text(word);
    std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
        return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    });
    return text;
}

}  // namespace

Tone tone_of(Level level) noexcept {
    switch (level) {
        case Level::healthy: return Tone::good;
        case Level::note: return Tone::note;
        case Level::warning: return Tone::warning;
        case Level::trouble: return Tone::trouble;
    }
    return Tone::plain;
}

Tone tone_of(Owner owner) noexcept {
    if (owner == Owner::dead) return Tone::warning;
    return owner == Owner::unknown ? Tone::note : Tone::plain;
}

void Screen::line(std::string_view text, Tone tone) {
    output_.append(paint(text, tone) + "\n");
    is_empty_ = false;
}

void Screen::heading(std::string_view title) {
    if (!is_empty_) line();
    line(title, Tone::heading);
}

void Screen::field(std::string_view name, std::string_view value, Tone tone) {
    line(fmt::format("  {}  {}", padded(name, field_width, false), paint(value, tone)));
}

void Screen::paragraph(std::string_view name, std::string_view text, std::size_t width) {
    constexpr std::size_t indent = 2 + field_width + 2;
    const std::size_t room = std::max(width, least_width) - indent;
    std::string title = padded(name, field_width, false);
    while (!text.empty()) {
        std::size_t length = text.size();
        if (length > room) {
            const std::size_t blank = text.rfind(' ', room);
            length = blank == std::string_view::npos || blank == 0 ? room : blank;
        }
        line(fmt::format("  {}  {}", title, text.substr(0, length)));
        text.remove_prefix(std::min(text.size(), length + 1));
        title.assign(field_width, ' ');
    }
}

void Screen::table(const Table& table) {
    for (const std::string& text : lines_of(table)) line(text);
}

std::vector<std::string> Screen::lines_of(const Table& table) const {
    const std::vector<std::size_t> widths = widths_of(table);
    std::string titles;
    for (std::size_t index = 0; index < widths.size(); ++index)
        titles += "  " + padded(table.columns[index].title, widths[index], table.columns[index].is_number);
    std::vector<std::string> lines{paint(without_blanks_behind(std::move(titles)), Tone::quiet)};
    for (const std::vector<Cell>& row : table.rows) {
        std::string text;
        for (std::size_t index = 0; index < widths.size(); ++index)
            text += "  " + painted_cell(row[index], widths[index], table.columns[index].is_number);
        lines.push_back(without_blanks_behind(std::move(text)));
    }
    return lines;
}

// The blanks stand outside the colour.
std::string Screen::painted_cell(const Cell& cell, std::size_t width, bool is_number) const {
    const std::string blanks(width - std::min(width, display_width(cell.text)), ' ');
    const std::string text = paint(cell.text, cell.tone);
    return is_number ? blanks + text : text + blanks;
}

void Screen::finding(const Finding& finding) {
    const std::string word = upper(level_word(finding.level));
    line(fmt::format("  {}  {}", paint(padded(word, 7, false), tone_of(finding.level)), finding.text));
    std::size_t width = 0;
    for (const Cure& cure : finding.cures) width = std::max(width, display_width(safe_text(cure.command).text));
    for (const Cure& cure : finding.cures) {
        const std::string command = padded(safe_text(cure.command).text, width, false);
        line(fmt::format("           {}  {}", paint(command, Tone::heading), paint("# " + cure.effect, Tone::quiet)));
    }
}

std::string Screen::paint(std::string_view text, Tone tone) const {
    if (!has_colour_ || tone == Tone::plain || text.empty()) return std::string(text);
    return fmt::format("{}{}\x1b[0m", colour_of(tone), text);
}

bool wants_colour(int descriptor) {
    const char* terminal = std::getenv("TERM");
    const char* refused = std::getenv("NO_COLOR");
    const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
    return ::isatty(descriptor) == 1 && !dumb && (refused == nullptr || *refused == '\0');
}

std::size_t width_of(int descriptor) {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual_width;
    return std::max<std::size_t>(size.ws_col, least_width);
}

}  // namespace shmq::inspect
