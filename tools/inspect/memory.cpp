// `shmq-inspect memory NAME`: where every byte of the segment went, and who has the chunks. `shmq-inspect layout NAME`:
// where each area stands, so that a stranger can read the bytes.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "layout/geometry.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/memory.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::grouped;

struct AreaWord {
    AreaKind kind;
    const char* name;
    const char* what;
};
constexpr std::array areas{
    AreaWord{AreaKind::control, "control", "words that everyone uses: tail, trim point, sleepers, directory"},
    AreaWord{AreaKind::attachments, "attachments", "open handles: owner, pid, start, command"},
    AreaWord{AreaKind::producers, "producers", "producers that add now"},
    AreaWord{AreaKind::named_producers, "named_producers", "producers with names: their last number and sequence"},
    AreaWord{AreaKind::chunks, "chunks", "who fills each chunk, up to where, its last sequence"},
    AreaWord{AreaKind::parking, "parking", "records of stuck entries that left the ring"},
    AreaWord{AreaKind::pins, "pins", "chunks kept for views of former owners"},
    AreaWord{AreaKind::groups, "groups", "rows of groups: state, start, cursor, options"},
    AreaWord{AreaKind::consumers, "consumers", "rows of consumers, for each group row"},
    AreaWord{AreaKind::histograms, "histograms", "counts of delays, for each consumer row"},
    AreaWord{AreaKind::flight_recorder, "flight_recorder", "what each handle did last, for each attachment row"},
    AreaWord{AreaKind::audit, "audit", "who changed groups, entries or the stream"},
    AreaWord{AreaKind::key_stripes, "key_stripes", "last entry met of each stripe of keys, for each group row"},
    AreaWord{AreaKind::key_links, "key_links", "predecessors by key, for each group row and slot"},
    AreaWord{AreaKind::retry, "retry", "index of entries that wait for retry, for each group row"},
    AreaWord{AreaKind::slots, "slots", "the log: a word for each entry"},
    AreaWord{AreaKind::records, "records", "who has each entry, for each group row and slot"},
    AreaWord{AreaKind::deliveries, "deliveries", "times and counts of deliveries, likewise"},
    AreaWord{AreaKind::payload, "payload", "entries with their headers and keys"},
};

struct Shown {
    StreamFacts facts;
    Geometry geometry;
};

Result<Shown> look(const std::string& name) {
    Result<StreamFacts> facts = look_at(name);
    if (!facts) return facts.error();
    Result<Geometry> geometry = plan(facts->info.options);
    if (!geometry) return geometry.error();
    return Shown{std::move(*facts), std::move(*geometry)};
}

/// What no area has: the header, and what lies between them.
std::uint64_t bytes_outside(const Geometry& geometry, std::uint64_t total) noexcept {
    for (const AreaWord& word : areas) total -= geometry.area(word.kind).size();
    return total;
}

Json parts_of(const Geometry& geometry, std::uint64_t total) {
    Json parts;
    parts["header_and_padding"] = bytes_outside(geometry, total);
    for (const AreaWord& word : areas) parts[word.name] = geometry.area(word.kind).size();
    return parts;
}

}  // namespace

Result<Json> memory_parts(const StreamInfo& info) {
    const Result<Geometry> geometry = plan(info.options);
    if (!geometry) return geometry.error();
    return parts_of(*geometry, info.size);
}

int run_layout(Answer& answer) {
    Result<Shown> shown = look(answer.request().name);
    if (!shown) return answer.fail(shown.error());
    Json rows = Json::array();
    Table table{{{"area", false}, {"offset", true}, {"rows", true}, {"each", true}, {"bytes", true}, {"what", false}},
                {}};
    std::array<AreaWord, areas.size()> sorted = areas;
    std::sort(sorted.begin(), sorted.end(), [&](const AreaWord& a, const AreaWord& b) {
        return shown->geometry.area(a.kind).offset < shown->geometry.area(b.kind).offset;
    });
    for (const AreaWord& word : sorted) {
        const Area& area = shown->geometry.area(word.kind);
        if (area.count == 0) continue;
        table.rows.push_back({word.name, fmt::format("{:#x}", area.offset), grouped(area.count), grouped(area.stride),
                              grouped(area.size()), word.what});
        rows.push_back({{"area", word.name}, {"offset", area.offset}, {"rows", area.count}, {"each", area.stride}});
    }
    if (answer.request().json) {
        Json object = answer.object();
        object["name"] = json_text(shown->facts.info.name);
        object["size"] = shown->facts.info.size;
        object["areas"] = std::move(rows);
        answer.put(object);
        return tools::exit_done;
    }
    answer.screen().heading(fmt::format("layout of {}", safe_text(shown->facts.info.path).text));
    answer.screen().table(table);
    answer.screen().line(
        "  The words of each row are listed in src/layout/rows.hpp and docs/protocol.md; all numbers are "
        "little-endian.",
        Tone::quiet);
    return tools::exit_done;
}

int run_memory(Answer& answer) {
    Result<Shown> shown = look(answer.request().name);
    if (!shown) return answer.fail(shown.error());
    const StreamInfo& info = shown->facts.info;
    if (answer.request().json) {
        Json object = answer.object();
        object["name"] = json_text(info.name);
        object["total"] = info.size;
        object["parts"] = parts_of(shown->geometry, info.size);
        object["chunks"] = {{"size", info.chunk_size},      {"free", info.chunks_free},
                            {"owned", info.chunks_owned},   {"unfinished", info.chunks_unfinished},
                            {"sealed", info.chunks_sealed}, {"pinned", info.pins}};
        object["parked"] = info.parked;
        answer.put(object);
        return tools::exit_done;
    }
    Screen& screen = answer.screen();
    screen.heading(fmt::format("memory of {}: {}", safe_text(info.name).text, exact_size(info.size)));
    Table table{{{"part", false}, {"size", true}, {"bytes", true}, {"share", true}, {"what", false}}, {}};
    const auto row = [&](const char* part, std::uint64_t size, const char* what) {
        if (size != 0)
            table.rows.push_back({part, tools::human_size(size), grouped(size), share_text(size, info.size), what});
    };
    row("header", bytes_outside(shown->geometry, info.size), "what the segment is, and padding between the areas");
    for (const AreaWord& word : areas) row(word.name, shown->geometry.area(word.kind).size(), word.what);
    screen.table(table);
    screen.heading("chunks of the payload");
    const auto chunks = [&](const char* state, std::uint64_t count, const char* what) {
        screen.field(
            state, fmt::format("{:>6}  {:>10}  {}", grouped(count), tools::human_size(count * info.chunk_size), what));
    };
    chunks("free", info.chunks_free, "may be taken now");
    chunks("owned", info.chunks_owned, "being filled, each by one producer or loan");
    chunks("unfinished", info.chunks_unfinished, "left half full, for the next producer");
    chunks("sealed", info.chunks_sealed, "full; free once all in them is finished and trimmed");
    chunks("pinned", info.pins, "of these kept for consumers that still look at entries taken from them");
    for (const AttachmentInfo& attachment : shown->facts.attachments)
        if (attachment.chunks != 0)
            screen.field("  owner",
                         fmt::format("{:>6}  pid {} {} ({})", grouped(attachment.chunks), attachment.pid,
                                     safe_text(attachment.command).text, owner_word(attachment.owner)),
                         tone_of(attachment.owner));
    screen.field("parked", fmt::format("{:>6}  of {} places", grouped(info.parked), grouped(info.options.parking)));
    return tools::exit_done;
}

}  // namespace shmq::inspect
