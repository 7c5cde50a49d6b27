// Medians, spreads and percentiles. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// Of the rounds of one figure. The spread is what lay between the lowest and the highest round.
struct Spread {
    double median = 0;
    double lowest = 0;
    double highest = 0;
};

/// `values` must not be empty.
inline Spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    const double median = values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return {median, values.front(), values.back()};
}

struct Percentiles {
    double p50 = 0;
    double p99 = 0;
    double p999 = 0;
    double p9999 = 0;
};

/// By the nearest rank. `values` must not be empty.
inline Percentiles percentiles_of(std::vector<std::uint32_t> values) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
        return static_cast<double>(values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))]);
    };
    return {at(0.5), at(0.99), at(0.999), at(0.9999)};
}

}  // namespace bench
