// `shmq-inspect trace NAME [PID]`: what each process did last, also one that is dead, from the flight recorders in the
// segment. `shmq-inspect audit NAME`: who changed groups, entries or the stream by hand, and who saw to the dead.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "log/audit.hpp"
#include "log/flight.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/mapped.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::counted;

struct Word {
    const char* word;
    const char* first;   // key of the event's first number in JSON; empty: it has none
    const char* second;  // likewise
};
constexpr std::array<Word, static_cast<std::size_t>(Did::count)> words{{
    {"none", "", ""},
    {"opened", "pid", "start_time"},
    {"closed", "", ""},
    {"joined", "consumer_row", ""},
    {"left", "consumer_row", ""},
    {"took_chunk", "chunk", "next"},
    {"found_full", "oldest", "times"},
    {"waits_to_read", "next", "times"},
    {"gave_back", "sequence", "entries"},
    {"took_over", "entries", "sequence"},
    {"was_fenced", "sequence", ""},
    {"recovered", "pid", "entries"},
    {"parked", "oldest", ""},
    {"made_group", "", ""},
    {"dropped_group", "", ""},
    {"moved_group", "", ""},
    {"acked_for", "sequence", ""},
    {"gave_back_for", "sequence", ""},
    {"requeued_dead", "sequence", ""},
    {"dropped_dead", "sequence", ""},
    {"trimmed", "oldest", "entries"},
    {"removed", "", ""},
    {"made_dead", "sequence", ""},
}};
const Word& word_of(Did what) noexcept { return words[static_cast<std::size_t>(what)]; }

std::string times_text(std::uint64_t times) {
    return times > 1 ? fmt::format(", {} times so far", tools::grouped(times)) : std::string();
}

/// What was done, in words; `group` is empty where there is none.
std::string text_of(Did what, const std::string& group, std::uint64_t first, std::uint64_t second) {
    const std::string of_group = group.empty() ? "" : " of group " + group;
    switch (what) {
        case Did::opened: return "opened the stream";
        case Did::closed: return "closed the stream";
        case Did::joined: return "joined group " + group;
        case Did::left: return "left group " + group;
        case Did::took_chunk: return fmt::format("began to fill chunk {}, the log at {}", first, second);
        case Did::found_full: return fmt::format("found no room, {} the oldest kept{}", first, times_text(second));
        case Did::waits_to_read:
            return fmt::format("had nothing to read from {} on{}{}", first, of_group, times_text(second));
        case Did::gave_back:
            return fmt::format("gave back {}{} as failed, {} the first", counted(second, "entry", "entries"), of_group,
                               first);
        case Did::took_over:
            return fmt::format("took over {}{}, {} the first", counted(first, "entry", "entries"), of_group, second);
        case Did::was_fenced: return fmt::format("came too late for entry {}{}, which was handed on", first, of_group);
        case Did::recovered:
            return fmt::format("saw to the dead process {}: {} handed on", first, counted(second, "entry", "entries"));
        case Did::parked: return fmt::format("parked what stood at {}", first);
        case Did::made_group: return "made group" + (group.empty() ? "" : " " + group);
        case Did::dropped_group: return "dropped group" + (group.empty() ? "" : " " + group);
        case Did::moved_group: return "moved group" + (group.empty() ? "" : " " + group);
        case Did::acked_for: return fmt::format("acked entry {}{} as an operator", first, of_group);
        case Did::gave_back_for: return fmt::format("gave back entry {}{} as an operator", first, of_group);
        case Did::requeued_dead: return fmt::format("requeued the dead entry {}{}", first, of_group);
        case Did::dropped_dead: return fmt::format("dropped the dead entry {}{}", first, of_group);
        case Did::trimmed:
            return fmt::format("trimmed {}, {} the oldest kept", counted(second, "entry", "entries"), first);
        case Did::removed: return "removed the stream";
        case Did::made_dead: return fmt::format("made entry {}{} dead", first, of_group);
        case Did::none:
        case Did::count: break;
    }
    return "";
}

/// An event, and whose it is: 0 if that is overwritten.
struct Traced {
    FlightEvent event;
    std::int64_t pid = 0;
    std::string group;
};

/// The events of an attachment row. Each `opened` tells whose the next are; without any, all are its present owner's.
void add_row(const Segment& segment, std::uint32_t row, std::vector<Traced>& all) {
    const std::vector<FlightEvent> events = flight_of(segment, row);
    const auto is_opening = [](const FlightEvent& event) { return event.what == Did::opened; };
    std::int64_t pid = 0;
    if (std::none_of(events.begin(), events.end(), is_opening))
        pid = segment.attachment(row).pid.load(memory_order_relaxed);
    for (const FlightEvent& event : events) {
        if (is_opening(event)) pid = static_cast<std::int64_t>(event.first);
        Traced traced{event, pid, {}};
        if (event.group && *event.group < segment.geometry().group_rows)
            traced.group = safe_text(row_name(segment.group(*event.group).name).view()).text;
        all.push_back(std::move(traced));
    }
}

void put_numbers(Json& object, Did what, std::uint64_t first, std::uint64_t second) {
    const Word& word = word_of(what);
    if (*word.first != '\0') object[word.first] = first;
    if (*word.second != '\0') object[word.second] = second;
}

Json json_of(const Traced& traced) {
    Json object{{"time_ns", traced.event.time_ns},
                {"time", utc_time(traced.event.time_ns)},
                {"pid", traced.pid},
                {"what", word_of(traced.event.what).word}};
    if (!traced.group.empty()) object["group"] = traced.group;
    put_numbers(object, traced.event.what, traced.event.first, traced.event.second);
    return object;
}
Json json_of(const AuditEntry& entry) {
    Json object{{"time_ns", entry.time_ns},
                {"time", utc_time(entry.time_ns)},
                {"pid", entry.pid},
                {"command", json_text(entry.command)},
                {"what", word_of(entry.what).word}};
    if (!entry.group.empty()) object["group"] = json_text(entry.group);
    put_numbers(object, entry.what, entry.first, entry.second);
    return object;
}

/// A screen with a table, or an object with a list of the same.
template <class Entries, class Row>
int tell(Answer& answer, const char* what, const Mapped& mapped, const Entries& entries, Table table, Row row) {
    const std::string& name = answer.request().name;
    const bool has_recorders = mapped.segment.geometry().recorders;
    if (answer.request().json) {
        Json object = answer.object();
        object["name"] = json_text(name);
        object["recorders"] = has_recorders;
        Json list = Json::array();
        for (const auto& entry : entries) list.push_back(json_of(entry));
        object["events"] = std::move(list);
        answer.put(object);
        return tools::exit_done;
    }
    answer.screen().heading(fmt::format("{} of {}", what, safe_text(name).text));
    for (const auto& entry : entries) table.rows.push_back(row(entry));
    if (!entries.empty()) answer.screen().table(table);
    if (entries.empty())
        answer.screen().line(has_recorders ? "  nothing" : "  the stream was made without recorders", Tone::quiet);
    return tools::exit_done;
}

}  // namespace

int run_trace(Answer& answer) {
    const Request& request = answer.request();
    const Result<Mapped> mapped = map_segment(request.name);
    if (!mapped) return answer.fail(mapped.error());
    std::vector<Traced> all;
    for (std::uint32_t row = 0; row < mapped->segment.geometry().attachments; ++row) add_row(mapped->segment, row, all);
    if (request.pid)
        std::erase_if(all, [&](const Traced& traced) { return traced.pid != static_cast<std::int64_t>(*request.pid); });
    std::stable_sort(all.begin(), all.end(),
                     [](const Traced& a, const Traced& b) { return a.event.time_ns < b.event.time_ns; });
    return tell(answer, "trace", *mapped, all, {{{"time", false}, {"pid", true}, {"what", false}}, {}},
                [](const Traced& traced) -> std::vector<Cell> {
                    return {utc_time(traced.event.time_ns), traced.pid == 0 ? "-" : std::to_string(traced.pid),
                            text_of(traced.event.what, traced.group, traced.event.first, traced.event.second)};
                });
}

int run_audit(Answer& answer) {
    const Result<Mapped> mapped = map_segment(answer.request().name);
    if (!mapped) return answer.fail(mapped.error());
    return tell(answer, "audit", *mapped, audits_of(mapped->segment),
                {{{"time", false}, {"pid", true}, {"command", false}, {"what", false}}, {}},
                [](const AuditEntry& entry) -> std::vector<Cell> {
                    return {utc_time(entry.time_ns), std::to_string(entry.pid), safe_text(entry.command).text,
                            text_of(entry.what, safe_text(entry.group).text, entry.first, entry.second)};
                });
}

}  // namespace shmq::inspect
