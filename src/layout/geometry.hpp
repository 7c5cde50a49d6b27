// How large everything in a segment is: the one place where options become numbers of rows, bits and bytes.
//
// A Geometry is a private copy. It is computed by `plan` when a segment is made, and copied from the header and checked
// against `plan` again when it is opened, so that no number that decides about an address is ever read from shared
// memory twice.
#pragma once

#include <cstdint>

#include "base/bits.hpp"
#include "layout/entry_header.hpp"
#include "shmq/options.hpp"
#include "shmq/status.hpp"

namespace shmq {

/// Kinds of areas in a segment, the index into Geometry::areas. New kinds are added at the end; a count of zero is
/// legal.
enum class AreaKind : std::uint32_t {
    control,          // words everyone uses
    attachments,      // AttachmentRow
    producers,        // ProducerRow
    chunks,           // ChunkRow
    groups,           // GroupRow
    consumers,        // ConsumerRow, `consumers` for each group row
    pins,             // PinCell
    retry,            // retry index, one set of levels for each group row
    slots,            // slot words
    records,          // pending words, `slots` for each group row
    deliveries,       // delivery words, `slots` for each group row
    payload,          // the chunks' bytes
    parking,          // ParkingCell
    histograms,       // HistogramRow, `consumers` for each group row
    flight_recorder,  // FlightRow, one for each attachment row
    audit,            // AuditRow
    named_producers,  // NamedRow
    key_stripes,      // words, `key_stripes` for each group row
    key_links,        // words, `slots` for each group row
    count
};
inline constexpr std::size_t area_kinds = static_cast<std::size_t>(AreaKind::count);

struct Area {
    std::uint64_t offset = 0;  // bytes from the segment's start
    std::uint64_t count = 0;   // rows
    std::uint32_t stride = 0;  // bytes of a row

    /// Bytes.
    [[nodiscard]] std::uint64_t size() const noexcept { return count * stride; }
    bool operator==(const Area&) const = default;
};

/// Levels of the retry index: bit i of level n+1 says that word i of level n is not zero. The last level is one word.
inline constexpr unsigned max_retry_levels = 6;

/// Cells of the pin table.
inline constexpr std::uint32_t pin_cells = 256;

struct Geometry {
    // Chosen by options.
    std::uint64_t slots = 0;
    std::uint64_t payload = 0;     // bytes, chunks x chunk_size
    std::uint64_t chunk_size = 0;  // bytes
    std::uint64_t max_entry = 0;   // bytes of payload of one entry
    std::uint64_t first_sequence = 1;
    std::uint32_t chunks = 0;
    std::uint32_t producers = 0;
    std::uint32_t groups = 0;
    std::uint32_t consumers = 0;
    std::uint32_t attachments = 0;
    std::uint32_t producer_names = 0;
    std::uint32_t key_stripes = 0;
    std::uint32_t parking = 0;
    bool histograms = false;
    bool recorders = false;
    std::uint32_t mode = 0;
    TimeStamps time = TimeStamps::coarse;

    // Derived.
    std::uint32_t group_rows = 0;  // one more than groups, so that a cursor can be moved when all are in use
    std::uint32_t pins = 0;
    std::uint32_t longest_run = 0;  // chunks that the largest entry needs
    unsigned slot_bits = 0;         // log2(slots)
    unsigned unit_bits = 0;         // log2 of the unit of places, bytes
    unsigned place_bits = 0;        // low bits of a slot word
    unsigned tag_bits = 0;          // the other bits of a slot word
    unsigned consumer_bits = 0;     // of a pending word
    unsigned record_tag_bits = 0;   // of a pending word
    unsigned record_shift = 0;      // bits of a pending word below its tag
    std::uint64_t place_mask = 0;   // the bits as masks, since every entry asks for them
    std::uint64_t tag_mask = 0;
    std::uint64_t record_tag_mask = 0;
    std::uint64_t record_lap = 0;  // what one lap adds to a pending word: 2^record_shift
    unsigned retry_levels = 0;
    std::uint64_t retry_level_offset[max_retry_levels] = {};  // words from the start of a group's retry index
    Area areas[area_kinds] = {};
    std::uint64_t segment_size = 0;  // bytes

    [[nodiscard]] std::uint64_t unit() const noexcept { return std::uint64_t{1} << unit_bits; }
    [[nodiscard]] std::uint64_t index_of(Sequence sequence) const noexcept { return sequence & (slots - 1); }
    /// The lap's tag in a slot word. The first lap's is 1, so that zeroed slots read as the lap before.
    [[nodiscard]] std::uint64_t slot_tag(Sequence sequence) const noexcept {
        return ((sequence >> slot_bits) + 1) & tag_mask;
    }
    [[nodiscard]] std::uint64_t record_tag(Sequence sequence) const noexcept {
        return ((sequence >> slot_bits) + 1) & record_tag_mask;
    }
    [[nodiscard]] const Area& area(AreaKind kind) const noexcept { return areas[static_cast<std::size_t>(kind)]; }
    /// Bytes an entry takes in a chunk.
    [[nodiscard]] std::uint64_t room_for(std::uint64_t size, std::uint64_t key_size) const noexcept {
        return round_up(sizeof(EntryHeader) + round_up(key_size, key_alignment) + size, unit());
    }
};

/// The geometry of a new segment. `bad_option` names the option, its value and its limits.
Result<Geometry> plan(const StreamOptions& options);

/// The options a geometry came from, with the values chosen for zeros; or those in a header, whose fields have the same
/// names.
template <class Source>
[[nodiscard]] StreamOptions options_of(const Source& source) noexcept {
    StreamOptions o;
    o.slots = source.slots;
    o.payload = source.payload;
    o.chunks = source.chunks;
    o.max_entry = source.max_entry;
    o.producers = source.producers;
    o.groups = source.groups;
    o.consumers = source.consumers;
    o.attachments = source.attachments;
    o.producer_names = source.producer_names;
    o.key_stripes = source.key_stripes;
    o.parking = source.parking;
    o.histograms = source.histograms != 0;
    o.recorders = source.recorders != 0;
    o.mode = source.mode;
    o.time = static_cast<TimeStamps>(source.time);
    o.first_sequence = source.first_sequence;
    return o;
}

/// Whether `wanted` asks for something else than a segment has; the error names the first difference and both values.
/// Zeros, mode and first_sequence accept what is there.
Result<void> check_same(const StreamOptions& wanted, const Geometry& geometry);

}  // namespace shmq
