// Options into numbers: what must hold of every geometry, and what is refused with which words.
#include "layout/geometry.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "layout/forge.hpp"

namespace shmq {
namespace {

/// What every geometry keeps, whatever the options were.
void expect_sound(const StreamOptions& o, const Geometry& g) {
    SCOPED_TRACE(testing::Message() << "slots " << o.slots << " payload " << o.payload << " chunks " << o.chunks
                                    << " producers " << o.producers << " groups " << o.groups << " consumers "
                                    << o.consumers);
    EXPECT_GE(g.tag_bits + g.slot_bits, 52u);
    EXPECT_GE(g.record_tag_bits, 35u);
    EXPECT_EQ(std::uint64_t{1} << g.slot_bits, g.slots);
    EXPECT_EQ(g.payload, g.chunk_size * g.chunks);
    EXPECT_GE(g.payload, o.payload);
    EXPECT_EQ(g.chunk_size % g.unit(), 0u);
    EXPECT_EQ(g.chunk_size % cache_line, 0u) << "chunks of two producers share no line";
    EXPECT_LT((g.payload >> g.unit_bits) - 1, std::uint64_t{1} << g.place_bits) << "the last place fits its bits";
    EXPECT_GE(g.unit(), 32u);
    EXPECT_LE(std::uint64_t{g.longest_run} * 2 + g.producers, g.chunks) << "two runs beside the producers";
    EXPECT_LE(g.room_for(g.max_entry, 0), g.longest_run * g.chunk_size);
    EXPECT_EQ(g.group_rows, g.groups == 0 ? 0 : g.groups + 1);
    EXPECT_LE(g.retry_levels, max_retry_levels);

    std::uint64_t end = 4096;  // of the header
    for (std::size_t kind = 0; kind < area_kinds; ++kind) {
        const Area& area = g.areas[kind];
        if (area.count == 0) continue;
        EXPECT_GE(area.offset, end) << "area " << kind << " overlaps the one before it";
        EXPECT_EQ(area.offset % cache_line, 0u) << "area " << kind;
        end = area.offset + area.count * area.stride;
    }
    EXPECT_LE(end, g.segment_size);
    EXPECT_EQ(g.segment_size % 4096, 0u);

    const auto again = plan(options_of(g));  // as whoever opens the segment does
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->segment_size, g.segment_size);
    EXPECT_EQ(again->unit_bits, g.unit_bits);
    EXPECT_EQ(again->max_entry, g.max_entry);
}

TEST(Geometry, of_a_grid_of_options_is_sound) {
    unsigned planned = 0;
    for (const std::uint64_t slots : {std::uint64_t{8}, std::uint64_t{64}, std::uint64_t{4096}, std::uint64_t{65'536},
                                      std::uint64_t{1} << 20, std::uint64_t{1} << 28})
        for (const std::uint64_t payload :
             {std::uint64_t{4096}, std::uint64_t{4097}, std::uint64_t{1'000'003}, std::uint64_t{32} << 20,
              (std::uint64_t{1} << 32) + 1, std::uint64_t{1} << 40})
            for (const std::uint32_t chunks : {8u, 9u, 256u, 65'536u})
                for (const std::uint32_t producers : {1u, 6u, 64u, 4'096u})
                    for (const std::uint32_t groups : {0u, 1u, 24u})
                        for (const std::uint32_t consumers : {1u, 64u, 1'023u}) {
                            StreamOptions o;
                            o.slots = slots;
                            o.payload = payload;
                            o.chunks = chunks;
                            o.producers = producers;
                            o.groups = groups;
                            o.consumers = consumers;
                            const auto geometry = plan(o);
                            const bool legal = chunks >= producers + 2 && chunks <= slots * 1024 &&
                                               (payload < std::uint64_t{1} << 40 || chunks % 9 != 0);
                            ASSERT_EQ(geometry.has_value(), legal) << slots << " " << chunks << " " << producers;
                            if (!geometry) continue;
                            expect_sound(o, *geometry);
                            ++planned;
                            if (HasFatalFailure() || HasNonfatalFailure()) return;
                        }
    EXPECT_GT(planned, 1'000u);
}

TEST(Geometry, of_the_defaults_fits_a_container_with_room_to_spare) {
    const Geometry g = test::planned({});
    EXPECT_LE(g.segment_size, std::uint64_t{56} << 20);
    EXPECT_EQ(g.unit_bits, 5u);
    EXPECT_EQ(g.max_entry, std::uint64_t{4} << 20) << "payload / 8";
}

TEST(Geometry, has_chunks_of_16_kib_if_it_is_not_told_but_no_more_than_256_and_two_for_each_producer) {
    const auto chunks = [](std::uint64_t payload, std::uint32_t producers) {
        StreamOptions o;
        o.payload = payload;
        o.producers = producers;
        const Geometry g = test::planned(o);
        expect_sound(o, g);
        return g.chunks;
    };
    constexpr std::uint64_t mib = std::uint64_t{1} << 20;
    EXPECT_EQ(chunks(1 * mib, 8), 64u);
    EXPECT_EQ(chunks(4 * mib, 8), 256u);
    EXPECT_EQ(chunks(1'024 * mib, 8), 256u);
    EXPECT_EQ(chunks(1 * mib, 64), 128u);
    EXPECT_EQ(chunks(mib / 8, 64), 128u);
    EXPECT_EQ(chunks(32 * mib, 4'096), 8'192u);
    EXPECT_EQ(chunks(4'096, 1), 8u);
}

TEST(Geometry, of_the_smallest_options_is_sound) {
    StreamOptions o = test::tiny_options();
    o.producers = 1;
    o.groups = 0;
    o.consumers = 1;
    o.attachments = 1;
    o.producer_names = 0;
    const Geometry g = test::planned(o);
    expect_sound(o, g);
    EXPECT_EQ(g.area(AreaKind::records).count, 0u);
    EXPECT_EQ(g.area(AreaKind::groups).count, 0u);
}

TEST(Geometry, takes_eight_bytes_a_slot_and_sixteen_a_slot_and_group) {
    const Geometry g = test::planned({});
    EXPECT_EQ(g.area(AreaKind::slots).stride, 8u);
    EXPECT_EQ(g.area(AreaKind::slots).count, g.slots);
    EXPECT_EQ(g.area(AreaKind::records).stride + g.area(AreaKind::deliveries).stride, 16u);
    EXPECT_EQ(g.area(AreaKind::records).count, g.slots * g.group_rows);
}

TEST(Geometry, has_rows_for_what_the_options_ask_for) {
    const Geometry g = test::planned({});
    EXPECT_EQ(g.area(AreaKind::flight_recorder).count, 256u);
    EXPECT_EQ(g.area(AreaKind::audit).count, audit_rows);
    StreamOptions without;
    without.recorders = false;
    EXPECT_EQ(test::planned(without).area(AreaKind::flight_recorder).count, 0u);
    EXPECT_EQ(test::planned(without).area(AreaKind::audit).count, 0u);
    EXPECT_EQ(g.area(AreaKind::parking).count, 64u);
    EXPECT_EQ(g.area(AreaKind::histograms).count, 9u * 64u);
    EXPECT_EQ(g.area(AreaKind::named_producers).count, 64u);
    EXPECT_EQ(g.area(AreaKind::key_stripes).count, 9u * 1024u);
    EXPECT_EQ(g.area(AreaKind::key_links).count, 9u * 65'536u);
}

TEST(Geometry, has_no_rows_for_what_is_not_wanted) {
    StreamOptions o;
    o.parking = o.key_stripes = o.producer_names = 0;
    o.histograms = false;
    const Geometry g = test::planned(o);
    for (const AreaKind kind : {AreaKind::parking, AreaKind::histograms, AreaKind::named_producers,
                                AreaKind::key_stripes, AreaKind::key_links})
        EXPECT_EQ(g.area(kind).count, 0u);
}

TEST(Geometry, has_retry_levels_that_end_in_one_word_and_do_not_overlap) {
    for (const std::uint64_t slots : {std::uint64_t{8}, std::uint64_t{64}, std::uint64_t{128}, std::uint64_t{4096},
                                      std::uint64_t{8192}, std::uint64_t{1} << 18, std::uint64_t{1} << 28}) {
        const Geometry g = test::planned(test::options_with_slots(slots));
        std::uint64_t words = (slots + 63) / 64;
        std::uint64_t end = g.area(AreaKind::retry).stride / 8;
        for (unsigned level = 0; level < g.retry_levels; ++level, words = (words + 63) / 64) {
            EXPECT_LE(g.retry_level_offset[level] + words, end) << slots << " slots, level " << level;
            end = g.retry_level_offset[level];
            EXPECT_EQ(words == 1, level + 1 == g.retry_levels);
        }
        EXPECT_EQ(end, 0u) << "the top level stands first";
    }
}

TEST(Geometry, counts_laps_from_one_so_that_zeroed_slots_read_as_the_lap_before) {
    const Geometry g = test::planned(test::tiny_options());
    EXPECT_EQ(g.slot_tag(1), 1u);
    EXPECT_EQ(g.slot_tag(7), 1u);
    EXPECT_EQ(g.slot_tag(8), 2u);
    EXPECT_EQ(g.record_tag(8), 2u);
    EXPECT_EQ(g.index_of(8), 0u);
    EXPECT_LE(g.slot_tag(std::uint64_t{1} << 62), low_mask(g.tag_bits));
    EXPECT_LE(g.record_tag(std::uint64_t{1} << 62), low_mask(g.record_tag_bits));
}

TEST(Geometry, gives_an_entry_room_for_header_key_and_payload_in_whole_units) {
    const Geometry g = test::planned({});
    EXPECT_EQ(g.room_for(0, 0), 32u);
    EXPECT_EQ(g.room_for(1, 0), 64u);
    EXPECT_EQ(g.room_for(32, 0), 64u);
    EXPECT_EQ(g.room_for(0, 1), 64u);
    EXPECT_EQ(g.room_for(16, 16), 64u);
    EXPECT_EQ(g.room_for(17, 16), 96u);
}

struct Refused {
    const char* name;
    void (*spoil)(StreamOptions&);
    std::vector<const char*> words;
};

TEST(Options, outside_their_limits_are_refused_with_name_and_numbers) {
    const Refused cases[] = {
        {"slots 4", [](StreamOptions& o) { o.slots = 4; }, {"slots is 4", "8", "268435456"}},
        {"slots 0", [](StreamOptions& o) { o.slots = 0; }, {"slots is 0"}},
        {"slots 2^29", [](StreamOptions& o) { o.slots = std::uint64_t{1} << 29; }, {"slots is 536870912"}},
        {"slots 100", [](StreamOptions& o) { o.slots = 100; }, {"slots is 100", "power of two", "128"}},
        {"payload 4095", [](StreamOptions& o) { o.payload = 4095; }, {"payload is 4095", "4096"}},
        {"payload huge", [](StreamOptions& o) { o.payload = ~std::uint64_t{0}; }, {"payload is 18446744073709551615"}},
        {"payload in whole chunks",
         [](StreamOptions& o) { o.payload = std::uint64_t{1} << 40, o.chunks = 67; },
         {"payload is 1099511627776, in whole chunks 1099511808000", "1099511627776 at most"}},
        {"chunks 7", [](StreamOptions& o) { o.chunks = 7; }, {"chunks is 7", "8 to 65536"}},
        {"chunks 65537", [](StreamOptions& o) { o.chunks = 65'537; }, {"chunks is 65537"}},
        {"producers 0", [](StreamOptions& o) { o.producers = 0; }, {"producers is 0", "1 to 4096"}},
        {"producers 4097", [](StreamOptions& o) { o.producers = 4'097; }, {"producers is 4097"}},
        {"chunks for producers",
         [](StreamOptions& o) { o.chunks = 65; },
         {"chunks is 65", "producers 64", "producers + 2"}},
        {"chunks for slots",
         [](StreamOptions& o) { o.slots = 8, o.chunks = 8'193; },
         {"chunks is 8193", "stream of 8 slots", "8192"}},
        {"groups 25", [](StreamOptions& o) { o.groups = 25; }, {"groups is 25", "0 to 24"}},
        {"consumers 0", [](StreamOptions& o) { o.consumers = 0; }, {"consumers is 0", "1 to 1023"}},
        {"consumers 1024", [](StreamOptions& o) { o.consumers = 1'024; }, {"consumers is 1024"}},
        {"attachments 0", [](StreamOptions& o) { o.attachments = 0; }, {"attachments is 0", "1 to 4095"}},
        {"attachments 4096", [](StreamOptions& o) { o.attachments = 4'096; }, {"attachments is 4096"}},
        {"producer_names 4097",
         [](StreamOptions& o) { o.producer_names = 4'097; },
         {"producer_names is 4097", "0 to 4096"}},
        {"mode", [](StreamOptions& o) { o.mode = 01000; }, {"mode is 512"}},
        {"first 0", [](StreamOptions& o) { o.first_sequence = 0; }, {"first_sequence is 0"}},
        {"first high", [](StreamOptions& o) { o.first_sequence = (std::uint64_t{1} << 62) + 1; }, {"first_sequence"}},
        {"time", [](StreamOptions& o) { o.time = static_cast<TimeStamps>(3); }, {"time is 3"}},
        {"max_entry", [](StreamOptions& o) { o.max_entry = o.payload; }, {"max_entry is 33554432"}},
        {"max_entry huge", [](StreamOptions& o) { o.max_entry = ~std::uint64_t{0}; }, {"max_entry is"}}};
    for (const Refused& refused : cases) {
        StreamOptions options;
        refused.spoil(options);
        const auto geometry = plan(options);
        ASSERT_FALSE(geometry) << refused.name;
        EXPECT_EQ(geometry.error().code(), Code::bad_option) << refused.name;
        for (const char* word : refused.words)
            EXPECT_NE(geometry.error().message().find(word), std::string::npos) << geometry.error().message();
    }
}

TEST(Options, the_largest_entry_that_the_limit_names_is_accepted) {
    StreamOptions options = test::tiny_options();
    options.max_entry = options.payload;
    const std::string text = plan(options).error().message();
    options.max_entry = std::stoull(text.substr(text.rfind(' ')));
    EXPECT_EQ(test::planned(options).max_entry, options.max_entry) << text;
    ++options.max_entry;
    EXPECT_FALSE(plan(options));
}

TEST(Options, come_back_from_the_geometry_they_made) {
    for (const StreamOptions& options : {StreamOptions{}, test::tiny_options(), test::options_with_slots(1024)}) {
        const Geometry g = test::planned(options);
        const Geometry again = test::planned(options_of(g));
        EXPECT_EQ(again.segment_size, g.segment_size);
        EXPECT_EQ(again.max_entry, g.max_entry);
        EXPECT_EQ(again.payload, g.payload);
        for (std::size_t kind = 0; kind < area_kinds; ++kind) EXPECT_EQ(again.areas[kind], g.areas[kind]);
    }
}

TEST(Options, the_same_as_the_segments_are_accepted_as_given_and_as_found) {
    StreamOptions odd = test::tiny_options();
    odd.payload = 5'001;  // rounded up to whole chunks
    for (const StreamOptions& options : {StreamOptions{}, test::tiny_options(), odd}) {
        const Geometry g = test::planned(options);
        EXPECT_TRUE(check_same(options, g));
        EXPECT_TRUE(check_same(options_of(g), g));
    }
}

TEST(Options, zeros_mode_and_first_sequence_accept_what_is_there) {
    const Geometry g = test::planned(test::tiny_options());
    StreamOptions any;
    any.slots = any.payload = any.max_entry = 0;
    any.chunks = any.producers = any.groups = any.consumers = any.attachments = any.producer_names = 0;
    any.mode = 0644;
    any.first_sequence = 99;
    const auto same = check_same(any, g);
    EXPECT_TRUE(same) << same.error().message();
}

TEST(Options, other_than_the_segments_are_refused_with_both_values) {
    const Geometry g = test::planned(test::tiny_options());
    const struct {
        void (*change)(StreamOptions&);
        const char* words;
    } cases[] = {
        {[](StreamOptions& o) { o.slots = 16; }, "slots is asked to be 16, but the stream was made with 8"},
        {[](StreamOptions& o) { o.payload = 8192; }, "payload is asked to be 8192, but the stream was made with 4096"},
        {[](StreamOptions& o) { o.chunks = 16; }, "chunks is asked to be 16, but the stream was made with 8"},
        {[](StreamOptions& o) { o.max_entry = 100; }, "max_entry is asked to be 100"},
        {[](StreamOptions& o) { o.producers = 3; }, "producers is asked to be 3, but the stream was made with 2"},
        {[](StreamOptions& o) { o.groups = 5; }, "groups is asked to be 5, but the stream was made with 3"},
        {[](StreamOptions& o) { o.consumers = 9; }, "consumers is asked to be 9, but the stream was made with 4"},
        {[](StreamOptions& o) { o.attachments = 9; }, "attachments is asked to be 9, but the stream was made with 8"},
        {[](StreamOptions& o) { o.producer_names = 9; },
         "producer_names is asked to be 9, but the stream was made with 64"},
        {[](StreamOptions& o) { o.time = TimeStamps::precise; },
         "time is asked to be 2, but the stream was made with 1"}};
    for (const auto& one : cases) {
        StreamOptions options = test::tiny_options();
        one.change(options);
        const auto same = check_same(options, g);
        ASSERT_FALSE(same) << one.words;
        EXPECT_EQ(same.error().code(), Code::bad_option);
        EXPECT_NE(same.error().message().find(one.words), std::string::npos) << same.error().message();
    }
}

TEST(Options, that_could_not_be_created_are_refused_as_such) {
    const Geometry g = test::planned(test::tiny_options());
    StreamOptions options = test::tiny_options();
    options.slots = 9;
    EXPECT_NE(check_same(options, g).error().message().find("power of two"), std::string::npos);
}

}  // namespace
}  // namespace shmq
