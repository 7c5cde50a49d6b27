// `shmq-inspect attachments NAME`: who has the stream open, and what each one holds of it.
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <map>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using ConsumerNames = std::map<std::uint32_t, std::string>;  // by row of attachment

// "group/consumer, group/consumer" of each row.
ConsumerNames consumer_names(const StreamFacts& facts) {
    ConsumerNames names;
    for (const GroupFacts& group : facts.groups) {
        for (const ConsumerInfo& consumer : group.consumers) {
            std::string& text = names[consumer.attachment];
            text += fmt::format("{}{}/{}", text.empty() ? "" : ", ", safe_text(group.info.name).text,
                                safe_text(consumer.name).text);
        }
    }
    return names;
}

// How long a living process runs, from its start in clock ticks since boot; "-" if that makes no sense.
std::string running_text(const AttachmentInfo& attachment) {
    timespec now{};
    const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
    if (attachment.owner != Owner::alive || ticks_per_second <= 0 || ::clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        return "-";
    const auto rate = static_cast<std::uint64_t>(ticks_per_second);
    const std::uint64_t now_ticks =
        static_cast<std::uint64_t>(now.tv_sec) * rate + static_cast<std::uint64_t>(now.tv_nsec) * rate / 1'000'000'000;
    if (attachment.start_time == 0 || attachment.start_time > now_ticks + rate) return "-";
    const std::uint64_t seconds = now_ticks > attachment.start_time ? (now_ticks - attachment.start_time) / rate : 0;
    return tools::human_duration(std::chrono::seconds(seconds));
}

void show(Screen& screen, const StreamFacts& facts) {
    screen.heading(fmt::format("attachments of {}: {} of {}", safe_text(facts.info.name).text, facts.attachments.size(),
                               facts.info.options.attachments));
    if (facts.attachments.empty()) return screen.line("  none", Tone::quiet);
    const ConsumerNames names = consumer_names(facts);
    Table table{{{"row", true},
                 {"incarnation", true},
                 {"owner", false},
                 {"pid", true},
                 {"runs for", true},
                 {"chunks", true},
                 {"command", false},
                 {"consumers", false}},
                {}};
    for (const AttachmentInfo& attachment : facts.attachments) {
        const auto held = names.find(attachment.row);
        table.rows.push_back({std::to_string(attachment.row),
                              std::to_string(attachment.incarnation),
                              {owner_word(attachment.owner), tone_of(attachment.owner)},
                              std::to_string(attachment.pid),
                              running_text(attachment),
                              std::to_string(attachment.chunks),
                              safe_text(attachment.command).text,
                              held == names.end() ? std::string("-") : held->second});
    }
    screen.table(table);
}

}  // namespace

int run_attachments(Answer& answer) {
    Result<StreamFacts> facts = look_at(answer.request().name);
    if (!facts) return answer.fail(facts.error());
    if (answer.request().json) {
        Json object = answer.object();
        object["name"] = json_text(facts->info.name);
        object["limit"] = facts->info.options.attachments;
        object["attachments"] = json_array(facts->attachments);
        answer.put(object);
        return tools::exit_done;
    }
    show(answer.screen(), *facts);
    for (const Finding& finding : judge(*facts))
        if (finding.word == "dead_owner" || finding.word == "owners_unknown") answer.screen().finding(finding);
    return tools::exit_done;
}

}  // namespace shmq::inspect
