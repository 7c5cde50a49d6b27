// `shmq-inspect report NAME --html FILE [--over D]`: one page to look at where people would rather look than read:
// rates and lag while it watched, how long entries waited, every chunk, every byte. report.html is the page; here is
// what it is filled with.
#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

#include "tools/inspect/command.hpp"
#include "tools/inspect/documents.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/latency.hpp"
#include "tools/inspect/mapped.hpp"
#include "tools/inspect/memory.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

constexpr int looks = 25;
constexpr Duration usually_over = std::chrono::seconds(2);

Json json_of_look(const StreamFacts& facts, double at_s) {
    Json groups = Json::array();
    for (const GroupFacts& group : facts.groups)
        groups.push_back({{"name", json_text(group.info.name)}, {"next", group.info.next}, {"lag", group.info.lag}});
    return {{"at_s", at_s}, {"next", facts.info.next}, {"groups", std::move(groups)}};
}

/// What a chunk is, and whose.
std::string_view chunk_word(OwnerState state) noexcept {
    switch (state) {
        case OwnerState::free: return "free";
        case OwnerState::owned: return "owned";
        case OwnerState::unfinished: return "unfinished";
        case OwnerState::sealed: return "sealed";
        default: return "damaged";
    }
}
Json json_of_chunks(const Segment& segment, const StreamFacts& facts) {
    Json chunks = Json::array();
    for (std::uint32_t chunk = 0; chunk < segment.geometry().chunks; ++chunk) {
        const ChunkRow& row = segment.chunk(chunk);
        // relaxed: each number by itself, to be looked at.
        const OwnerWord owner = unpack_owner(row.word.load(memory_order_relaxed));
        const AttachmentInfo* filled_by = owner.state == OwnerState::owned ? facts.attachment(owner.row) : nullptr;
        Json one{{"state", chunk_word(owner.state)},
                 {"fill", row.fill.load(memory_order_relaxed)},
                 {"last", row.last.load(memory_order_relaxed)}};
        if (filled_by != nullptr)
            one["owner"] = fmt::format("{} {}", filled_by->pid, safe_text(filled_by->command).text);
        chunks.push_back(std::move(one));
    }
    return chunks;
}

/// All that the page shows; looks at the stream for `over`.
Result<Json> gather_page(const std::string& name, Duration over) {
    using Clock = std::chrono::steady_clock;
    Result<Stream> stream = open_to_look(name);
    if (!stream) return stream.error();
    const Clock::time_point start = Clock::now();
    Json data;
    Json all = Json::array();
    Result<StreamFacts> facts = gather(*stream);
    if (!facts) return facts.error();
    const StreamFacts first = *facts;
    for (int look = 1; facts && look <= looks; ++look) {
        all.push_back(json_of_look(*facts, std::chrono::duration<double>(Clock::now() - start).count()));
        std::this_thread::sleep_until(start + over * look / looks);
        facts = gather(*stream);
    }
    if (!facts) return facts.error();
    const std::chrono::duration<double> passed = Clock::now() - start;
    all.push_back(json_of_look(*facts, passed.count()));
    const Rates rates = rates_between(first, *facts, passed);
    Result<std::vector<NamedLatency>> latency = gather_latency(*stream, "");
    if (!latency) return latency.error();
    Result<Json> memory = memory_parts(facts->info);
    if (!memory) return memory.error();
    const Result<Mapped> mapped = map_segment(name);
    if (!mapped) return mapped.error();
    data["time"] = utc_time(wall_clock_ns());
    data["over_s"] = passed.count();
    data["stream"] = json_of(*facts);
    data["stream"]["findings"] = json_array(judge(*facts, &rates));
    data["looks"] = std::move(all);
    data["attachments"] = json_array(facts->attachments);
    data["latency"] = json_array(*latency);
    data["memory"] = std::move(*memory);
    data["chunks"] = json_of_chunks(mapped->segment, *facts);
    return data;
}

/// The page with the data in it: a `<` could end the script it stands in, and is written as JSON lets it be.
std::string page_with(const Json& data) {
    constexpr std::string_view place = ">DATA<";
    std::string text;
    for (const char c : data.dump(-1, ' ', false, Json::error_handler_t::replace)) {
        if (c == '<')
            text += "\\u003c";
        else
            text += c;
    }
    std::string page(report_document);
    return page.replace(page.find(place) + 1, place.size() - 2, text);
}

}  // namespace

int run_report(Answer& answer) {
    const Request& request = answer.request();
    const Result<Json> data = gather_page(request.name, request.over.value_or(usually_over));
    if (!data) return answer.fail(data.error());
    const std::string page = page_with(*data);
    return answer.write(0644, [&](tools::Output& output) {
        output.append(page);
        return tools::exit_done;
    });
}

}  // namespace shmq::inspect
