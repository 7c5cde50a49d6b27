// `shmq-inspect metrics [NAME] [--output FILE | --listen PORT]`: figures for Prometheus and its like, as OpenMetrics
// text: to standard output, to a file that is replaced at once, as a textfile collector wants it, or to who asks.
//
// Lag and the age of the oldest unfinished entry come first: they are what to be woken for. A stream that can't be
// looked at has shmq_up 0 and nothing else.
#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "tools/common/exit_code.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/facts.hpp"
#include "tools/inspect/serve.hpp"

namespace shmq::inspect {

namespace {

struct Looked {
    std::string name;
    std::optional<StreamFacts> facts;  // nullopt: it could not be looked at
};

/// A value of a label: backslash, quote and newline escaped.
std::string label(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\' || c == '"') escaped += '\\';
        if (c == '\n')
            escaped += "\\n";
        else
            escaped += c;
    }
    return escaped;
}

/// One family of figures.
class Family {
public:
    Family(std::string& to, std::string_view name, std::string_view kind, std::string_view help)
        : to_(to), name_(name), is_counter_(kind == "counter") {
        to_ += fmt::format("# TYPE {} {}\n# HELP {} {}\n", name, kind, name, help);
    }
    void of_stream(const Looked& one, double value) { put(fmt::format("stream=\"{}\"", label(one.name)), value); }
    void of_stream(const Looked& one, std::string_view what, std::string_view which, double value) {
        put(fmt::format("stream=\"{}\",{}=\"{}\"", label(one.name), what, label(which)), value);
    }

private:
    void put(const std::string& labels, double value) {
        to_ += fmt::format("{}{}{{{}}} {}\n", name_, is_counter_ ? "_total" : "", labels, value);
    }
    std::string& to_;
    std::string_view name_;
    bool is_counter_;
};

double number(std::uint64_t value) { return static_cast<double>(value); }

/// A figure of each group.
void put_groups(std::string& text, const std::vector<Looked>& all, std::string_view name, std::string_view kind,
                std::string_view help, const std::function<std::optional<double>(const GroupFacts&)>& of) {
    Family family(text, name, kind, help);
    for (const Looked& one : all) {
        if (!one.facts) continue;
        for (const GroupFacts& group : one.facts->groups)
            if (const auto value = of(group)) family.of_stream(one, "group", group.info.name, *value);
    }
}

/// A figure of each stream.
void put_streams(std::string& text, const std::vector<Looked>& all, std::string_view name, std::string_view kind,
                 std::string_view help, const std::function<double(const StreamFacts&)>& of) {
    Family family(text, name, kind, help);
    for (const Looked& one : all)
        if (one.facts) family.of_stream(one, of(*one.facts));
}

std::string metrics_of(const std::vector<Looked>& all) {
    std::string text;
    put_groups(text, all, "shmq_lag_entries", "gauge", "Entries that the group was never given.",
               [](const GroupFacts& group) { return number(group.info.lag); });
    put_groups(text, all, "shmq_oldest_unfinished_seconds", "gauge",
               "Age of the oldest entry that the group has not finished; 0 if all are.", [](const GroupFacts& group) {
                   return group.info.oldest_age ? std::chrono::duration<double>(*group.info.oldest_age).count() : 0.0;
               });
    put_groups(text, all, "shmq_oldest_pending_idle_seconds", "gauge",
               "Time since the lowest pending entry was delivered or given back; missing if none is pending.",
               [](const GroupFacts& group) -> std::optional<double> {
                   if (!group.lowest || !group.lowest->idle) return std::nullopt;
                   return std::chrono::duration<double>(*group.lowest->idle).count();
               });
    put_groups(text, all, "shmq_pending_entries", "gauge", "Entries delivered and not acked.",
               [](const GroupFacts& group) { return number(group.info.pending); });
    put_groups(text, all, "shmq_retry_entries", "gauge", "Entries that wait to be delivered again, dead ones included.",
               [](const GroupFacts& group) { return number(group.info.retry); });
    put_groups(text, all, "shmq_dead_entries", "gauge", "Entries that failed too often.",
               [](const GroupFacts& group) { return number(group.info.dead); });
    put_groups(text, all, "shmq_parked_entries", "gauge", "Stuck entries of the group that left the ring.",
               [](const GroupFacts& group) { return number(group.info.parked); });
    put_groups(text, all, "shmq_consumers", "gauge", "Consumers of the group whose process is not dead.",
               [](const GroupFacts& group) { return number(living_consumers(group)); });
    put_groups(text, all, "shmq_delivered_entries", "counter",
               "Entries the group was given since it was made or moved.",
               [](const GroupFacts& group) { return number(group.info.next - group.info.start); });
    put_groups(text, all, "shmq_lost_entries", "counter", "Entries that a lossy group lost.",
               [](const GroupFacts& group) { return number(group.info.lost); });
    put_streams(text, all, "shmq_added_entries", "counter", "Entries added since the stream was made.",
                [](const StreamFacts& facts) { return number(facts.info.next - facts.info.options.first_sequence); });
    put_streams(text, all, "shmq_needed_entries", "gauge", "Entries that some group has not finished.",
                [](const StreamFacts& facts) { return number(facts.needed()); });
    put_streams(text, all, "shmq_kept_entries", "gauge", "Entries that can be read.",
                [](const StreamFacts& facts) { return number(facts.kept()); });
    put_streams(text, all, "shmq_slots", "gauge", "Entries that can be kept.",
                [](const StreamFacts& facts) { return number(facts.info.options.slots); });
    put_streams(text, all, "shmq_segment_bytes", "gauge", "Size of the segment.",
                [](const StreamFacts& facts) { return number(facts.info.size); });
    put_streams(text, all, "shmq_producers", "gauge", "Producers that add now.",
                [](const StreamFacts& facts) { return number(facts.info.producers); });
    {
        Family chunks(text, "shmq_chunks", "gauge", "Chunks of the payload by state.");
        for (const Looked& one : all) {
            if (!one.facts) continue;
            const StreamInfo& info = one.facts->info;
            chunks.of_stream(one, "state", "free", info.chunks_free);
            chunks.of_stream(one, "state", "owned", info.chunks_owned);
            chunks.of_stream(one, "state", "unfinished", info.chunks_unfinished);
            chunks.of_stream(one, "state", "sealed", info.chunks_sealed);
        }
    }
    {
        Family attachments(text, "shmq_attachments", "gauge", "Open handles by what is known of their process.");
        for (const Looked& one : all) {
            if (!one.facts) continue;
            for (const Owner owner : {Owner::alive, Owner::dead}) {
                std::uint64_t count = 0;
                for (const AttachmentInfo& attachment : one.facts->attachments) count += attachment.owner == owner;
                attachments.of_stream(one, "owner", owner_word(owner), number(count));
            }
        }
    }
    Family up(text, "shmq_up", "gauge", "Whether the stream could be looked at.");
    for (const Looked& one : all) up.of_stream(one, one.facts ? 1 : 0);
    return text + "# EOF\n";
}

/// Looks at the stream that was named, or at all.
Result<std::string> make_metrics(const Request& request) {
    const Result<std::vector<std::string>> names = names_to_look_at(request.name);
    if (!names) return names.error();
    std::vector<Looked> looked;
    for (const std::string& name : *names) {
        Result<StreamFacts> facts = look_at(name);
        if (!facts && facts.error().code() == Code::no_stream && request.name.empty()) continue;  // removed meanwhile
        looked.push_back({name, facts ? std::optional(std::move(*facts)) : std::nullopt});
    }
    return metrics_of(looked);
}

}  // namespace

int run_metrics(Answer& answer) {
    const Request& request = answer.request();
    if (request.port) {
        const tools::StopSignals signals;
        const Page page{"/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8",
                        [&] { return make_metrics(request).value_or("# EOF\n"); }};
        return serve(*request.port, page, signals);
    }
    const Result<std::string> text = make_metrics(request);
    if (!text) return answer.fail(text.error());
    return answer.write(0644, [&](tools::Output& output) {
        output.append(*text);
        return tools::exit_done;
    });
}

}  // namespace shmq::inspect
