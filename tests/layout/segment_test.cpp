// The first bytes of a segment, and reading bytes that anybody may have written.
#include "layout/segment.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "layout/forge.hpp"
#include "shmq/version.hpp"

namespace shmq {
namespace {

using test::Forge;

std::vector<std::byte> header_of(const Forge& forge) { return {forge.bytes(), forge.bytes() + sizeof(Header)}; }

TEST(Initialise, begins_each_slot_as_the_lap_before_whatever_the_first_sequence) {
    for (const std::uint64_t first : {std::uint64_t{1}, std::uint64_t{8}, std::uint64_t{13},
                                      (std::uint64_t{1} << 32) - 3, std::uint64_t{1} << 62}) {
        StreamOptions options = test::tiny_options();
        options.first_sequence = first;
        const Forge forge(options);
        const Geometry& g = forge.geometry();
        for (Sequence s = first; s < first + g.slots; ++s) {
            EXPECT_FALSE(forge.segment().published(s, memory_order_acquire)) << s;
            const SlotWord slot = unpack_slot(g, forge.segment().slot(s).load(memory_order_acquire));
            EXPECT_EQ((slot.tag + 1) & low_mask(g.tag_bits), g.slot_tag(s)) << s;
        }
        EXPECT_EQ(forge.control().tail.load(memory_order_relaxed), first);
        EXPECT_EQ(forge.control().trim_goal.load(memory_order_relaxed), first);
        EXPECT_EQ(forge.control().trim_point.load(memory_order_relaxed), first);
    }
}

TEST(Segment, gives_rows_that_lie_in_their_areas_and_nowhere_else) {
    const Forge forge;
    const Segment& segment = forge.segment();
    const Geometry& g = forge.geometry();
    const auto expect_in = [&](AreaKind kind, const void* first, const void* last, std::size_t size) {
        EXPECT_EQ(segment.offset_of(first), g.area(kind).offset) << static_cast<int>(kind);
        EXPECT_EQ(segment.offset_of(last) + size, g.area(kind).offset + g.area(kind).count * g.area(kind).stride)
            << static_cast<int>(kind);
    };
    const std::uint32_t last_group = g.group_rows - 1;
    expect_in(AreaKind::slots, &segment.slot(0), &segment.slot(g.slots - 1), 8);
    expect_in(AreaKind::records, &segment.record(0, 0), &segment.record(last_group, g.slots - 1), 8);
    expect_in(AreaKind::deliveries, &segment.delivery(0, 0), &segment.delivery(last_group, g.slots - 1), 8);
    expect_in(AreaKind::attachments, &segment.attachment(0), &segment.attachment(g.attachments - 1),
              sizeof(AttachmentRow));
    expect_in(AreaKind::producers, &segment.producer(0), &segment.producer(g.producers - 1), sizeof(ProducerRow));
    expect_in(AreaKind::chunks, &segment.chunk(0), &segment.chunk(g.chunks - 1), sizeof(ChunkRow));
    expect_in(AreaKind::groups, &segment.group(0), &segment.group(last_group), sizeof(GroupRow));
    expect_in(AreaKind::consumers, &segment.consumer(0, 0), &segment.consumer(last_group, g.consumers - 1),
              sizeof(ConsumerRow));
    expect_in(AreaKind::named_producers, &segment.named(0), &segment.named(g.producer_names - 1), sizeof(NamedRow));
    expect_in(AreaKind::pins, &segment.pin(0), &segment.pin(g.pins - 1), 8);
    EXPECT_EQ(&segment.slot(3), &segment.slot(3 + g.slots)) << "a lap later";
}

TEST(CheckHeader, accepts_what_was_just_made) {
    const Forge forge;
    const auto geometry = check_header(forge.bytes(), forge.geometry().segment_size);
    ASSERT_TRUE(geometry) << geometry.error().message();
    EXPECT_EQ(geometry->segment_size, forge.geometry().segment_size);
    EXPECT_EQ(geometry->max_entry, forge.geometry().max_entry);
    EXPECT_EQ(home_of(forge.bytes()).device, Forge::device);
    EXPECT_EQ(home_of(forge.bytes()).inode, Forge::inode);
    EXPECT_EQ(home_of(forge.bytes()).created_ns, Forge::created_ns);
}

TEST(CheckHeader, accepts_a_file_that_is_longer) {
    const Forge forge;
    EXPECT_TRUE(check_header(forge.bytes(), forge.geometry().segment_size + 12'345));
}

TEST(CheckHeader, refuses_every_single_flipped_byte) {
    const Forge forge;
    const std::vector<std::byte> good = header_of(forge);
    for (std::size_t offset = 0; offset < good.size(); ++offset)
        for (const int flip : {0x01, 0x80, 0xff}) {
            std::vector<std::byte> bad = good;
            bad[offset] ^= static_cast<std::byte>(flip);
            const auto geometry = check_header(bad.data(), forge.geometry().segment_size);
            ASSERT_FALSE(geometry) << "byte " << offset << " flipped by " << flip;
            const Code code = geometry.error().code();
            ASSERT_TRUE(code == Code::corrupt || code == Code::wrong_version) << offset;
        }
}

TEST(CheckHeader, refuses_another_version_by_number) {
    const Forge forge;
    std::vector<std::byte> bad = header_of(forge);
    const std::uint32_t next = format_version + 1;
    std::memcpy(bad.data() + offsetof(Header, format_version), &next, sizeof next);
    const auto geometry = check_header(bad.data(), forge.geometry().segment_size);
    ASSERT_FALSE(geometry);
    EXPECT_EQ(geometry.error().code(), Code::wrong_version);
    EXPECT_NE(geometry.error().message().find("format " + std::to_string(next)), std::string::npos);
    EXPECT_NE(geometry.error().message().find("reads format " + std::to_string(format_version)), std::string::npos);
}

TEST(CheckHeader, refuses_a_truncated_file_with_both_sizes) {
    const Forge forge;
    const std::uint64_t size = forge.geometry().segment_size;
    for (const std::uint64_t shorter :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4095}, std::uint64_t{4096}, size - 1}) {
        const auto geometry = check_header(forge.bytes(), shorter);
        ASSERT_FALSE(geometry) << shorter;
        EXPECT_EQ(geometry.error().code(), Code::corrupt);
        EXPECT_NE(geometry.error().message().find("truncated"), std::string::npos);
        EXPECT_NE(geometry.error().message().find(std::to_string(shorter)), std::string::npos);
    }
    EXPECT_NE(check_header(forge.bytes(), size - 1).error().message().find(std::to_string(size)), std::string::npos);
}

TEST(CheckHeader, refuses_no_chunks_where_options_leave_their_number_open) {
    StreamOptions options = test::tiny_options();
    options.chunks = 0;
    Forge forge(options);
    Geometry g = forge.geometry();
    EXPECT_TRUE(check_header(forge.bytes(), g.segment_size));
    g.chunks = 0;
    initialise(forge.bytes(), g, {}, 0);
    EXPECT_FALSE(check_header(forge.bytes(), g.segment_size));
}

TEST(CheckHeader, of_random_bytes_is_an_error) {
    std::mt19937_64 random(20'240'101);
    std::vector<std::uint64_t> bytes(sizeof(Header) / 8);
    for (int round = 0; round < 200; ++round) {
        for (std::uint64_t& word : bytes) word = random();
        if (round % 2 == 0) bytes[0] = magic;
        EXPECT_FALSE(check_header(reinterpret_cast<const std::byte*>(bytes.data()), std::uint64_t{1} << 30));
    }
}

TEST(EntryAt, gives_a_header_and_where_its_bytes_are) {
    const Forge forge;
    forge.write_entry(3, "payload");
    const auto entry = entry_at(forge.segment(), 3);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->offset, 3 * forge.geometry().unit());
    EXPECT_EQ(entry->payload_offset, entry->offset + sizeof(EntryHeader));
    EXPECT_EQ(entry->header.size, 7u);
    EntryHeader keyed{};
    keyed.kind = kind_data;
    keyed.size = 5;
    keyed.key_size = 17;
    forge.write_header(0, keyed);
    EXPECT_EQ(entry_at(forge.segment(), 0)->payload_offset, sizeof(EntryHeader) + 32u) << "the key is padded to 16";
}

TEST(EntryAt, with_hostile_places_and_sizes_never_reads_or_points_outside) {
    const Forge forge;
    const Geometry& g = forge.geometry();
    std::mt19937_64 random(7);
    const std::uint64_t places = g.payload >> g.unit_bits;
    // Bytes of every kind everywhere; what can't be touched begins right behind the payload.
    for (int round = 0; round < 200; ++round) {
        for (std::uint64_t offset = 0; offset < g.payload; offset += 8) {
            std::uint64_t word = random();
            if (offset % g.unit() == 0 && round % 2 == 0) {  // mostly legal but for its sizes
                const std::uint64_t size = random() % (2 * g.max_entry), key_size = random() % (2 * max_key);
                word = size | key_size << 32 | std::uint64_t{kind_data} << 48;
            }
            std::memcpy(forge.segment().payload() + offset, &word, sizeof word);
        }
        for (std::uint64_t place = 0; place < places + 8; ++place) {
            const auto entry = entry_at(forge.segment(), place);
            if (!entry) continue;
            ASSERT_LT(place, places);
            ASSERT_EQ(entry->offset, place * g.unit());
            ASSERT_LE(entry->payload_offset, g.payload);
            ASSERT_LE(entry->header.size, g.payload - entry->payload_offset);
            ASSERT_LE(entry->header.size, g.max_entry);
            ASSERT_LE(entry->header.key_size, max_key);
            ASSERT_GE(entry->payload_offset - entry->offset, sizeof(EntryHeader) + entry->header.key_size);
        }
    }
    for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t place = std::uint64_t{1} << bit;
        if (place >= places) {
            EXPECT_FALSE(entry_at(forge.segment(), place)) << place;
            EXPECT_FALSE(entry_at(forge.segment(), place + places - 1)) << place;
        }
    }
    EXPECT_FALSE(entry_at(forge.segment(), ~std::uint64_t{0}));
}

TEST(EntryAt, refuses_each_field_that_shmq_never_writes) {
    const Forge forge;
    const Geometry& g = forge.geometry();
    EntryHeader good{};
    good.kind = kind_data;
    good.size = static_cast<std::uint32_t>(g.max_entry);
    forge.write_header(0, good);
    EXPECT_TRUE(entry_at(forge.segment(), 0));
    const auto refused = [&](auto&& spoil) {
        EntryHeader bad = good;
        spoil(bad);
        forge.write_header(0, bad);
        return !entry_at(forge.segment(), 0);
    };
    EXPECT_TRUE(refused([&](EntryHeader& h) { ++h.size; }));
    EXPECT_TRUE(refused([&](EntryHeader& h) { h.key_size = max_key + 1; }));
    EXPECT_TRUE(refused([&](EntryHeader& h) { h.kind = 0; }));
    EXPECT_TRUE(refused([&](EntryHeader& h) { h.kind = 2; }));
    // The last place has room for a header and nothing else.
    const std::uint64_t last = (g.payload >> g.unit_bits) - 1;
    good.size = 0;
    forge.write_header(last, good);
    EXPECT_TRUE(entry_at(forge.segment(), last));
    good.size = 1;
    forge.write_header(last, good);
    EXPECT_FALSE(entry_at(forge.segment(), last));
}

TEST(RowName, comes_back_as_it_was_set) {
    char row[64];
    std::memset(row, 'x', sizeof row);
    set_row_name(row, "orders");
    EXPECT_EQ(row_name(row).view(), "orders");
    EXPECT_EQ(row[63], 0) << "what stood there before is gone";
    set_row_name(row, std::string(max_name, 'n'));
    EXPECT_EQ(row_name(row).view(), std::string(max_name, 'n'));
    set_row_name(row, std::string(500, 'n'));
    EXPECT_EQ(row_name(row).size, max_name) << "cut";
    set_row_name(row, "");
    EXPECT_EQ(row_name(row).view(), "");
}

TEST(RowName, of_garbage_is_printable_and_ends) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 1'000; ++round) {
        char row[64];
        for (char& c : row) c = static_cast<char>(round % 2 == 0 ? random() % 255 + 1 : random());
        const RowName name = row_name(row);
        ASSERT_LE(name.size, max_name);
        for (const char c : name.view()) ASSERT_TRUE(c > ' ' && c < 127) << static_cast<int>(c);
    }
    char full[64];
    std::memset(full, '\n', sizeof full);
    EXPECT_EQ(row_name(full).view(), std::string(max_name, '?'));
}

}  // namespace
}  // namespace shmq
