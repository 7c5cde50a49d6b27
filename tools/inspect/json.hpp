// The facts as JSON. Field names are a contract: docs/inspect.md lists them, "schema" counts their incompatible
// changes.
//
// Texts that are not UTF-8 are given escaped as on the screens. Called by the commands.
#pragma once

#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include "tools/inspect/facts.hpp"
#include "tools/inspect/findings.hpp"

namespace shmq::inspect {

using Json = nlohmann::ordered_json;

inline constexpr int schema = 1;

/// The words of options, in the order of their values.
inline constexpr std::array<std::string_view, 3> time_stamps_words{"off", "coarse", "precise"};
inline constexpr std::array<std::string_view, 3> order_words{"none", "by_key", "strict"};
inline constexpr std::array<std::string_view, 3> retention_words{"required", "lossy", "until"};
inline constexpr std::array<std::string_view, 2> back_off_words{"fixed", "doubling"};
/// The word of a value; the first if it is none of the type.
template <class Value, std::size_t count>
[[nodiscard]] constexpr std::string_view word_of(Value value,
                                                 const std::array<std::string_view, count>& words) noexcept {
    const auto place = static_cast<std::size_t>(value);
    return words[place < count ? place : 0];
}

[[nodiscard]] Json json_text(std::string_view bytes);
[[nodiscard]] Json json_of(const StreamFacts& facts);
[[nodiscard]] Json json_of(const GroupFacts& group);
[[nodiscard]] Json json_of(const AttachmentInfo& attachment);
[[nodiscard]] Json json_of(const PendingConsumer& consumer);
[[nodiscard]] Json json_of(const PendingEntry& entry);
[[nodiscard]] Json json_of(const Finding& finding);
[[nodiscard]] Json json_of(const Verdict& verdict);
[[nodiscard]] Json json_of(const Error& error);

/// An array with json_of of each element.
template <class Range>
[[nodiscard]] Json json_array(const Range& range) {
    Json array = Json::array();
    for (const auto& element : range) array.push_back(json_of(element));
    return array;
}

}  // namespace shmq::inspect
