// Being inside a group row.
#include "group/visit.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "group/grouping.hpp"

namespace shmq {
namespace {

using test::Forge;
using test::Handle;

std::uint64_t inside(const Forge& forge, std::uint32_t row) {
    return forge.segment().attachment(row).inside.load(memory_order_seq_cst);
}

TEST(Visit, sets_the_rows_bit_as_long_as_it_lasts) {
    Forge forge;
    Handle handle(forge.segment(), 3);
    {
        const Visit visit(handle.visits, 2);
        EXPECT_EQ(inside(forge, 3), 4u);
        EXPECT_TRUE(is_visited(forge.segment(), 2));
        EXPECT_FALSE(is_visited(forge.segment(), 1));
        Visit first(handle.visits, 1);
        const Visit moved(std::move(first));
        EXPECT_EQ(inside(forge, 3), 6u);
    }
    EXPECT_EQ(inside(forge, 3), 0u);
    EXPECT_FALSE(is_visited(forge.segment(), 2));
}

TEST(Visit, of_several_threads_lasts_until_the_last_left) {
    Forge forge;
    Handle handle(forge.segment(), 3);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 5'000; ++i) {
                const Visit visit(handle.visits, 1);
                ASSERT_TRUE(is_visited(forge.segment(), 1));
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_FALSE(is_visited(forge.segment(), 1));
}

TEST(Visit, counts_of_live_attachments_alone) {
    Forge forge;
    Handle handle(forge.segment(), 3);
    const Visit visit(handle.visits, 0);
    for (unsigned state = 0; state < 8; ++state) {
        forge.segment().attachment(3).word.store(pack_owner({static_cast<OwnerState>(state), 3, 1}),
                                                 memory_order_seq_cst);
        EXPECT_EQ(is_visited(forge.segment(), 0), static_cast<OwnerState>(state) == OwnerState::live) << state;
    }
}

TEST(Visit, in_the_name_of_the_dead_leaves_its_mark) {
    Forge forge;
    Handle dead(forge.segment(), 3);
    {
        Visits visits(forge.segment(), dead.id, true);
        const Visit visit(visits, 1);
        EXPECT_EQ(inside(forge, 3), 2u);
    }
    EXPECT_EQ(inside(forge, 3), 2u) << "for whoever attaches there next";
}

}  // namespace
}  // namespace shmq
