// `shmq-inspect list`: every stream of the folder on one line. One that cannot be looked at is a line too, with the
// word for why.
#include <fmt/format.h>

#include <optional>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::grouped;

struct Row {
    std::string name;
    StreamFacts facts;
    Verdict verdict;
    std::optional<Error> error;
    std::string message;  // of the error

    [[nodiscard]] bool is_damaged() const { return error && tools::exit_code_of(error->code()) == tools::exit_damaged; }
};

Row failed(std::string name, const Error& error) { return {std::move(name), {}, {}, error, error.message()}; }

Row row_of(const std::string& name) {
    Result<StreamFacts> facts = look_at(name);
    if (!facts) return failed(name, facts.error());
    Verdict verdict = verdict_of(*facts, judge(*facts));
    return {name, std::move(*facts), std::move(verdict), std::nullopt, {}};
}

std::vector<Cell> cells_of(const Row& row) {
    const std::string name = safe_text(row.name).text;
    if (row.error) {
        const std::string text = fmt::format("{}: {}", code_word(row.error->code()), safe_text(row.message).text);
        return {name, "-", "-", "-", "-", "-", "-", "-", {text, Tone::trouble}};
    }
    const Totals totals = totals_of(row.facts);
    return {name,
            tools::human_size(row.facts.info.size),
            grouped(row.facts.kept()),
            grouped(row.facts.groups.size()),
            grouped(totals.lag),
            grouped(totals.pending),
            grouped(totals.retry),
            grouped(row.facts.attachments.size()),
            {fmt::format("{}: {}", level_word(row.verdict.level), row.verdict.text), tone_of(row.verdict.level)}};
}

Json json_of(const Row& row) {
    Json object;
    object["name"] = json_text(row.name);
    if (row.error) {
        object["error"] = {{"word", code_word(row.error->code())}, {"message", json_text(row.message)}};
        return object;
    }
    const Totals totals = totals_of(row.facts);
    object["path"] = json_text(row.facts.info.path);
    object["size"] = row.facts.info.size;
    object["kept"] = row.facts.kept();
    object["next"] = row.facts.info.next;
    object["groups"] = row.facts.groups.size();
    object["lag"] = totals.lag;
    object["pending"] = totals.pending;
    object["retry"] = totals.retry;
    object["attachments"] = row.facts.attachments.size();
    object["verdict"] = inspect::json_of(row.verdict);
    return object;
}

}  // namespace

int run_list(Answer& answer) {
    Result<std::vector<std::string>> names = Stream::list();
    if (!names) return answer.fail(names.error());
    Table table{{{"stream", false},
                 {"size", true},
                 {"entries", true},
                 {"groups", true},
                 {"lag", true},
                 {"pending", true},
                 {"retry", true},
                 {"attached", true},
                 {"verdict", false}},
                {}};
    Json streams = Json::array();
    int code = tools::exit_done;
    for (const std::string& name : *names) {
        const Row row = row_of(name);
        if (row.error && row.error->code() == Code::no_stream) continue;  // removed meanwhile
        if (row.is_damaged()) code = tools::exit_damaged;
        table.rows.push_back(cells_of(row));
        streams.push_back(json_of(row));
    }
    if (answer.request().json) {
        Json object = answer.object();
        object["streams"] = std::move(streams);
        answer.put(object);
    } else if (table.rows.empty()) {
        answer.screen().line("no streams", Tone::quiet);
    } else {
        answer.screen().table(table);
    }
    return code;
}

}  // namespace shmq::inspect
