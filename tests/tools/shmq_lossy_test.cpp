// Groups that may lose entries, on the command line: losses are told on standard error, demotion in the lists.
#include <nlohmann/json.hpp>
#include <string>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

class ShmqLossy : public ShmqTool {
protected:
    void SetUp() override {
        good({"create", "s", "--slots", "16", "--payload", "64KiB", "--chunks", "16", "--producers", "4"});
    }
    void add(int count) {
        for (int i = 0; i < count; ++i) good({"add", "s", "x", "--quiet"});
    }
};

TEST_F(ShmqLossy, a_read_tells_what_was_lost_beside_what_it_writes) {
    good({"group", "create", "s", "g", "--retention", "lossy"});
    add(20);
    EXPECT_EQ(good({"group", "list", "s", "--long"}), "g  lossy, 4 entries lost\n");
    const Ended read = run({"read", "s", "--group", "g", "--count", "2"});
    EXPECT_EQ(read.status, 0);
    EXPECT_EQ(read.output, "x\nx\n");
    EXPECT_EQ(read.complaints, "shmq: entries 1 to 4 were lost (group g is lossy)\n");
    add(3);
    EXPECT_EQ(run({"read", "s", "--group", "g"}).complaints, "shmq: entry 7 was lost (group g is lossy)\n");
    EXPECT_EQ(good({"group", "list", "s", "--long"}), "g  lossy, 5 entries lost\n");
}

TEST_F(ShmqLossy, a_group_that_was_too_late_shows_it) {
    good({"group", "create", "s", "g", "--until-behind", "1ms"});
    EXPECT_EQ(good({"group", "list", "s", "--long"}), "g  required until 1 ms behind\n");
    add(16);
    good({"add", "s", "x", "--quiet", "--wait", "1m"});
    EXPECT_EQ(good({"group", "list", "s", "--long"}),
              "g  required until 1 ms behind, lossy since entry 1 was too late, 1 entry lost\n");
}

TEST_F(ShmqLossy, options_that_cannot_be_together_are_refused) {
    EXPECT_EQ(run({"group", "create", "s", "g", "--retention", "lossy", "--order", "strict"}).status, 64);
    EXPECT_EQ(run({"group", "create", "s", "g", "--retention", "lossy", "--dead-letter", "d"}).status, 64);
    EXPECT_EQ(run({"group", "create", "s", "g", "--until-behind", "0s"}).status, 64);
}

}  // namespace
}  // namespace shmq::test
