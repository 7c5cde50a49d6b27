// `shmq pending` and `shmq dead list`: what a group was given and has not acked, what waits for retry, what is dead.
// Looks only.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/common/text.hpp"
#include "tools/shmq/commands.hpp"

namespace shmq::tools {

namespace {

std::string_view word_of(Owner owner) {
    switch (owner) {
        case Owner::none: return "nobody";
        case Owner::alive: return "alive";
        case Owner::dead: return "dead";
        case Owner::unknown: return "unknown";
    }
    return "unknown";
}

std::string_view reason_word(DeadReason reason) {
    switch (reason) {
        case DeadReason::none: return "unknown";
        case DeadReason::nacked: return "nacked";
        case DeadReason::claimed: return "claimed";
        case DeadReason::died: return "died";
        case DeadReason::hand_overs: return "hand-overs";
    }
    return "unknown";
}

std::string_view state_word(const PendingEntry& entry) {
    if (entry.dead) return "dead";
    if (entry.delayed) return "delayed";
    return entry.retry ? "retry" : "delivered";
}

nlohmann::ordered_json json_of(const std::vector<PendingEntry>& entries) {
    auto rows = nlohmann::ordered_json::array();
    for (const PendingEntry& entry : entries) {
        nlohmann::ordered_json row;
        row["sequence"] = entry.sequence;
        row["consumer"] = nullptr;
        if (entry.consumer) row["consumer"] = *entry.consumer;
        row["idle_ms"] = nullptr;
        if (entry.idle) row["idle_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(*entry.idle).count();
        row["deliveries"] = entry.deliveries;
        row["alive"] = entry.consumer && entry.owner == Owner::alive;
        row["state"] = state_word(entry);
        row["due_in_ms"] = nullptr;
        if (entry.due_in)
            row["due_in_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(*entry.due_in).count();
        row["failures"] = entry.failures;
        row["deaths"] = entry.deaths;
        row["parked"] = entry.parked;
        if (entry.dead) row["reason"] = reason_word(entry.reason);
        if (entry.dead) row["moving"] = entry.moving;
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string json_text(const PendingSummary& summary, const std::vector<PendingEntry>& entries) {
    nlohmann::ordered_json object;
    object["count"] = summary.count;
    object["lowest"] = summary.lowest;
    object["highest"] = summary.highest;
    object["lag"] = summary.lag;
    object["parked"] = summary.parked;
    object["consumers"] = nlohmann::ordered_json::array();
    for (const PendingConsumer& consumer : summary.consumers)
        object["consumers"].push_back(
            {{"name", consumer.name}, {"count", consumer.count}, {"alive", consumer.owner == Owner::alive}});
    object["entries"] = json_of(entries);
    return object.dump() + "\n";
}

std::string consumers_text(const std::vector<PendingConsumer>& consumers, std::size_t width) {
    std::string text;
    for (const PendingConsumer& consumer : consumers)
        text += fmt::format("{:<{}}  {:>12}  {}\n", consumer.name, width, counted(consumer.count, "entry", "entries"),
                            word_of(consumer.owner));
    return text;
}

// Who holds it, or what it waits for.
std::string state_column(const PendingEntry& entry) {
    if (entry.exhausted) return "dead, only ack ends it";
    if (entry.dead)
        return fmt::format("dead: {}, {}{}", counted(entry.failures, "failure", "failures"),
                           counted(entry.deaths, "death", "deaths"), entry.moving ? ", being moved" : "");
    if (entry.delayed) return fmt::format("due in {}", human_duration(entry.due_in.value_or(Duration{0})));
    return entry.retry ? "retry" : std::string(word_of(entry.owner));
}

std::string last_column(const PendingEntry& entry) { return state_column(entry) + (entry.parked ? ", parked" : ""); }

std::string entries_text(const std::vector<PendingEntry>& entries, std::size_t width) {
    if (entries.empty()) return {};
    std::string text = fmt::format("{:>20}  {:<{}}  {:>12}  {:>10}  {}\n", "SEQUENCE", "CONSUMER", width, "IDLE",
                                   "DELIVERIES", "OWNER");
    for (const PendingEntry& entry : entries)
        text += fmt::format("{:>20}  {:<{}}  {:>12}  {:>10}  {}\n", entry.sequence, entry.consumer.value_or("-"), width,
                            entry.idle      ? human_duration(*entry.idle)
                            : entry.delayed ? "-"
                                            : "unknown",
                            entry.deliveries, last_column(entry));
    return text;
}

std::string plain_text(const std::string& group, const PendingSummary& summary,
                       const std::vector<PendingEntry>& entries) {
    std::size_t width = std::string_view("CONSUMER").size();
    for (const PendingConsumer& consumer : summary.consumers) width = std::max(width, consumer.name.size());
    for (const PendingEntry& entry : entries) width = std::max(width, entry.consumer.value_or("").size());
    std::string text = fmt::format("group {}: {} pending", group, counted(summary.count, "entry", "entries"));
    if (summary.count > 0) text += fmt::format(", sequences {} to {}", summary.lowest, summary.highest);
    if (summary.parked > 0) text += fmt::format(", {} parked", grouped(summary.parked));
    text += fmt::format("; {} never delivered\n", grouped(summary.lag));
    return text + consumers_text(summary.consumers, width) + entries_text(entries, width);
}

}  // namespace

int run_pending(const Arguments& arguments) {
    OpenOptions read_only;
    read_only.read_only = true;
    auto stream = Stream::open(arguments.text("NAME"), read_only);
    if (!stream) return report(stream.error());
    const std::string& group = arguments.text("G");
    const auto summary = stream->pending(group);
    if (!summary) return report(summary.error());
    PendingFilter filter;
    filter.consumer = arguments.text("--consumer");
    filter.idle = arguments.duration("--idle", Duration{0});
    const auto entries = stream->pending_entries(group, filter);
    if (!entries) return report(entries.error());
    return print(arguments.json() ? json_text(*summary, *entries) : plain_text(group, *summary, *entries));
}

int run_dead_list(const Arguments& arguments) {
    OpenOptions read_only;
    read_only.read_only = true;
    auto stream = Stream::open(arguments.text("NAME"), read_only);
    if (!stream) return report(stream.error());
    const auto dead = stream->dead(arguments.text("G"));
    if (!dead) return report(dead.error());
    return print(arguments.json() ? nlohmann::ordered_json{{"entries", json_of(*dead)}}.dump() + "\n"
                                  : entries_text(*dead, std::string_view("CONSUMER").size()));
}

}  // namespace shmq::tools
