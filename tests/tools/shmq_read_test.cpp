// `shmq read`: what it writes, when it acks, how it ends; with --follow, and with a closed or full output.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using namespace std::string_literals;
using Json = nlohmann::json;

class ShmqRead : public ShmqTool {
protected:
    ShmqRead() { make_stream(); }
    Json pending() { return Json::parse(good({"pending", "s", "g", "--format", "json"})); }
};

TEST_F(ShmqRead, one_entry_is_written_and_acked) {
    add({"one", "two"});
    const Ended ended = run({"read", "s", "--group", "g"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.output, "one\n");
    EXPECT_EQ(ended.complaints, "");
    EXPECT_EQ(pending()["count"], 0);
    EXPECT_EQ(pending()["lag"], 1);
}

TEST_F(ShmqRead, nothing_there_ends_with_1_at_once_or_after_the_wait) {
    EXPECT_EQ(run({"read", "s", "--group", "g"}).status, 1);
    const auto begin = std::chrono::steady_clock::now();
    const Ended ended = run({"read", "s", "--group", "g", "--wait", "0.15s"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.output + ended.complaints, "");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(150));
}

TEST_F(ShmqRead, count_is_an_upper_bound) {
    add({"a", "b", "c"});
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "2"}), "a\nb\n");
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "18446744073709551615"}), "c\n");
}

TEST_F(ShmqRead, a_waiting_read_is_woken_by_an_add) {
    Running reader = start({{"read", "s", "--group", "g", "--count", "2", "--wait", "1h"}, {}, {}});
    wait_for_consumers("g", 1);
    add({"a", "b"});
    const Ended ended = reader.wait();
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.output, "a\nb\n");
}

TEST_F(ShmqRead, null_ends_each_entry) {
    add({"a\nb", ""});
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "2", "--null"}), "a\nb\0\0"s);
}

TEST_F(ShmqRead, json_has_text_or_base64) {
    good({"add", "s", "a \"ä\" \n", "--key", "k"});
    run_with_input({"add", "s"}, "\xff\x00\x01"s);
    const std::string text = good({"read", "s", "--group", "g", "--count", "2", "--format", "json"});
    EXPECT_EQ(text,
              "{\"sequence\":1,\"key\":\"k\",\"deliveries\":1,\"data\":\"a \\\"ä\\\" \\n\"}\n"
              "{\"sequence\":2,\"key\":\"\",\"deliveries\":1,\"data_base64\":\"/wAB\"}\n");
}

TEST_F(ShmqRead, ill_formed_utf8_is_base64) {
    for (const std::string& bytes :
         {"\xc0\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s, "\x80"s, "\xf0\x80\x80\x80"s})
        add({bytes});
    for (int entry = 0; entry < 6; ++entry)
        EXPECT_TRUE(Json::parse(good({"read", "s", "--group", "g", "--format", "json"})).contains("data_base64"))
            << entry;
}

TEST_F(ShmqRead, no_ack_returns_entries_to_retry_uncounted) {
    add({"a", "b"});
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "10", "--no-ack"}), "a\nb\n");
    const Json left = pending();
    EXPECT_EQ(left["count"], 2);
    EXPECT_TRUE(left["entries"][0]["consumer"].is_null());
    EXPECT_EQ(Json::parse(good({"read", "s", "--group", "g", "--format", "json"}))["deliveries"], 1);
}

TEST_F(ShmqRead, a_missing_stream_or_group_ends_with_66_and_the_cure) {
    const Ended group = run({"read", "s", "--group", "none"});
    EXPECT_EQ(group.status, 66);
    EXPECT_NE(group.complaints.find("shmq group create"), std::string::npos) << group.complaints;
    const Ended stream = run({"read", "none", "--group", "g"});
    EXPECT_EQ(stream.status, 66);
    EXPECT_NE(stream.complaints.find("no_stream"), std::string::npos) << stream.complaints;
}

TEST_F(ShmqRead, a_second_owner_of_a_name_is_refused) {
    Running first = start({{"read", "s", "--group", "g", "--consumer", "c", "--follow"}, {}, {}});
    wait_for_consumers("g", 1);
    const Ended second = run({"read", "s", "--group", "g", "--consumer", "c"});
    EXPECT_EQ(second.status, 75);
    EXPECT_NE(second.complaints.find("busy"), std::string::npos) << second.complaints;
}

TEST_F(ShmqRead, entries_of_a_killed_reader_come_again_and_count) {
    add({"a"});
    Pipe output;
    Running reader = start({{"read", "s", "--group", "g", "--no-ack", "--follow"}, {}, output.writing()});
    EXPECT_EQ(output.read_line(), "a\n");
    reader.signal(SIGKILL);
    EXPECT_EQ(reader.wait().status, 128 + SIGKILL);
    const Json entry = Json::parse(good({"read", "s", "--group", "g", "--wait", "1h", "--format", "json"}));
    EXPECT_EQ(entry["data"], "a");
    EXPECT_EQ(entry["deliveries"], 2);
}

TEST_F(ShmqRead, claim_idle_takes_over_what_others_hold) {
    add({"a"});
    Pipe output;
    Running holder = start({{"read", "s", "--group", "g", "--no-ack", "--follow"}, {}, output.writing()});
    EXPECT_EQ(output.read_line(), "a\n");
    EXPECT_EQ(run({"read", "s", "--group", "g", "--claim-idle", "1h"}).status, 1);
    EXPECT_EQ(good({"read", "s", "--group", "g", "--claim-idle", "1ms", "--wait", "1h"}), "a\n");
    EXPECT_EQ(pending()["count"], 0);
}

TEST_F(ShmqRead, follow_goes_on_until_a_signal_and_ends_with_0) {
    for (const int number : {SIGINT, SIGTERM}) {
        Pipe output;
        Running reader =
            start({{"read", "s", "--group", "g", "--follow", "--count", "1", "--wait", "1ms"}, {}, output.writing()});
        for (const char* entry : {"a", "b", "c"}) {
            add({entry});
            EXPECT_EQ(output.read_line(), std::string(entry) + "\n");
        }
        reader.signal(number);
        const Ended ended = reader.wait();
        EXPECT_EQ(ended.status, 0);
        EXPECT_EQ(ended.complaints, "");
        EXPECT_EQ(pending()["count"], 0);
    }
}

TEST_F(ShmqRead, follow_that_read_nothing_ends_with_0_too) {
    Running reader = start({{"read", "s", "--group", "g", "--follow"}, {}, {}});
    wait_for_consumers("g", 1);
    reader.signal(SIGTERM);
    EXPECT_EQ(reader.wait().status, 0);
}

TEST_F(ShmqRead, follow_ends_when_the_stream_is_removed) {
    Running reader = start({{"read", "s", "--group", "g", "--follow"}, {}, {}});
    Running waiter = start({{"read", "s", "--group", "g", "--wait", "1h"}, {}, {}});
    wait_for_consumers("g", 2);
    good({"rm", "s"});
    const Ended followed = reader.wait();
    EXPECT_EQ(followed.status, 0);
    EXPECT_NE(followed.complaints.find("removed"), std::string::npos) << followed.complaints;
    const Ended waited = waiter.wait();
    EXPECT_EQ(waited.status, 66);
    EXPECT_NE(waited.complaints.find("removed"), std::string::npos) << waited.complaints;
}

TEST_F(ShmqRead, follow_ends_with_66_when_its_group_is_dropped) {
    Running reader = start({{"read", "s", "--group", "g", "--follow"}, {}, {}});
    wait_for_consumers("g", 1);
    good({"group", "drop", "s", "g"});
    EXPECT_EQ(reader.wait().status, 66);
}

TEST_F(ShmqRead, follow_ends_when_the_reader_of_its_output_is_gone) {
    Pipe output;
    Running reader = start({{"read", "s", "--group", "g", "--follow"}, {}, output.writing()});
    output.close_writing();
    add({"a"});
    EXPECT_EQ(output.read_line(), "a\n");
    output.close_reading();
    const Ended ended = reader.wait();
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.complaints, "");
}

TEST_F(ShmqRead, what_a_closed_output_did_not_take_is_not_acked) {
    add({"a", "b"});
    Pipe output;
    output.close_reading();
    Running reader = start({{"read", "s", "--group", "g", "--count", "2"}, {}, output.writing()});
    const Ended ended = reader.wait();
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.complaints, "");
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "2", "--format", "json"}),
              "{\"sequence\":1,\"key\":\"\",\"deliveries\":1,\"data\":\"a\"}\n"
              "{\"sequence\":2,\"key\":\"\",\"deliveries\":1,\"data\":\"b\"}\n");
}

TEST_F(ShmqRead, what_a_full_disk_did_not_take_is_not_acked) {
    add({"a"});
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    const Ended ended = start({{"read", "s", "--group", "g"}, {}, full}).wait();
    ::close(full);
    EXPECT_EQ(ended.status, 71);
    EXPECT_EQ(good({"read", "s", "--group", "g"}), "a\n");
}

TEST_F(ShmqRead, a_signal_ends_a_read_whose_output_nobody_empties) {
    for (int entry = 0; entry < 4; ++entry)
        run_with_input({"add", "s"}, std::string(60'000, static_cast<char>('a' + entry)));
    Pipe output;
    Running reader = start({{"read", "s", "--group", "g", "--follow"}, {}, output.writing()});
    wait_for_pending("g", 4);
    reader.signal(SIGTERM);
    EXPECT_EQ(reader.wait().status, 0);
    output.close_writing();
    const std::string taken = output.read_all();
    // Whole entries that the pipe took are acked, the others are not.
    EXPECT_EQ(pending()["count"], 4 - static_cast<int>(taken.size() / 60'001));
    EXPECT_GE(taken.size(), 60'001u);
    EXPECT_LT(taken.size(), 4u * 60'001);
}

TEST_F(ShmqRead, an_output_that_is_not_open_is_an_error_and_nothing_is_acked) {
    add({"a"});
    const Ended ended = start({{"-c", "exec \"$0\" read s --group g >&-", SHMQ_TOOL}, {}, {}, {}, "/bin/sh"}).wait();
    EXPECT_EQ(ended.status, 71);
    EXPECT_EQ(good({"read", "s", "--group", "g"}), "a\n");
}

TEST_F(ShmqRead, ten_thousand_entries_pass_between_two_processes_in_order) {
    std::string lines;
    for (int number = 0; number < 10'000; ++number) lines += std::to_string(number) + "\n";
    Pipe output;
    Running reader = start({{"read", "s", "--group", "g", "--count", "10000", "--wait", "1h"}, {}, output.writing()});
    output.close_writing();
    const Input input(lines);
    Running adder = start({{"add", "s", "--lines", "-", "--quiet", "--wait", "1h"}, input.descriptor(), {}});
    EXPECT_TRUE(output.read_all() == lines);
    EXPECT_EQ(reader.wait().status, 0);
    EXPECT_EQ(adder.wait().status, 0);
}

}  // namespace
}  // namespace shmq::test
