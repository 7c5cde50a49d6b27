// What a Stream tells about itself: info, groups, consumers, pending entries, attachments. Reads only.
#include <bit>
#include <cctype>

#include "api/core.hpp"
#include "api/dead_letters.hpp"
#include "group/count.hpp"
#include "group/dead_move.hpp"
#include "group/group_options.hpp"
#include "group/group_row.hpp"
#include "group/histograms.hpp"
#include "group/losses.hpp"
#include "log/copy.hpp"
#include "log/named.hpp"
#include "log/retention.hpp"
#include "shmq/version.hpp"

namespace shmq {

namespace {

using detail::reason_of;
using detail::StreamCore;

std::string consumer_name(const ConsumerRow& row, std::uint32_t number) {
    const RowName name = row_name(row.name);
    return name.size != 0 ? std::string(name.view()) : "#" + std::to_string(number);
}

/// The row of a group that exists; a read-only handle can't finish what a maker left half-done, and looks at it as it
/// is.
Result<std::uint32_t> find_row(const std::shared_ptr<StreamCore>& core, std::string_view group) {
    if (!core) return Code::closed;
    if (const Code code = core->usable(); code != Code::ok) return code;
    const Segment& segment = core->segment();
    for (std::uint32_t row = 0; row < segment.geometry().group_rows; ++row)
        if (is_in_directory(segment, row) && row_name(segment.group(row).name).view() == group) return row;
    return detail::no_group_error(*core, group);
}

bool is_present(OwnerState state) noexcept { return state == OwnerState::live || state == OwnerState::attaching; }

/// How old an entry is by its stamp; nullopt if it is not there, or bears none.
std::optional<Duration> age_of(const Segment& segment, std::uint32_t row, Sequence sequence) {
    EntryFields header;
    if (segment.geometry().time == TimeStamps::off) return std::nullopt;
    if (copy_header(segment, sequence, header) != Copied::done) {
        const auto at = find_pending(segment, row, sequence);
        EntryAt entry;
        if (!at || !at->parked) return std::nullopt;
        if (!read_unpinned([&] { return find_entry(segment, at->place, entry); })) return std::nullopt;
        fence(memory_order_acquire);  // before the look whether it was finished (COPY)
        if (!is_parked(segment, group_in(segment, row), sequence)) return std::nullopt;  // finished meanwhile
        header = entry.header;
    }
    if (header.time_ns == 0) return std::nullopt;
    const std::uint64_t now = os::realtime_ns();
    // A stamp ahead of the clock: it was set back since, or the stamp is damaged.
    return Duration(static_cast<Duration::rep>(now > header.time_ns ? now - header.time_ns : 0));
}

/// Nothing where the row became another group's meanwhile: who lists may have opened the stream for reading only, and
/// is not inside the row (VISIT).
std::optional<GroupInfo> group_info(const Segment& segment, std::uint32_t row) {
    GroupInfo info;
    const GroupId group = group_in(segment, row);
    const GroupCounts counts = count_group(segment, row);
    info.name = read_unpinned([&] { return std::string(row_name(segment.group(row).name).view()); });
    info.start = counts.start;
    info.floor = counts.floor;
    info.held_from = counts.held_from;
    info.next = counts.next;
    info.lag = counts.lag;
    info.waiting = counts.waiting;
    info.pending = counts.delivered;
    info.retry = counts.retry;
    info.delayed = counts.delayed;
    info.dead = counts.dead;
    info.oldest_age = age_of(segment, row, counts.floor);  // not published, if all are finished
    info.parked = counts.parked;
    info.options = read_unpinned([&] { return options_of(segment.group(row)); });
    if (hands_out_copies(segment.group(row))) {
        std::vector<LostRange> untold;
        find_losses(segment, row, untold);
        info.demoted_at = demoted_at(segment.group(row));
        // relaxed: a number for people.
        info.lost = segment.group(row).lost.load(memory_order_relaxed) + count_lost(untold);
    }
    for (std::uint32_t i = 0; i < segment.geometry().consumers; ++i)
        info.consumers +=
            is_present(unpack_owner(segment.consumer(row, i).word.load(memory_order_acquire)).state) ? 1u : 0u;
    fence(memory_order_acquire);  // what was read before the word again, as a copy's bytes before the trim point
    if (group_in(segment, row) != group || !is_in_directory(segment, row)) return std::nullopt;
    return info;
}

void count_chunks(const Segment& segment, StreamInfo& info) {
    for (std::uint32_t i = 0; i < segment.geometry().chunks; ++i) {
        const ChunkRow& row = segment.chunk(i);
        const OwnerState state = unpack_owner(row.word.load(memory_order_acquire)).state;
        if (state == OwnerState::owned)
            ++info.chunks_owned;
        else if (row.last.load(memory_order_acquire) < info.first)
            ++info.chunks_free;
        else if (state == OwnerState::unfinished)
            ++info.chunks_unfinished;
        else
            ++info.chunks_sealed;
    }
}

std::string command_of(const AttachmentRow& row) {
    std::string command;
    for (const char c : row.command) {
        if (c == 0) break;
        command += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
    }
    return command;
}

}  // namespace

Result<std::vector<std::string>> Stream::list() { return os::list_segments(); }

Result<StreamInfo> Stream::info() const {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    const Segment& segment = core_->segment();
    const Geometry& g = segment.geometry();
    StreamInfo info;
    info.name = core_->name();
    info.path = core_->path();
    info.options = options_of(g);
    info.size = g.segment_size;
    info.chunk_size = g.chunk_size;
    info.place_unit = static_cast<std::uint32_t>(g.unit());
    info.first = find_begin(segment);
    info.next = find_end(segment);
    count_chunks(segment, info);
    for (std::uint32_t i = 0; i < g.pins; ++i)
        info.pins += (segment.pin(i).load(memory_order_acquire) & 1) != 0 ? 1u : 0u;
    ParkedEntry parked{};
    for (std::uint32_t i = 0; i < cells_in_use(segment); ++i)
        info.parked += look_at_cell(segment, i, parked) && is_unfinished(parked) ? 1u : 0u;
    for (std::uint32_t i = 0; i < g.producers; ++i)
        info.producers += is_present(unpack_owner(segment.producer(i).word.load(memory_order_acquire)).state) ? 1u : 0u;
    for (std::uint32_t i = 0; i < g.attachments; ++i)
        info.attachments +=
            is_present(unpack_owner(segment.attachment(i).word.load(memory_order_acquire)).state) ? 1u : 0u;
    info.format_version = format_version;
    info.created_ns = home_of(segment.base()).created_ns;
    info.removed = core_->removed();
    return info;
}

Result<std::vector<GroupInfo>> Stream::groups() const {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    std::vector<GroupInfo> groups;
    for (std::uint32_t row = 0; row < core_->geometry().group_rows; ++row)
        while (is_in_directory(core_->segment(), row))  // again only if another group took the row meanwhile
            if (auto info = group_info(core_->segment(), row)) {
                groups.push_back(std::move(*info));
                break;
            }
    std::sort(groups.begin(), groups.end(), [](const GroupInfo& a, const GroupInfo& b) { return a.name < b.name; });
    return groups;
}

Result<GroupInfo> Stream::group(std::string_view group) const {
    for (;;) {  // again only if the group was dropped or moved meanwhile
        const auto row = find_row(core_, group);
        if (!row) return row.error();
        if (auto info = group_info(core_->segment(), *row)) return std::move(*info);
    }
}

Result<GroupLatency> Stream::latency(std::string_view group) const {
    const auto row = find_row(core_, group);
    if (!row) return row.error();
    return latency_of(core_->segment(), *row);
}

Result<std::vector<ConsumerInfo>> Stream::consumers(std::string_view group) const {
    const auto row = find_row(core_, group);
    if (!row) return row.error();
    std::vector<ConsumerInfo> consumers;
    for (std::uint32_t i = 0; i < core_->geometry().consumers; ++i) {
        const ConsumerRow& consumer = core_->segment().consumer(*row, i);
        const OwnerWord word = unpack_owner(consumer.word.load(memory_order_acquire));
        if (word.state == OwnerState::free) continue;
        consumers.push_back({std::string(group), consumer_name(consumer, i), core_->owner_of(word), word.row});
    }
    return consumers;
}

Result<PendingSummary> Stream::pending(std::string_view group) const {
    const auto row = find_row(core_, group);
    if (!row) return row.error();
    const Segment& segment = core_->segment();
    std::vector<std::uint64_t> held(core_->geometry().consumers + 1);
    PendingSummary summary;
    std::uint64_t waiting = 0;
    each_pending(segment, *row, 0, ~Sequence{0}, [&](Sequence s, const PendingWord& pending, const RecordAt& at) {
        if (is_waiting(pending)) return ++waiting, true;
        ++summary.count;
        if (at.parked) ++summary.parked;
        if (summary.lowest == 0) summary.lowest = s;
        summary.highest = s;
        if (pending.state == PendingState::delivered && pending.consumer < held.size()) ++held[pending.consumer];
        return true;
    });
    const Sequence end = find_end(segment);
    const Sequence cursor = find_cursor(segment, *row);
    summary.lag = (end > cursor ? end - cursor : 0) + waiting;
    for (std::uint32_t i = 0; i < core_->geometry().consumers; ++i) {
        const ConsumerRow& consumer = segment.consumer(*row, i);
        const OwnerWord word = unpack_owner(consumer.word.load(memory_order_acquire));
        if (held[i + 1] == 0 && !is_present(word.state)) continue;
        summary.consumers.push_back({consumer_name(consumer, i), held[i + 1], core_->owner_of(word)});
    }
    return summary;
}

Result<std::vector<PendingEntry>> Stream::pending_entries(std::string_view group, const PendingFilter& filter) const {
    const auto row = find_row(core_, group);
    if (!row) return row.error();
    const Segment& segment = core_->segment();
    const Geometry& g = segment.geometry();
    // The owners are asked for once each, not once per entry: asking is a system call.
    std::vector<std::optional<Owner>> owners(g.consumers);
    const auto owner_of = [&](std::uint32_t consumer) {
        auto& known = owners[consumer];
        if (!known)
            known = core_->owner_of(unpack_owner(segment.consumer(*row, consumer).word.load(memory_order_acquire)));
        return *known;
    };
    std::vector<PendingEntry> entries;
    const std::uint64_t now = core_->now_ms();
    const auto idle_wanted = std::chrono::ceil<std::chrono::milliseconds>(filter.idle);
    each_pending(
        segment, *row, filter.from, filter.to, [&](Sequence s, const PendingWord& pending, const RecordAt& at) {
            if (entries.size() >= filter.max_entries) return false;
            if (is_waiting(pending)) return true;
            if (filter.only_dead && pending.state != PendingState::dead) return true;
            const DeliveryFacts facts = clock_read(*at.delivery, pending, now);
            const std::chrono::milliseconds idle(facts.idle_ms.value_or(0));
            PendingEntry entry;
            entry.sequence = s;
            entry.deliveries = facts.deliveries;
            if (facts.idle_ms) entry.idle = idle;
            if (pending.state == PendingState::delivered && pending.consumer != 0 && pending.consumer <= g.consumers) {
                entry.consumer = consumer_name(segment.consumer(*row, pending.consumer - 1), pending.consumer - 1);
                entry.owner = owner_of(pending.consumer - 1);
            }
            entry.failures = facts.failures;
            entry.deaths = facts.deaths;
            entry.retry = pending.state == PendingState::retry;
            entry.dead = pending.state == PendingState::dead;
            entry.parked = at.parked.has_value();
            entry.exhausted = entry.dead && pending.handover >= last_handover;
            if (entry.dead) entry.reason = reason_of(pending, facts);
            entry.moving = entry.dead && is_being_moved(pending);
            entry.delayed = pending.state == PendingState::delayed;
            if (entry.delayed) {  // the time beside it is not when it was given back
                entry.idle.reset();
                entry.due_in = std::chrono::milliseconds(clock_rest(*at.delivery, pending, now));
            }
            const bool wanted = idle >= idle_wanted && (filter.consumer.empty() || entry.consumer == filter.consumer);
            if (wanted) entries.push_back(std::move(entry));
            return true;
        });
    return entries;
}

Result<std::vector<ProducerNameInfo>> Stream::producer_names() const {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    const Segment& segment = core_->segment();
    std::vector<ProducerNameInfo> names;
    for (std::uint32_t row = 0; row < rows_with_names(segment); ++row) {
        const RowName name = name_of_row(segment, row);
        if (name.size == 0) continue;  // being named
        const OwnerWord word = unpack_owner(segment.named(row).word.load(memory_order_acquire));
        const LastAdd last = look_at_last_add(segment, row);
        names.push_back({std::string(name.view()), last.number, last.sequence, core_->owner_of(word), 0});
        if (names.back().owner != Owner::none && word.row < segment.geometry().attachments)
            names.back().pid =
                static_cast<std::int32_t>(segment.attachment(word.row).pid.load(memory_order_relaxed));  // for people
    }
    return names;
}

Result<std::vector<PendingEntry>> Stream::dead(std::string_view group) const {
    PendingFilter filter;
    filter.only_dead = true;
    return pending_entries(group, filter);
}

Result<std::vector<AttachmentInfo>> Stream::attachments() const {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    const Segment& segment = core_->segment();
    const Geometry& g = segment.geometry();
    std::vector<AttachmentInfo> attachments;
    for (std::uint32_t i = 0; i < g.attachments; ++i) {
        const AttachmentRow& row = segment.attachment(i);
        const OwnerWord word = unpack_owner(row.word.load(memory_order_acquire));
        if (!is_present(word.state)) continue;
        const OwnerWord owner{word.state, i, word.incarnation};
        const auto is_of = [&](std::uint64_t other) {
            const OwnerWord found = unpack_owner(other);
            return found.state != OwnerState::free && found.row == i && found.incarnation == word.incarnation;
        };
        AttachmentInfo info;
        info.row = i;
        info.incarnation = word.incarnation;
        info.owner = core_->owner_of(owner);
        info.pid = static_cast<std::int32_t>(row.pid.load(memory_order_relaxed));  // for people
        info.start_time = row.start_time.load(memory_order_relaxed);
        info.command = command_of(row);
        for (std::uint32_t chunk = 0; chunk < g.chunks; ++chunk)
            info.chunks += is_of(segment.chunk(chunk).word.load(memory_order_acquire)) ? 1u : 0u;
        for (std::uint32_t group = 0; group < g.group_rows; ++group)
            for (std::uint32_t consumer = 0; consumer < g.consumers; ++consumer)
                info.consumers += is_of(segment.consumer(group, consumer).word.load(memory_order_acquire)) ? 1u : 0u;
        attachments.push_back(std::move(info));
    }
    return attachments;
}

}  // namespace shmq
