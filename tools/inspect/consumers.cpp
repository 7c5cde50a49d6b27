// `shmq-inspect consumers NAME [G]`: who reads each group, or one: its process, what it holds, and for how long.
#include <fmt/format.h>

#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/group_table.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

struct Reading {
    std::string group;
    PendingConsumer consumer;
    const AttachmentInfo* process = nullptr;  // null if it is not open any more
    ProcessState state = ProcessState::unknown;
    std::optional<PendingEntry> lowest;  // of what it holds
};

/// Of the group asked for, or of all.
Result<std::vector<Reading>> gather_readings(const Stream& stream, const StreamFacts& facts,
                                             const std::string& wanted) {
    std::vector<Reading> all;
    for (const GroupFacts& group : facts.groups) {
        if (!wanted.empty() && group.info.name != wanted) continue;
        for (const PendingConsumer& consumer : group.pending.consumers) {
            Reading reading{group.info.name, consumer, nullptr, ProcessState::unknown, {}};
            if (const ConsumerInfo* open = find_consumer(group, consumer.name); open != nullptr)
                reading.process = facts.attachment(open->attachment);
            if (reading.process != nullptr)
                reading.state = facts.states[static_cast<std::size_t>(reading.process - facts.attachments.data())];
            const auto held = stream.pending_entries(group.info.name, {.consumer = consumer.name, .max_entries = 1});
            if (!held && held.error().code() != Code::no_group) return held.error();
            if (held && !held->empty()) reading.lowest = held->front();
            all.push_back(std::move(reading));
        }
    }
    return all;
}

Json json_of(const Reading& reading) {
    Json object = inspect::json_of(reading.consumer);
    object["group"] = json_text(reading.group);
    object["pid"] = reading.process == nullptr ? Json(nullptr) : Json(reading.process->pid);
    object["command"] = reading.process == nullptr ? Json(nullptr) : json_text(reading.process->command);
    object["state"] = state_word(reading.state);
    const Json lowest = reading.lowest ? inspect::json_of(*reading.lowest) : Json();
    object["lowest"] = reading.lowest ? lowest["sequence"] : Json(nullptr);
    object["idle_ms"] = reading.lowest ? lowest["idle_ms"] : Json(nullptr);
    return object;
}

void show(Screen& screen, const std::vector<Reading>& readings) {
    Table table{{{"group", false},
                 {"consumer", false},
                 {"owner", false},
                 {"pid", true},
                 {"state", false},
                 {"holds", true},
                 {"lowest", true},
                 {"for", true},
                 {"command", false}},
                {}};
    for (const Reading& reading : readings)
        table.rows.push_back(
            {safe_text(reading.group).text,
             safe_text(reading.consumer.name).text,
             {owner_word(reading.consumer.owner), tone_of(reading.consumer.owner)},
             reading.process == nullptr ? std::string("-") : std::to_string(reading.process->pid),
             {state_word(reading.state), reading.state == ProcessState::stopped ? Tone::warning : Tone::plain},
             tools::grouped(reading.consumer.count),
             reading.lowest ? std::to_string(reading.lowest->sequence) : std::string("-"),
             reading.lowest ? idle_text(reading.lowest->idle) : std::string("-"),
             reading.process == nullptr ? std::string("-") : safe_text(reading.process->command).text});
    if (readings.empty())
        screen.line("  none", Tone::quiet);
    else
        screen.table(table);
}

}  // namespace

int run_consumers(Answer& answer) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    const Result<StreamFacts> facts = gather(*stream);
    if (!facts) return answer.fail(facts.error());
    if (!request.group.empty())
        if (const Result<GroupInfo> group = stream->group(request.group); !group) return answer.fail(group.error());
    const Result<std::vector<Reading>> readings = gather_readings(*stream, *facts, request.group);
    if (!readings) return answer.fail(readings.error());
    if (request.json) {
        Json object = answer.object();
        object["name"] = json_text(facts->info.name);
        object["consumers"] = json_array(*readings);
        answer.put(object);
        return tools::exit_done;
    }
    answer.screen().heading(fmt::format("consumers of {}", safe_text(facts->info.name).text));
    show(answer.screen(), *readings);
    return tools::exit_done;
}

}  // namespace shmq::inspect
