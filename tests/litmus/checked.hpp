// One synchronisation as a program, checked: the outcome that must not be is in no execution, the others are, and each
// order that carries it is needed, since without it the outcome is there.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>

#include "litmus/memory_model.hpp"

namespace shmq::test {

/// An order that is made weaker; of a fence, relaxed takes it away.
struct Weakened {
    const char* what;
    unsigned thread, step;
    std::memory_order order;
};

struct Litmus {
    const char* name;       // as in docs/protocol.md
    const char* forbidden;  // in words
    Program program;
    std::function<bool(const Outcome&)> is_forbidden;
    std::vector<Weakened> weakened;
    std::function<bool(const Outcome&)> also_happens = [](const Outcome&) { return true; };
};

inline void expect_sound(const Litmus& litmus) {
    const Executions all = executions_of(litmus.program);
    EXPECT_FALSE(all.any(litmus.is_forbidden)) << litmus.name << ": " << litmus.forbidden;
    EXPECT_TRUE(all.any(litmus.also_happens)) << litmus.name << ": what is looked for does not happen at all";
    EXPECT_GT(all.outcomes.size(), 1u) << litmus.name << ": nothing races";
    for (const Weakened& weakened : litmus.weakened) {
        Program weaker = litmus.program;
        Step& step = weaker.threads[weakened.thread][weakened.step];
        EXPECT_NE(step.order, weakened.order) << weakened.what << " is not weaker";
        step.order = weakened.order;
        if (step.failure == memory_order_seq_cst) step.failure = memory_order_acquire;
        EXPECT_TRUE(executions_of(weaker).any(litmus.is_forbidden))
            << litmus.name << ": " << litmus.forbidden << " does not happen either with " << weakened.what;
    }
    std::printf("%-9s never: %s; %llu executions, %zu outcomes, needs %zu orders\n", litmus.name, litmus.forbidden,
                static_cast<unsigned long long>(all.count), all.outcomes.size(), litmus.weakened.size());
}

}  // namespace shmq::test
