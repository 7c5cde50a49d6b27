// `shmq-inspect groups NAME`: every group, and who reads it.
#include <fmt/format.h>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/group_table.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

int run_groups(Answer& answer) {
    Result<StreamFacts> facts = look_at(answer.request().name);
    if (!facts) return answer.fail(facts.error());
    if (answer.request().json) {
        Json object = answer.object();
        object["name"] = json_text(facts->info.name);
        object["groups"] = json_array(facts->groups);
        answer.put(object);
        return tools::exit_done;
    }
    Screen& screen = answer.screen();
    screen.heading(fmt::format("groups of {}", safe_text(facts->info.name).text));
    show_group_table(screen, *facts);
    for (const GroupFacts& group : facts->groups)
        if (const std::string options = tools::options_text(group.info); !options.empty())
            screen.field(safe_text(group.info.name).text, options);
    for (const GroupFacts& group : facts->groups) {
        if (group.pending.consumers.empty()) continue;
        screen.heading(fmt::format("consumers of {}", safe_text(group.info.name).text));
        show_consumer_table(screen, group, facts->attachments);
    }
    return tools::exit_done;
}

}  // namespace shmq::inspect
