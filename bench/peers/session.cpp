// Rounds, ratios, the table.
#include "peers/session.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "support/limits.hpp"
#include "support/quiet.hpp"
#include "support/results.hpp"
#include "support/settings.hpp"
#include "support/statistics.hpp"

namespace bench {

namespace {

constexpr int most_tries = 5;

}  // namespace

std::optional<Choice> take_choice(std::vector<std::string>& flags) {
    Choice choice;
    std::vector<std::string> others;
    try {
        for (const std::string& flag : flags) {
            if (flag.starts_with("--works="))
                choice.works = std::regex(flag.substr(8));
            else if (flag.starts_with("--peers="))
                choice.peers = std::regex(flag.substr(8));
            else if (flag == "--quick")
                choice.quick = true;
            else
                others.push_back(flag);
        }
    } catch (const std::regex_error& error) {
        std::fprintf(stderr, "--works and --peers want a regular expression: %s\n", error.what());
        return std::nullopt;
    }
    flags = others;
    return choice;
}

void Session::run(std::vector<Work> works) {
    for (Work& work : works) {
        if (!std::regex_search(work.name, choice_.works)) continue;
        std::erase_if(work.runners, [&](const Runner& runner) { return !is_wanted(runner); });
        works_.push_back(std::move(work));
        samples_.emplace_back();
    }
    for (std::uint64_t round = 0; round < rounds_; ++round)
        for (std::size_t i = 0; i < works_.size(); ++i) take_round(i, round);
}
bool Session::is_wanted(const Runner& runner) {
    const bool asked = runner.peer.starts_with("shmq") || std::regex_search(runner.peer, choice_.peers);
    if (!asked) return false;
    const std::string missing = runner.missing();
    if (missing.empty()) return true;
    if (told_.insert({runner.peer, missing}).second)
        std::printf("%s is left out: %s\n", runner.peer.c_str(), missing.c_str());
    return false;
}
/// By short runs, the better of two each.
void Session::find_pauses(const Shape& shape, Runner& runner, double seconds) const {
    double best = -1;
    Shape trial = shape;
    for (const std::uint64_t pauses : {1u, 10u, 100u, 300u, 1'000u}) {
        trial.pauses = pauses;
        const double rate = std::max(runner.run(trial, seconds), runner.run(trial, seconds));
        if (rate <= best) continue;
        best = rate;
        runner.pauses = pauses;
    }
}
void Session::take_round(std::size_t at, std::uint64_t round) {
    Work& work = works_[at];
    const double seconds = choice_.quick ? 0.05 : 0.1;  // short, to come between what others do
    for (std::size_t turn = 0; turn < work.runners.size(); ++turn) {
        const std::size_t chosen = (turn + round) % work.runners.size();
        Runner& runner = work.runners[chosen];
        Shape shape = work.shape;
        if (runner.shape.batch == 1) shape.batch = 1;
        try {
            if (runner.looks && runner.pauses == 0 && !choice_.quick) find_pauses(shape, runner, seconds / 2);
            if (runner.pauses != 0) shape.pauses = runner.pauses;
            double before = 0, value = 0, after = 0;
            const bool quiet = measure_undisturbed(choice_.quick ? 1 : most_tries, [&] {
                before = probe_line();
                value = runner.run(shape, seconds);
                after = probe_line();
            });
            if (work.unit == "M/s") value *= 1e-6;
            nearest_ = std::min({nearest_, before, after});
            samples_[at].push_back({chosen, round, value, std::max(before, after), std::min(before, after), !quiet});
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s, %s: %s\n", work.name.c_str(), runner.peer.c_str(), error.what());
            failed_ = true;
        }
    }
    std::fprintf(stderr, "round %llu of %llu: %s\n", static_cast<unsigned long long>(round + 1),
                 static_cast<unsigned long long>(rounds_), work.name.c_str());
}
Distance Session::distance(const Sample& sample) const {
    const double border = 1.5 * nearest_;
    if (sample.farther_ns <= border) return Distance::near;
    return sample.nearer_ns > border ? Distance::far : Distance::mixed;
}
std::vector<double> Session::ratios(std::size_t work, std::size_t own, std::size_t other,
                                    Distance& distance_of_all) const {
    std::array<std::vector<double>, 3> by_distance;
    const auto gather = [&](bool with_disturbed) {
        for (const Sample& ours : samples_[work])
            for (const Sample& theirs : samples_[work]) {
                if (ours.runner != own || theirs.runner != other || ours.round != theirs.round) continue;
                if (distance(ours) != distance(theirs)) continue;
                if (!with_disturbed && (ours.disturbed || theirs.disturbed)) continue;
                by_distance[static_cast<std::size_t>(distance(ours))].push_back(
                    works_[work].more_is_better ? ours.value / theirs.value : theirs.value / ours.value);
            }
    };
    gather(false);
    if (by_distance[0].empty() && by_distance[1].empty()) gather(true);
    distance_of_all = by_distance[0].size() >= by_distance[1].size() ? Distance::near : Distance::far;
    return by_distance[static_cast<std::size_t>(distance_of_all)];
}

bool Session::tell(const std::string& json) {
    Results results;
    for (std::size_t at = 0; at < works_.size(); ++at) {
        const Work& work = works_[at];
        const auto figure_of = [&](std::size_t runner) { return work.runners[runner].peer + " " + work.unit; };
        for (const Sample& sample : samples_[at])
            results.add(work.name, figure_of(sample.runner), sample.value, sample.disturbed);
        std::printf("\n%s (%s), median of %llu rounds\n%-32s %10s %10s %10s   %s\n", work.name.c_str(),
                    work.unit.c_str(), static_cast<unsigned long long>(rounds_), "", "median", "lowest", "highest",
                    "shmq is so many times as good (lowest to highest)");
        for (std::size_t peer = 0; peer < work.runners.size(); ++peer) {
            const auto spread = results.spread(work.name, figure_of(peer));
            if (!spread) continue;
            std::printf("%-32s %10s %10s %10s", work.runners[peer].peer.c_str(), shown(spread->median).c_str(),
                        shown(spread->lowest).c_str(), shown(spread->highest).c_str());
            // One at a time against one at a time, where shmq does both.
            const bool single = work.runners[peer].shape.batch == 1 && work.runners.size() > 1 &&
                                work.runners[1].peer == "shmq one at a time";
            const std::size_t own = single ? 1 : 0;
            Distance where{};
            const std::vector<double> found = peer == own ? std::vector<double>() : ratios(at, own, peer, where);
            if (!found.empty()) {
                const Spread ratio = spread_of(found);
                std::printf("   %s (%s to %s, %zu %s)", shown(ratio.median).c_str(), shown(ratio.lowest).c_str(),
                            shown(ratio.highest).c_str(), found.size(), where == Distance::near ? "near" : "far");
                for (const double one : found) results.add(work.name, "shmq / " + work.runners[peer].peer, one);
            }
            if (const std::uint64_t pauses = work.runners[peer].pauses; pauses != 0) {
                std::printf("   pauses %llu", static_cast<unsigned long long>(pauses));
                results.add(work.name, work.runners[peer].peer + " pauses", static_cast<double>(pauses));
            }
            std::printf("\n");
        }
    }
    std::printf("\n");
    const bool met = !settings().check || check_bars();
    const bool written = results.write(json);
    return written && met && !failed_;
}

}  // namespace bench
