// Result: a value or an Error, with the member names of std::expected.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "shmq/status.hpp"

namespace shmq {
namespace {

/// Counts how many of its kind live, so that a lost or doubled destructor shows.
struct Counted {
    static inline int alive = 0;
    explicit Counted(int which) : number(which) { ++alive; }
    Counted(Counted&& other) noexcept : number(other.number) { ++alive; }
    Counted& operator=(Counted&&) = default;
    ~Counted() { --alive; }
    int number;
};

TEST(Result, a_value_is_reached_by_every_accessor) {
    Result<std::string> result(std::string("seven"));
    ASSERT_TRUE(result);
    EXPECT_TRUE(result.has_value());
    EXPECT_EQ(*result, "seven");
    EXPECT_EQ(result.value(), "seven");
    EXPECT_EQ(result->size(), 5u);
    const Result<std::string>& constant = result;
    EXPECT_EQ(*constant, "seven");
    EXPECT_EQ(constant.value(), "seven");
    EXPECT_EQ(constant->size(), 5u);
    EXPECT_EQ(*std::move(result), "seven");
}

TEST(Result, an_error_keeps_code_and_number) {
    const Result<int> result(Error(Code::fenced, 42));
    ASSERT_FALSE(result);
    EXPECT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), Code::fenced);
    EXPECT_EQ(result.error().number(), 42u);
    EXPECT_TRUE(result.error() == Code::fenced);
    EXPECT_FALSE(result.error() == Code::full);
    const Result<int> from_code(Code::full);
    EXPECT_EQ(from_code.error().code(), Code::full);
    EXPECT_EQ(from_code.error().number(), 0u);
}

TEST(Result, a_move_only_value_is_moved_in_and_out) {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
    Result<std::unique_ptr<int>> second(std::move(result));
    ASSERT_TRUE(second);
    Result<std::unique_ptr<int>> third(Code::empty);
    third = std::move(second);
    ASSERT_TRUE(third);
    const std::unique_ptr<int> out = *std::move(third);
    EXPECT_EQ(*out, 5);
}

TEST(Result, every_value_is_destroyed_once) {
    Counted::alive = 0;
    {
        Result<Counted> value(Counted(1));
        EXPECT_EQ(Counted::alive, 1);
        Result<Counted> moved(std::move(value));  // the value moved from still lives, as in std::expected
        EXPECT_EQ(Counted::alive, 2);
        Result<Counted> error(Code::empty);
        moved = std::move(error);
        EXPECT_EQ(Counted::alive, 1);
        EXPECT_EQ(moved.error().code(), Code::empty);
        moved = std::move(value);
        EXPECT_EQ(Counted::alive, 2);
        EXPECT_EQ(moved->number, 1);
        Result<Counted>& same = moved;
        moved = std::move(same);
        EXPECT_EQ(Counted::alive, 2);
        EXPECT_EQ(moved->number, 1);
    }
    EXPECT_EQ(Counted::alive, 0);
}

TEST(Result, value_or_gives_the_other_value_only_for_an_error) {
    EXPECT_EQ(Result<int>(3).value_or(7), 3);
    EXPECT_EQ(Result<int>(Code::empty).value_or(7), 7);
}

TEST(Result, and_then_calls_on_with_a_value_and_passes_an_error_through) {
    const auto twice = [](int value) -> Result<long> { return long{value} * 2; };
    EXPECT_EQ(*Result<int>(4).and_then(twice), 8);
    int calls = 0;
    const auto counting = [&](int) -> Result<long> { return ++calls, 0L; };
    EXPECT_EQ(Result<int>(Error(Code::trimmed, 9)).and_then(counting).error().number(), 9u);
    EXPECT_EQ(calls, 0);
}

TEST(Result, of_nothing_is_done_or_an_error) {
    EXPECT_TRUE(Result<void>());
    EXPECT_TRUE(Result<void>().has_value());
    EXPECT_EQ(Result<void>().error().code(), Code::ok);
    Result<void>().value();
    const Result<void> error(Error(Code::busy, 3));
    EXPECT_FALSE(error);
    EXPECT_EQ(error.error().code(), Code::busy);
    EXPECT_EQ(error.error().number(), 3u);
}

TEST(ResultDeathTest, the_value_of_an_error_stops_the_process) {
    Result<std::string> error(Code::empty);
    const auto use = [&](auto&& take) { take(); };
    EXPECT_DEATH(use([&] { static_cast<void>(error.value()); }), "bug in the calling program");
    EXPECT_DEATH(use([&] { static_cast<void>(*error); }), "bug in the calling program");
    EXPECT_DEATH(use([&] { static_cast<void>(error->size()); }), "bug in the calling program");
    EXPECT_DEATH(use([&] { static_cast<void>(*std::move(error)); }), "bug in the calling program");
    EXPECT_DEATH(Result<void>(Code::empty).value(), "bug in the calling program");
}

TEST(ResultDeathTest, the_error_of_a_value_stops_the_process) {
    const Result<int> value(1);
    EXPECT_DEATH(static_cast<void>(value.error()), "bug in the calling program");
}

}  // namespace
}  // namespace shmq
