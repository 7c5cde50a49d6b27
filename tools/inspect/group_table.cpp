// See group_table.hpp.
#include "tools/inspect/group_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/common/text.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::grouped;

std::string plain_lowest_text(const GroupFacts& group) {
    if (group.lowest->dead)
        return fmt::format("{} is dead, {}", grouped(group.lowest->sequence), idle_text(group.lowest->idle));
    if (group.lowest->delayed)
        return fmt::format("{} due in {}", grouped(group.lowest->sequence),
                           tools::human_duration(group.lowest->due_in.value_or(Duration{0})));
    if (group.lowest->retry)
        return fmt::format("{} waits for retry, {}", grouped(group.lowest->sequence), idle_text(group.lowest->idle));
    return fmt::format("{} with {} ({}), {}", grouped(group.lowest->sequence), consumer_text(*group.lowest),
                       owner_word(group.lowest->owner), idle_text(group.lowest->idle));
}

std::string lowest_text(const GroupFacts& group) {
    if (!group.lowest) return "";
    if (!group.lowest->parked) return plain_lowest_text(group);
    return fmt::format("{}; {} parked", plain_lowest_text(group), grouped(group.info.parked));
}

}  // namespace

void show_group_table(Screen& screen, const StreamFacts& facts) {
    if (facts.groups.empty()) return screen.line("  none", Tone::quiet);
    Table table{{{"group", false},
                 {"consumers", true},
                 {"start", true},
                 {"floor", true},
                 {"next", true},
                 {"lag", true},
                 {"waiting", true},
                 {"pending", true},
                 {"retry", true},
                 {"oldest", true},
                 {"lowest pending", false}},
                {}};
    for (const GroupFacts& group : facts.groups) {
        const std::size_t living = living_consumers(group);
        const bool unread = living == 0 && !facts.owners_unknown();
        table.rows.push_back({safe_text(group.info.name).text,
                              {grouped(living), unread ? Tone::warning : Tone::plain},
                              grouped(group.info.start),
                              grouped(group.info.floor),
                              grouped(group.info.next),
                              {grouped(group.info.lag), unread && group.info.lag > 0 ? Tone::warning : Tone::plain},
                              group.info.options.order == Order::none ? "-" : grouped(group.info.waiting),
                              grouped(group.info.pending),
                              {grouped(group.info.retry), group.info.retry > 0 ? Tone::note : Tone::plain},
                              group.info.oldest_age ? tools::human_duration(*group.info.oldest_age) : "-",
                              lowest_text(group)});
    }
    screen.table(table);
}

void show_consumer_table(Screen& screen, const GroupFacts& group, const std::vector<AttachmentInfo>& attachments) {
    if (group.pending.consumers.empty()) return;
    Table table{{{"consumer", false}, {"owner", false}, {"pid", true}, {"holds", true}, {"command", false}}, {}};
    for (const PendingConsumer& consumer : group.pending.consumers) {
        const ConsumerInfo* open = find_consumer(group, consumer.name);
        const auto attachment = std::find_if(attachments.begin(), attachments.end(), [open](const AttachmentInfo& one) {
            return open != nullptr && one.row == open->attachment;
        });
        const bool known = attachment != attachments.end();
        table.rows.push_back({safe_text(consumer.name).text,
                              {owner_word(consumer.owner), tone_of(consumer.owner)},
                              known ? std::to_string(attachment->pid) : std::string("-"),
                              grouped(consumer.count),
                              known ? safe_text(attachment->command).text : std::string("-")});
    }
    screen.table(table);
}

std::string consumer_text(const PendingEntry& entry) { return entry.consumer ? safe_text(*entry.consumer).text : "-"; }

std::string idle_text(const std::optional<Duration>& idle) { return idle ? tools::human_duration(*idle) : "?"; }

}  // namespace shmq::inspect
