// See findings.hpp. One function per row of the table in docs/inspect.md, in its order.
#include "tools/inspect/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "tools/common/text.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::counted;
using tools::grouped;
using tools::human_duration;

constexpr Duration stale_idle = std::chrono::minutes(1);  // a living consumer that holds an entry so long is told of
constexpr std::size_t processes_told = 3;
constexpr std::chrono::duration<double> fills_soon = std::chrono::minutes(10);
constexpr double least_behind = 1;  // entries a second by which a group falls behind

std::string quoted(std::string_view name) { return fmt::format("`{}`", safe_text(name).text); }

std::string command(const StreamFacts& facts, std::string_view verb, std::string_view rest = {}) {
    return fmt::format("shmq {} {}{}{}", verb, shell_word(facts.info.name), rest.empty() ? "" : " ", rest);
}
std::string read_command(const StreamFacts& facts, const GroupFacts& group) {
    return command(facts, "read", fmt::format("--group {} --follow", shell_word(group.info.name)));
}
std::string group_command(const StreamFacts& facts, const GroupFacts& group, std::string_view verb,
                          std::string_view rest = {}) {
    return command(facts, verb, fmt::format("{}{}{}", shell_word(group.info.name), rest.empty() ? "" : " ", rest));
}

// "consumer `a` (alive, pid 12)".
std::string holder_text(const StreamFacts& facts, const GroupFacts& group, const PendingEntry& entry) {
    const std::string name = entry.consumer.value_or("");
    std::string text = fmt::format("consumer {} ({}", quoted(name), owner_word(entry.owner));
    const ConsumerInfo* consumer = find_consumer(group, name);
    const AttachmentInfo* attachment = consumer == nullptr ? nullptr : facts.attachment(consumer->attachment);
    if (attachment != nullptr) text += fmt::format(", pid {}", attachment->pid);
    return text + ")";
}

std::string idle_text(const PendingEntry& entry) {
    return entry.idle ? fmt::format("for {}", human_duration(*entry.idle)) : std::string("for an unknown time");
}

std::vector<Cure> cures_of_dead(const StreamFacts& facts, const GroupFacts& group) {
    return {{group_command(facts, group, "dead list"), "lists what is dead"},
            {group_command(facts, group, "dead requeue", "--all"), "delivers it again"},
            {group_command(facts, group, "dead drop", "--all"), "finishes it unread"}};
}

std::vector<Cure> cures_of_delay(const StreamFacts& facts, const GroupFacts& group) {
    std::vector<Cure> cures;
    if (facts.owners_unknown()) return cures;
    const bool unread = living_consumers(group) == 0;
    const bool lowest_is_oldest = group.holder && group.holder->sequence <= group.info.held_from;
    if (lowest_is_oldest && group.holder->exhausted) {
        cures.push_back(
            {group_command(facts, group, "ack", std::to_string(group.holder->sequence)), "finishes it unread"});
    } else if (lowest_is_oldest && group.holder->dead) {
        cures = cures_of_dead(facts, group);
    } else if (lowest_is_oldest && group.holder->owner == Owner::dead) {
        cures.push_back({command(facts, "recover"), "hands on what the dead held"});
    } else if (lowest_is_oldest && !group.holder->retry && !group.holder->delayed) {
        cures.push_back(
            {group_command(facts, group, "claim", "--idle 1m --count 64"), "takes over what is held for so long"});
        cures.push_back({group_command(facts, group, "nack", std::to_string(group.holder->sequence)),
                         "gives it to the next reader"});
    }
    cures.push_back({read_command(facts, group), unread ? "reads and acks what waits" : "one more consumer"});
    if (unread)
        cures.push_back({command(facts, "group drop", shell_word(group.info.name)), "if nobody needs the group"});
    return cures;
}

// Who keeps the oldest needed entry, and why it is not finished.
std::string delay_text(const StreamFacts& facts, const GroupFacts& group) {
    const std::string held =
        fmt::format("group {} needs all from entry {} on", quoted(group.info.name), grouped(group.info.held_from));
    if (!group.holder || group.holder->sequence > group.info.held_from)
        return fmt::format("{}, which was never delivered{}", held,
                           living_consumers(group) == 0 ? ": nobody reads it" : "");
    if (group.holder->exhausted) return held + ", which was handed over too often";
    if (group.holder->dead) return held + ", which failed too often";
    if (group.holder->delayed)
        return fmt::format("{}, which is due in {}", held, human_duration(group.holder->due_in.value_or(Duration{0})));
    if (group.holder->retry) return fmt::format("{}, which waits for retry {}", held, idle_text(*group.holder));
    return fmt::format("{}, held by {} {}", held, holder_text(facts, group, *group.holder), idle_text(*group.holder));
}

void judge_ring(const StreamFacts& facts, std::vector<Finding>& findings) {
    const GroupFacts* group = facts.holding_group();
    const std::uint64_t share = percent(facts.needed(), facts.info.options.slots);
    if (group == nullptr || share < nearly_percent) return;
    const bool full = facts.needed() >= facts.info.options.slots;
    findings.push_back({full ? Level::trouble : Level::warning, full ? "ring_full" : "ring_nearly_full",
                        full ? fmt::format("the ring is full, nothing can be added: {}", delay_text(facts, *group))
                             : fmt::format("the ring is nearly full ({} %): {}", share, delay_text(facts, *group)),
                        cures_of_delay(facts, *group)});
}

// Chunks that are taken for good until the group moves on. Sealed chunks hold finished entries too, whose share among
// the entries stands for their share among the bytes.
void judge_payload(const StreamFacts& facts, std::vector<Finding>& findings) {
    const GroupFacts* group = facts.holding_group();
    if (group == nullptr || facts.kept() == 0) return;
    const std::uint64_t sealed = facts.info.chunks_sealed * percent(facts.needed(), facts.kept()) / 100;
    const std::uint64_t share = percent(sealed + facts.info.chunks_owned, facts.info.options.chunks);
    if (share < nearly_percent) return;
    findings.push_back(
        {Level::warning, "payload_nearly_full",
         fmt::format("the payload is nearly full (about {} % of the chunks): {}", share, delay_text(facts, *group)),
         cures_of_delay(facts, *group)});
}

void judge_removed(const StreamFacts& facts, std::vector<Finding>& findings) {
    if (!facts.info.removed) return;
    const std::string users = facts.attachments.empty()
                                  ? std::string("nobody has it open any more")
                                  : fmt::format("{} finish, newcomers do not find it",
                                                counted(facts.attachments.size(), "attachment", "attachments"));
    findings.push_back({facts.attachments.empty() ? Level::note : Level::warning,
                        "removed",
                        fmt::format("the stream was removed: {}", users),
                        {{command(facts, "create"), "makes a new, empty stream of this name"}}});
}

void judge_dead(const StreamFacts& facts, std::vector<Finding>& findings) {
    std::uint64_t count = 0;
    std::string who;
    for (const AttachmentInfo& attachment : facts.attachments) {
        if (attachment.owner != Owner::dead) continue;
        if (++count <= processes_told)
            who += fmt::format("{}pid {} {}", count == 1 ? "" : ", ", attachment.pid, quoted(attachment.command));
    }
    if (count == 0) return;
    findings.push_back({Level::warning,
                        "dead_owner",
                        fmt::format("{} died and {} not recovered yet: {}{}", counted(count, "process", "processes"),
                                    count == 1 ? "is" : "are", who, count > processes_told ? ", ..." : ""),
                        {{command(facts, "recover"), "hands on what the dead held; any waiting reader does it too"}}});
    if (count == facts.attachments.size() && !facts.info.removed)
        findings.push_back({Level::note,
                            "leftover",
                            "nobody has it open any more but the dead: what they left is kept until somebody opens it",
                            {{command(facts, "rm"), "if nobody needs what is in it"}}});
}

// Alive, and does nothing until somebody lets it go on. What it fills or holds nobody may take for that alone.
void judge_stopped(const StreamFacts& facts, std::vector<Finding>& findings) {
    for (std::size_t i = 0; i < facts.attachments.size() && i < facts.states.size(); ++i) {
        const AttachmentInfo& attachment = facts.attachments[i];
        if (facts.states[i] != ProcessState::stopped) continue;
        const bool produces = attachment.chunks != 0;
        std::string text = fmt::format("process {} {} is alive but stopped (by SIGSTOP, a terminal or a debugger)",
                                       attachment.pid, quoted(attachment.command));
        if (produces)
            text += fmt::format(": it produces, and fills {} that nobody else can use",
                                counted(attachment.chunks, "chunk", "chunks"));
        else if (attachment.consumers != 0)
            text += fmt::format(": it has {} open, and keeps what was delivered to it",
                                counted(attachment.consumers, "consumer", "consumers"));
        findings.push_back({Level::warning,
                            produces ? "stuck_producer" : "stopped_process",
                            std::move(text),
                            {{fmt::format("kill -CONT {}", attachment.pid), "lets it go on"},
                             {fmt::format("kill -KILL {}", attachment.pid), "gives up what it holds to others"}}});
    }
}

void judge_parking(const StreamFacts& facts, std::vector<Finding>& findings) {
    const std::uint32_t cells = facts.info.options.parking;
    if (cells == 0 || facts.info.parked < cells) return;
    std::vector<Cure> cures;
    for (const GroupFacts& group : facts.groups)
        if (group.info.parked != 0 && !facts.owners_unknown())
            cures.push_back(
                {group_command(facts, group, "claim", "--idle 1m --count 64"),
                 fmt::format("takes over what is held for so long, {} of it parked", grouped(group.info.parked))});
    findings.push_back(
        {Level::warning, "parking_full",
         fmt::format("all {} places for stuck entries are in use: the next one that is stuck stops the ring",
                     grouped(cells)),
         std::move(cures)});
}

void judge_filling(const StreamFacts& facts, const Rates& rates, std::vector<Finding>& findings) {
    const GroupFacts* group = facts.holding_group();
    const bool full = facts.needed() >= facts.info.options.slots;
    if (group == nullptr || full || !rates.full_in || *rates.full_in > fills_soon) return;
    const GroupRates* own = rates.of(group->info.name);
    findings.push_back(
        {Level::warning, "ring_fills",
         fmt::format("at the present rate the ring is full in {}: {} come in, group {} finishes {}",
                     human_duration(std::chrono::ceil<std::chrono::seconds>(*rates.full_in)), rate_text(rates.added),
                     quoted(group->info.name), own == nullptr ? std::string("none") : rate_text(own->finished)),
         cures_of_delay(facts, *group)});
}

void judge_slow(const StreamFacts& facts, const GroupFacts& group, const Rates& rates, std::vector<Finding>& findings) {
    const GroupRates* own = rates.of(group.info.name);
    const std::size_t living = living_consumers(group);
    if (own == nullptr || living == 0 || facts.owners_unknown() || own->delivered <= 0) return;
    if (rates.added - own->finished < least_behind || own->lag_grows < least_behind) return;
    findings.push_back({Level::note,
                        "slow_group",
                        fmt::format("group {} falls behind: {} come in, its {} {} {}", quoted(group.info.name),
                                    rate_text(rates.added), counted(living, "consumer", "consumers"),
                                    living == 1 ? "finishes" : "finish", rate_text(own->finished)),
                        {{read_command(facts, group), "one more consumer"}}});
}

void judge_deadliest(const StreamFacts& facts, const GroupFacts& group, std::vector<Finding>& findings) {
    if (!group.deadliest || group.deadliest->dead) return;
    const std::string sequence = std::to_string(group.deadliest->sequence);
    std::vector<Cure> cures{
        {fmt::format("shmq-inspect entries {} {} {}", shell_word(facts.info.name), sequence, sequence),
         "shows what it is"}};
    if (!facts.owners_unknown()) cures.push_back({group_command(facts, group, "ack", sequence), "finishes it unread"});
    findings.push_back(
        {Level::warning, "poison_entry",
         fmt::format("{} consumers died with entry {} of group {}, which has no delivery limit or has not reached it: "
                     "the next one may too",
                     group.deadliest->deaths, grouped(group.deadliest->sequence), quoted(group.info.name)),
         std::move(cures)});
}

void judge_copy(const StreamFacts& facts, std::vector<Finding>& findings) {
    if (!facts.owners_unknown()) return;
    findings.push_back({Level::note,
                        "owners_unknown",
                        "this is a copied file: whether the owners in it live cannot be told, they show as unknown",
                        {}});
}

void judge_exhausted(const StreamFacts& facts, const GroupFacts& group, std::vector<Finding>& findings) {
    if (!group.lowest || !group.lowest->exhausted) return;
    findings.push_back(
        {Level::warning,
         "exhausted_entry",
         fmt::format("entry {} of group {} was handed over too often and is delivered no more",
                     grouped(group.lowest->sequence), quoted(group.info.name)),
         {{group_command(facts, group, "ack", std::to_string(group.lowest->sequence)), "finishes it unread"}}});
}

void judge_dead_entries(const StreamFacts& facts, const GroupFacts& group, std::vector<Finding>& findings) {
    // One that was handed over too often is told of above.
    if (group.info.dead == (group.lowest && group.lowest->exhausted ? 1u : 0u)) return;
    findings.push_back({Level::warning, "dead_entries",
                        fmt::format("{} too often in group {} and {} delivered no more",
                                    counted(group.info.dead, "entry failed", "entries failed"), quoted(group.info.name),
                                    group.info.dead == 1 ? "is" : "are"),
                        facts.owners_unknown() ? std::vector<Cure>{} : cures_of_dead(facts, group)});
}

void judge_stale(const StreamFacts& facts, const GroupFacts& group, std::vector<Finding>& findings) {
    const bool stale = group.lowest && !group.lowest->retry && group.lowest->owner == Owner::alive &&
                       group.lowest->idle && *group.lowest->idle >= stale_idle;
    if (!stale) return;
    findings.push_back(
        {Level::warning,
         "stale_entry",
         fmt::format("entry {} of group {} is held by {} {}", grouped(group.lowest->sequence), quoted(group.info.name),
                     holder_text(facts, group, *group.lowest), idle_text(*group.lowest)),
         {{group_command(facts, group, "claim", "--idle 1m --count 64"), "takes over what is held for so long"},
          {group_command(facts, group, "nack", std::to_string(group.lowest->sequence)),
           "gives it to the next reader"}}});
}

void judge_unread(const StreamFacts& facts, const GroupFacts& group, std::vector<Finding>& findings) {
    const std::uint64_t waiting = group.info.lag + group.info.retry - group.info.dead;
    if (living_consumers(group) > 0 || waiting == 0 || facts.owners_unknown()) return;
    findings.push_back({Level::warning,
                        "unread_group",
                        fmt::format("nobody reads group {}: {} in it", quoted(group.info.name),
                                    counted(waiting, "entry waits", "entries wait")),
                        {{read_command(facts, group), "reads and acks what waits"},
                         {command(facts, "group drop", shell_word(group.info.name)), "if nobody needs the group"}}});
}

void judge_retry(const StreamFacts& facts, const GroupFacts& group, std::vector<Finding>& findings) {
    const std::uint64_t waiting = group.info.retry - group.info.dead;
    if (waiting == 0) return;
    std::vector<Cure> cures;
    if (!facts.owners_unknown()) {
        cures.push_back({read_command(facts, group), "delivers them again, before new ones"});
        cures.push_back({group_command(facts, group, "pending"), "lists them"});
    }
    findings.push_back({Level::note, "retry_entries",
                        fmt::format("{} of group {} to be delivered again",
                                    counted(waiting, "entry waits", "entries wait"), quoted(group.info.name)),
                        std::move(cures)});
}

void judge_tables(const StreamFacts& facts, std::vector<Finding>& findings) {
    const auto look = [&](std::string_view what, std::uint64_t used, std::uint64_t limit) {
        if (percent(used, limit) < nearly_percent || used < 2) return;
        findings.push_back({used >= limit ? Level::warning : Level::note,
                            fmt::format("{}_nearly_used_up", what),
                            fmt::format("{} of {} {} in use", grouped(used), grouped(limit), what),
                            {{fmt::format("shmq-inspect attachments {}", shell_word(facts.info.name)), "shows who"}}});
    };
    look("attachments", facts.info.attachments, facts.info.options.attachments);
    look("producers", facts.info.producers, facts.info.options.producers);
}

void judge_pins(const StreamFacts& facts, std::vector<Finding>& findings) {
    if (facts.info.pins == 0) return;
    findings.push_back({Level::note,
                        "pinned_chunks",
                        fmt::format("{} kept for consumers that still look at entries taken from them",
                                    counted(facts.info.pins, "chunk is", "chunks are")),
                        {}});
}

}  // namespace

std::string_view level_word(Level level) noexcept {
    switch (level) {
        case Level::healthy: return "healthy";
        case Level::note: return "note";
        case Level::warning: return "warning";
        case Level::trouble: return "trouble";
    }
    return "trouble";
}

std::vector<Finding> judge(const StreamFacts& facts, const Rates* rates) {
    std::vector<Finding> findings;
    judge_ring(facts, findings);
    if (rates != nullptr) judge_filling(facts, *rates, findings);
    judge_payload(facts, findings);
    judge_parking(facts, findings);
    judge_removed(facts, findings);
    judge_dead(facts, findings);
    judge_stopped(facts, findings);
    for (const GroupFacts& group : facts.groups) {
        judge_deadliest(facts, group, findings);
        if (rates != nullptr) judge_slow(facts, group, *rates, findings);
        judge_exhausted(facts, group, findings);
        judge_dead_entries(facts, group, findings);
        judge_stale(facts, group, findings);
        judge_unread(facts, group, findings);
        judge_retry(facts, group, findings);
    }
    judge_tables(facts, findings);
    judge_pins(facts, findings);
    judge_copy(facts, findings);
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.level > b.level; });
    return findings;
}

Finding judge(std::string_view name, const Error& error) {
    const std::string shown = shell_word(name);
    Finding finding{Level::trouble, std::string(code_word(error.code())), safe_text(error.message()).text, {}};
    switch (error.code()) {
        case Code::corrupt:
            if (const auto path = Stream::path_of(name))
                finding.cures.push_back(
                    {fmt::format("cp {} /var/tmp/", shell_word(*path)), "keeps it for a closer look"});
            finding.cures.push_back({fmt::format("shmq-inspect verify {}", shown), "says what is damaged"});
            finding.cures.push_back({fmt::format("shmq rm {} && shmq create {}", shown, shown), "begins anew, empty"});
            break;
        case Code::wrong_version:
            finding.cures = {{"shmq --version", "is the other version; use the one that made it, or"},
                             {fmt::format("shmq rm {} && shmq create {}", shown, shown), "begins anew, empty"}};
            break;
        case Code::no_stream: finding.cures = {{"shmq list", "shows what there is"}}; break;
        case Code::not_allowed: finding.cures = {{"id", "is who you are; the file's owner and mode decide"}}; break;
        default: break;
    }
    return finding;
}

Verdict verdict_of(const StreamFacts& facts, const std::vector<Finding>& findings) {
    if (!findings.empty()) {
        const std::size_t others = findings.size() - 1;
        const std::string more =
            others == 0 ? "" : fmt::format(" (and {})", counted(others, "other finding", "other findings"));
        return {findings.front().level, findings.front().text + more};
    }
    if (facts.groups.empty())
        return {Level::healthy, "nothing odd; there is no group, so the oldest entries are overwritten"};
    return {Level::healthy, fmt::format("nothing odd; {} of {} slots needed by a group", grouped(facts.needed()),
                                        grouped(facts.info.options.slots))};
}

}  // namespace shmq::inspect
