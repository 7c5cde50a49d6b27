// The table and the file.
#include "support/results.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/machine.hpp"

namespace bench {

namespace {

using nlohmann::ordered_json;

ordered_json machine() {
    utsname kernel{};
    uname(&kernel);
    double load = 0;
    getloadavg(&load, 1);
    return {{"processor", processor_name()}, {"processors", std::thread::hardware_concurrency()},
            {"kernel", kernel.release},      {"text", machine_text()},
            {"libraries", library_text()},   {"load", load}};
}

ordered_json read_file(const std::string& path) {
    std::ifstream file(path);
    ordered_json found = file ? ordered_json::parse(file, nullptr, false) : ordered_json::object();
    if (!found.is_object()) found = ordered_json::object();
    if (!found.contains("measurements") || !found["measurements"].is_object())
        found["measurements"] = ordered_json::object();
    return found;
}

}  // namespace

std::string shown(double value) {
    char text[32];
    const double size = value < 0 ? -value : value;
    std::snprintf(text, sizeof text, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.4f", value);
    return text;
}

void Results::add(std::string_view measurement, std::string_view figure, double value, bool disturbed) {
    figure.remove_prefix(std::min(figure.find_first_not_of(' '), figure.size()));
    const auto same = [&](const Figure& f) { return f.measurement == measurement && f.name == figure; };
    auto found = std::find_if(figures_.begin(), figures_.end(), same);
    if (found == figures_.end())
        found = figures_.insert(found, {std::string(measurement), std::string(figure), {}, {}});
    (disturbed ? found->disturbed : found->rounds).push_back(value);
}

std::optional<Spread> Results::spread(std::string_view measurement, std::string_view figure) const {
    for (const Figure& found : figures_)
        if (found.measurement == measurement && found.name == figure) return found.spread();
    return std::nullopt;
}

void Results::print() const {
    if (figures_.empty()) return;
    std::printf("\n%-30s %-26s %10s %10s %10s\n", "measurement", "figure", "median", "lowest", "highest");
    const std::string* last = nullptr;
    std::size_t disturbed = 0, all = 0;
    for (const Figure& figure : figures_) {
        disturbed += figure.disturbed.size();
        all += figure.disturbed.size() + figure.rounds.size();
        const bool again = last != nullptr && *last == figure.measurement;
        const Spread spread = figure.spread();
        std::printf("%-30s %-26s %10s %10s %10s\n", again ? "" : figure.measurement.c_str(), figure.name.c_str(),
                    shown(spread.median).c_str(), shown(spread.lowest).c_str(), shown(spread.highest).c_str());
        last = &figure.measurement;
    }
    if (disturbed != 0)
        std::printf(
            "\n%zu of %zu figures are of rounds in which a processor was slowed by others; they count only where "
            "there is no other.\n",
            disturbed, all);
    std::printf("\n");
}

bool Results::check(std::span<const Bar> bars) const {
    bool all_met = true;
    for (const Bar& bar : bars) {
        const auto spread = this->spread(bar.measurement, bar.figure);
        if (!spread) continue;
        const double found = spread->median;
        const bool met = bar.is_least ? found >= bar.value : found <= bar.value;
        all_met = all_met && met;
        std::printf("%-7s %s, %s: %s, at %s %s\n", met ? "met" : "MISSED", bar.measurement, bar.figure,
                    shown(found).c_str(), bar.is_least ? "least" : "most", shown(bar.value).c_str());
    }
    return all_met;
}

bool Results::write(const std::string& path) const {
    if (figures_.empty()) return true;
    ordered_json all = read_file(path);
    all["machine"] = machine();
    for (const Figure& figure : figures_) all["measurements"][figure.measurement] = ordered_json::object();
    for (const Figure& figure : figures_) {
        const Spread spread = figure.spread();
        all["measurements"][figure.measurement][figure.name] = {{"median", spread.median},
                                                                {"lowest", spread.lowest},
                                                                {"highest", spread.highest},
                                                                {"rounds", figure.rounds},
                                                                {"disturbed", figure.disturbed}};
    }
    std::ofstream file(path);
    file << all.dump(2) << '\n';
    file.close();
    if (!file) std::fprintf(stderr, "%s could not be written\n", path.c_str());
    return static_cast<bool>(file);
}

}  // namespace bench
