// `shmq-inspect dump NAME --format jsonl|resp|binary [--output FILE]`: a stream with its entries, groups, and what is
// pending in them; nothing is delivered or changed. dump.hpp has the objects.
//
// resp is what redis-cli --pipe takes: the key of the stream's name is made anew, so that the same dump twice leaves
// the same. Entry S becomes the id S-0, its key the field "key" and its bytes the field "data" (fields stay fields);
// what is pending is claimed for its consumer with its deliveries and idle time, for "retry" if nobody holds it.
#include <fmt/format.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <vector>

#include "tools/common/exit_code.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/dump.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/kept_entries.hpp"

namespace shmq::inspect {

namespace {

/// Where the objects of a dump go, in one of its forms.
class Dump {
public:
    explicit Dump(tools::Output& output) : output_(output) {}
    Dump(const Dump&) = delete;
    Dump& operator=(const Dump&) = delete;
    virtual ~Dump() = default;

    virtual void stream(const StreamFacts& facts) = 0;
    virtual void group(const GroupInfo& group) = 0;
    virtual void entry(const Entry& entry) = 0;
    virtual void pending(const std::string& group, const PendingEntry& entry) = 0;
    [[nodiscard]] bool good() const { return output_.good(); }

protected:
    void put(std::string_view bytes) { output_.append(bytes); }

private:
    tools::Output& output_;
};

class ObjectDump final : public Dump {
public:
    ObjectDump(tools::Output& output, bool binary) : Dump(output), binary_(binary) {}

    void stream(const StreamFacts& facts) override {
        Json object = json_of(facts);
        put_object({{"kind", "stream"},
                    {"schema", dump_schema},
                    {"name", object["name"]},
                    {"next", facts.info.next},
                    {"options", object["geometry"]}});
    }
    void group(const GroupInfo& group) override {
        GroupFacts facts;
        facts.info = group;
        put_object({{"kind", "group"},
                    {"name", json_text(group.name)},
                    {"start", group.start},
                    {"next", group.next},
                    {"options", json_of(facts)["options"]}});
    }
    void entry(const Entry& entry) override {
        Json object{{"kind", "entry"}, {"sequence", entry.sequence()}, {"time_ns", entry.time_ns()}};
        put_bytes(object, "key", text_of(entry.key()));
        const auto fields = entry.fields();
        if (entry.is_fields() && fields) {
            Json list = Json::array();
            for (const Field& field : *fields) {
                Json pair;
                put_bytes(pair, "name", field.name);
                put_bytes(pair, "value", field.text());
                list.push_back(std::move(pair));
            }
            object["fields"] = std::move(list);
        } else {
            put_bytes(object, "data", entry.text());
        }
        put_object(object);
    }
    void pending(const std::string& group, const PendingEntry& entry) override {
        const Json all = json_of(entry);
        put_object({{"kind", "pending"},
                    {"group", json_text(group)},
                    {"sequence", entry.sequence},
                    {"deliveries", entry.deliveries},
                    {"consumer", all["consumer"]},
                    {"idle_ms", all["idle_ms"]},
                    {"dead", entry.dead}});
    }

private:
    void put_bytes(Json& object, const std::string& name, std::string_view bytes) const {
        if (tools::is_utf8(bytes))
            object[name] = std::string(bytes);
        else if (binary_)
            object[name] = Json::binary({bytes.begin(), bytes.end()});
        else
            object[name + "_base64"] = tools::base64(bytes);
    }
    void put_object(const Json& object) {
        if (!binary_) return put(object.dump() + "\n");
        const std::vector<std::uint8_t> bytes = Json::to_cbor(object);
        put({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    bool binary_;
};

class RespDump final : public Dump {
public:
    using Dump::Dump;

    void stream(const StreamFacts& facts) override {
        name_ = facts.info.name;
        if (const std::size_t slash = name_.rfind('/'); slash != std::string::npos) name_.erase(0, slash + 1);
        command({"DEL", name_});
    }
    void group(const GroupInfo& group) override {
        command({"XGROUP", "CREATE", name_, group.name, id(group.next - 1), "MKSTREAM"});
    }
    void entry(const Entry& entry) override {
        const std::string sequence = id(entry.sequence());
        std::vector<std::string_view> words{"XADD", name_, sequence};
        if (!entry.key().empty()) words.insert(words.end(), {"key", text_of(entry.key())});
        const auto fields = entry.fields();
        if (entry.is_fields() && fields)
            for (const Field& field : *fields) words.insert(words.end(), {field.name, field.text()});
        else
            words.insert(words.end(), {"data", entry.text()});
        command(words);
    }
    void pending(const std::string& group, const PendingEntry& entry) override {
        const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(entry.idle.value_or(Duration{0}));
        command({"XCLAIM", name_, group, entry.consumer.value_or("retry"), "0", id(entry.sequence), "IDLE",
                 std::to_string(idle.count()), "RETRYCOUNT", std::to_string(entry.deliveries), "FORCE", "JUSTID"});
    }

private:
    static std::string id(Sequence sequence) { return fmt::format("{}-0", sequence); }
    void command(std::initializer_list<std::string> words) {
        command(std::vector<std::string_view>(words.begin(), words.end()));
    }
    void command(const std::vector<std::string_view>& words) {
        put(fmt::format("*{}\r\n", words.size()));
        for (const std::string_view word : words) {
            put(fmt::format("${}\r\n", word.size()));
            put(word);
            put("\r\n");
        }
    }
    std::string name_;
};

std::unique_ptr<Dump> make_dump(DumpFormat format, tools::Output& output) {
    if (format == DumpFormat::resp) return std::make_unique<RespDump>(output);
    return std::make_unique<ObjectDump>(output, format == DumpFormat::binary);
}

/// Groups before what is pending in them, and in RESP after the entries, whose ids have to be there.
Error dump_all(Stream& stream, const StreamFacts& facts, DumpFormat format, Dump& dump) {
    dump.stream(facts);
    const auto put_groups = [&] {
        for (const GroupFacts& group : facts.groups) dump.group(group.info);
    };
    if (format != DumpFormat::resp) put_groups();
    const Error error = each_kept_entry(stream, facts.info.first, facts.info.next, [&](const Entry& entry) {
        dump.entry(entry);
        return dump.good();
    });
    if (error.code() != Code::ok) return error;
    if (format == DumpFormat::resp) put_groups();
    for (const GroupFacts& group : facts.groups) {
        Result<std::vector<PendingEntry>> pending =
            stream.pending_entries(group.info.name, {.to = group.info.next - 1});
        if (!pending) return pending.error();
        for (const PendingEntry& entry : *pending) dump.pending(group.info.name, entry);
    }
    return {};
}

}  // namespace

int run_dump(Answer& answer) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    Result<StreamFacts> facts = gather(*stream);
    if (!facts) return answer.fail(facts.error());
    return answer.write(0600, [&](tools::Output& output) {
        const Error error = dump_all(*stream, *facts, request.format, *make_dump(request.format, output));
        return error.code() != Code::ok ? tools::report(error) : tools::exit_done;
    });
}

}  // namespace shmq::inspect
