// Finding where the newest entries of so many bytes begin.
#include "log/find_bytes.hpp"

#include <gtest/gtest.h>

#include "log/adding.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::Forge;

Sequence newest(const Forge& forge, std::uint64_t bytes) {
    Sequence found = 0;
    EXPECT_EQ(find_newest_bytes(forge.segment(), bytes, found), Copied::done);
    return found;
}

/// Three entries of 32, 64 and 96 bytes of chunk.
void add_three(Forge& forge) {
    test::Adder adder(forge.segment());
    for (const std::size_t size : {0u, 32u, 64u}) ASSERT_TRUE(adder.add(std::string(size, 'x')));
}

TEST(FindNewestBytes, counts_what_entries_take_of_a_chunk) {
    Forge forge(test::options_with_slots(8));
    add_three(forge);
    EXPECT_EQ(newest(forge, 95), 4u);
    EXPECT_EQ(newest(forge, 96), 3u);
    EXPECT_EQ(newest(forge, 96 + 64), 2u);
    EXPECT_EQ(newest(forge, 96 + 64 + 31), 2u);
    EXPECT_EQ(newest(forge, 96 + 64 + 32), 1u);
    EXPECT_EQ(newest(forge, ~std::uint64_t{0}), 1u);
}

TEST(FindNewestBytes, stops_at_the_trim_point) {
    Forge forge(test::options_with_slots(8));
    add_three(forge);
    ASSERT_EQ(lift_trim(forge.segment(), 3).trim, 3u);
    EXPECT_EQ(newest(forge, ~std::uint64_t{0}), 3u);
}

TEST(FindNewestBytes, an_empty_log_has_its_end) {
    const Forge forge(test::options_with_slots(8));
    EXPECT_EQ(newest(forge, 1'000), 1u);
}

TEST(FindNewestBytes, says_which_entry_is_damaged) {
    Forge forge(test::options_with_slots(8));
    add_three(forge);
    EntryHeader broken{};
    const std::uint64_t place = unpack_slot(forge.geometry(), forge.segment().slot(2).load(memory_order_acquire)).place;
    forge.write_header(place, broken);
    Sequence found = 0;
    EXPECT_EQ(find_newest_bytes(forge.segment(), 1'000, found), Copied::corrupt);
    EXPECT_EQ(found, 2u);
}

}  // namespace
}  // namespace shmq
