// Registering, collecting, printing.
#include "support/report.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/machine.hpp"
#include "support/quiet.hpp"
#include "support/results.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

const std::string disturbed_counter = "disturbed";
constexpr int most_tries = 3;  // of a round

/// Google Benchmark's console with one line a measurement, its medians; keeps every round's figures.
class Collector : public benchmark::ConsoleReporter {
public:
    Collector() : ConsoleReporter(OO_Tabular) {}
    void ReportRuns(const std::vector<Run>& runs) override {
        std::vector<Run> shown;
        for (const Run& run : runs) {
            if (run.error_occurred) {
                failed_ = true;
                shown.push_back(run);
            } else if (run.run_type == Run::RT_Iteration) {
                const bool disturbed = run.counters.at(disturbed_counter) != 0;
                for (const auto& [name, counter] : run.counters)
                    if (name != disturbed_counter) results_.add(short_name(run), name, counter.value, disturbed);
                if (run.repetitions <= 1) shown.push_back(run);
            } else if (run.aggregate_name == "median") {
                shown.push_back(run);
            }
            if (!shown.empty()) shown.back().counters.erase(disturbed_counter);
        }
        if (!shown.empty()) ConsoleReporter::ReportRuns(shown);
    }
    [[nodiscard]] const Results& results() const { return results_; }
    [[nodiscard]] bool failed() const { return failed_; }

private:
    static std::string short_name(const Run& run) { return run.run_name.function_name; }

    Results results_;
    bool failed_ = false;
};

}  // namespace

void Taking::in_turns(std::size_t count, const std::function<void(std::size_t)>& run) const {
    for (std::size_t turn = 0; turn < count; ++turn) run((turn + round_) % count);
}
void Taking::in_turns(const std::function<void()>& one, const std::function<void()>& other) const {
    in_turns(2, [&](std::size_t which) { which == 0 ? one() : other(); });
}

std::string sortable(std::uint64_t number) {
    constexpr std::size_t width = 8;
    const std::string digits = std::to_string(number);
    return std::string(width - std::min(width, digits.size()), ' ') + digits;
}

void measure(const std::string& name, const std::function<void(Taking&)>& take) {
    const auto round = std::make_shared<std::uint64_t>(0);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [take, round](benchmark::State& state) {
                                     for ([[maybe_unused]] auto turn : state) {
                                         Taking taking(state, (*round)++);
                                         try {
                                             const int most_runs = settings().rounds == 1 ? 1 : most_tries;
                                             const bool quiet = measure_undisturbed(most_runs, [&] { take(taking); });
                                             taking.figure(disturbed_counter, quiet ? 0 : 1);
                                         } catch (const std::exception& error) {
                                             state.SkipWithError(error.what());
                                             break;
                                         }
                                     }
                                 })
        ->Iterations(1)
        ->Repetitions(static_cast<int>(settings().rounds))
        ->UseManualTime();
}

int run_measurements(int argument_count, char** arguments, const std::function<void()>& add_measurements,
                     std::span<const Bar> bars) {
    std::vector<std::string> flags(arguments + 1, arguments + argument_count);
    if (!take_settings(flags)) return 64;
    std::vector<char*> others{arguments[0]};
    for (std::string& flag : flags) others.push_back(flag.data());
    int count = static_cast<int>(others.size());
    others.push_back(nullptr);
    benchmark::Initialize(&count, others.data());
    if (benchmark::ReportUnrecognizedArguments(count, others.data())) return 64;
    std::printf("%s\n", machine_text().c_str());
    add_measurements();
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector);
    benchmark::Shutdown();
    collector.results().print();
    const bool met = !settings().check || collector.results().check(bars);
    const bool written = collector.results().write(settings().json);
    return collector.failed() || !written || !met ? 1 : 0;
}

}  // namespace bench
