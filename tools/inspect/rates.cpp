// See rates.hpp.
#include "tools/inspect/rates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/common/text.hpp"

namespace shmq::inspect {

namespace {

constexpr double least_growth = 0.01;  // entries a second; below it nothing fills in a day

double difference(std::uint64_t later, std::uint64_t earlier) {
    return later >= earlier ? static_cast<double>(later - earlier) : -static_cast<double>(earlier - later);
}

/// Of all it was concerned with, what it is through with.
std::uint64_t finished_of(const GroupInfo& group) {
    const std::uint64_t given_out = group.next - group.start;
    return given_out - std::min(given_out, group.pending + group.retry + group.waiting);
}

}  // namespace

const GroupRates* Rates::of(std::string_view group) const noexcept {
    const auto found =
        std::find_if(groups.begin(), groups.end(), [&](const GroupRates& one) { return one.name == group; });
    return found == groups.end() ? nullptr : &*found;
}

Rates rates_between(const StreamFacts& earlier, const StreamFacts& later, std::chrono::duration<double> over) {
    Rates rates;
    rates.over = over;
    const double seconds = std::max(over.count(), 1e-9);
    rates.added = difference(later.info.next, earlier.info.next) / seconds;
    for (const GroupFacts& now : later.groups)
        for (const GroupFacts& before : earlier.groups) {
            if (now.info.name != before.info.name || now.info.start != before.info.start) continue;
            rates.groups.push_back({now.info.name, difference(now.info.next, before.info.next) / seconds,
                                    difference(finished_of(now.info), finished_of(before.info)) / seconds,
                                    difference(now.info.lag, before.info.lag) / seconds});
        }
    const double growth = difference(later.needed(), earlier.needed()) / seconds;
    const double room = difference(later.info.options.slots, later.needed());
    if (growth > least_growth && room >= 0) rates.full_in = std::chrono::duration<double>(room / growth);
    return rates;
}

std::string rate_text(double rate) {
    if (std::abs(rate) < 10) return fmt::format("{:.1f}/s", rate);
    const auto whole = static_cast<std::uint64_t>(std::llround(std::abs(rate)));
    return fmt::format("{}{}/s", rate < 0 ? "-" : "", tools::grouped(whole));
}

}  // namespace shmq::inspect
