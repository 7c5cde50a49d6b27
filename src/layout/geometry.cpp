// Options into numbers. The limits here are the ones that include/shmq/options.hpp documents.
#include "layout/geometry.hpp"

#include <algorithm>

#include "base/error_detail.hpp"
#include "layout/rows.hpp"
#include "layout/words.hpp"

namespace shmq {

namespace {

constexpr unsigned smallest_unit_bits = 5;  // places count in 32 bytes or more
constexpr std::uint64_t least_units = 4;    // of a chunk
constexpr unsigned needed_tag_bits = 52;    // tag_bits + slot_bits; layout/words.hpp says why
constexpr std::uint64_t largest_payload = std::uint64_t{1} << 40;
constexpr std::uint64_t highest_sequence = std::uint64_t{1} << 62;

constexpr std::uint64_t usual_chunk = 16'384;  // bytes; smaller ones are changed so often that it tells
constexpr std::uint64_t usual_chunks = 256;    // more do not serve better
constexpr std::uint64_t least_chunks = 8;
constexpr std::uint64_t most_chunks = 65'536;

struct Limit {
    const char* name;
    std::uint64_t value, lowest, highest;
};

Result<void> check_limits(const StreamOptions& o) {
    const Limit limits[] = {{"slots", o.slots, 8, std::uint64_t{1} << 28},
                            {"payload", o.payload, 4096, largest_payload},
                            {"chunks", o.chunks, least_chunks, most_chunks},
                            {"producers", o.producers, 1, 4'096},
                            {"groups", o.groups, 0, 24},
                            {"consumers", o.consumers, 1, 1'023},
                            {"attachments", o.attachments, 1, 4'095},
                            {"producer_names", o.producer_names, 0, 4'096},
                            {"key_stripes", o.key_stripes, 0, 65'536},
                            {"parking", o.parking, 0, 1'024},
                            {"mode", o.mode, 0, 0777},
                            {"first_sequence", o.first_sequence, 1, highest_sequence},
                            {"time", static_cast<std::uint64_t>(o.time), 0, 2}};
    for (const Limit& limit : limits)
        if (limit.value < limit.lowest || limit.value > limit.highest)
            return option_error(limit.name, limit.value, limit.lowest, limit.highest);
    if (!std::has_single_bit(o.slots))
        return text_error(Code::bad_option, o.slots, "slots is %llu; it must be a power of two, such as %llu",
                          static_cast<unsigned long long>(o.slots),
                          static_cast<unsigned long long>(std::bit_ceil(o.slots)));
    return {};
}

/// How many chunks a stream has that does not say. As many again as the producers keep, so that a large entry finds its
/// neighbours.
std::uint32_t chunks_for(const StreamOptions& o) noexcept {
    const std::uint64_t by_size = std::min(o.payload / usual_chunk, usual_chunks);
    return static_cast<std::uint32_t>(
        std::clamp(std::max(by_size, 2 * std::uint64_t{o.producers}), least_chunks, most_chunks));
}

/// Chunks, their size, and the longest run of them that one entry may take.
Result<void> plan_chunks(const StreamOptions& o, Geometry& g) {
    // A slot word needs needed_tag_bits - slot_bits for its tag; what is left bounds the number of places, and with it
    // their unit.
    const unsigned most_place_bits = std::min(63u, 64 - needed_tag_bits + g.slot_bits);
    const std::uint64_t most_by_slots = (std::uint64_t{1} << most_place_bits) / least_units;
    if (o.chunks > most_by_slots)
        return text_error(Code::bad_option, o.chunks, "chunks is %u; a stream of %llu slots may have %llu at most",
                          o.chunks, static_cast<unsigned long long>(o.slots),
                          static_cast<unsigned long long>(most_by_slots));
    // Ends, since a chunk has least_units units in the end and all of them fit the place then.
    g.unit_bits = smallest_unit_bits;
    for (;; ++g.unit_bits) {
        const std::uint64_t granule = std::max<std::uint64_t>(cache_line, g.unit());
        g.chunk_size = std::max(round_up((o.payload + o.chunks - 1) / o.chunks, granule), least_units * granule);
        g.payload = g.chunk_size * o.chunks;
        g.place_bits = bits_for((g.payload >> g.unit_bits) - 1);
        if (g.place_bits <= most_place_bits) break;
    }
    g.tag_bits = 64 - g.place_bits;
    if (g.payload > largest_payload)
        return text_error(Code::bad_option, o.payload, "payload is %llu, in whole chunks %llu; it must be %llu at most",
                          static_cast<unsigned long long>(o.payload), static_cast<unsigned long long>(g.payload),
                          static_cast<unsigned long long>(largest_payload));
    if (o.chunks < o.producers + 2)
        return text_error(
            Code::bad_option, o.chunks,
            "chunks is %u and producers %u; each producer keeps a chunk, so chunks must be at least producers + 2",
            o.chunks, o.producers);
    const std::uint64_t longest = (o.chunks - o.producers) / 2;  // chunks of a run: two always fit beside the producers
    const std::uint64_t fits = std::min<std::uint64_t>(longest * g.chunk_size - sizeof(EntryHeader), 0xffff'ffff);
    const std::uint64_t max_entry = o.max_entry != 0 ? o.max_entry : std::min(g.payload / 8, fits);
    if (max_entry > fits) return option_error("max_entry", o.max_entry, 1, fits);
    const std::uint64_t run = (round_up(max_entry + sizeof(EntryHeader), g.unit()) + g.chunk_size - 1) / g.chunk_size;
    g.max_entry = max_entry;
    g.longest_run = static_cast<std::uint32_t>(run);
    return {};
}

void plan_retry_index(Geometry& g) {
    std::uint64_t words = (g.slots + 63) / 64;
    std::uint64_t sizes[max_retry_levels];
    for (g.retry_levels = 0;; words = (words + 63) / 64) {
        sizes[g.retry_levels++] = words;
        if (words == 1) break;
    }
    // The top level, which every read looks at, stands first on a cache line of its own.
    std::uint64_t offset = 0;
    for (unsigned level = g.retry_levels; level-- > 0;) {
        g.retry_level_offset[level] = offset;
        offset += round_up(sizes[level], cache_line / 8);
    }
    g.areas[static_cast<std::size_t>(AreaKind::retry)] = {0, g.group_rows, static_cast<std::uint32_t>(offset * 8)};
}

void plan_areas(Geometry& g) {
    const auto set = [&](AreaKind kind, std::uint64_t count, std::size_t stride) {
        g.areas[static_cast<std::size_t>(kind)] = {0, count, static_cast<std::uint32_t>(stride)};
    };
    set(AreaKind::control, 1, sizeof(Control));
    set(AreaKind::attachments, g.attachments, sizeof(AttachmentRow));
    set(AreaKind::producers, g.producers, sizeof(ProducerRow));
    set(AreaKind::chunks, g.chunks, sizeof(ChunkRow));
    set(AreaKind::groups, g.group_rows, sizeof(GroupRow));
    set(AreaKind::consumers, std::uint64_t{g.group_rows} * g.consumers, sizeof(ConsumerRow));
    set(AreaKind::pins, g.pins, 8);
    set(AreaKind::slots, g.slots, 8);
    set(AreaKind::records, g.slots * g.group_rows, 8);
    set(AreaKind::deliveries, g.slots * g.group_rows, 8);
    set(AreaKind::payload, g.payload, 1);
    set(AreaKind::named_producers, g.producer_names, sizeof(NamedRow));
    set(AreaKind::parking, g.parking, sizeof(ParkingCell));
    set(AreaKind::histograms, g.histograms ? std::uint64_t{g.group_rows} * g.consumers : 0, sizeof(HistogramRow));
    set(AreaKind::flight_recorder, g.recorders ? g.attachments : 0, sizeof(FlightRow));
    set(AreaKind::audit, g.recorders ? audit_rows : 0, sizeof(AuditRow));
    set(AreaKind::key_stripes, std::uint64_t{g.group_rows} * g.key_stripes, 8);
    set(AreaKind::key_links, g.key_stripes == 0 ? 0 : g.slots * g.group_rows, 8);
    std::uint64_t offset = sizeof(Header);
    for (Area& area : g.areas) {
        if (area.count == 0) continue;
        // Large areas begin on a page, so that they can be advised and inspected apart.
        area.offset = round_up(offset, area.size() >= 65'536 ? 4096 : cache_line);
        offset = area.offset + area.size();
    }
    g.segment_size = round_up(offset, 4096);
}

}  // namespace

Result<Geometry> plan(const StreamOptions& options) {
    StreamOptions o = options;
    if (o.chunks == 0) o.chunks = chunks_for(o);
    if (auto fine = check_limits(o); !fine) return fine.error();
    Geometry g;
    g.slots = o.slots;
    g.chunks = o.chunks;
    g.producers = o.producers;
    g.groups = o.groups;
    g.group_rows = o.groups == 0 ? 0 : o.groups + 1;
    g.consumers = o.consumers;
    g.attachments = o.attachments;
    g.producer_names = o.producer_names;
    g.key_stripes = o.key_stripes;
    g.parking = o.parking;
    g.histograms = o.histograms;
    g.recorders = o.recorders;
    g.mode = o.mode;
    g.time = o.time;
    g.first_sequence = o.first_sequence;
    g.pins = pin_cells;
    g.slot_bits = bits_for(o.slots - 1);
    if (auto fine = plan_chunks(o, g); !fine) return fine.error();
    g.consumer_bits = bits_for(g.consumers);
    g.record_tag_bits = 64 - state_bits - handover_bits - g.consumer_bits;
    g.record_shift = state_bits + handover_bits + g.consumer_bits;
    g.place_mask = low_mask(g.place_bits);
    g.tag_mask = low_mask(g.tag_bits);
    g.record_tag_mask = low_mask(g.record_tag_bits);
    g.record_lap = std::uint64_t{1} << g.record_shift;
    plan_retry_index(g);
    plan_areas(g);
    return g;
}

Result<void> check_same(const StreamOptions& wanted, const Geometry& g) {
    // The payload is rounded up to whole chunks, so the options are planned again before they are compared.
    StreamOptions filled = wanted;
    const StreamOptions have = options_of(g);
    const auto fill = [](auto& want, auto value) {
        if (want == 0) want = value;
    };
    fill(filled.slots, have.slots);
    fill(filled.payload, have.payload);
    fill(filled.chunks, have.chunks);
    fill(filled.producers, have.producers);
    fill(filled.groups, have.groups);
    fill(filled.consumers, have.consumers);
    fill(filled.attachments, have.attachments);
    fill(filled.producer_names, have.producer_names);
    fill(filled.key_stripes, have.key_stripes);
    fill(filled.parking, have.parking);
    filled.first_sequence = have.first_sequence;
    filled.mode = have.mode;
    auto planned = plan(filled);
    if (!planned) return planned.error();
    const StreamOptions want = options_of(*planned);
    const struct {
        const char* name;
        std::uint64_t wanted, found;
    } pairs[] = {{"slots", want.slots, have.slots},
                 {"payload", want.payload, have.payload},
                 {"chunks", want.chunks, have.chunks},
                 {"max_entry", wanted.max_entry == 0 ? have.max_entry : want.max_entry, have.max_entry},
                 {"producers", want.producers, have.producers},
                 {"groups", want.groups, have.groups},
                 {"consumers", want.consumers, have.consumers},
                 {"attachments", want.attachments, have.attachments},
                 {"producer_names", want.producer_names, have.producer_names},
                 {"key_stripes", want.key_stripes, have.key_stripes},
                 {"parking", want.parking, have.parking},
                 {"histograms", want.histograms ? 1u : 0u, have.histograms ? 1u : 0u},
                 {"recorders", want.recorders ? 1u : 0u, have.recorders ? 1u : 0u},
                 {"time", static_cast<std::uint64_t>(want.time), static_cast<std::uint64_t>(have.time)}};
    for (const auto& pair : pairs)
        if (pair.wanted != pair.found) return option_differs_error(pair.name, pair.wanted, pair.found);
    return {};
}

}  // namespace shmq
