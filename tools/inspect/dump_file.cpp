// From objects to values, each checked. What is missing or of another type is told by nlohmann-json's own words.
#include "tools/inspect/dump_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <istream>

#include "tools/common/parse.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/dump.hpp"
#include "tools/inspect/json.hpp"

namespace shmq::inspect {

namespace {

/// The place of a word among `words`.
template <class Value, std::size_t count>
Value word_among(const Json& word, const std::array<std::string_view, count>& words) {
    const auto found = std::find(words.begin(), words.end(), word.get<std::string>());
    if (found == words.end()) throw BadDump(fmt::format("there is no {} here", word.dump()));
    return static_cast<Value>(found - words.begin());
}

Duration milliseconds(const Json& number) { return std::chrono::milliseconds(number.get<std::int64_t>()); }

StreamOptions stream_options(const Json& object) {
    StreamOptions options;
    object.at("slots").get_to(options.slots);
    object.at("payload").get_to(options.payload);
    object.at("chunks").get_to(options.chunks);
    object.at("max_entry").get_to(options.max_entry);
    object.at("producers").get_to(options.producers);
    object.at("groups").get_to(options.groups);
    object.at("consumers").get_to(options.consumers);
    object.at("attachments").get_to(options.attachments);
    object.at("producer_names").get_to(options.producer_names);
    object.at("key_stripes").get_to(options.key_stripes);
    object.at("parking").get_to(options.parking);
    object.at("histograms").get_to(options.histograms);
    object.at("recorders").get_to(options.recorders);
    const auto mode = tools::parse_mode(object.at("mode").get<std::string>());
    if (!mode.value) throw BadDump(mode.problem);
    options.mode = *mode.value;
    options.time = word_among<TimeStamps>(object.at("time"), time_stamps_words);
    return options;
}

GroupOptions group_options(const Json& object) {
    GroupOptions options;
    options.order = word_among<Order>(object.at("order"), order_words);
    options.retention = word_among<Retention>(object.at("retention"), retention_words);
    options.behind = milliseconds(object.at("behind_ms"));
    object.at("in_flight").get_to(options.in_flight);
    object.at("dead_letter").get_to(options.dead_letter);
    object.at("histograms").get_to(options.histograms);
    object.at("delivery_limit").get_to(options.delivery_limit);
    const Json& retry = object.at("retry");
    options.retry.first_delay = milliseconds(retry.at("first_ms"));
    options.retry.kind = word_among<BackOff>(retry.at("kind"), back_off_words);
    options.retry.most_delay = milliseconds(retry.at("most_ms"));
    return options;
}

/// A text, bytes, or base64 under another name.
std::string bytes_of(const Json& object, const std::string& name) {
    const auto encoded = object.find(name + "_base64");
    if (encoded != object.end()) {
        std::optional<std::string> bytes = tools::from_base64(encoded->get<std::string>());
        if (!bytes) throw BadDump(fmt::format("{}_base64 is not base64", name));
        return std::move(*bytes);
    }
    const Json& value = object.at(name);
    if (!value.is_binary()) return value.get<std::string>();
    return {value.get_binary().begin(), value.get_binary().end()};
}

DumpedEntry entry_of(const Json& object) {
    DumpedEntry entry;
    object.at("sequence").get_to(entry.sequence);
    entry.key = bytes_of(object, "key");
    const auto fields = object.find("fields");
    if (fields == object.end()) {
        entry.data = bytes_of(object, "data");
        return entry;
    }
    entry.fields.emplace();
    for (const Json& field : *fields) entry.fields->emplace_back(bytes_of(field, "name"), bytes_of(field, "value"));
    return entry;
}

DumpedPending pending_of(const Json& object) {
    DumpedPending pending;
    object.at("deliveries").get_to(pending.deliveries);
    object.at("dead").get_to(pending.dead);
    const Json& consumer = object.at("consumer");
    if (!consumer.is_null()) pending.consumer = consumer.get<std::string>();
    return pending;
}

/// The next object; nullopt at the end.
std::optional<Json> next_object(std::ifstream& file, bool binary) {
    if (file.peek() == std::ifstream::traits_type::eof()) return std::nullopt;
    if (binary) return Json::from_cbor(file, false);
    std::string line;
    std::getline(file, line);
    return Json::parse(line);
}

}  // namespace

template <class Look>
void DumpFile::each_object(Look look) const {
    std::ifstream file(path_, std::ios::binary);
    if (!file) throw BadDump("it cannot be read");
    const bool binary = file.peek() != '{';
    for (std::uint64_t number = 1;; ++number) {
        try {
            const std::optional<Json> object = next_object(file, binary);
            if (!object) return;
            if (!look(*object, object->at("kind").get<std::string>())) return;
        } catch (const std::exception& problem) {
            throw BadDump(fmt::format("object {} is none that `shmq-inspect dump` writes: {}", number, problem.what()));
        }
    }
}

DumpFile::DumpFile(const std::string& path) : path_(path) {
    bool has_stream = false;
    Sequence last = 0;
    each_object([&](const Json& object, const std::string& kind) {
        if (!has_stream && kind != "stream") throw BadDump("the first has to be of the kind stream");
        if (kind == "stream") {
            if (object.at("schema") != dump_schema)
                throw BadDump(
                    fmt::format("schema is {}, this program knows {}", object.at("schema").dump(), dump_schema));
            options_ = stream_options(object.at("options"));
            object.at("next").get_to(next_);
            options_.first_sequence = next_;
            has_stream = true;
        } else if (kind == "group") {
            groups_.push_back({object.at("name").get<std::string>(), object.at("start").get<Sequence>(),
                               object.at("next").get<Sequence>(), group_options(object.at("options"))});
        } else if (kind == "entry") {
            const auto sequence = object.at("sequence").get<Sequence>();
            if (sequence <= last) throw BadDump(fmt::format("entry {} stands behind entry {}", sequence, last));
            if (entries_++ == 0) options_.first_sequence = sequence;
            last = sequence;
            next_ = std::max(next_, sequence + 1);
        } else if (kind == "pending") {
            pending_[object.at("group").get<std::string>()][object.at("sequence").get<Sequence>()] = pending_of(object);
        }
        return true;
    });
    if (!has_stream) throw BadDump("it is empty");
    if (next_ - options_.first_sequence > options_.slots)
        throw BadDump(fmt::format("its entries are {} to {}, more than the {} slots of its stream",
                                  options_.first_sequence, next_ - 1, options_.slots));
}

const std::map<Sequence, DumpedPending>& DumpFile::pending(const std::string& group) const {
    static const std::map<Sequence, DumpedPending> none;
    const auto found = pending_.find(group);
    return found == pending_.end() ? none : found->second;
}

std::uint64_t DumpFile::pending_count() const noexcept {
    std::uint64_t count = 0;
    for (const auto& [group, entries] : pending_) count += entries.size();
    return count;
}

void DumpFile::each_entry(const std::function<bool(const DumpedEntry&)>& look) const {
    each_object([&](const Json& object, const std::string& kind) { return kind != "entry" || look(entry_of(object)); });
}

}  // namespace shmq::inspect
