// `shmq-inspect rate NAME [--over D]`: entries a second, in and out of each group, between two looks.
#include <fmt/format.h>

#include <chrono>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/looks.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

constexpr Duration usual_over = std::chrono::seconds(1);

std::string full_text(const Rates& rates) {
    if (!rates.full_in) return "never at this rate";
    return "in " + tools::human_duration(std::chrono::ceil<std::chrono::milliseconds>(*rates.full_in));
}

void show(Screen& screen, const StreamFacts& facts, const Rates& rates) {
    screen.heading(fmt::format("rates of {} over {}", safe_text(facts.info.name).text,
                               tools::human_duration(std::chrono::duration_cast<Duration>(rates.over))));
    screen.field("added", rate_text(rates.added));
    screen.field("ring full", full_text(rates), rates.full_in ? Tone::note : Tone::plain);
    if (rates.groups.empty()) return screen.line("  no groups", Tone::quiet);
    Table table{{{"group", false}, {"delivered", true}, {"finished", true}, {"lag grows", true}, {"lag", true}}, {}};
    for (const GroupFacts& group : facts.groups) {
        const GroupRates* own = rates.of(group.info.name);
        if (own == nullptr) continue;
        table.rows.push_back({safe_text(group.info.name).text,
                              rate_text(own->delivered),
                              rate_text(own->finished),
                              {rate_text(own->lag_grows), own->lag_grows > 0 ? Tone::note : Tone::plain},
                              tools::grouped(group.info.lag)});
    }
    screen.table(table);
}

Json json_of_rates(const StreamFacts& facts, const Rates& rates, Json object) {
    object["name"] = json_text(facts.info.name);
    object["over_s"] = rates.over.count();
    object["added"] = rates.added;
    object["full_in_s"] = rates.full_in ? Json(rates.full_in->count()) : Json(nullptr);
    Json groups = Json::array();
    for (const GroupRates& group : rates.groups)
        groups.push_back({{"name", json_text(group.name)},
                          {"delivered", group.delivered},
                          {"finished", group.finished},
                          {"lag_grows", group.lag_grows}});
    object["groups"] = std::move(groups);
    return object;
}

}  // namespace

int run_rate(Answer& answer) {
    Result<TwoLooks> looks = look_twice(answer.request().name, answer.request().over.value_or(usual_over));
    if (!looks) return answer.fail(looks.error());
    if (answer.request().json)
        answer.put(json_of_rates(looks->facts, looks->rates, answer.object()));
    else
        show(answer.screen(), looks->facts, looks->rates);
    return tools::exit_done;
}

}  // namespace shmq::inspect
