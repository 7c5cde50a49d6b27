// `shmq-inspect show NAME`: one stream on one screen, the verdict first and what to do about it last.
#include <fmt/format.h>

#include <algorithm>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/group_table.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::grouped;
using tools::human_duration;
using tools::human_size;

std::string time_stamps_text(TimeStamps time) {
    switch (time) {
        case TimeStamps::off: return "none";
        case TimeStamps::coarse: return "coarse (to one tick of the kernel)";
        case TimeStamps::precise: return "precise";
    }
    return "none";
}

// "2026-01-31T12:34:56.123456Z, 3 m 5 s ago".
std::string moment_text(std::uint64_t time_ns, std::uint64_t now_ns) {
    if (time_ns == 0) return "";
    const Duration ago{static_cast<Duration::rep>(now_ns > time_ns ? now_ns - time_ns : 0)};
    return fmt::format("{}, {} ago", utc_time(time_ns), human_duration(ago));
}

void show_head(Screen& screen, const StreamFacts& facts, const Verdict& verdict) {
    const StreamInfo& info = facts.info;
    screen.heading(fmt::format("stream {}{}", safe_text(info.name).text, info.removed ? " (removed)" : ""));
    screen.field("segment", fmt::format("{}, {}, format {}", safe_text(info.path).text, exact_size(info.size),
                                        info.format_version));
    if (info.created_ns != 0) screen.field("made", moment_text(info.created_ns, wall_clock_ns()));
    screen.field("verdict", fmt::format("{}: {}", level_word(verdict.level), verdict.text), tone_of(verdict.level));
}

void show_geometry(Screen& screen, const StreamFacts& facts) {
    const StreamInfo& info = facts.info;
    screen.heading("geometry");
    screen.field("slots", fmt::format("{} (entries kept at most)", grouped(info.options.slots)));
    screen.field("chunks", fmt::format("{} of {}", grouped(info.options.chunks), exact_size(info.chunk_size)));
    screen.field("largest entry", exact_size(info.options.max_entry));
    screen.field("groups", fmt::format("{}, with {} consumers each", info.options.groups, info.options.consumers));
    screen.field("producers", grouped(info.options.producers) + " at a time");
    screen.field("attachments", grouped(info.options.attachments));
    screen.field("time stamps", time_stamps_text(info.options.time));
    screen.field("mode", fmt::format("{:04o}", info.options.mode));
}

void show_bytes(Screen& screen, const StreamFacts& facts) {
    const ByteFacts& bytes = facts.bytes;
    Table table{{{"part", false}, {"size", true}, {"bytes", true}, {"share", true}, {"what", false}}, {}};
    const auto row = [&](const char* part, std::uint64_t size, const char* what) {
        table.rows.push_back({part, human_size(size), grouped(size), share_text(size, bytes.total), what});
    };
    row("header, tables", bytes.tables, "attachments, producers, chunks, groups, consumers, pins");
    row("slots", bytes.slots, "8 bytes each");
    row("records", bytes.records, "16 bytes for each slot and group, one spare group included");
    row("retry index", bytes.retry, "a bit for each slot and group, and the levels above");
    row("payload", bytes.payload, "entries with their headers and keys");
    row("segment", bytes.total, "");
    screen.heading("bytes");
    screen.table(table);
}

void show_entries(Screen& screen, const StreamFacts& facts) {
    const StreamInfo& info = facts.info;
    const std::uint64_t now_ns = wall_clock_ns();
    const auto with_moment = [&](Sequence sequence, std::uint64_t time_ns) {
        const std::string moment = moment_text(time_ns, now_ns);
        return grouped(sequence) + (moment.empty() ? "" : "  added " + moment);
    };
    const std::uint64_t slots = info.options.slots;
    screen.heading("entries");
    screen.field("first", facts.kept() == 0 ? std::string("none") : with_moment(info.first, facts.first_time_ns));
    screen.field("last", facts.kept() == 0 ? std::string("none") : with_moment(info.next - 1, facts.last_time_ns));
    screen.field("next", grouped(info.next));
    screen.field("kept", fmt::format("{} ({} of the slots)", grouped(facts.kept()), share_text(facts.kept(), slots)));
    screen.field("needed",
                 fmt::format("{} ({} of the slots), by the group that is furthest behind", grouped(facts.needed()),
                             share_text(facts.needed(), slots)),
                 percent(facts.needed(), slots) >= nearly_percent ? Tone::warning : Tone::plain);
}

void show_use(Screen& screen, const StreamFacts& facts) {
    const StreamInfo& info = facts.info;
    const auto dead = std::count_if(facts.attachments.begin(), facts.attachments.end(),
                                    [](const AttachmentInfo& attachment) { return attachment.owner == Owner::dead; });
    screen.heading("in use");
    screen.field("chunks",
                 fmt::format("{} free, {} owned, {} unfinished, {} sealed, {} pinned", grouped(info.chunks_free),
                             grouped(info.chunks_owned), grouped(info.chunks_unfinished), grouped(info.chunks_sealed),
                             grouped(info.pins)));
    screen.field("parked", fmt::format("{} of {}", grouped(info.parked), grouped(info.options.parking)),
                 info.parked != 0 ? Tone::note : Tone::plain);
    screen.field("producers", fmt::format("{} of {}", grouped(info.producers), grouped(info.options.producers)));
    screen.field("attachments",
                 fmt::format("{} of {}{}", grouped(facts.attachments.size()), grouped(info.options.attachments),
                             dead > 0 ? fmt::format(", {} dead", dead) : ""),
                 dead > 0 ? Tone::warning : Tone::plain);
}

void show_findings(Screen& screen, const std::vector<Finding>& findings) {
    if (findings.empty()) return;
    screen.heading("what is odd");
    for (const Finding& finding : findings) screen.finding(finding);
}

}  // namespace

int run_show(Answer& answer) {
    Result<StreamFacts> facts = look_at(answer.request().name);
    if (!facts) return answer.fail(facts.error());
    const std::vector<Finding> findings = judge(*facts);
    const Verdict verdict = verdict_of(*facts, findings);
    if (answer.request().json) {
        Json object = answer.object();
        object.update(json_of(*facts));
        object["findings"] = json_array(findings);
        object["verdict"] = json_of(verdict);
        answer.put(object);
        return tools::exit_done;
    }
    Screen& screen = answer.screen();
    show_head(screen, *facts, verdict);
    show_geometry(screen, *facts);
    show_bytes(screen, *facts);
    show_entries(screen, *facts);
    show_use(screen, *facts);
    screen.heading("groups");
    show_group_table(screen, *facts);
    show_findings(screen, findings);
    return tools::exit_done;
}

}  // namespace shmq::inspect
