// `shmq-inspect doctor [NAME]`: what is wrong, who it is, and what to type. `shmq-inspect check [NAME]`: the same as
// one line and an exit code, for monitoring.
//
// Both look twice, so that they also tell what goes wrong at the present rate. Without a name they look at every stream
// of the folder.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/looks.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

constexpr Duration usual_over = std::chrono::milliseconds(200);

/// Exit codes of `check`, as monitoring systems have them.
enum class Status : std::uint8_t { fine = 0, warning = 1, critical = 2, unknown = check_unknown };

struct Diagnosis {
    std::string name;
    std::optional<TwoLooks> looks;  // nullopt: it could not be looked at
    std::vector<Finding> findings;
    Status status = Status::fine;
};

Status status_of(Level level) noexcept {
    if (level == Level::trouble) return Status::critical;
    return level == Level::warning ? Status::warning : Status::fine;
}

Status status_of(const Error& error) noexcept {
    return tools::exit_code_of(error.code()) == tools::exit_damaged ? Status::critical : Status::unknown;
}

/// What was asked for beside the findings: limits that somebody set.
void judge_limits(const Request& request, const StreamFacts& facts, std::vector<Finding>& findings) {
    for (const GroupFacts& group : facts.groups) {
        const std::string name = safe_text(group.info.name).text;
        if (request.most_lag && group.info.lag > *request.most_lag)
            findings.push_back({Level::trouble,
                                "lag",
                                fmt::format("group `{}` has a lag of {}, above {}", name,
                                            tools::grouped(group.info.lag), tools::grouped(*request.most_lag)),
                                {}});
        if (request.most_age && group.info.oldest_age && *group.info.oldest_age > *request.most_age)
            findings.push_back(
                {Level::trouble,
                 "age",
                 fmt::format("the oldest entry that group `{}` has not finished is {} old, above {}", name,
                             tools::human_duration(*group.info.oldest_age), tools::human_duration(*request.most_age)),
                 {}});
    }
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.level > b.level; });
}

Diagnosis diagnose(const Request& request, const std::string& name) {
    Result<TwoLooks> looks = look_twice(name, request.over.value_or(usual_over));
    if (!looks) return {name, std::nullopt, {judge(name, looks.error())}, status_of(looks.error())};
    std::vector<Finding> findings = judge(looks->facts, &looks->rates);
    judge_limits(request, looks->facts, findings);
    const Status status = findings.empty() ? Status::fine : status_of(findings.front().level);
    return {name, std::move(*looks), std::move(findings), status};
}

/// Of the stream that was named, or of each there is.
Result<std::vector<Diagnosis>> diagnose_all(const Request& request) {
    const Result<std::vector<std::string>> names = names_to_look_at(request.name);
    if (!names) return names.error();
    std::vector<Diagnosis> found;
    found.reserve(names->size());
    for (const std::string& name : *names) found.push_back(diagnose(request, name));
    return found;
}

Json json_of(const Diagnosis& one) {
    Json object;
    object["name"] = json_text(one.name);
    object["status"] = static_cast<int>(one.status);
    object["findings"] = json_array(one.findings);
    return object;
}

void put_json(Answer& answer, const std::vector<Diagnosis>& all) {
    Json streams = Json::array();
    for (const Diagnosis& one : all) streams.push_back(json_of(one));
    Json object = answer.object();
    object["streams"] = std::move(streams);
    answer.put(object);
}

void show(Screen& screen, const Diagnosis& one) {
    screen.heading(fmt::format("stream {}", safe_text(one.name).text));
    if (one.findings.empty()) {
        const Verdict verdict = verdict_of(one.looks->facts, {});
        return screen.line("  " + verdict.text, Tone::good);
    }
    for (const Finding& finding : one.findings) {
        screen.finding(finding);
        screen.line(fmt::format("           {}", screen.paint("shmq-inspect explain " + finding.word, Tone::quiet)));
    }
}

std::string_view status_word(Status status) noexcept {
    switch (status) {
        case Status::fine: return "OK";
        case Status::warning: return "WARNING";
        case Status::critical: return "CRITICAL";
        case Status::unknown: return "UNKNOWN";
    }
    return "UNKNOWN";
}

/// critical above warning above unknown above fine: what is known to be bad is told first.
int gravity(Status status) noexcept {
    constexpr int gravities[] = {0, 2, 3, 1};
    return gravities[static_cast<std::size_t>(status)];
}

/// " | lag=3 ...", as monitoring systems draw it.
std::string figures_of(const std::vector<Diagnosis>& all) {
    Totals totals;
    std::uint64_t needed = 0;
    for (const Diagnosis& one : all) {
        if (!one.looks) continue;
        const StreamFacts& facts = one.looks->facts;
        totals.add(facts);
        needed = std::max(needed, percent(facts.needed(), facts.info.options.slots));
    }
    const std::chrono::duration<double> age = totals.oldest_age.value_or(Duration{0});
    return fmt::format(" | lag={} oldest={:.1f}s pending={} dead={} needed={}%", totals.most_lag, age.count(),
                       totals.pending + totals.retry, totals.dead, needed);
}

}  // namespace

int run_doctor(Answer& answer) {
    Result<std::vector<Diagnosis>> all = diagnose_all(answer.request());
    if (!all) return answer.fail(all.error());
    int code = tools::exit_done;
    for (const Diagnosis& one : *all)
        if (!one.looks && one.status == Status::critical) code = tools::exit_damaged;
    if (answer.request().json) {
        put_json(answer, *all);
        return code;
    }
    for (const Diagnosis& one : *all) show(answer.screen(), one);
    if (all->empty()) answer.screen().line("no streams", Tone::quiet);
    return code;
}

int run_check(Answer& answer) {
    Result<std::vector<Diagnosis>> all = diagnose_all(answer.request());
    if (!all) {
        answer.screen().line(fmt::format("UNKNOWN - {}", safe_text(all.error().message()).text));
        return static_cast<int>(Status::unknown);
    }
    const auto gravest = std::max_element(all->begin(), all->end(), [](const Diagnosis& a, const Diagnosis& b) {
        return gravity(a.status) < gravity(b.status);
    });
    const Status status = gravest == all->end() ? Status::fine : gravest->status;
    if (answer.request().json) {
        put_json(answer, *all);
        return static_cast<int>(status);
    }
    std::string text = "no streams";
    if (gravest != all->end() && status != Status::fine)
        text = fmt::format("{}: {}", safe_text(gravest->name).text, gravest->findings.front().text);
    else if (gravest != all->end())
        text = all->size() == 1
                   ? fmt::format("{}: {}", safe_text(gravest->name).text,
                                 verdict_of(gravest->looks->facts, gravest->findings).text)
                   : fmt::format("{}, nothing that needs somebody", tools::counted(all->size(), "stream", "streams"));
    answer.screen().line(fmt::format("{} - {}{}", status_word(status), text, figures_of(*all)));
    return static_cast<int>(status);
}

}  // namespace shmq::inspect
