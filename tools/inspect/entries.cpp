// `shmq-inspect entries NAME [FROM [TO]]`: the entries that are kept, one a line, as a reader without a group sees
// them.
//
// Nothing is delivered, pinned or acked: entries are copied one at a time, so that memory stays bounded by the largest
// entry, and those that are overwritten meanwhile are left out. The end is where the stream ended when the command
// began, so that a stream that grows does not keep it running; with --follow there is none, and each entry is an object
// of its own.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "tools/common/exit_code.hpp"
#include "tools/common/process.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/kept_entries.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

constexpr std::size_t sequence_width = 12;
constexpr std::size_t time_width = 27;
constexpr std::size_t key_width = 20;
constexpr std::size_t size_width = 11;
constexpr std::size_t preview_least = 20;
constexpr std::size_t preview_in_json = 200;
// Columns before the preview, with two blanks before each column.
constexpr std::size_t before_preview = 2 + sequence_width + 2 + time_width + 2 + key_width + 2 + size_width + 2;

std::string with_mark(SafeText shown) { return shown.cut ? std::move(shown.text) + "..." : std::move(shown.text); }

std::string padded(std::string text, std::size_t width) {
    const std::size_t used = display_width(text);
    return used < width ? std::move(text) + std::string(width - used, ' ') : std::move(text);
}

// What the payload is, and what of it is shown: fields as NAME=VALUE.
std::string_view kind_of(const Entry& entry) {
    if (!entry.is_fields()) return "bytes";
    return entry.fields() ? "fields" : "damaged fields";
}
std::string shown(const Entry& entry, std::string_view between = " ") {
    const auto fields = entry.fields();
    if (!entry.is_fields() || !fields) return std::string(entry.text());
    std::string text;
    for (const Field& field : *fields)
        text.append(text.empty() ? "" : between).append(field.name).append("=").append(field.text());
    return text;
}

constexpr std::size_t most_hex = 1'024;  // bytes, as many as anybody would read

/// "00 ff 1a ..."
std::string hex_of(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes.substr(0, most_hex))
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned char>(byte));
    return text;
}

// Writes entries one by one: a line each, or the elements of an array in an object that was begun.
class Writer {
public:
    explicit Writer(Answer& answer) : answer_(answer) {}

    void begin() {
        if (answer_.request().json && answer_.request().follow) return;
        if (!answer_.request().json) {
            answer_.screen().line(fmt::format("  {:>{}}  {:<{}}  {:<{}}  {:>{}}  payload", "sequence", sequence_width,
                                              "time", time_width, "key", key_width, "size", size_width),
                                  Tone::quiet);
            return;
        }
        Json object = answer_.object();
        object["name"] = json_text(answer_.request().name);
        std::string text = object.dump();
        text.back() = ',';
        answer_.output().append(text + "\"entries\":[");
    }

    void put(const Entry& entry) {
        if (answer_.request().json)
            put_object(entry);
        else
            put_line(entry);
        ++count_;
        if (answer_.request().follow) answer_.output().flush();
    }

    // Closes the object, with the error if there was one.
    void end(const Error& error) {
        if (!answer_.request().json || answer_.request().follow) return;
        Json object;
        object["count"] = count_;
        if (error.code() != Code::ok) object["error"] = json_of(error);
        answer_.output().append("]," + object.dump(-1, ' ', false, Json::error_handler_t::replace).substr(1) + "\n");
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

private:
    void put_line(const Entry& entry) {
        const std::size_t width = answer_.width();
        const std::size_t room = width > before_preview + preview_least ? width - before_preview : preview_least;
        const std::string payload = answer_.request().hex ? hex_of(entry.text())
                                    : entry.is_fields()   ? fmt::format("{}: {}", kind_of(entry), shown(entry))
                                                          : shown(entry);
        SafeText preview = safe_text(payload, room);
        if (preview.cut) preview = {safe_text(payload, room - 3).text, true};
        SafeText key = safe_text(text_of(entry.key()), key_width);
        if (key.cut) key = {safe_text(text_of(entry.key()), key_width - 3).text, true};
        answer_.screen().line(fmt::format(
            "  {:>{}}  {:<{}}  {}  {:>{}}  {}", entry.sequence(), sequence_width, utc_time(entry.time_ns()), time_width,
            padded(with_mark(std::move(key)), key_width), tools::grouped(entry.payload().size()), size_width,
            answer_.request().whole ? std::string(kind_of(entry)) : with_mark(std::move(preview))));
        if (answer_.request().whole) put_whole(entry);
    }
    // All of the payload on lines of their own: each field, or each line of a text.
    void put_whole(const Entry& entry) {
        const std::string text = shown(entry, "\n");
        for (std::size_t begin = 0; begin <= text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            answer_.screen().line("      " + safe_text(std::string_view(text).substr(begin, end - begin)).text);
            begin = end + 1;
        }
    }

    void put_object(const Entry& entry) {
        const std::string_view key = text_of(entry.key());
        const SafeText preview = safe_text(shown(entry), preview_in_json);
        Json object;
        object["sequence"] = entry.sequence();
        object["time_ns"] = entry.time_ns();
        object["time"] = entry.time_ns() == 0 ? Json(nullptr) : Json(utc_time(entry.time_ns()));
        object[tools::is_utf8(key) ? "key" : "key_base64"] =
            tools::is_utf8(key) ? std::string(key) : tools::base64(key);
        object["size"] = entry.payload().size();
        object["kind"] = kind_of(entry);
        object["preview"] = preview.text;
        object["preview_cut"] = preview.cut;
        if (answer_.request().hex) object["hex"] = hex_of(entry.text());
        if (answer_.request().whole) object["text"] = safe_text(shown(entry, "\n")).text;
        const bool follows = answer_.request().follow;
        answer_.output().append((count_ > 0 && !follows ? "," : "") + object.dump() + (follows ? "\n" : ""));
    }

    Answer& answer_;
    std::uint64_t count_ = 0;
};

}  // namespace

int run_entries(Answer& answer) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    Result<StreamInfo> info = gather_info(*stream);
    if (!info) return answer.fail(info.error());
    std::optional<tools::StopSignals> signals;
    if (request.follow) signals.emplace(STDOUT_FILENO);
    const Sequence end = request.to && *request.to < info->next ? *request.to + 1 : info->next;
    Sequence from = std::max(request.from.value_or(info->first), info->first);
    if (request.last && end > from) from = end - std::min(*request.last, end - from);
    Writer writer(answer);
    writer.begin();
    const auto look = [&](const Entry& entry) {
        const bool is_wanted = !request.fields || entry.is_fields();
        if (is_wanted && (!request.grep || std::regex_search(shown(entry), *request.grep))) writer.put(entry);
        return answer.output().good();
    };
    const Error error = request.follow ? each_kept_entry(*stream, from, ~Sequence{0}, look, signals->token())
                                       : each_kept_entry(*stream, from, end, look);
    writer.end(error);
    if (error.code() != Code::ok) {
        answer.output().flush();
        return tools::report(error);
    }
    return writer.count() > 0 || request.follow || !answer.output().good() ? tools::exit_done : tools::exit_nothing;
}

}  // namespace shmq::inspect
