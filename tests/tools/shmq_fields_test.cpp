// Fields on the command line: what `add --field` makes, and how each way of reading writes it.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shmq/stream.hpp"
#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using namespace std::string_literals;
using Json = nlohmann::ordered_json;

class ShmqFields : public ShmqTool {
protected:
    ShmqFields() { make_stream(); }
    // Adds an entry of these fields and gives its sequence.
    std::string add_fields(const std::vector<std::string>& fields) {
        std::vector<std::string> words{"add", "s"};
        for (const std::string& field : fields) words.insert(words.end(), {"--field", field});
        return good(words);
    }
    Json last_json() { return Json::parse(good({"tail", "s", "--last", "1", "--format", "json"})); }
};

TEST_F(ShmqFields, are_one_entry_with_its_key_and_are_counted) {
    const Ended ended = run({"add", "s", "--field", "a=1", "--key", "k", "--field", "b=2"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.output, "1\n");
    EXPECT_EQ(ended.complaints, "added 1 entry, 9 bytes, sequence 1\n");
    EXPECT_EQ(good({"tail", "s", "--format", "json"}),
              "{\"sequence\":1,\"key\":\"k\",\"deliveries\":0,\"fields\":{\"a\":\"1\",\"b\":\"2\"}}\n");
}

TEST_F(ShmqFields, are_written_on_one_line_in_their_order_by_read_claim_and_tail) {
    EXPECT_EQ(add_fields({"sensor=7", "unit=", "degrees=21.5"}), "1\n");
    const std::string line = "sensor=7 unit= degrees=21.5\n";
    EXPECT_EQ(good({"tail", "s"}), line);
    EXPECT_EQ(good({"tail", "s", "--null"}), "sensor=7 unit= degrees=21.5\0"s);
    EXPECT_EQ(good({"read", "s", "--group", "g", "--no-ack"}), line);
    EXPECT_EQ(good({"read", "s", "--group", "g"}), line);
    add({"sensor=8"});
    EXPECT_EQ(good({"read", "s", "--group", "g"}), "sensor=8\n") << "opaque bytes stay as they are";
}

TEST_F(ShmqFields, are_quoted_as_json_where_they_need_it) {
    add_fields({"blank=a b", "quote=say \"hi\"", "back=a\\b", "line=a\nb", "umlaut=\xc3\xa4", "eq=a=b=c", "a b=x",
                "bin=\xff\xfe", "it's=x"});
    EXPECT_EQ(good({"tail", "s"}),
              "blank=\"a b\" quote=\"say \\\"hi\\\"\" back=\"a\\\\b\" line=\"a\\nb\" umlaut=\"\xc3\xa4\" eq=a=b=c "
              "\"a b\"=x bin={\"base64\":\"//4=\"} \"it's\"=x\n");
}

TEST_F(ShmqFields, are_taken_as_they_are_typed) {
    add_fields({"[a=[1,2]", "b={}", "c=", "--d=--e", "f=%%"});
    EXPECT_EQ(last_json()["fields"].dump(), R"({"[a":"[1,2]","b":"{}","c":"","--d":"--e","f":"%%"})");
    good({"add", "s", "--field=x=y=z"});
    EXPECT_EQ(last_json()["fields"].dump(), R"({"x":"y=z"})");
}

TEST_F(ShmqFields, that_are_no_json_object_are_given_encoded) {
    add_fields({"text=ok", "bin=\xff\xfe"});
    EXPECT_EQ(last_json()["fields"].dump(), R"({"text":"ok","bin":{"base64":"//4="}})");
    add_fields({"\xff=v"});
    EXPECT_FALSE(last_json().contains("fields"));
    EXPECT_EQ(last_json()["fields_base64"], "AQEB/3Y=");
    EXPECT_EQ(good({"tail", "s", "--last", "1"}), "{\"base64\":\"/w==\"}=v\n");
    {
        Stream stream = Stream::open(path("s.shmq")).value();  // two of one name: nothing of shmq makes such bytes
        AddOptions options;
        options.fields = true;
        ASSERT_TRUE(stream.add("\2\1\1a1\1\1a2"s, options));
    }
    EXPECT_EQ(last_json()["fields_base64"], "AgEBYTEBAWEy");
    EXPECT_EQ(good({"tail", "s", "--last", "1"}), "a=1 a=2\n");
}

TEST_F(ShmqFields, that_are_damaged_are_told_and_their_bytes_written) {
    add_fields({"k=v"});
    {
        Stream stream = Stream::open(path("s.shmq")).value();
        Consumer consumer = stream.consumer("g").value();
        const Batch batch = consumer.read().value();
        const_cast<std::byte*>(batch[0].payload().data())[1] = std::byte{'!'};
    }
    const Ended ended = run({"tail", "s"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.output, "\1!\1kv\n");
    EXPECT_NE(ended.complaints.find("fields of entry 1 are damaged"), std::string::npos) << ended.complaints;
    EXPECT_EQ(last_json()["fields_base64"], "ASEBa3Y=");
}

TEST_F(ShmqFields, are_given_to_a_command_as_the_line_of_json) {
    add_fields({"file=a b.png", "size=10"});
    add({"opaque"});
    const std::vector<std::string> words{"read", "s", "--group", "g", "--count", "2", "--exec", "cat; echo ."};
    EXPECT_EQ(good(words),
              "{\"sequence\":1,\"key\":\"\",\"deliveries\":1,\"fields\":{\"file\":\"a b.png\","
              "\"size\":\"10\"}}\n.\nopaque.\n");
}

TEST_F(ShmqFields, that_are_too_large_are_refused_and_nothing_added) {
    const Ended ended = run({"add", "s", "--field", "a=" + std::string(100'000, 'x'), "--wait", "1h"});
    EXPECT_EQ(ended.status, 0) << "that fits";
    good({"create", "small", "--slots", "1024", "--payload", "256KiB", "--chunks", "32", "--max-entry", "1000",
          "--producers", "2"});
    const Ended refused = run({"add", "small", "--field", "a=" + std::string(1'000, 'x')});
    EXPECT_EQ(refused.status, 64);
    EXPECT_NE(refused.complaints.find("too_large"), std::string::npos) << refused.complaints;
    EXPECT_EQ(good({"tail", "small"}), "");
}

}  // namespace
}  // namespace shmq::test
