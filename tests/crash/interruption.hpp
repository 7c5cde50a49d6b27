// Lets others act just before a chosen access to shared memory, in this process and by handles of their own: what a
// test with two real processes meets only by luck.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "base/atomic.hpp"

namespace shmq::test {

/// The access that is waited for, and who comes before it. One at a time, one thread.
struct Interruption {
    std::optional<Access> kind;
    std::uint64_t left;  // accesses until then
    const std::function<void()>* others;
};
inline Interruption interruption{};

inline void interrupt_before(Access access, const volatile void*) noexcept {
    if (interruption.kind && *interruption.kind != access) return;
    if (--interruption.left != 0) return;
    access_hook = nullptr;  // what the others do is not counted
    (*interruption.others)();
}

/// Runs `operation`, and `others` before its `at`-th access, counted from 1, that is of `kind`, or of any kind if none
/// is given. False if the operation ended before.
template <class Operation>
bool interrupt(Operation operation, std::optional<Access> kind, std::uint64_t at, const std::function<void()>& others) {
    interruption = {kind, at, &others};
    access_hook = interrupt_before;
    operation();
    access_hook = nullptr;
    return interruption.left == 0;
}

/// Runs `operation` in a new world each time, with `others` before its first, second, third ... access, until it has no
/// more of them. `check` looks at what came of it.
template <class World, class Operation, class Others, class Check>
void before_each_access(Operation operation, Others others, Check check) {
    for (std::uint64_t at = 1;; ++at) {
        World world;
        SCOPED_TRACE("before access " + std::to_string(at));
        const bool came = interrupt([&] { operation(world); }, std::nullopt, at, [&] { others(world); });
        if (!came) {
            EXPECT_GT(at, 2u) << "it did nothing";
            return;
        }
        check(world);
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace shmq::test
