// The facts as JSON. Field names are a contract: docs/inspect.md lists them, "schema" counts their incompatible
// changes.
//
// Texts that are not UTF-8 are given escaped as on the screens. Called by the commands.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "tools/inspect/facts.hpp"
#include "tools/inspect/findings.hpp"

namespace shmq::inspect {

using Json = nlohmann::ordered_json;

inline constexpr int schema = 1;

/// "off", "coarse", "precise".
[[nodiscard]] std::string_view time_stamps_word(TimeStamps time) noexcept;
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
