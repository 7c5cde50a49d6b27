// Strict numbers: no sign, no blank, nothing behind them.
#include "support/settings.hpp"

#include <sched.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>

namespace bench {

namespace {

Settings& writable_settings() {
    static Settings settings;
    return settings;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

/// The first two processors this process may use; the same twice if there is only one.
void choose_cores(Settings& settings) {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) return;
    std::vector<int> cores;
    for (std::size_t core = 0; core < CPU_SETSIZE && cores.size() < 2; ++core)
        if (CPU_ISSET(core, &usable)) cores.push_back(static_cast<int>(core));
    if (cores.empty()) return;
    settings.core_of_first = cores.front();
    settings.core_of_second = cores.back();
    if (cores.size() < 2)
        std::fprintf(stderr, "only one processor: two processes that poll will wait for each other\n");
}

bool take_cores(std::string_view text, Settings& settings) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) return false;
    const auto first = number_in(text.substr(0, comma));
    const auto second = number_in(text.substr(comma + 1));
    if (!first || !second || *first >= CPU_SETSIZE || *second >= CPU_SETSIZE) return false;
    settings.core_of_first = static_cast<int>(*first);
    settings.core_of_second = static_cast<int>(*second);
    return true;
}

bool take(std::string_view flag, std::string_view value, Settings& settings) {
    if (flag == "--json") {
        settings.json = value;
        return !value.empty();
    }
    if (flag == "--cores") return take_cores(value, settings);
    const auto number = number_in(value);
    if (!number || *number > 1'000'000'000) return false;
    if (flag == "--pauses") {
        settings.pauses = *number;
        return true;
    }
    if (*number == 0) return false;
    if (flag == "--rounds") settings.rounds = *number;
    if (flag == "--entries") settings.entries = *number;
    if (flag == "--trips") settings.trips = *number;
    return true;
}

}  // namespace

const Settings& settings() { return writable_settings(); }

bool take_settings(std::vector<std::string>& arguments) {
    Settings& settings = writable_settings();
    choose_cores(settings);
    // The programs lie in the folder bench of the build folder.
    std::error_code unknown;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
    settings.json = (program.parent_path().parent_path() / "bench.json").string();
    std::vector<std::string> others;
    for (const std::string& argument : arguments) {
        if (argument == "--check") {
            settings.check = true;
            continue;
        }
        const std::size_t equals = argument.find('=');
        const std::string flag = argument.substr(0, equals);
        const bool ours = flag == "--rounds" || flag == "--entries" || flag == "--trips" || flag == "--pauses" ||
                          flag == "--cores" || flag == "--json";
        if (!ours) {
            others.push_back(argument);
        } else if (equals == std::string::npos || !take(flag, argument.substr(equals + 1), settings)) {
            std::fprintf(stderr, "%s: not a value of %s\n", argument.c_str(), flag.c_str());
            return false;
        }
    }
    arguments = others;
    return true;
}

}  // namespace bench
