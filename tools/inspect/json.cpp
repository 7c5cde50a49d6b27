// See json.hpp.
#include "tools/inspect/json.hpp"

#include <fmt/format.h>

#include <chrono>

#include "tools/common/text.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

Json json_of_geometry(const StreamInfo& info) {
    return {{"slots", info.options.slots},
            {"payload", info.options.payload},
            {"chunks", info.options.chunks},
            {"chunk_size", info.chunk_size},
            {"max_entry", info.options.max_entry},
            {"producers", info.options.producers},
            {"groups", info.options.groups},
            {"consumers", info.options.consumers},
            {"attachments", info.options.attachments},
            {"producer_names", info.options.producer_names},
            {"key_stripes", info.options.key_stripes},
            {"parking", info.options.parking},
            {"histograms", info.options.histograms},
            {"recorders", info.options.recorders},
            {"first_sequence", info.options.first_sequence},
            {"place_unit", info.place_unit},
            {"mode", fmt::format("{:04o}", info.options.mode)},
            {"time", word_of(info.options.time, time_stamps_words)}};
}

Json json_of_options(const GroupOptions& options) {
    const auto ms = [](Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); };
    return {{"order", word_of(options.order, order_words)},
            {"retention", word_of(options.retention, retention_words)},
            {"behind_ms", ms(options.behind)},
            {"in_flight", options.in_flight},
            {"dead_letter", options.dead_letter},
            {"histograms", options.histograms},
            {"delivery_limit", options.delivery_limit},
            {"retry",
             {{"first_ms", ms(options.retry.first_delay)},
              {"kind", word_of(options.retry.kind, back_off_words)},
              {"most_ms", ms(options.retry.most_delay)}}}};
}

Json json_of_bytes(const ByteFacts& bytes) {
    return {{"total", bytes.total},     {"tables", bytes.tables}, {"slots", bytes.slots},
            {"records", bytes.records}, {"retry", bytes.retry},   {"payload", bytes.payload}};
}

}  // namespace

Json json_text(std::string_view bytes) { return tools::is_utf8(bytes) ? std::string(bytes) : safe_text(bytes).text; }

Json json_of(const StreamFacts& facts) {
    const StreamInfo& info = facts.info;
    Json object;
    object["name"] = json_text(info.name);
    object["path"] = json_text(info.path);
    object["format_version"] = info.format_version;
    object["created_ns"] = info.created_ns;
    object["removed"] = info.removed;
    object["owners_known"] = !facts.owners_unknown();
    object["geometry"] = json_of_geometry(info);
    object["bytes"] = json_of_bytes(facts.bytes);
    object["entries"] = {{"first", info.first},
                         {"next", info.next},
                         {"kept", facts.kept()},
                         {"needed", facts.needed()},
                         {"first_time_ns", facts.first_time_ns},
                         {"last_time_ns", facts.last_time_ns}};
    object["chunks"] = {{"free", info.chunks_free},
                        {"owned", info.chunks_owned},
                        {"unfinished", info.chunks_unfinished},
                        {"sealed", info.chunks_sealed},
                        {"pinned", info.pins}};
    object["parked"] = info.parked;
    object["producers"] = info.producers;
    object["attachments"] = info.attachments;
    object["groups"] = json_array(facts.groups);
    return object;
}

Json json_of(const GroupFacts& group) {
    Json object;
    object["name"] = json_text(group.info.name);
    object["start"] = group.info.start;
    object["floor"] = group.info.floor;
    object["held_from"] = group.info.held_from;
    object["next"] = group.info.next;
    object["lag"] = group.info.lag;
    object["waiting"] = group.info.waiting;
    object["pending"] = group.info.pending;
    object["retry"] = group.info.retry;
    object["delayed"] = group.info.delayed;
    object["dead"] = group.info.dead;
    object["oldest_age_ms"] =
        group.info.oldest_age
            ? Json(std::chrono::duration_cast<std::chrono::milliseconds>(*group.info.oldest_age).count())
            : Json(nullptr);
    object["demoted_at"] = group.info.demoted_at;
    object["lost"] = group.info.lost;
    object["parked"] = group.info.parked;
    object["options"] = json_of_options(group.info.options);
    object["consumers"] = json_array(group.pending.consumers);
    object["living_consumers"] = living_consumers(group);
    object["lowest_pending"] = group.lowest ? json_of(*group.lowest) : Json(nullptr);
    return object;
}

Json json_of(const AttachmentInfo& attachment) {
    Json object;
    object["row"] = attachment.row;
    object["incarnation"] = attachment.incarnation;
    object["owner"] = owner_word(attachment.owner);
    object["pid"] = attachment.pid;
    object["start_time"] = attachment.start_time;
    object["command"] = json_text(attachment.command);
    object["chunks"] = attachment.chunks;
    object["consumers"] = attachment.consumers;
    return object;
}

Json json_of(const PendingConsumer& consumer) {
    Json object;
    object["name"] = json_text(consumer.name);
    object["count"] = consumer.count;
    object["alive"] = consumer.owner == Owner::alive;
    object["owner"] = owner_word(consumer.owner);
    return object;
}

Json json_of(const PendingEntry& entry) {
    Json object;
    object["sequence"] = entry.sequence;
    object["consumer"] = entry.consumer ? json_text(*entry.consumer) : Json(nullptr);
    object["idle_ms"] =
        entry.idle ? Json(std::chrono::duration_cast<std::chrono::milliseconds>(*entry.idle).count()) : Json(nullptr);
    object["deliveries"] = entry.deliveries;
    object["alive"] = entry.owner == Owner::alive;
    object["owner"] = owner_word(entry.owner);
    object["retry"] = entry.retry;
    object["exhausted"] = entry.exhausted;
    object["delayed"] = entry.delayed;
    object["dead"] = entry.dead;
    object["parked"] = entry.parked;
    object["due_in_ms"] = entry.due_in
                              ? Json(std::chrono::duration_cast<std::chrono::milliseconds>(*entry.due_in).count())
                              : Json(nullptr);
    object["failures"] = entry.failures;
    object["deaths"] = entry.deaths;
    return object;
}

Json json_of(const Finding& finding) {
    Json cures = Json::array();
    for (const Cure& cure : finding.cures)
        cures.push_back({{"command", json_text(cure.command)}, {"effect", cure.effect}});
    Json object;
    object["level"] = level_word(finding.level);
    object["word"] = finding.word;
    object["text"] = finding.text;
    object["cures"] = std::move(cures);
    return object;
}

Json json_of(const Verdict& verdict) { return {{"level", level_word(verdict.level)}, {"text", verdict.text}}; }

Json json_of(const Error& error) {
    return {{"word", code_word(error.code())}, {"message", json_text(error.message())}};
}

}  // namespace shmq::inspect
