// What a person can ask of every benchmark on its command line. Each program takes these flags and Google Benchmark's.
//
//     --rounds=N      how often each measurement is taken; the figures are medians over the rounds (default 9)
//     --entries=N     entries of a round where many are sent (default 4,000,000)
//     --trips=N       round trips of a round (default 200,000)
//     --pauses=N      pause instructions before somebody who found nothing, or no room, looks again (default 300)
//     --cores=A,B     processors for the two processes (default: the first two this process may use)
//     --json=PATH     where the results go (default: bench.json in the build folder)
//     --check         says of each bar whether it is met; the program fails if one is not
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Settings {
    std::uint64_t rounds = 9;
    std::uint64_t entries = 4'000'000;
    std::uint64_t trips = 200'000;
    std::uint64_t pauses = 300;
    int core_of_first = 0;
    int core_of_second = 0;
    std::string json;
    bool check = false;
};

/// The settings of this program. Read by all rooms; written by take_settings alone, before anything is measured.
const Settings& settings();

/// Takes the flags above out of `arguments` (without the program's name); false, after saying why, if one is wrong.
bool take_settings(std::vector<std::string>& arguments);

}  // namespace bench
