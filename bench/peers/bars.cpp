// What shmq is to reach, and whether it does.
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "peers/session.hpp"
#include "support/results.hpp"
#include "support/statistics.hpp"

namespace bench {

namespace {

/// How many times as good as a peer, or as what the machine gives, shmq is to be.
struct PairBar {
    const char* work;
    const char* own;
    const char* other;  // empty: every peer that does not do the same with nothing around it
    double least;
};
constexpr PairBar bars[] = {
    {"one way, 64 B", "shmq", "", 1},
    {"one way, 64 B", "shmq", "bare ring", 0.75},
    {"one way, 64 B", "shmq", "redis stream", 300},
    {"one way, 64 B", "shmq one at a time", "redis stream one at a time", 3'000},
    {"one way, 64 B", "shmq one at a time", "boost spsc_queue one at a time", 1},
    {"one way, 64 B", "shmq one at a time", "boost queue", 1},
    {"one way, 64 KiB", "shmq", "memory alone", 0.9},
    {"one way, 1 MiB", "shmq", "memory alone", 0.9},
    {"2 producers, 64 B", "shmq", "", 1},
    {"4 producers, 64 B", "shmq", "", 1},
    {"there and back, 64 B, polling", "shmq", "cache line", 1 / 1.75},
    {"there and back, 64 B, polling", "shmq", "", 1},
    {"there and back, 64 B, waiting", "shmq", "", 1},
};

}  // namespace

bool Session::check_bars() const {
    bool all_met = true;
    for (const PairBar& bar : bars)
        for (std::size_t at = 0; at < works_.size(); ++at) {
            const std::vector<Runner>& runners = works_[at].runners;
            const auto named = [&](std::string_view name) {
                const auto found = std::find_if(runners.begin(), runners.end(),
                                                [&](const Runner& runner) { return runner.peer == name; });
                return static_cast<std::size_t>(found - runners.begin());
            };
            const std::size_t own = named(bar.own);
            if (works_[at].name != bar.work || own == runners.size()) continue;
            std::size_t worst = runners.size();
            double least = 0;
            for (std::size_t other = 0; other < runners.size(); ++other) {
                const std::string& name = runners[other].peer;
                const bool is_bare = name == "bare ring" || name == "memory alone" || name == "cache line" ||
                                     name == "futex" || name.starts_with("shmq");
                if (*bar.other != 0 ? name != bar.other : is_bare) continue;
                Distance where{};
                const std::vector<double> found = ratios(at, own, other, where);
                if (found.empty()) continue;
                const double median = spread_of(found).median;
                if (worst == runners.size() || median < least) {
                    worst = other;
                    least = median;
                }
            }
            if (worst == runners.size()) continue;
            const bool met = least >= bar.least;
            all_met = all_met && met;
            std::printf("%-7s %s: %s is %s times as good as %s, at least %s\n", met ? "met" : "MISSED", bar.work,
                        bar.own, shown(least).c_str(), runners[worst].peer.c_str(), shown(bar.least).c_str());
        }
    return all_met;
}

}  // namespace bench
