// The packed words: every field comes back as it was packed, and none touches another.
#include "layout/words.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "layout/forge.hpp"

namespace shmq {
namespace {

/// Geometries whose words have the narrowest and widest fields.
std::vector<Geometry> geometries() {
    StreamOptions many_consumers = test::tiny_options();
    many_consumers.consumers = 1023;
    StreamOptions one_consumer = test::tiny_options();
    one_consumer.consumers = 1;
    StreamOptions wide;
    wide.slots = std::uint64_t{1} << 28;
    wide.payload = std::uint64_t{1} << 40;
    wide.chunks = 65'536;
    return {test::planned({}), test::planned(test::tiny_options()), test::planned(many_consumers),
            test::planned(one_consumer), test::planned(wide)};
}

/// 0, 1, each single bit and all bits of a field.
std::vector<std::uint64_t> edges(unsigned bits) {
    std::vector<std::uint64_t> values{0, low_mask(bits), low_mask(bits) - 1};
    for (unsigned bit = 0; bit < bits; ++bit) values.push_back(std::uint64_t{1} << bit);
    return values;
}
std::uint32_t narrow(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

/// Packs each field's edges alone: what comes back must be this field, and the words must not share a bit.
void expect_apart(const std::vector<std::uint64_t>& all_ones) {
    std::uint64_t seen = 0;
    for (const std::uint64_t word : all_ones) {
        EXPECT_EQ(seen & word, 0u);
        seen |= word;
    }
    EXPECT_EQ(seen, ~std::uint64_t{0}) << "bits that belong to no field";
}

TEST(SlotWord, round_trips_and_its_fields_are_apart) {
    for (const Geometry& g : geometries()) {
        EXPECT_EQ(g.tag_bits + g.place_bits, 64u);
        for (const std::uint64_t tag : edges(g.tag_bits))
            for (const std::uint64_t place : edges(g.place_bits)) {
                const SlotWord word = unpack_slot(g, pack_slot(g, tag, place));
                ASSERT_EQ(word.tag, tag);
                ASSERT_EQ(word.place, place);
            }
        expect_apart({pack_slot(g, low_mask(g.tag_bits), 0), pack_slot(g, 0, low_mask(g.place_bits))});
    }
}

TEST(PendingWord, round_trips_and_its_fields_are_apart) {
    for (const Geometry& g : geometries()) {
        for (const std::uint64_t tag : edges(g.record_tag_bits))
            for (const std::uint64_t consumer : edges(g.consumer_bits))
                for (const std::uint64_t handover : edges(handover_bits))
                    for (unsigned state = 0; state < 8; ++state) {
                        const PendingWord word{tag, narrow(consumer), narrow(handover),
                                               static_cast<PendingState>(state)};
                        const std::uint64_t packed = pack_pending(g, word);
                        ASSERT_EQ(unpack_pending(g, packed), word);
                        ASSERT_EQ(pending_tag(g, packed), tag);
                        ASSERT_EQ(pending_state(packed), word.state);
                    }
        expect_apart({pack_pending(g, {low_mask(g.record_tag_bits), 0, 0, PendingState::none}),
                      pack_pending(g, {0, narrow(low_mask(g.consumer_bits)), 0, PendingState::none}),
                      pack_pending(g, {0, 0, narrow(last_handover), PendingState::none}),
                      pack_pending(g, {0, 0, 0, static_cast<PendingState>(7)})});
        EXPECT_GE(low_mask(g.consumer_bits), g.consumers) << "row + 1 of the last consumer must fit";
    }
}

TEST(PendingWord, another_state_changes_nothing_else) {
    const Geometry g = test::planned({});
    const PendingWord word{77, 5, 9, PendingState::delivered};
    for (unsigned state = 0; state < 8; ++state) {
        PendingWord expected = word;
        expected.state = static_cast<PendingState>(state);
        EXPECT_EQ(unpack_pending(g, with_state(pack_pending(g, word), expected.state)), expected);
    }
}

TEST(DeliveryWord, round_trips_and_its_fields_are_apart) {
    for (const std::uint64_t time : edges(time_bits))
        for (const std::uint64_t tag : edges(delivery_tag_bits))
            for (const std::uint64_t handover : edges(delivery_handover_bits))
                for (const bool counted : {false, true})
                    for (const std::uint64_t failures : edges(8))
                        for (const std::uint64_t deaths : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{255}}) {
                            const DeliveryWord word{time,    narrow(tag),      narrow(handover),
                                                    counted, narrow(failures), narrow(deaths)};
                            const DeliveryWord back = unpack_delivery(pack_delivery(word));
                            ASSERT_EQ(back.time_ms, word.time_ms);
                            ASSERT_EQ(back.tag, word.tag);
                            ASSERT_EQ(back.handover, word.handover);
                            ASSERT_EQ(back.counted, word.counted);
                            ASSERT_EQ(back.failures, word.failures);
                            ASSERT_EQ(back.deaths, word.deaths);
                        }
    expect_apart({pack_delivery({low_mask(time_bits), 0, 0, false, 0, 0}), pack_delivery({0, 7, 0, false, 0, 0}),
                  pack_delivery({0, 0, 63, false, 0, 0}), pack_delivery({0, 0, 0, true, 0, 0}),
                  pack_delivery({0, 0, 0, false, 255, 0}), pack_delivery({0, 0, 0, false, 0, 255})});
}

TEST(DeliveryWord, a_time_beyond_its_bits_does_not_reach_other_fields) {
    const DeliveryWord word = unpack_delivery(pack_delivery({~std::uint64_t{0}, 0, 0, false, 0, 0}));
    EXPECT_EQ(word.time_ms, low_mask(time_bits));
    EXPECT_EQ(word.tag, 0u);
    EXPECT_EQ(word.handover, 0u);
}

TEST(DeliveryWord, speaks_of_a_delivery_by_the_low_bits_of_tag_and_hand_over) {
    for (std::uint64_t tag = 0; tag < 20; ++tag)
        for (std::uint32_t handover = 1; handover < 140; ++handover) {
            const DeliveryWord word{0, 5, 9, false, 0, 0};
            const PendingWord record{tag, 1, handover, PendingState::delivered};
            EXPECT_EQ(delivery_matches(word, record), tag % 8 == 5 && handover % 64 == 9);
        }
}

TEST(OwnerWord, round_trips_and_its_fields_are_apart) {
    for (unsigned state = 0; state < 8; ++state)
        for (const std::uint64_t row : edges(12))
            for (const std::uint64_t incarnation : edges(49)) {
                const OwnerWord word{static_cast<OwnerState>(state), narrow(row), incarnation};
                ASSERT_EQ(unpack_owner(pack_owner(word)), word);
            }
    expect_apart({pack_owner({static_cast<OwnerState>(7), 0, 0}), pack_owner({OwnerState::free, 4095, 0}),
                  pack_owner({OwnerState::free, 0, low_mask(49)})});
    EXPECT_EQ((AttachmentId{3, 4}).word(OwnerState::live), pack_owner({OwnerState::live, 3, 4}));
}

TEST(OwnerWord, of_zeroed_bytes_is_free) { EXPECT_EQ(unpack_owner(0), (OwnerWord{OwnerState::free, 0, 0})); }

TEST(GroupWord, round_trips_and_its_fields_are_apart) {
    for (unsigned state = 0; state < 8; ++state)
        for (const std::uint64_t row : edges(12))
            for (const std::uint64_t owner : edges(24))
                for (const std::uint64_t incarnation : edges(25)) {
                    const GroupWord word{static_cast<GroupState>(state), narrow(row), narrow(owner),
                                         narrow(incarnation)};
                    ASSERT_EQ(unpack_group(pack_group(word)), word);
                }
    expect_apart({pack_group({static_cast<GroupState>(7), 0, 0, 0}), pack_group({GroupState::free, 4095, 0, 0}),
                  pack_group({GroupState::free, 0, narrow(low_mask(24)), 0}),
                  pack_group({GroupState::free, 0, 0, narrow(low_mask(25))})});
    EXPECT_EQ(unpack_group(group_word(GroupState::active, 6)), (GroupWord{GroupState::active, 0, 0, 6}));
}

TEST(GroupWord, names_its_maker_by_the_low_bits_of_a_long_incarnation) {
    const AttachmentId old{5, (std::uint64_t{9} << maker_bits) + 77};
    EXPECT_EQ(unpack_group(preparing_word(old, 3)), (GroupWord{GroupState::preparing, 5, 77, 3}));
    EXPECT_TRUE(is_made_by(unpack_group(preparing_word(old, 3)), old));
    EXPECT_FALSE(is_made_by(unpack_group(preparing_word(old, 3)), {5, 78}));
    EXPECT_FALSE(is_made_by(unpack_group(preparing_word(old, 3)), {6, 77}));
    EXPECT_FALSE(is_made_by({GroupState::active, 5, 77, 3}, old)) << "not while it is prepared";
}

TEST(ClosingWord, round_trips_and_its_fields_are_apart) {
    for (const std::uint64_t incarnation : edges(25)) {
        const ClosingWord drop{narrow(incarnation), std::nullopt};
        ASSERT_EQ(unpack_closing(pack_closing(drop)), drop);
        ASSERT_EQ(pack_closing(drop), group_word(GroupState::closing, narrow(incarnation)));
        for (const std::uint32_t row : {0u, 1u, 24u, 62u})
            for (const std::uint64_t next : edges(25)) {
                const ClosingWord move{narrow(incarnation), GroupId{row, narrow(next)}};
                ASSERT_EQ(unpack_closing(pack_closing(move)), move);
                ASSERT_EQ(unpack_group(pack_closing(move)).state, GroupState::closing);
                ASSERT_EQ(unpack_group(pack_closing(move)).incarnation, incarnation);
            }
    }
    const std::uint64_t none = pack_closing({0, std::nullopt}), first = pack_closing({0, GroupId{0, 0}});
    expect_apart({pack_closing({narrow(low_mask(25)), std::nullopt}) & ~none, pack_closing({0, GroupId{62, 0}}) & ~none,
                  pack_closing({0, GroupId{0, narrow(low_mask(25))}}) & ~first, low_mask(3),
                  low_mask(5) << 34 /* no field */});
}

TEST(PinWord, round_trips_and_its_fields_are_apart) {
    for (const bool used : {false, true})
        for (const std::uint64_t consumer : edges(15))
            for (const std::uint64_t chunk : edges(16))
                for (const std::uint64_t count : edges(16))
                    for (const std::uint64_t generation : edges(16)) {
                        const PinWord back = unpack_pin(
                            pack_pin({used, narrow(consumer), narrow(chunk), narrow(count), narrow(generation)}));
                        ASSERT_EQ(back.used, used);
                        ASSERT_EQ(back.consumer, consumer);
                        ASSERT_EQ(back.chunk, chunk);
                        ASSERT_EQ(back.count, count);
                        ASSERT_EQ(back.generation, generation);
                    }
    expect_apart({pack_pin({true, 0, 0, 0, 0}), pack_pin({false, 0x7fff, 0, 0, 0}), pack_pin({false, 0, 0xffff, 0, 0}),
                  pack_pin({false, 0, 0, 0xffff, 0}), pack_pin({false, 0, 0, 0, 0xffff})});
    EXPECT_EQ(pack_pin({false, 0, 0, 0, 0x10000}), 0u) << "a generation goes round";
}

TEST(PinWord, has_room_for_every_consumer_and_chunk_a_stream_may_have) {
    EXPECT_LE(25u * 1023u, low_mask(15)) << "group rows x consumers";
    EXPECT_LE(65'535u, low_mask(16)) << "the last chunk";
}

TEST(IntentWord, round_trips_and_holds_every_sequence) {
    for (const bool open : {false, true})
        for (const Sequence sequence : {Sequence{0}, Sequence{1}, Sequence{1} << 62, (Sequence{1} << 63) - 1}) {
            const IntentWord intent{open, sequence};
            EXPECT_EQ(unpack_intent(pack_intent(intent)), intent);
        }
    expect_apart({pack_intent({true, 0}), pack_intent({false, low_mask(63)})});
    EXPECT_EQ(unpack_intent(0), (IntentWord{false, 0})) << "zeroed bytes: nothing open, nothing found";
}

TEST(DirectoryWord, each_change_has_a_version_of_its_own) {
    std::uint64_t directory = 0;
    for (std::uint32_t i = 1; i < 100; ++i) {
        directory = next_directory(directory, i * 0x9e37'79b9u);
        EXPECT_EQ(active_groups(directory), i * 0x9e37'79b9u);
        EXPECT_EQ(directory >> 32, i);
    }
    EXPECT_EQ(next_directory(~std::uint64_t{0}, 5), 5u) << "goes round";
}

}  // namespace
}  // namespace shmq
