// A segment as the rooms above see it: a base address and a checked private geometry, and typed access to every row.
//
// Indices given here are the caller's promise (they come from the geometry or were compared with it); numbers that were
// read from the segment are checked before they become an index. Copied freely; lives as long as the mapping.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "layout/entry_header.hpp"
#include "layout/geometry.hpp"
#include "layout/rows.hpp"
#include "layout/words.hpp"

namespace shmq {

using Word = Atomic<std::uint64_t>;

class Segment {
public:
    Segment() noexcept = default;
    Segment(std::byte* base, const Geometry& geometry) noexcept;

    [[nodiscard]] const Geometry& geometry() const noexcept { return geometry_; }
    [[nodiscard]] std::byte* base() const noexcept { return base_; }
    [[nodiscard]] Control& control() const noexcept { return *control_; }
    [[nodiscard]] Word& slot(Sequence sequence) const noexcept { return slots_[geometry_.index_of(sequence)]; }
    [[nodiscard]] Word& record(std::uint32_t group, Sequence sequence) const noexcept {
        return records_[group * geometry_.slots + geometry_.index_of(sequence)];
    }
    [[nodiscard]] Word& delivery(std::uint32_t group, Sequence sequence) const noexcept {
        return deliveries_[group * geometry_.slots + geometry_.index_of(sequence)];
    }
    [[nodiscard]] AttachmentRow& attachment(std::uint32_t row) const noexcept { return attachments_[row]; }
    [[nodiscard]] ProducerRow& producer(std::uint32_t row) const noexcept { return producers_[row]; }
    [[nodiscard]] ChunkRow& chunk(std::uint32_t chunk) const noexcept { return chunks_[chunk]; }
    [[nodiscard]] GroupRow& group(std::uint32_t row) const noexcept { return groups_[row]; }
    [[nodiscard]] ConsumerRow& consumer(std::uint32_t group, std::uint32_t row) const noexcept {
        return consumers_[group * geometry_.consumers + row];
    }
    [[nodiscard]] NamedRow& named(std::uint32_t row) const noexcept { return named_[row]; }
    [[nodiscard]] ParkingCell& parking(std::uint32_t cell) const noexcept { return parking_[cell]; }
    /// Only of a geometry with histograms.
    [[nodiscard]] HistogramRow& histograms(std::uint32_t group, std::uint32_t consumer) const noexcept {
        return histograms_[group * geometry_.consumers + consumer];
    }
    /// Only of a geometry with recorders, as the next.
    [[nodiscard]] FlightRow& flight(std::uint32_t attachment) const noexcept { return flights_[attachment]; }
    [[nodiscard]] AuditRow& audit(std::uint32_t row) const noexcept { return audits_[row]; }
    /// Only of a geometry with key stripes, as the next.
    [[nodiscard]] Word& key_stripe(std::uint32_t group, std::uint32_t stripe) const noexcept {
        return key_stripes_[group * geometry_.key_stripes + stripe];
    }
    [[nodiscard]] Word& key_link(std::uint32_t group, Sequence sequence) const noexcept {
        return key_links_[group * geometry_.slots + geometry_.index_of(sequence)];
    }
    [[nodiscard]] Word& pin(std::uint32_t cell) const noexcept { return pins_[cell]; }
    /// The words of one level of a group's retry index.
    [[nodiscard]] Word* retry_level(std::uint32_t group, unsigned level) const noexcept {
        return retry_ + group * (geometry_.area(AreaKind::retry).stride / 8) + geometry_.retry_level_offset[level];
    }
    [[nodiscard]] std::byte* payload() const noexcept { return payload_; }
    /// Offset in the segment, for messages.
    [[nodiscard]] std::uint64_t offset_of(const void* address) const noexcept {
        return static_cast<std::uint64_t>(static_cast<const std::byte*>(address) - base_);
    }

    /// Whether the slot of `sequence` holds that sequence's place. With acquire, its bytes are then visible (PUBLISH).
    [[nodiscard]] bool published(Sequence sequence, std::memory_order order) const noexcept {
        return slot(sequence).load(order) >> geometry_.place_bits == geometry_.slot_tag(sequence);
    }

private:
    std::byte* base_ = nullptr;
    Geometry geometry_;
    Control* control_ = nullptr;
    Word* slots_ = nullptr;
    Word* records_ = nullptr;
    Word* deliveries_ = nullptr;
    AttachmentRow* attachments_ = nullptr;
    ProducerRow* producers_ = nullptr;
    ChunkRow* chunks_ = nullptr;
    GroupRow* groups_ = nullptr;
    ConsumerRow* consumers_ = nullptr;
    Word* pins_ = nullptr;
    Word* retry_ = nullptr;
    std::byte* payload_ = nullptr;
    NamedRow* named_ = nullptr;
    ParkingCell* parking_ = nullptr;
    HistogramRow* histograms_ = nullptr;
    FlightRow* flights_ = nullptr;
    AuditRow* audits_ = nullptr;
    Word* key_stripes_ = nullptr;
    Word* key_links_ = nullptr;
};

/// The file the segment was made in, which a copy is not, and when: a later file may get the same inode.
struct HomeFile {
    std::uint64_t device, inode;
    std::uint64_t created_ns;  // since 1970
};
HomeFile home_of(const std::byte* bytes) noexcept;

/// Writes a new segment into `size` zeroed bytes that nobody else sees yet.
void initialise(std::byte* base, const Geometry& geometry, const HomeFile& home, std::uint64_t boot) noexcept;

/// What the header of a mapped or copied file says, checked: magic, version, fingerprint, checksum, areas, sizes.
/// `file_size` is what the kernel says. Errors: `corrupt` and `wrong_version`, with the place.
Result<Geometry> check_header(const std::byte* bytes, std::uint64_t file_size);

/// Reads a NUL-padded name of a row; what cannot stand in a name is shown as '?'. At most `max_name` bytes.
struct RowName {
    char bytes[64];
    std::size_t size;
    [[nodiscard]] std::string_view view() const noexcept { return {bytes, size}; }
};
RowName row_name(const char (&name)[64]) noexcept;
void set_row_name(char (&to)[64], std::string_view name) noexcept;

/// The header of the entry at a place, checked against the payload area: nullopt if no entry can stand there. The bytes
/// may change under a reader that pins nothing; the returned copy does not.
struct EntryAt {
    EntryFields header;
    std::uint64_t offset;          // of the header in the payload area
    std::uint64_t payload_offset;  // of the payload in the payload area
};
/// The same into `at`; false if no entry can stand there. For the path of every delivered entry, where an optional
/// would be copied through the stack.
inline bool find_entry(const Segment& segment, std::uint64_t place, EntryAt& at) noexcept {
    const Geometry& g = segment.geometry();
    at.offset = place << g.unit_bits;
    if (place > g.place_mask || at.offset > g.payload - sizeof(EntryHeader)) return false;
    at.header = read_entry_header(segment.payload() + at.offset);
    if (at.header.kind != kind_data || at.header.key_size > max_key || at.header.size > g.max_entry) return false;
    at.payload_offset = at.offset + sizeof(EntryHeader) + round_up(at.header.key_size, key_alignment);
    return at.payload_offset + at.header.size <= g.payload;
}
inline std::optional<EntryAt> entry_at(const Segment& segment, std::uint64_t place) noexcept {
    EntryAt at;
    if (!find_entry(segment, place, at)) return std::nullopt;
    return at;
}

}  // namespace shmq
