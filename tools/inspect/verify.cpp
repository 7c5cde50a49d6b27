// `shmq-inspect verify NAME [--deep]`: every header, tag, chain and count of a segment, living or a copy. Nothing is
// written, and nothing that was read becomes an index before it is checked.
//
// A living stream changes while it is looked at: what looks wrong is looked at twice more before it is told, and what
// the trim point passed meanwhile is left out.
#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include "group/deliver.hpp"
#include "layout/segment.hpp"
#include "log/copy.hpp"
#include "log/parking.hpp"
#include "log/publish.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/mapped.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

constexpr std::size_t most_problems = 50;
constexpr int more_looks = 2;

struct Problem {
    std::string place;  // "slot of entry 12"
    std::uint64_t offset;
    std::string what;
};

class Verifier {
public:
    explicit Verifier(const Segment& segment)
        : segment_(segment), g_(segment.geometry()), begin_(find_begin(segment)), end_(find_end(segment)) {}

    void look_at_all() {
        look_at_log();
        look_at_chunks();
        look_at_attachments();
        for (std::uint32_t row = 0; row < g_.group_rows; ++row) look_at_group(row);
        look_at_pins();
        look_at_cells();
    }
    [[nodiscard]] const std::vector<Problem>& problems() const noexcept { return problems_; }
    [[nodiscard]] std::uint64_t found() const noexcept { return found_; }
    [[nodiscard]] std::uint64_t looked() const noexcept { return looked_; }
    [[nodiscard]] Sequence begin() const noexcept { return begin_; }
    [[nodiscard]] Sequence end() const noexcept { return end_; }

private:
    /// `wrong` says what is wrong, or nothing: asked again before it is believed. `place` names it, if need be.
    template <class Place, class Wrong>
    void expect(Place place, const void* address, Wrong wrong) {
        ++looked_;
        std::string what = wrong();
        const bool is_counted = found_ >= most_problems;  // it is damaged, and the rest only a number
        for (int look = 0; look < more_looks && !what.empty() && !is_counted; ++look) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            what = wrong();
        }
        if (what.empty()) return;
        ++found_;
        if (problems_.size() < most_problems)
            problems_.push_back({place(), segment_.offset_of(address), std::move(what)});
    }

    void look_at_log() {
        expect([] { return std::string("trim point"); }, &segment_.control().trim_point,
               [&]() -> std::string {
                   const Sequence trim = segment_.control().trim_point.load(memory_order_acquire);
                   const Sequence end = find_end(segment_);
                   if (trim == 0 || trim > end || end - trim > g_.slots)
                       return fmt::format("is {}, and the log ends at {}: at most {} slots lie between", trim, end,
                                          g_.slots);
                   return {};
               });
        for (Sequence s = begin_; s < end_; ++s)
            expect([&] { return fmt::format("slot of entry {}", s); }, &segment_.slot(s),
                   [&]() -> std::string {
                       const SlotWord slot = unpack_slot(g_, segment_.slot(s).load(memory_order_acquire));
                       const auto entry = read_unpinned([&] { return entry_at(segment_, slot.place); });
                       if (find_begin(segment_) > s) return {};  // trimmed meanwhile
                       if (slot.tag != g_.slot_tag(s)) return fmt::format("has the tag {} of another lap", slot.tag);
                       if (!entry) return fmt::format("names place {}, where no entry stands", slot.place);
                       return {};
                   });
    }

    void look_at_chunks() {
        for (std::uint32_t chunk = 0; chunk < g_.chunks; ++chunk) {
            const ChunkRow& row = segment_.chunk(chunk);
            expect([&] { return fmt::format("chunk {}", chunk); }, &row,
                   [&]() -> std::string {
                       const OwnerWord owner = unpack_owner(row.word.load(memory_order_acquire));
                       const std::uint64_t fill = row.fill.load(memory_order_relaxed);
                       const Sequence last = row.last.load(memory_order_relaxed);
                       const bool known = owner.state == OwnerState::free || owner.state == OwnerState::owned ||
                                          owner.state == OwnerState::unfinished || owner.state == OwnerState::sealed;
                       if (!known) return fmt::format("is in no state a chunk has ({})", static_cast<int>(owner.state));
                       if (owner.state == OwnerState::owned && owner.row >= g_.attachments)
                           return fmt::format("is owned by attachment {}, and there are {}", owner.row, g_.attachments);
                       if (fill > g_.chunk_size || fill % g_.unit() != 0)
                           return fmt::format("is filled to {} of {} bytes", fill, g_.chunk_size);
                       if (last >= find_end(segment_))
                           return fmt::format("has a last entry {}, which was not added", last);
                       return {};
                   });
        }
    }

    void look_at_attachments() {
        for (std::uint32_t row = 0; row < g_.attachments; ++row)
            expect([&] { return fmt::format("attachment {}", row); }, &segment_.attachment(row),
                   [&]() -> std::string {
                       const OwnerState state =
                           unpack_owner(segment_.attachment(row).word.load(memory_order_acquire)).state;
                       const bool known =
                           state == OwnerState::free || state == OwnerState::attaching || state == OwnerState::live;
                       return known ? std::string()
                                    : fmt::format("is in no state it can have ({})", static_cast<int>(state));
                   });
    }

    void look_at_group(std::uint32_t row) {
        const GroupRow& group = segment_.group(row);
        const GroupState state = unpack_group(group.word.load(memory_order_acquire)).state;
        const bool listed = (active_groups(segment_.control().directory.load(memory_order_acquire)) >> row & 1) != 0;
        if (!listed && state != GroupState::active) return;
        const std::string name(row_name(group.name).view());
        expect([&] { return fmt::format("group `{}`", safe_text(name).text); }, &group.word,
               [&]() -> std::string {
                   const GroupState now = unpack_group(group.word.load(memory_order_acquire)).state;
                   if (now == GroupState::free || now == GroupState::dropped)
                       return (active_groups(segment_.control().directory.load(memory_order_acquire)) >> row & 1) != 0
                                  ? "is listed, and its row is free"
                                  : "";
                   if (static_cast<int>(now) > static_cast<int>(GroupState::dropped))
                       return "is in no state a group has";
                   const Sequence start = start_of(group, memory_order_acquire);
                   if (start > find_end(segment_)) return fmt::format("starts at {}, which was not added", start);
                   return {};
               });
        look_at_records(row, name);
    }

    void look_at_records(std::uint32_t row, const std::string& name) {
        const Sequence start = std::max(begin_, start_of(segment_.group(row), memory_order_acquire));
        for (Sequence s = start; s < end_; ++s)
            expect([&] { return fmt::format("record of entry {} in group `{}`", s, safe_text(name).text); },
                   &segment_.record(row, s),
                   [&]() -> std::string {
                       const PendingWord record =
                           unpack_pending(g_, segment_.record(row, s).load(memory_order_acquire));
                       if (find_begin(segment_) > s) return {};
                       if (record.tag != g_.record_tag(s)) {
                           if (tag_earlier(record.tag, g_.record_tag(s), g_.record_tag_bits)) return {};
                           return fmt::format("is of a later lap ({})", record.tag);
                       }
                       if (record.state > PendingState::parked || record.state == PendingState::none)
                           return fmt::format("is in no state a record has ({})", static_cast<int>(record.state));
                       const bool held = record.state == PendingState::delivered;
                       if (record.consumer > g_.consumers || (held && record.consumer == 0))
                           return fmt::format("names consumer row {}, and there are {}", record.consumer, g_.consumers);
                       if (record.state == PendingState::parked && !cell_of(g_, pack_pending(g_, record)))
                           return "names a place for stuck entries that there is not";
                       return {};
                   });
        expect([&] { return fmt::format("records of group `{}`", safe_text(name).text); }, &segment_.record(row, start),
               [&]() -> std::string {
                   const Sequence next = find_cursor(segment_, row);
                   for (Sequence s = next; s < end_; ++s)
                       if (pending_tag(g_, segment_.record(row, s).load(memory_order_acquire)) == g_.record_tag(s) &&
                           find_begin(segment_) <= next && find_cursor(segment_, row) == next)
                           return fmt::format("entry {} was given out before {}", s, next);
                   return {};
               });
    }

    void look_at_pins() {
        for (std::uint32_t cell = 0; cell < g_.pins; ++cell)
            expect([&] { return fmt::format("pin {}", cell); }, &segment_.pin(cell),
                   [&]() -> std::string {
                       const PinWord pin = unpack_pin(segment_.pin(cell).load(memory_order_acquire));
                       if (!pin.used) return {};
                       if (pin.count == 0 || pin.chunk >= g_.chunks || pin.count > g_.chunks - pin.chunk)
                           return fmt::format("keeps chunks {} to {} of {}", pin.chunk, pin.chunk + pin.count,
                                              g_.chunks);
                       if (pin.consumer >= g_.group_rows * g_.consumers) return "is of no consumer";
                       return {};
                   });
    }

    void look_at_cells() {
        for (std::uint32_t cell = 0; cell < cells_in_use(segment_); ++cell)
            expect([&] { return fmt::format("parking {}", cell); }, &segment_.parking(cell),
                   [&]() -> std::string {
                       const CellWord word = unpack_cell(segment_.parking(cell).word.load(memory_order_acquire));
                       ParkedEntry entry{};
                       if (word.state == CellState::free || !look_at_cell(segment_, cell, entry)) return {};
                       if (entry.group_row >= g_.group_rows) return fmt::format("is of group row {}", entry.group_row);
                       if (entry.sequence >= find_end(segment_)) return fmt::format("holds entry {}", entry.sequence);
                       const auto at = read_unpinned([&] { return entry_at(segment_, entry.place); });
                       ParkedEntry again{};
                       if (!at && look_at_cell(segment_, cell, again) && again.word == entry.word)
                           return fmt::format("names place {}, where no entry stands", entry.place);
                       return {};
                   });
    }

    const Segment& segment_;
    const Geometry& g_;
    Sequence begin_, end_;
    std::vector<Problem> problems_;
    std::uint64_t found_ = 0;
    std::uint64_t looked_ = 0;
};

/// Every entry copied out, and its fields taken apart; what is wrong with those that can't be.
Result<std::uint64_t> read_all(const std::string& name, std::vector<Problem>& problems) {
    Result<Stream> stream = open_to_look(name);
    if (!stream) return stream.error();
    Result<StreamInfo> info = gather_info(*stream);
    if (!info) return info.error();
    constexpr Sequence at_once = 256;
    std::uint64_t read = 0;
    for (Sequence first = info->first; first < info->next; first += at_once) {
        Result<Copies> copies = stream->range(first, std::min(first + at_once, info->next) - 1);
        if (!copies) {
            problems.push_back({fmt::format("entries from {} on", first), 0, copies.error().message().data()});
            continue;
        }
        for (const Entry& entry : *copies) {
            ++read;
            if (entry.is_fields() && !entry.fields())
                problems.push_back({fmt::format("fields of entry {}", entry.sequence()), 0, "cannot be taken apart"});
        }
    }
    return read;
}

}  // namespace

int run_verify(Answer& answer) {
    const Request& request = answer.request();
    Result<Mapped> look = map_segment(request.name);
    if (!look) return answer.fail(look.error());
    Verifier verifier(look->segment);
    verifier.look_at_all();
    std::vector<Problem> problems = verifier.problems();
    std::uint64_t found = verifier.found(), read = 0;
    if (request.deep) {
        const std::size_t before = problems.size();
        Result<std::uint64_t> all = read_all(request.name, problems);
        if (!all) return answer.fail(all.error());
        read = *all;
        found += problems.size() - before;
    }
    const int code = found == 0 ? tools::exit_done : tools::exit_damaged;
    if (request.json) {
        Json array = Json::array();
        for (const Problem& problem : problems)
            array.push_back({{"place", problem.place}, {"offset", problem.offset}, {"what", json_text(problem.what)}});
        Json object = answer.object();
        object["name"] = json_text(request.name);
        object["looked_at"] = verifier.looked();
        object["entries_read"] = read;
        object["count"] = found;
        object["problems"] = std::move(array);
        answer.put(object);
        return code;
    }
    Screen& screen = answer.screen();
    for (const Problem& problem : problems)
        screen.line(fmt::format("  {} {} {}", screen.paint("DAMAGED", Tone::trouble),
                                fmt::format("{} at {:#x}", problem.place, problem.offset),
                                safe_text(problem.what).text));
    if (found > problems.size()) screen.line(fmt::format("  ... and {} more", tools::grouped(found - problems.size())));
    const std::string entries =
        verifier.end() > verifier.begin()
            ? fmt::format("entries {} to {}", tools::grouped(verifier.begin()), tools::grouped(verifier.end() - 1))
            : std::string("no entries");
    screen.line(fmt::format("{}: {} looked at, {}{}: {}", safe_text(request.name).text,
                            tools::counted(verifier.looked(), "word", "words"), entries,
                            request.deep ? fmt::format(", {} read", tools::grouped(read)) : "",
                            found == 0 ? "sound" : tools::counted(found, "problem", "problems")),
                found == 0 ? Tone::good : Tone::trouble);
    return code;
}

}  // namespace shmq::inspect
