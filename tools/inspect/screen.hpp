// Lines, named values and aligned tables for people, with colour on a terminal only.
//
// Texts given to a screen are shown as they are: what comes from a segment goes through `safe_text` before. Called by
// the commands; one screen a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/output.hpp"
#include "tools/inspect/findings.hpp"

namespace shmq::inspect {

enum class Tone : std::uint8_t { plain, heading, quiet, good, note, warning, trouble };
[[nodiscard]] Tone tone_of(Level level) noexcept;
/// A dead owner stands out, an unknown one is a note.
[[nodiscard]] Tone tone_of(Owner owner) noexcept;

struct Cell {
    std::string text;
    Tone tone = Tone::plain;

    Cell(std::string shown, Tone shown_tone = Tone::plain) : text(std::move(shown)), tone(shown_tone) {}
    Cell(std::string_view shown, Tone shown_tone = Tone::plain) : text(shown), tone(shown_tone) {}
    Cell(const char* shown, Tone shown_tone = Tone::plain) : text(shown), tone(shown_tone) {}
};

/// A title of a column; numbers stand to the right.
struct Column {
    std::string title;
    bool is_number = false;
};

struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;  ///< each as long as `columns`
};

class Screen {
public:
    /// `output` is borrowed.
    Screen(tools::Output& output, bool has_colour) noexcept : output_(output), has_colour_(has_colour) {}

    void line(std::string_view text = {}, Tone tone = Tone::plain);
    /// "title" on a line of its own, with a blank line before it unless it is the first.
    void heading(std::string_view title);
    /// "  name      value", values below each other.
    void field(std::string_view name, std::string_view value, Tone tone = Tone::plain);
    void table(const Table& table);
    /// "  name      text ...", broken at blanks so that lines fit `width` columns.
    void paragraph(std::string_view name, std::string_view text, std::size_t width);
    /// "WARNING  text" and the commands that mend it.
    void finding(const Finding& finding);

    /// The lines that `table` writes.
    [[nodiscard]] std::vector<std::string> lines_of(const Table& table) const;
    [[nodiscard]] std::string paint(std::string_view text, Tone tone) const;

private:
    [[nodiscard]] std::string painted_cell(const Cell& cell, std::size_t width, bool is_number) const;

    tools::Output& output_;
    bool has_colour_;
    bool is_empty_ = true;
};

/// Whether to colour what goes to `descriptor`: a terminal, not "dumb", and NO_COLOR is not set.
[[nodiscard]] bool wants_colour(int descriptor);
/// Columns of the terminal behind `descriptor`; 120 if it is none or does not say.
[[nodiscard]] std::size_t width_of(int descriptor);

}  // namespace shmq::inspect
