// A run of many peers at many works, in turns, and what came of it: the table, bench.json and the bars.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "peers/shape.hpp"

namespace bench {

/// One figure of one peer at one work. `run` measures it once, for about `seconds`.
struct Runner {
    std::string peer;
    std::function<double(const Shape&, double seconds)> run;
    std::function<std::string()> missing;
    bool looks = false;        // never waits: one that found nothing pauses and looks again
    std::uint64_t pauses = 0;  // of such a one, the pause that suits it best; 0: not found yet
    Shape shape = {};
};

struct Work {
    std::string name;
    std::string unit;
    bool more_is_better;
    Shape shape;
    std::vector<Runner> runners;
};

struct Sample {
    std::size_t runner;
    std::uint64_t round;
    double value;
    double farther_ns, nearer_ns;  // the probes before and after
    bool disturbed;                // with each of its tries (support/quiet.hpp)
};

struct Choice {
    std::regex works{""};
    std::regex peers{""};
    bool quick = false;
};

/// Takes the flags of Choice out of `flags`; nullopt, after saying why, if one is wrong.
std::optional<Choice> take_choice(std::vector<std::string>& flags);

/// Where two runs may be compared.
enum class Distance : std::uint8_t { near, far, mixed };

class Session {
public:
    Session(Choice choice, std::uint64_t rounds) : choice_(std::move(choice)), rounds_(choice_.quick ? 2 : rounds) {}

    void run(std::vector<Work> works);
    /// The table, and bench.json. False if something failed, or (with --check) a bar is missed.
    bool tell(const std::string& json);

private:
    bool is_wanted(const Runner& runner);
    void take_round(std::size_t at, std::uint64_t round);
    void find_pauses(const Shape& shape, Runner& runner, double seconds) const;
    [[nodiscard]] Distance distance(const Sample& sample) const;
    /// Prints each bar with its figure; whether all are met that were measured.
    bool check_bars() const;
    /// shmq's figure by the other's, or the other way round where less is better, of each round in which both were as
    /// near and nobody disturbed them (of all rounds, if there is none such); of the distance that has more of them.
    [[nodiscard]] std::vector<double> ratios(std::size_t work, std::size_t own, std::size_t other,
                                             Distance& distance_of_all) const;

    Choice choice_;
    std::uint64_t rounds_;
    std::vector<Work> works_;
    std::vector<std::vector<Sample>> samples_;
    std::map<std::string, std::string> told_;
    double nearest_ = 1e9;
    bool failed_ = false;
};

}  // namespace bench
