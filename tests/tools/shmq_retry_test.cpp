// Retry with a plan on the command line: options of groups, nacks with a delay, dead entries.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

class ShmqRetry : public ShmqTool {
protected:
    void SetUp() override {
        good({"create", "s", "--slots", "16", "--payload", "64KiB", "--chunks", "16", "--producers", "4"});
        good({"add", "s", "one", "--quiet"});
        good({"add", "s", "two", "--quiet"});
    }
    /// A delivery of the group g that fails.
    void fail_one() {
        const Ended ended = run({"read", "s", "--group", "g", "--exec", "false"});
        EXPECT_NE(ended.complaints.find("was given back"), std::string::npos) << ended.complaints;
    }
    Json entry_of(const std::string& group) {
        const Json entries = Json::parse(good({"pending", "s", group, "--format", "json"}))["entries"];
        EXPECT_EQ(entries.size(), 1u);
        return entries.at(0);
    }
};

TEST_F(ShmqRetry, a_group_shows_its_options_when_asked) {
    good({"group", "create", "s", "plain"});
    good({"group", "create", "s", "careful", "--delivery-limit", "3", "--retry-delay", "1s", "--retry-doubling",
          "--retry-most", "1m"});
    EXPECT_EQ(good({"group", "list", "s"}), "careful\nplain\n");
    EXPECT_EQ(good({"group", "list", "s", "--long"}),
              "careful  delivery limit 3, retry after 1 s, doubling up to 1 m 0 s\nplain\n");
}

TEST_F(ShmqRetry, options_that_cannot_be_are_refused) {
    for (const Words& words : {Words{"--delivery-limit", "256"}, Words{"--retry-doubling"}, Words{"--retry-most", "1s"},
                               Words{"--retry-delay", "600h"}}) {
        Words all{"group", "create", "s", "g"};
        all.insert(all.end(), words.begin(), words.end());
        EXPECT_EQ(run(all).status, 64) << words.front();
    }
    const Ended ended =
        run({"group", "create", "s", "g", "--retry-delay", "2s", "--retry-doubling", "--retry-most", "1s"});
    EXPECT_EQ(ended.status, 64);
    EXPECT_NE(ended.complaints.find("retry.most_delay (ms) is 1000"), std::string::npos) << ended.complaints;
}

TEST_F(ShmqRetry, a_failed_command_waits_as_the_group_says_and_is_dead_in_the_end) {
    good({"group", "create", "s", "g", "--delivery-limit", "1"});
    fail_one();
    const Json dead = entry_of("g");
    EXPECT_EQ(dead["state"], "dead");
    EXPECT_EQ(dead["failures"], 1);
    EXPECT_EQ(dead["deaths"], 0);
    EXPECT_EQ(dead["due_in_ms"], nullptr);
    const Json listed = Json::parse(good({"dead", "list", "s", "g", "--format", "json"}));
    EXPECT_EQ(listed["entries"][0]["sequence"], 1);
    EXPECT_NE(good({"dead", "list", "s", "g"}).find("dead: 1 failure, 0 deaths"), std::string::npos);
    EXPECT_EQ(good({"read", "s", "--group", "g"}), "two\n");
    good({"dead", "requeue", "s", "g", "1"});
    EXPECT_EQ(good({"dead", "list", "s", "g"}), "");
    fail_one();
    EXPECT_EQ(good({"dead", "requeue", "s", "g", "--all"}), "requeued 1 entry\n");
    EXPECT_EQ(run({"dead", "drop", "s", "g", "1"}).status, 1) << "it waits for retry";
    fail_one();
    EXPECT_EQ(good({"dead", "drop", "s", "g", "--all"}), "dropped 1 entry\n");
    EXPECT_EQ(run({"read", "s", "--group", "g"}).status, 1);
}

TEST_F(ShmqRetry, letters_are_sent_back_once) {
    good({"create", "letters", "--slots", "16", "--payload", "64KiB", "--chunks", "16", "--producers", "4"});
    good({"group", "create", "s", "g", "--delivery-limit", "1", "--dead-letter", "letters"});
    fail_one();
    EXPECT_EQ(good({"dead", "move", "s", "g"}), "moved 1 entry\n");
    EXPECT_EQ(good({"dead", "requeue", "s", "g", "--from", "letters"}), "requeued 1 entry\n");
    EXPECT_EQ(good({"dead", "requeue", "s", "g", "--from", "letters"}), "requeued 0 entries\n");
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "9"}), "two\none\n");
    EXPECT_EQ(run({"dead", "requeue", "s", "g", "--from", "letters", "--all"}).status, 64);
    const Ended missing = run({"dead", "requeue", "s", "g", "--from", "nowhere"});
    EXPECT_EQ(missing.status, 66);
    EXPECT_NE(missing.complaints.find("nowhere"), std::string::npos) << missing.complaints;
}

TEST_F(ShmqRetry, sequences_or_all_but_not_both_nor_none) {
    good({"group", "create", "s", "g"});
    for (const char* word : {"requeue", "drop"}) {
        EXPECT_EQ(run({"dead", word, "s", "g"}).status, 64);
        EXPECT_EQ(run({"dead", word, "s", "g", "1", "2", "--all"}).status, 64);
        EXPECT_EQ(run({"dead", word, "s", "g", "1"}).status, 1) << "it is not dead";
    }
}

TEST_F(ShmqRetry, a_nack_with_a_delay_shows_when_the_entry_is_due) {
    good({"group", "create", "s", "g", "--retry-delay", "100s"});
    fail_one();
    const Json delayed = entry_of("g");
    EXPECT_EQ(delayed["state"], "delayed");
    EXPECT_EQ(delayed["idle_ms"], nullptr);
    EXPECT_GT(delayed["due_in_ms"], 90'000);
    EXPECT_NE(good({"pending", "s", "g"}).find("due in 1 m"), std::string::npos);
    good({"nack", "s", "g", "1", "--delay", "0"});
    EXPECT_EQ(entry_of("g")["state"], "delayed") << "what waits already is left";
    EXPECT_EQ(run({"nack", "s", "g", "1", "--delay", "600h"}).status, 64);
}

}  // namespace
}  // namespace shmq::test
