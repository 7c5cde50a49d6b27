// When a consumer that waits holds back: only while more comes than the one entry it waits for.
#include "api/hold_back.hpp"

#include <gtest/gtest.h>

namespace shmq::test {
namespace {

using detail::HoldBack;

constexpr unsigned at_once = 1;  // look
constexpr unsigned late = HoldBack::soon + 1;

/// Entries that were found at once until it wanted to hold back, that one included; 0 if it does not want to.
int found_until_it_wants(HoldBack& pace) {
    for (int found = 1; found <= 10'000; ++found)
        if (pace.wants(at_once)) return found;
    return 0;
}

TEST(HoldBack, is_tried_after_some_entries_that_came_soon) {  // and not with the first
    HoldBack pace;
    const int found = found_until_it_wants(pace);
    EXPECT_GT(found, 1);
    EXPECT_LT(found, 100);
}

TEST(HoldBack, goes_on_for_as_long_as_enough_comes) {
    HoldBack pace;
    ASSERT_NE(found_until_it_wants(pace), 0);
    for (int turn = 0; turn < 100; ++turn) {
        pace.learn(true);
        EXPECT_TRUE(pace.wants(at_once));
    }
    pace.learn(false);
    EXPECT_FALSE(pace.wants(at_once));
}

TEST(HoldBack, is_tried_ever_less_often_where_nothing_more_comes_but_never_given_up) {
    HoldBack pace;
    int before = found_until_it_wants(pace);
    for (int turn = 0; turn < 20; ++turn) {
        pace.learn(false);
        const int found = found_until_it_wants(pace);
        ASSERT_NE(found, 0);
        EXPECT_GE(found, before);
        before = found;
    }
    EXPECT_GT(before, 1'000);
    pace.learn(true);
    pace.learn(false);
    EXPECT_LT(found_until_it_wants(pace), 100) << "once it paid it is tried soon again";
}

TEST(HoldBack, spares_the_first_entry_after_a_silence) {
    HoldBack pace;
    ASSERT_NE(found_until_it_wants(pace), 0);
    pace.learn(true);
    EXPECT_FALSE(pace.wants(late));
    EXPECT_FALSE(pace.wants(at_once)) << "and it is tried anew before it is believed to pay";
}

TEST(HoldBack, is_never_tried_with_entries_that_come_late) {
    HoldBack pace;
    for (int found = 0; found < 10'000; ++found) ASSERT_FALSE(pace.wants(late));
}

}  // namespace
}  // namespace shmq::test
