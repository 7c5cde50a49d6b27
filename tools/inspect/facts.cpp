// See facts.hpp. The sizes of the areas are the geometry's, which the library checked against the header when it
// opened.
#include "tools/inspect/facts.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/error_detail.hpp"
#include "layout/geometry.hpp"
#include "layout/rows.hpp"

namespace shmq::inspect {

namespace {

// Above the greatest first sequence of a new stream, and far above what a stream can come to.
constexpr Sequence greatest_sequence = Sequence{1} << 63;
// First and next are not read at one moment; a busy stream may move in between once, not every time.
constexpr unsigned info_turns = 100;

Result<ByteFacts> gather_bytes(const StreamInfo& info) {
    Result<Geometry> geometry = plan(info.options);
    if (!geometry) return geometry.error();
    ByteFacts bytes;
    bytes.total = info.size;
    bytes.slots = geometry->area(AreaKind::slots).size();
    bytes.records = geometry->area(AreaKind::records).size() + geometry->area(AreaKind::deliveries).size();
    bytes.retry = geometry->area(AreaKind::retry).size();
    bytes.payload = geometry->area(AreaKind::payload).size();
    bytes.tables = bytes.total - bytes.slots - bytes.records - bytes.retry - bytes.payload;
    return bytes;
}

// When an entry was added; 0 if it is gone.
Result<std::uint64_t> time_of(const Stream& stream, Sequence sequence) {
    Result<Copies> copies = stream.range(sequence, sequence, 1);
    if (!copies) return copies.error();
    return copies->empty() ? std::uint64_t{0} : (*copies)[0].time_ns();
}

Result<void> gather_times(const Stream& stream, StreamFacts& facts) {
    if (facts.kept() == 0 || facts.info.options.time == TimeStamps::off) return {};
    Result<std::uint64_t> first = time_of(stream, facts.info.first);
    if (!first) return first.error();
    Result<std::uint64_t> last = time_of(stream, facts.info.next - 1);
    if (!last) return last.error();
    facts.first_time_ns = *first;
    facts.last_time_ns = *last;
    return {};
}

Result<void> gather_groups(const Stream& stream, StreamFacts& facts) {
    Result<std::vector<GroupInfo>> groups = stream.groups();
    if (!groups) return groups.error();
    for (const GroupInfo& info : *groups) {
        Result<GroupFacts> group = gather_group(stream, info.name);
        if (group) {
            facts.groups.push_back(std::move(*group));
        } else if (group.error().code() != Code::no_group) {  // dropped meanwhile
            return group.error();
        }
    }
    return {};
}

}  // namespace

const AttachmentInfo* StreamFacts::attachment(std::uint32_t row) const noexcept {
    const auto found = std::find_if(attachments.begin(), attachments.end(),
                                    [row](const AttachmentInfo& attachment) { return attachment.row == row; });
    return found == attachments.end() ? nullptr : &*found;
}

bool StreamFacts::owners_unknown() const noexcept {
    return std::any_of(attachments.begin(), attachments.end(),
                       [](const AttachmentInfo& attachment) { return attachment.owner == Owner::unknown; });
}

const GroupFacts* StreamFacts::holding_group() const noexcept {
    const GroupFacts* lowest = nullptr;
    for (const GroupFacts& group : groups) {
        const bool holds = group.info.options.retention != Retention::lossy && group.info.demoted_at == 0;
        if (holds && (lowest == nullptr || group.info.held_from < lowest->info.held_from)) lowest = &group;
    }
    return lowest == nullptr || lowest->info.held_from >= info.next ? nullptr : lowest;
}

std::uint64_t StreamFacts::needed() const noexcept {
    const GroupFacts* group = holding_group();
    return group == nullptr ? 0 : std::min(info.next - group->info.held_from, kept());
}

Result<Stream> open_to_look(std::string_view name) { return Stream::open(name, {.read_only = true}); }

Result<GroupFacts> gather_group(const Stream& stream, std::string_view name) {
    GroupFacts facts;
    Result<GroupInfo> info = stream.group(name);
    if (!info) return info.error();
    Result<PendingSummary> pending = stream.pending(name);
    if (!pending) return pending.error();
    Result<std::vector<ConsumerInfo>> consumers = stream.consumers(name);
    if (!consumers) return consumers.error();
    Result<std::vector<PendingEntry>> lowest = stream.pending_entries(name, {.max_entries = looked_for_deaths});
    if (!lowest) return lowest.error();
    const auto deadliest = std::max_element(lowest->begin(), lowest->end(),
                                            [](const auto& a, const auto& b) { return a.deaths < b.deaths; });
    if (deadliest != lowest->end() && deadliest->deaths >= 2) facts.deadliest = *deadliest;
    Result<std::vector<PendingEntry>> holder =
        stream.pending_entries(name, {.from = info->held_from, .max_entries = info->parked + 1});
    if (!holder) return holder.error();
    facts.info = std::move(*info);
    facts.pending = std::move(*pending);
    facts.consumers = std::move(*consumers);
    if (!lowest->empty()) facts.lowest = std::move(lowest->front());
    const auto in_ring = std::find_if(holder->begin(), holder->end(), [](const PendingEntry& e) { return !e.parked; });
    if (in_ring != holder->end()) facts.holder = std::move(*in_ring);
    return facts;
}

Result<StreamInfo> gather_info(const Stream& stream) {
    for (unsigned turn = 1;; ++turn) {
        Result<StreamInfo> info = stream.info();
        if (!info) return info.error();
        const bool in_range = info->first != 0 && info->first <= greatest_sequence && info->next <= greatest_sequence;
        if (in_range && info->next >= info->first && info->next - info->first <= info->options.slots) return info;
        if (in_range && turn < info_turns) continue;
        return corrupt_error("trim point", sizeof(Header) + offsetof(Control, trim_point), info->first);
    }
}

Result<StreamFacts> gather(const Stream& stream) {
    StreamFacts facts;
    Result<StreamInfo> info = gather_info(stream);
    if (!info) return info.error();
    facts.info = std::move(*info);
    Result<ByteFacts> bytes = gather_bytes(facts.info);
    if (!bytes) return bytes.error();
    facts.bytes = *bytes;
    Result<std::vector<AttachmentInfo>> attachments = stream.attachments();
    if (!attachments) return attachments.error();
    facts.attachments = std::move(*attachments);
    for (const AttachmentInfo& attachment : facts.attachments) facts.states.push_back(state_of(attachment));
    if (Result<void> groups = gather_groups(stream, facts); !groups) return groups.error();
    if (Result<void> times = gather_times(stream, facts); !times) return times.error();
    return facts;
}

Result<StreamFacts> look_at(std::string_view name) {
    const Result<Stream> stream = open_to_look(name);
    if (!stream) return stream.error();
    return gather(*stream);
}

Result<std::vector<std::string>> names_to_look_at(const std::string& name) {
    if (name.empty()) return Stream::list();
    return std::vector<std::string>{name};
}

void Totals::add(const StreamFacts& facts) {
    for (const GroupFacts& group : facts.groups) {
        lag += group.info.lag;
        most_lag = std::max(most_lag, group.info.lag);
        pending += group.info.pending;
        retry += group.info.retry;
        dead += group.info.dead;
        oldest_age = std::max(oldest_age, group.info.oldest_age);  // nullopt is below every age
    }
}

Totals totals_of(const StreamFacts& facts) {
    Totals totals;
    totals.add(facts);
    return totals;
}

std::string_view owner_word(Owner owner) noexcept {
    switch (owner) {
        case Owner::none: return "none";
        case Owner::alive: return "alive";
        case Owner::dead: return "dead";
        case Owner::unknown: return "unknown";
    }
    return "unknown";
}

std::size_t living_consumers(const GroupFacts& group) noexcept {
    return static_cast<std::size_t>(std::count_if(
        group.consumers.begin(), group.consumers.end(),
        [](const ConsumerInfo& one) { return one.owner == Owner::alive || one.owner == Owner::unknown; }));
}

const ConsumerInfo* find_consumer(const GroupFacts& group, std::string_view name) noexcept {
    const auto found = std::find_if(group.consumers.begin(), group.consumers.end(),
                                    [name](const ConsumerInfo& one) { return one.name == name; });
    return found == group.consumers.end() ? nullptr : &*found;
}

}  // namespace shmq::inspect
