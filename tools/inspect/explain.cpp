// `shmq-inspect explain WORD`: a paragraph about an error, or about something odd that `show` and `doctor` tell. What
// it says is the row of that word in docs/errors.md or docs/inspect.md, which are built in.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/documents.hpp"
#include "tools/inspect/json.hpp"

namespace shmq::inspect {

namespace {

/// A row of a table in Markdown: its words, and what stands in the other cells.
struct Row {
    std::vector<std::string> words;
    std::vector<std::string> cells;
};

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

/// Without the marks of Markdown.
std::string plain(std::string_view text) {
    std::string result;
    for (const char c : trimmed(text))
        if (c != '`' && c != '*') result += c;
    return result;
}

/// "`a`, `b`" as a and b; empty if the cell begins otherwise.
std::vector<std::string> words_of(std::string_view cell) {
    std::vector<std::string> words;
    if (cell.empty() || cell.front() != '`') return words;
    for (std::size_t at = 0; (at = cell.find('`', at)) != std::string_view::npos;) {
        const std::size_t end = cell.find('`', at + 1);
        if (end == std::string_view::npos) break;
        words.emplace_back(cell.substr(at + 1, end - at - 1));
        at = end + 1;
    }
    return words;
}

/// The rows of all tables of a document whose titles are these.
std::vector<Row> rows_of(std::string_view document, std::string_view titles) {
    std::vector<Row> rows;
    bool inside = false;
    while (!document.empty()) {
        const std::size_t end = document.find('\n');
        const std::string_view line = document.substr(0, end);
        document.remove_prefix(end == std::string_view::npos ? document.size() : end + 1);
        if (line == titles) inside = true;
        if (line.empty() || line.front() != '|') inside = false;
        if (!inside) continue;
        Row row;
        std::string_view rest = line.substr(1);
        for (std::size_t bar = rest.find('|'); bar != std::string_view::npos; bar = rest.find('|')) {
            row.cells.push_back(trimmed(rest.substr(0, bar)));
            rest.remove_prefix(bar + 1);
        }
        if (row.cells.empty()) continue;
        row.words = words_of(row.cells.front());
        row.cells.erase(row.cells.begin());
        if (!row.words.empty()) rows.push_back(std::move(row));
    }
    return rows;
}

struct Document {
    std::string_view text;
    std::string_view titles;
    std::array<const char*, 4> parts;  // what each cell behind the word is; null: not shown
};
const Document documents[] = {{errors_document,
                               "| word | cause | already done | what to do | exit |",
                               {"cause", "already done", "what to do", "exit status"}},
                              {inspect_document, "| word | level | when |", {"level", "when", nullptr, nullptr}}};

std::vector<std::string> all_words() {
    std::vector<std::string> words;
    for (const Document& document : documents)
        for (const Row& row : rows_of(document.text, document.titles))
            words.insert(words.end(), row.words.begin(), row.words.end());
    return words;
}

}  // namespace

int run_explain(Answer& answer) {
    const std::string& wanted = answer.request().word;
    for (const Document& document : documents)
        for (const Row& row : rows_of(document.text, document.titles)) {
            if (std::find(row.words.begin(), row.words.end(), wanted) == row.words.end()) continue;
            Json object = answer.object();
            object["word"] = wanted;
            if (!answer.request().json) answer.screen().heading(wanted);
            for (std::size_t i = 0; i < row.cells.size() && i < document.parts.size(); ++i) {
                const std::string text = plain(row.cells[i]);
                if (document.parts[i] == nullptr || text.empty()) continue;
                object[document.parts[i]] = text;
                if (!answer.request().json) answer.screen().paragraph(document.parts[i], text, answer.width());
            }
            if (answer.request().json) answer.put(object);
            return tools::exit_done;
        }
    tools::complain(fmt::format("no word '{}': there are {}", wanted, tools::name_list(all_words())));
    return tools::exit_usage;
}

}  // namespace shmq::inspect
