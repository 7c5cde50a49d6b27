// Tells and does the steps of a plan.
#include "tools/inspect/change.hpp"

#include <fmt/format.h>

#include "tools/inspect/json.hpp"

namespace shmq::inspect {

namespace {

/// How a step ended.
struct Done {
    bool well = false;
    std::string text{};  // what came of it, or why it failed
    int code = tools::exit_done;
};

Done carry_out(const Step& step, bool dry_run) {
    if (dry_run) return {false, step.refusal, step.refusal.empty() ? tools::exit_done : tools::exit_nothing};
    Result<std::string> result = step.act();
    if (!result) return {false, result.error().message(), tools::exit_code_of(result.error().code())};
    return {true, std::move(*result), tools::exit_done};
}

void show(Answer& answer, const Step& step, const Done& done, bool dry_run) {
    const bool failed = done.code != tools::exit_done;
    const std::string_view word = dry_run ? (failed ? "cannot" : "would") : (failed ? "failed" : "done");
    const std::string line = fmt::format("{:<6}  {}{}{}", word, step.what, done.text.empty() ? "" : ": ", done.text);
    answer.screen().line(line, failed ? Tone::warning : Tone::plain);
    for (const std::string& detail : step.details) answer.screen().line("        " + detail, Tone::quiet);
}

Json object_of(const Step& step, const Done& done) {
    Json object;
    object["what"] = step.what;
    object["done"] = done.well;
    if (!step.details.empty()) object["details"] = step.details;
    if (!done.text.empty()) object[done.code == tools::exit_done ? "result" : "refused"] = done.text;
    return object;
}

}  // namespace

int carry_out(Answer& answer, const Plan& plan) {
    const Request& request = answer.request();
    Json changes = Json::array();
    int code = tools::exit_done;
    for (const Step& step : plan) {
        const Done done = carry_out(step, request.dry_run);
        if (code == tools::exit_done) code = done.code;
        if (request.json)
            changes.push_back(object_of(step, done));
        else
            show(answer, step, done, request.dry_run);
        answer.output().flush();  // what is done is told, whatever the next step does
    }
    if (request.json) {
        Json object = answer.object();
        if (!request.name.empty()) object["name"] = json_text(request.name);
        object["dry_run"] = request.dry_run;
        object["changes"] = std::move(changes);
        answer.put(object);
    } else if (plan.empty()) {
        answer.screen().line("nothing to change", Tone::quiet);
    }
    return code;
}

}  // namespace shmq::inspect
