// See entry_json.hpp.
#include "tools/common/entry_json.hpp"

#include <nlohmann/json.hpp>

#include "tools/common/text.hpp"

namespace shmq::tools {

namespace {

void put_bytes(nlohmann::ordered_json& object, const std::string& name, std::string_view bytes) {
    if (is_utf8(bytes))
        object[name] = bytes;
    else
        object[name + "_base64"] = base64(bytes);
}

}  // namespace

std::string entry_json(const Entry& entry) {
    nlohmann::ordered_json object;
    object["sequence"] = entry.sequence();
    put_bytes(object, "key", text_of(entry.key()));
    object["deliveries"] = entry.deliveries();
    put_bytes(object, "data", entry.text());
    return object.dump();
}

}  // namespace shmq::tools
