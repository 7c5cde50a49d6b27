// The values somebody typed, by their names in the table. Kinds are judged once, while parsing; here a bad value is a
// bug.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tools/common/exit_code.hpp"
#include "tools/shmq/command.hpp"

namespace shmq::tools {

namespace {

[[noreturn]] void stop(std::string_view name) {
    complain(fmt::format("bug: the command's row has no such parameter: {}", name));
    std::abort();
}

Parsed<TimeStamps> parse_time_stamps(std::string_view text) {
    if (text == "off") return {TimeStamps::off, {}};
    if (text == "coarse") return {TimeStamps::coarse, {}};
    if (text == "precise") return {TimeStamps::precise, {}};
    return {std::nullopt, fmt::format("'{}' is none of off, coarse, precise", text)};
}

/// Why `text` is none of the words in "a|b|c"; empty if it is one.
std::string problem_of_choice(std::string_view words, std::string_view text) {
    std::string all;
    while (!words.empty()) {
        const auto end = std::min(words.find('|'), words.size());
        if (words.substr(0, end) == text) return {};
        all += (all.empty() ? "" : ", ") + std::string(words.substr(0, end));
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return fmt::format("'{}' is none of {}", text, all);
}

Parsed<bool> parse_format(std::string_view text) {
    if (text == "text") return {false, {}};
    if (text == "json") return {true, {}};
    return {std::nullopt, fmt::format("'{}' is none of text, json", text)};
}

}  // namespace

std::string problem_of(const Parameter& parameter, const std::string& text) {
    switch (parameter.kind) {
        case Kind::flag:
        case Kind::text: return {};
        case Kind::name: return text.empty() ? "a name cannot be empty" : "";
        case Kind::number: return parse_number(text, parameter.least, parameter.greatest).problem;
        case Kind::size: return parse_size(text, parameter.least, parameter.greatest).problem;
        case Kind::duration: return parse_duration(text).problem;
        case Kind::mode: return parse_mode(text).problem;
        case Kind::position: return parse_position(text, TimePoint{}).problem;
        case Kind::field: return parse_field(text).problem;
        case Kind::time_stamps: return parse_time_stamps(text).problem;
        case Kind::format: return parse_format(text).problem;
        case Kind::choice: return problem_of_choice(parameter.value, text);
    }
    return {};
}

// The values given for a parameter, null if it was not given.
const std::vector<std::string>* Arguments::find(std::string_view name, std::optional<Kind> kind) const {
    const auto known = std::any_of(parameters_.begin(), parameters_.end(), [&](const Parameter& parameter) {
        return parameter.name == name && (!kind || parameter.kind == *kind);
    });
    if (!known) stop(name);
    const auto found = values_.find(name);
    return found == values_.end() || found->second.empty() ? nullptr : &found->second;
}

bool Arguments::has(std::string_view name) const { return find(name, std::nullopt) != nullptr; }

const std::string& Arguments::text(std::string_view name) const {
    static const std::string none;
    const auto* values = find(name, std::nullopt);
    return values == nullptr ? none : values->front();
}

std::uint64_t Arguments::number(std::string_view name, std::uint64_t otherwise) const {
    const auto* values = find(name, Kind::number);
    return values == nullptr ? otherwise : parse_number(values->front()).value.value();
}

std::uint32_t Arguments::number32(std::string_view name, std::uint32_t otherwise) const {
    return static_cast<std::uint32_t>(number(name, otherwise));
}

std::vector<std::uint64_t> Arguments::numbers(std::string_view name) const {
    std::vector<std::uint64_t> numbers;
    if (const auto* values = find(name, Kind::number))
        for (const std::string& value : *values) numbers.push_back(parse_number(value).value.value());
    return numbers;
}

std::uint64_t Arguments::size(std::string_view name, std::uint64_t otherwise) const {
    const auto* values = find(name, Kind::size);
    return values == nullptr ? otherwise : parse_size(values->front()).value.value();
}

Duration Arguments::duration(std::string_view name, Duration otherwise) const {
    const auto* values = find(name, Kind::duration);
    return values == nullptr ? otherwise : parse_duration(values->front()).value.value();
}

std::uint32_t Arguments::mode(std::string_view name, std::uint32_t otherwise) const {
    const auto* values = find(name, Kind::mode);
    return values == nullptr ? otherwise : parse_mode(values->front()).value.value();
}

Position Arguments::position(std::string_view name, Position otherwise) const {
    const auto* values = find(name, Kind::position);
    return values == nullptr ? otherwise
                             : parse_position(values->front(), std::chrono::system_clock::now()).value.value();
}

std::vector<Field> Arguments::fields(std::string_view name) const {
    std::vector<Field> fields;
    if (const auto* values = find(name, Kind::field))
        for (const std::string& value : *values) fields.push_back(parse_field(value).value.value());
    return fields;
}

TimeStamps Arguments::time_stamps(std::string_view name, TimeStamps otherwise) const {
    const auto* values = find(name, Kind::time_stamps);
    return values == nullptr ? otherwise : parse_time_stamps(values->front()).value.value();
}

bool Arguments::json() const {
    const auto* values = find("--format", Kind::format);
    return values != nullptr && parse_format(values->front()).value.value();
}

}  // namespace shmq::tools
