// Writing and checking the first bytes of a segment.
#include "layout/segment.hpp"

#include <algorithm>

#include "base/error_detail.hpp"
#include "shmq/version.hpp"

namespace shmq {

namespace {

/// FNV-1a over 8-byte words: damage, not malice, is what it is for; what it lets pass is still bounds-checked.
std::uint64_t checksum_of(Header header) noexcept {
    header.checksum = 0;
    std::uint64_t words[sizeof(Header) / 8];
    std::memcpy(words, &header, sizeof header);
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const std::uint64_t word : words) hash = (hash ^ word) * 0x100'0000'01b3;
    return hash;
}

void fill_header(Header& header, const Geometry& g, const HomeFile& home) noexcept {
    header.magic = magic;
    header.format_version = format_version;
    header.header_size = sizeof(Header);
    header.fingerprint = layout_fingerprint();
    header.segment_size = g.segment_size;
    header.device = home.device;
    header.inode = home.inode;
    header.created_ns = home.created_ns;
    header.slots = g.slots;
    header.payload = g.payload;
    header.max_entry = g.max_entry;
    header.first_sequence = g.first_sequence;
    header.chunks = g.chunks;
    header.producers = g.producers;
    header.groups = g.groups;
    header.consumers = g.consumers;
    header.attachments = g.attachments;
    header.producer_names = g.producer_names;
    header.key_stripes = g.key_stripes;
    header.parking = g.parking;
    header.histograms = g.histograms ? 1 : 0;
    header.recorders = g.recorders ? 1 : 0;
    header.mode = g.mode;
    header.time = static_cast<std::uint32_t>(g.time);
    header.unit_bits = g.unit_bits;
    for (std::size_t kind = 0; kind < area_kinds; ++kind)
        header.areas[kind] = {g.areas[kind].offset, g.areas[kind].count, g.areas[kind].stride, 0};
    header.checksum = checksum_of(header);
}

}  // namespace

Segment::Segment(std::byte* base, const Geometry& geometry) noexcept : base_(base), geometry_(geometry) {
    const auto at = [&]<class T>(AreaKind kind, T*& pointer) {
        pointer = reinterpret_cast<T*>(base + geometry.area(kind).offset);
    };
    at(AreaKind::control, control_);
    at(AreaKind::slots, slots_);
    at(AreaKind::records, records_);
    at(AreaKind::deliveries, deliveries_);
    at(AreaKind::attachments, attachments_);
    at(AreaKind::producers, producers_);
    at(AreaKind::chunks, chunks_);
    at(AreaKind::groups, groups_);
    at(AreaKind::consumers, consumers_);
    at(AreaKind::pins, pins_);
    at(AreaKind::retry, retry_);
    at(AreaKind::payload, payload_);
    at(AreaKind::named_producers, named_);
    at(AreaKind::parking, parking_);
    at(AreaKind::histograms, histograms_);
    at(AreaKind::flight_recorder, flights_);
    at(AreaKind::audit, audits_);
    at(AreaKind::key_stripes, key_stripes_);
    at(AreaKind::key_links, key_links_);
}

void initialise(std::byte* base, const Geometry& g, const HomeFile& home, std::uint64_t boot) noexcept {
    const Segment segment(base, g);
    // relaxed throughout: nobody else sees these bytes before the file gets its name, which the kernel orders (CREATE).
    Control& control = segment.control();
    const Sequence first = g.first_sequence;
    control.tail.store(first, memory_order_relaxed);
    control.trim_goal.store(first, memory_order_relaxed);
    control.trim_point.store(first, memory_order_relaxed);
    control.boot.store(boot, memory_order_relaxed);
    // Each slot begins as if the lap before had been added and finished, so that an early reader sees "not yet".
    for (Sequence s = first; s - first < g.slots; ++s)
        segment.slot(s).store(pack_slot(g, (g.slot_tag(s) - 1) & g.tag_mask, 0), memory_order_relaxed);
    fill_header(*reinterpret_cast<Header*>(base), g, home);
}

Result<Geometry> check_header(const std::byte* bytes, std::uint64_t file_size) {
    if (file_size < sizeof(Header))
        return text_error(Code::corrupt, file_size,
                          "the file has %llu bytes, less than a header of %zu: truncated, or not a segment",
                          static_cast<unsigned long long>(file_size), sizeof(Header));
    Header header;
    std::memcpy(&header, bytes, sizeof header);
    if (header.magic != magic) return corrupt_error("magic", offsetof(Header, magic), header.magic);
    if (header.format_version != format_version)
        return text_error(
            Code::wrong_version, header.format_version,
            "the segment has format %u, this library reads format %u; use the other version, or create it anew",
            header.format_version, format_version);
    if (header.checksum != checksum_of(header))
        return corrupt_error("header checksum", offsetof(Header, checksum), header.checksum);
    if (header.fingerprint != layout_fingerprint() || header.header_size != sizeof(Header) || header.features != 0)
        return text_error(Code::wrong_version, header.fingerprint,
                          "the segment has another layout of format %u (fingerprint %llx)", header.format_version,
                          static_cast<unsigned long long>(header.fingerprint));
    if (header.histograms > 1) return corrupt_error("histograms", offsetof(Header, histograms), header.histograms);
    if (header.recorders > 1) return corrupt_error("recorders", offsetof(Header, recorders), header.recorders);
    if (header.time > 2) return corrupt_error("time", offsetof(Header, time), header.time);
    auto geometry = plan(options_of(header));
    if (!geometry) return corrupt_error("geometry", offsetof(Header, slots), header.slots);
    for (std::size_t kind = 0; kind < area_kinds; ++kind) {
        const Area found{header.areas[kind].offset, header.areas[kind].count,
                         static_cast<std::uint32_t>(header.areas[kind].stride)};
        if (found != geometry->areas[kind])
            return corrupt_error("area", offsetof(Header, areas) + kind * 32, found.offset);
    }
    if (header.segment_size != geometry->segment_size || header.unit_bits != geometry->unit_bits ||
        header.payload != geometry->payload || header.chunks != geometry->chunks)
        return corrupt_error("segment size", offsetof(Header, segment_size), header.segment_size);
    if (file_size < header.segment_size)
        return text_error(Code::corrupt, file_size, "the file has %llu of the segment's %llu bytes: truncated",
                          static_cast<unsigned long long>(file_size),
                          static_cast<unsigned long long>(header.segment_size));
    return geometry;
}

HomeFile home_of(const std::byte* bytes) noexcept {
    Header header;
    std::memcpy(&header, bytes, sizeof header);
    return {header.device, header.inode, header.created_ns};
}

RowName row_name(const char (&name)[64]) noexcept {
    RowName result{};
    while (result.size < max_name && name[result.size] != 0) {
        const char c = name[result.size];
        result.bytes[result.size++] = c > ' ' && c < 127 ? c : '?';
    }
    return result;
}

void set_row_name(char (&to)[64], std::string_view name) noexcept {
    std::memset(to, 0, sizeof to);
    std::memcpy(to, name.data(), std::min(name.size(), max_name));
}

}  // namespace shmq
