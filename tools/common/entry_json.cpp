// See entry_json.hpp.
#include "tools/common/entry_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "tools/common/text.hpp"

namespace shmq::tools {

namespace {

void put_bytes(nlohmann::ordered_json& object, const std::string& name, std::string_view bytes) {
    if (is_utf8(bytes))
        object[name] = bytes;
    else
        object[name + "_base64"] = base64(bytes);
}

// A string, or an object that holds it in base64.
nlohmann::ordered_json json_of(std::string_view bytes) {
    if (is_utf8(bytes)) return bytes;
    return {{"base64", base64(bytes)}};
}

// The fields as an object; null if they cannot be one.
nlohmann::ordered_json object_of(const Result<Fields>& fields) {
    if (!fields) return nullptr;
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    std::set<std::string_view> names;  // ordered_json itself looks through all it has
    for (const auto& [name, value] : *fields) {
        if (!is_utf8(name) || !names.insert(name).second) return nullptr;
        object.push_back({std::string(name), json_of(text_of(value))});
    }
    return object;
}

std::string word_of(std::string_view bytes, bool is_name) {
    const auto plain = [is_name](char c) {
        return c > ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\' && !(is_name && c == '=');
    };
    if (std::all_of(bytes.begin(), bytes.end(), plain)) return std::string(bytes);
    return json_of(bytes).dump();
}

}  // namespace

std::string fields_text(const Fields& fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        if (!text.empty()) text += ' ';
        text += word_of(name, true) + "=" + word_of(text_of(value), false);
    }
    return text;
}

std::string entry_json(const Entry& entry) {
    nlohmann::ordered_json object;
    object["sequence"] = entry.sequence();
    put_bytes(object, "key", text_of(entry.key()));
    object["deliveries"] = entry.deliveries();
    if (!entry.is_fields())
        put_bytes(object, "data", entry.text());
    else if (auto fields = object_of(entry.fields()); !fields.is_null())
        object["fields"] = std::move(fields);
    else
        object["fields_base64"] = base64(entry.text());
    return object.dump();
}

}  // namespace shmq::tools
