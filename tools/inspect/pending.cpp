// `shmq-inspect pending NAME G`: every entry of a group that is delivered and not acked, or waits for retry.
#include <fmt/format.h>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/group_table.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::grouped;

constexpr std::size_t most_on_screen = 1'000;

// What is odd about an entry, and what mends it.
std::string plain_state_text(const PendingEntry& entry) {
    if (entry.exhausted) return "handed over too often: only `shmq ack` ends it";
    if (entry.dead)
        return fmt::format("dead after {} and {}: `shmq dead requeue` or `shmq dead drop`",
                           tools::counted(entry.failures, "failure", "failures"),
                           tools::counted(entry.deaths, "death", "deaths"));
    if (entry.delayed) return fmt::format("due in {}", tools::human_duration(entry.due_in.value_or(Duration{0})));
    if (entry.retry) return "waits for retry";
    if (entry.owner == Owner::dead) return "owner died, not recovered yet: `shmq recover`";
    return "delivered";
}

std::string state_text(const PendingEntry& entry) { return plain_state_text(entry) + (entry.parked ? ", parked" : ""); }

Tone tone_of_entry(const PendingEntry& entry) {
    if (entry.dead || entry.owner == Owner::dead) return Tone::warning;
    return entry.retry || entry.delayed ? Tone::note : Tone::plain;
}

void show_entries(Screen& screen, const std::vector<PendingEntry>& entries) {
    Table table{{{"sequence", true},
                 {"consumer", false},
                 {"owner", false},
                 {"idle", true},
                 {"deliveries", true},
                 {"state", false}},
                {}};
    for (const PendingEntry& entry : entries) {
        table.rows.push_back(
            {std::to_string(entry.sequence),
             consumer_text(entry),
             {entry.owner == Owner::none ? std::string_view("-") : owner_word(entry.owner), tone_of(entry.owner)},
             idle_text(entry.idle),
             std::to_string(entry.deliveries),
             {state_text(entry), tone_of_entry(entry)}});
    }
    screen.table(table);
}

void show(Screen& screen, const Request& request, const GroupFacts& group, const std::vector<PendingEntry>& entries,
          const std::vector<AttachmentInfo>& attachments) {
    screen.heading(fmt::format("pending entries of group {} of {}", safe_text(group.info.name).text,
                               safe_text(request.name).text));
    screen.field("pending",
                 fmt::format("{}, {} of them wait for retry", grouped(group.pending.count), grouped(group.info.retry)));
    if (group.info.delayed != 0) screen.field("delayed", fmt::format("{} of these", grouped(group.info.delayed)));
    if (group.info.dead != 0) screen.field("dead", fmt::format("{} of these", grouped(group.info.dead)));
    if (group.info.parked != 0)
        screen.field("parked", fmt::format("{} of these, out of the ring", grouped(group.info.parked)));
    if (group.pending.count > 0)
        screen.field("from, to",
                     fmt::format("{} to {}", grouped(group.pending.lowest), grouped(group.pending.highest)));
    screen.field("lag", fmt::format("{} never delivered", grouped(group.pending.lag)));
    if (!group.pending.consumers.empty()) {
        screen.heading("consumers");
        show_consumer_table(screen, group, attachments);
    }
    if (entries.empty()) return;
    screen.heading("entries");
    show_entries(screen, entries);
    if (entries.size() < group.pending.count)
        screen.line(fmt::format("  the lowest {} of {}; --count N shows N", grouped(entries.size()),
                                grouped(group.pending.count)),
                    Tone::quiet);
}

}  // namespace

int run_pending(Answer& answer) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    if (Result<StreamInfo> info = gather_info(*stream); !info) return answer.fail(info.error());
    Result<GroupFacts> group = gather_group(*stream, request.group);
    if (!group) return answer.fail(group.error());
    const std::size_t most = request.count.value_or(request.json ? ~std::size_t{0} : most_on_screen);
    Result<std::vector<PendingEntry>> entries = stream->pending_entries(request.group, {.max_entries = most});
    if (!entries) return answer.fail(entries.error());
    Result<std::vector<AttachmentInfo>> attachments = stream->attachments();
    if (!attachments) return answer.fail(attachments.error());
    if (!request.json) {
        show(answer.screen(), request, *group, *entries, *attachments);
        return tools::exit_done;
    }
    Json object = answer.object();
    object["name"] = json_text(request.name);
    object["group"] = json_text(group->info.name);
    object["count"] = group->pending.count;
    object["lowest"] = group->pending.lowest;
    object["highest"] = group->pending.highest;
    object["lag"] = group->pending.lag;
    object["consumers"] = json_array(group->pending.consumers);
    object["entries"] = json_array(*entries);
    answer.put(object);
    return tools::exit_done;
}

}  // namespace shmq::inspect
