// Fields inside words: masks, rounding, and what is earlier among tags that go round.
#include "base/bits.hpp"

#include <gtest/gtest.h>

namespace shmq {
namespace {

TEST(Bits, a_mask_has_as_many_low_bits_as_asked_for) {
    EXPECT_EQ(low_mask(0), 0u);
    EXPECT_EQ(low_mask(1), 1u);
    EXPECT_EQ(low_mask(63), ~std::uint64_t{0} >> 1);
    EXPECT_EQ(low_mask(64), ~std::uint64_t{0});
    for (unsigned bits = 0; bits <= 64; ++bits) EXPECT_EQ(std::popcount(low_mask(bits)), static_cast<int>(bits));
}

TEST(Bits, rounding_up_gives_the_next_multiple_and_keeps_multiples) {
    for (const std::uint64_t unit : {1u, 2u, 16u, 64u, 4096u})
        for (std::uint64_t value = 0; value < 3 * unit; ++value) {
            const std::uint64_t rounded = round_up(value, unit);
            EXPECT_EQ(rounded % unit, 0u);
            EXPECT_GE(rounded, value);
            EXPECT_LT(rounded, value + unit);
        }
}

TEST(Bits, as_many_bits_are_counted_as_the_highest_number_needs) {
    EXPECT_EQ(bits_for(0), 0u);
    for (unsigned bits = 1; bits <= 64; ++bits) {
        EXPECT_EQ(bits_for(low_mask(bits)), bits);
        EXPECT_EQ(bits_for(std::uint64_t{1} << (bits - 1)), bits);
    }
}

TEST(Tag, earlier_is_one_to_half_the_range_behind_for_all_pairs_of_four_bits) {
    constexpr unsigned bits = 4;
    for (std::uint64_t a = 0; a < 16; ++a)
        for (std::uint64_t b = 0; b < 16; ++b) {
            unsigned steps = 0;  // from a up to b, going round
            for (std::uint64_t tag = a; tag != b; tag = (tag + 1) % 16) ++steps;
            EXPECT_EQ(tag_earlier(a, b, bits), steps >= 1 && steps <= 8) << a << " before " << b;
        }
}

TEST(Tag, is_never_earlier_than_itself) {
    for (const unsigned bits : {1u, 4u, 33u, 59u, 64u})
        for (const std::uint64_t tag : {std::uint64_t{0}, std::uint64_t{1}, low_mask(bits)})
            EXPECT_FALSE(tag_earlier(tag & low_mask(bits), tag & low_mask(bits), bits));
}

TEST(Tag, goes_round_at_the_end_of_wide_tags_too) {
    for (const unsigned bits : {8u, 33u, 59u, 63u}) {
        EXPECT_TRUE(tag_earlier(low_mask(bits), 0, bits));
        EXPECT_FALSE(tag_earlier(0, low_mask(bits), bits));
        EXPECT_TRUE(tag_earlier(0, low_mask(bits) / 2 + 1, bits));
        EXPECT_FALSE(tag_earlier(0, low_mask(bits) / 2 + 2, bits));
    }
}

}  // namespace
}  // namespace shmq
