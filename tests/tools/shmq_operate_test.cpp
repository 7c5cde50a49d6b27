// The operator's commands: pending, ack, nack, claim, recover, trim.
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using Json = nlohmann::json;

class ShmqOperate : public ShmqTool {
protected:
    ShmqOperate() {
        make_stream();
        add({"a", "b", "c"});
    }
    Json pending(const std::vector<std::string>& filters = {}) {
        std::vector<std::string> words{"pending", "s", "g", "--format", "json"};
        words.insert(words.end(), filters.begin(), filters.end());
        return Json::parse(good(words));
    }
    // A process that holds the three entries as consumer `holder`.
    Running hold() {
        Running holder = start({{"read", "s", "--group", "g", "--consumer", "holder", "--no-ack", "--follow"}, {}, {}});
        wait_for_pending("g", 3);
        return holder;
    }
    static std::vector<std::string> keys_of(const Json& object) {
        std::vector<std::string> keys;
        for (const auto& [key, value] : object.items()) keys.push_back(key);
        return keys;
    }
};

TEST_F(ShmqOperate, pending_of_nothing_is_all_zero) {
    EXPECT_EQ(good({"pending", "s", "g", "--format", "json"}),
              "{\"count\":0,\"lowest\":0,\"highest\":0,\"lag\":3,\"parked\":0,\"consumers\":[],\"entries\":[]}\n");
    EXPECT_EQ(good({"pending", "s", "g"}), "group g: 0 entries pending; 3 never delivered\n");
}

TEST_F(ShmqOperate, pending_shows_who_holds_what) {
    const Running holder = hold();
    const Json held = pending();
    EXPECT_EQ(held["count"], 3);
    EXPECT_EQ(held["lowest"], 1);
    EXPECT_EQ(held["highest"], 3);
    EXPECT_EQ(held["lag"], 0);
    EXPECT_EQ(held["consumers"], Json::parse(R"([{"name": "holder", "count": 3, "alive": true}])"));
    ASSERT_EQ(held["entries"].size(), 3u);
    const Json& first = held["entries"][0];
    EXPECT_EQ(keys_of(first), (std::vector<std::string>{"alive", "consumer", "deaths", "deliveries", "due_in_ms",
                                                        "failures", "idle_ms", "parked", "sequence", "state"}));
    EXPECT_EQ(first["sequence"], 1);
    EXPECT_EQ(first["consumer"], "holder");
    EXPECT_EQ(first["deliveries"], 1);
    EXPECT_EQ(first["alive"], true);
    EXPECT_TRUE(first["idle_ms"].is_number_unsigned());
    const std::string text = good({"pending", "s", "g"});
    EXPECT_EQ(text.rfind("group g: 3 entries pending, sequences 1 to 3; 0 never delivered\n", 0), 0u) << text;
    EXPECT_NE(text.find("holder"), std::string::npos) << text;
}

TEST_F(ShmqOperate, pending_filters_the_entries_it_lists) {
    const Running holder = hold();
    EXPECT_EQ(pending({"--consumer", "holder"})["entries"].size(), 3u);
    EXPECT_EQ(pending({"--consumer", "other"})["entries"].size(), 0u);
    EXPECT_EQ(pending({"--idle", "10h"})["entries"].size(), 0u);
    EXPECT_EQ(pending({"--idle", "0"})["entries"].size(), 3u);
    EXPECT_EQ(pending({"--idle", "10h"})["count"], 3);
}

TEST_F(ShmqOperate, entries_of_a_dead_consumer_are_shown_as_not_alive_until_recovered) {
    Running holder = hold();
    holder.signal(SIGKILL);
    holder.wait();
    const Json left = pending();
    EXPECT_EQ(left["entries"][0]["consumer"], "holder");
    EXPECT_EQ(left["entries"][0]["alive"], false);
    EXPECT_EQ(good({"recover", "s"}).rfind("1 dead handle, 1 consumer, 3 entries handed to retry, ", 0), 0u);
    const Json recovered = pending();
    EXPECT_EQ(recovered["count"], 3);
    EXPECT_TRUE(recovered["entries"][0]["consumer"].is_null());
    EXPECT_EQ(recovered["entries"][0]["alive"], false);
}

TEST_F(ShmqOperate, recover_says_how_much_it_handed_on) {
    EXPECT_EQ(good({"recover", "s"}),
              "0 dead handles, 0 consumers, 0 entries handed to retry, 0 chunks left for adoption\n");
}

TEST_F(ShmqOperate, ack_finishes_an_entry_whoever_holds_it) {
    const Running holder = hold();
    EXPECT_EQ(good({"ack", "s", "g", "1", "3"}), "");
    const Json left = pending();
    EXPECT_EQ(left["count"], 1);
    EXPECT_EQ(left["lowest"], 2);
}

TEST_F(ShmqOperate, ack_twice_is_not_pending_and_the_others_are_acked_all_the_same) {
    const Running holder = hold();
    good({"ack", "s", "g", "1"});
    const Ended again = run({"ack", "s", "g", "1", "2"});
    EXPECT_EQ(again.status, 1);
    EXPECT_NE(again.complaints.find("not_pending"), std::string::npos) << again.complaints;
    EXPECT_EQ(pending()["lowest"], 3);
}

TEST_F(ShmqOperate, sequences_out_of_range_or_never_delivered_are_refused) {
    EXPECT_EQ(run({"ack", "s", "g", "1"}).status, 1) << "never delivered";
    for (const char* sequence : {"4", "0", "18446744073709551615"})
        for (const char* command : {"ack", "nack"}) {
            const Ended ended = run({command, "s", "g", sequence});
            EXPECT_TRUE(ended.status == 64 || ended.status == 1) << ended.status << ended.complaints;
            EXPECT_NE(ended.complaints, "");
        }
    EXPECT_EQ(run({"ack", "s", "none", "1"}).status, 66);
}

TEST_F(ShmqOperate, nack_gives_back_whoever_holds_it_and_counts) {
    const Running holder = start({{"read", "s", "--group", "g", "--exec", "sleep 1000"}, {}, {}});
    wait_for_pending("g", 1);
    good({"nack", "s", "g", "1"});
    const Json entry = Json::parse(good({"read", "s", "--group", "g", "--format", "json"}));
    EXPECT_EQ(entry["sequence"], 1);
    EXPECT_EQ(entry["deliveries"], 2);
}

TEST_F(ShmqOperate, claim_takes_over_what_is_idle_and_acks_it) {
    const Running holder = hold();
    EXPECT_EQ(run({"claim", "s", "g", "--idle", "10h"}).status, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(good({"claim", "s", "g", "--idle", "1ms"}), "a\n");
    EXPECT_EQ(good({"claim", "s", "g", "--idle", "0", "--count", "10", "--format", "json"}),
              "{\"sequence\":2,\"key\":\"\",\"deliveries\":2,\"data\":\"b\"}\n"
              "{\"sequence\":3,\"key\":\"\",\"deliveries\":2,\"data\":\"c\"}\n");
    EXPECT_EQ(pending()["count"], 0);
}

TEST_F(ShmqOperate, claim_without_ack_ends_and_gives_back) {
    const Running holder = hold();
    holder.signal(SIGSTOP);  // or it would take them again at once
    EXPECT_EQ(good({"claim", "s", "g", "--idle", "0", "--count", "100000", "--no-ack"}), "a\nb\nc\n");
    EXPECT_EQ(pending()["count"], 3);
    EXPECT_TRUE(pending()["entries"][0]["consumer"].is_null());
}

TEST_F(ShmqOperate, a_late_ack_of_a_former_owner_is_fenced_and_told) {
    const std::string go = path("go");
    Running slow =
        start({{"read", "s", "--group", "g", "--exec", "while [ ! -e " + go + " ]; do sleep 0.01; done"}, {}, {}});
    wait_for_pending("g", 1);
    EXPECT_EQ(good({"claim", "s", "g", "--idle", "0"}), "a\n");
    start({{go}, {}, {}, {}, "touch"}).wait();
    const Ended ended = slow.wait();
    EXPECT_EQ(ended.status, 1);
    EXPECT_TRUE(ended.complaints.find("fenced") != std::string::npos ||
                ended.complaints.find("not_pending") != std::string::npos)
        << ended.complaints;
}

TEST_F(ShmqOperate, trim_stops_at_what_a_group_still_needs) {
    EXPECT_EQ(good({"trim", "s", "--keep", "0"}), "trimmed 0 entries, the first kept is 1; group g still needs 1\n");
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "2"}), "a\nb\n");
    EXPECT_EQ(good({"trim", "s", "--before", "2"}), "trimmed 1 entry, the first kept is 2\n");
    EXPECT_EQ(good({"trim", "s", "--keep", "0"}), "trimmed 1 entry, the first kept is 3; group g still needs 3\n");
    EXPECT_EQ(good({"tail", "s"}), "c\n");
}

TEST_F(ShmqOperate, trim_by_bytes_keeps_the_newest_that_fit) {
    EXPECT_EQ(good({"group", "drop", "s", "g"}), "");
    EXPECT_EQ(good({"trim", "s", "--keep-bytes", "191"}), "trimmed 1 entry, the first kept is 2\n");
    EXPECT_EQ(good({"trim", "s", "--keep-bytes", "128"}), "trimmed 0 entries, the first kept is 2\n");
    EXPECT_EQ(good({"trim", "s", "--keep-bytes", "64"}), "trimmed 1 entry, the first kept is 3\n");
    EXPECT_EQ(good({"tail", "s"}), "c\n");
    EXPECT_EQ(good({"trim", "s", "--keep-bytes", "63"}), "trimmed 1 entry, the first kept is 4\n");
}

TEST_F(ShmqOperate, trim_by_time_gives_up_what_was_added_before) {
    EXPECT_EQ(good({"trim", "s", "--before", "@2200-01-01T00:00:00Z"}),
              "trimmed 0 entries, the first kept is 1; group g still needs 1\n");
    EXPECT_EQ(good({"group", "drop", "s", "g"}), "");
    EXPECT_EQ(good({"trim", "s", "--before", "@-1h"}), "trimmed 0 entries, the first kept is 1\n");
    EXPECT_EQ(good({"trim", "s", "--before", "@2200-01-01T00:00:00Z"}), "trimmed 3 entries, the first kept is 4\n");
}

TEST_F(ShmqOperate, trim_wants_exactly_one_bound) {
    EXPECT_EQ(run({"trim", "s"}).status, 64);
    EXPECT_EQ(run({"trim", "s", "--keep", "1", "--keep-bytes", "1"}).status, 64);
}

TEST_F(ShmqOperate, trim_beyond_the_end_is_out_of_range) {
    const Ended ended = run({"trim", "s", "--before", "100"});
    EXPECT_EQ(ended.status, 64);
    EXPECT_NE(ended.complaints.find("out_of_range"), std::string::npos) << ended.complaints;
}

}  // namespace
}  // namespace shmq::test
