// `shmq-inspect latency NAME [G]`: how long the entries of each group, or of one, waited for their delivery and then
// for their ack.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/latency.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

struct Percentile {
    const char* title;
    const char* key;
    double percent;
};
constexpr std::array<Percentile, 4> percentiles{
    {{"p50", "p50_ns", 50}, {"p90", "p90_ns", 90}, {"p99", "p99_ns", 99}, {"p99.9", "p99_9_ns", 99.9}}};

std::string most_text(const Histogram& histogram) {
    if (histogram.most() != forever) return tools::human_duration(histogram.most());
    return "over " + tools::human_duration(histogram.buckets.back().lowest);
}

void add_row(Table& table, const std::string& group, const char* delay, const Histogram& histogram) {
    std::vector<Cell> row{safe_text(group).text, delay, tools::grouped(histogram.count)};
    for (const Percentile& one : percentiles)
        row.emplace_back(histogram.count == 0 ? "-" : tools::human_duration(histogram.percentile(one.percent)));
    row.emplace_back(histogram.count == 0 ? "-" : most_text(histogram));
    table.rows.push_back(std::move(row));
}

void show(Screen& screen, const StreamInfo& info, const std::vector<NamedLatency>& groups) {
    screen.heading(fmt::format("latency of {}", safe_text(info.name).text));
    Table table{{{"group", false}, {"delay", false}, {"count", true}}, {}};
    for (const Percentile& one : percentiles) table.columns.push_back({one.title, true});
    table.columns.push_back({"at most", true});
    for (const NamedLatency& named : groups) {
        if (!named.latency.kept) continue;
        add_row(table, named.group, "add to delivery", named.latency.added_to_delivered);
        add_row(table, named.group, "delivery to ack", named.latency.delivered_to_acked);
    }
    if (!table.rows.empty()) screen.table(table);
    for (const NamedLatency& named : groups)
        if (!named.latency.kept)
            screen.line(fmt::format("  {} keeps no histograms", safe_text(named.group).text), Tone::quiet);
    if (groups.empty()) screen.line("  no groups", Tone::quiet);
    if (table.rows.empty()) return;
    if (info.options.time == TimeStamps::off)
        screen.line("  The stream keeps no time stamps, so add to delivery is not known.", Tone::quiet);
    if (info.options.time != TimeStamps::precise)
        screen.line("  Exact to one tick of the kernel (1 to 10 ms).", Tone::quiet);
}

Json json_of_histogram(const Histogram& histogram) {
    const auto ns = [](Duration d) { return d == forever ? Json(nullptr) : Json(d.count()); };
    Json object;
    object["count"] = histogram.count;
    for (const Percentile& one : percentiles)
        object[one.key] = histogram.count == 0 ? Json(nullptr) : ns(histogram.percentile(one.percent));
    object["most_ns"] = histogram.count == 0 ? Json(nullptr) : ns(histogram.most());
    Json buckets = Json::array();
    for (const LatencyBucket& bucket : histogram.buckets)
        buckets.push_back(
            {{"lowest_ns", ns(bucket.lowest)}, {"highest_ns", ns(bucket.highest)}, {"count", bucket.count}});
    object["buckets"] = std::move(buckets);
    return object;
}

}  // namespace

Json json_of(const NamedLatency& named) {
    Json object;
    object["name"] = json_text(named.group);
    object["kept"] = named.latency.kept;
    object["added_to_delivered"] = json_of_histogram(named.latency.added_to_delivered);
    object["delivered_to_acked"] = json_of_histogram(named.latency.delivered_to_acked);
    return object;
}

Result<std::vector<NamedLatency>> gather_latency(const Stream& stream, const std::string& wanted) {
    std::vector<std::string> names{wanted};
    if (wanted.empty()) {
        names.clear();
        Result<std::vector<GroupInfo>> groups = stream.groups();
        if (!groups) return groups.error();
        for (const GroupInfo& group : *groups) names.push_back(group.name);
    }
    std::vector<NamedLatency> all;
    for (const std::string& name : names) {
        Result<GroupLatency> latency = stream.latency(name);
        const bool was_dropped = !latency && wanted.empty() && latency.error().code() == Code::no_group;
        if (was_dropped) continue;
        if (!latency) return latency.error();
        all.push_back({name, std::move(*latency)});
    }
    return all;
}

int run_latency(Answer& answer) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    Result<StreamInfo> info = gather_info(*stream);
    if (!info) return answer.fail(info.error());
    Result<std::vector<NamedLatency>> groups = gather_latency(*stream, request.group);
    if (!groups) return answer.fail(groups.error());
    if (!request.json) {
        show(answer.screen(), *info, *groups);
        return tools::exit_done;
    }
    Json object = answer.object();
    object["name"] = json_text(info->name);
    object["time"] = word_of(info->options.time, time_stamps_words);
    object["groups"] = json_array(*groups);
    answer.put(object);
    return tools::exit_done;
}

}  // namespace shmq::inspect
