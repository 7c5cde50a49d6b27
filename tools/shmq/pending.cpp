// `shmq pending`: what a group was given and has not acked, and what waits for retry. Looks only.
#include <fmt/format.h>
#include <unistd.h>

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

std::string json_text(const PendingSummary& summary, const std::vector<PendingEntry>& entries) {
    nlohmann::ordered_json object;
    object["count"] = summary.count;
    object["lowest"] = summary.lowest;
    object["highest"] = summary.highest;
    object["lag"] = summary.lag;
    object["consumers"] = nlohmann::ordered_json::array();
    for (const PendingConsumer& consumer : summary.consumers)
        object["consumers"].push_back(
            {{"name", consumer.name}, {"count", consumer.count}, {"alive", consumer.owner == Owner::alive}});
    object["entries"] = nlohmann::ordered_json::array();
    for (const PendingEntry& entry : entries) {
        nlohmann::ordered_json row;
        row["sequence"] = entry.sequence;
        row["consumer"] = nullptr;
        if (entry.consumer) row["consumer"] = *entry.consumer;
        row["idle_ms"] = nullptr;
        if (entry.idle) row["idle_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(*entry.idle).count();
        row["deliveries"] = entry.deliveries;
        row["alive"] = entry.consumer && entry.owner == Owner::alive;
        object["entries"].push_back(std::move(row));
    }
    return object.dump() + "\n";
}

std::string consumers_text(const std::vector<PendingConsumer>& consumers, std::size_t width) {
    std::string text;
    for (const PendingConsumer& consumer : consumers)
        text += fmt::format("{:<{}}  {:>12}  {}\n", consumer.name, width, counted(consumer.count, "entry", "entries"),
                            word_of(consumer.owner));
    return text;
}

std::string entries_text(const std::vector<PendingEntry>& entries, std::size_t width) {
    if (entries.empty()) return {};
    std::string text = fmt::format("{:>20}  {:<{}}  {:>12}  {:>10}  {}\n", "SEQUENCE", "CONSUMER", width, "IDLE",
                                   "DELIVERIES", "OWNER");
    for (const PendingEntry& entry : entries)
        text += fmt::format("{:>20}  {:<{}}  {:>12}  {:>10}  {}{}\n", entry.sequence, entry.consumer.value_or("-"),
                            width, entry.idle ? human_duration(*entry.idle) : "unknown", entry.deliveries,
                            entry.retry ? "retry" : word_of(entry.owner), entry.exhausted ? ", only ack ends it" : "");
    return text;
}

std::string plain_text(const std::string& group, const PendingSummary& summary,
                       const std::vector<PendingEntry>& entries) {
    std::size_t width = std::string_view("CONSUMER").size();
    for (const PendingConsumer& consumer : summary.consumers) width = std::max(width, consumer.name.size());
    for (const PendingEntry& entry : entries) width = std::max(width, entry.consumer.value_or("").size());
    std::string text = fmt::format("group {}: {} pending", group, counted(summary.count, "entry", "entries"));
    if (summary.count > 0) text += fmt::format(", sequences {} to {}", summary.lowest, summary.highest);
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
    Output output(STDOUT_FILENO);
    output.append(arguments.json() ? json_text(*summary, *entries) : plain_text(group, *summary, *entries));
    return output.finish();
}

}  // namespace shmq::tools
