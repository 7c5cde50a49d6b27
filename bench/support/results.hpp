// What the rounds found, as a table for people and as bench.json for programs.
//
// bench.json: {"machine": {"processor", "processors", "kernel", "text", "libraries", "load"}, "measurements": {NAME:
// {FIGURE: {"median", "lowest", "highest", "rounds": [...], "disturbed": [...]}}}}. A figure's name ends in its unit.
// `load` is the load average when it was written. Rounds that were disturbed (support/quiet.hpp) count only where there
// is no other.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/statistics.hpp"

namespace bench {

/// As many digits as a measurement deserves.
std::string shown(double value);

/// What the median of a figure has to be.
struct Bar {
    const char* measurement;
    const char* figure;
    bool is_least;  // else it is the most
    double value;
};

class Results {
public:
    /// One round's value of a figure. Blanks before its name are only for the order of names.
    void add(std::string_view measurement, std::string_view figure, double value, bool disturbed = false);
    /// Of the rounds that count; nullopt if the figure was not measured.
    [[nodiscard]] std::optional<Spread> spread(std::string_view measurement, std::string_view figure) const;
    /// The table, on standard output; nothing if nothing was measured.
    void print() const;
    /// Prints of each bar whose figure was measured whether it is met; whether all are.
    [[nodiscard]] bool check(std::span<const Bar> bars) const;
    /// Replaces these measurements in the file at `path`. False, after saying why, if it can't be written.
    [[nodiscard]] bool write(const std::string& path) const;

private:
    struct Figure {
        std::string measurement;
        std::string name;
        std::vector<double> rounds;
        std::vector<double> disturbed;
        [[nodiscard]] Spread spread() const { return spread_of(rounds.empty() ? disturbed : rounds); }
    };
    std::vector<Figure> figures_;
};

}  // namespace bench
