// `shmq read --exec`: what the command is given, and that its end decides about the entry.
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using namespace std::string_literals;
using Json = nlohmann::json;

class ShmqExec : public ShmqTool {
protected:
    ShmqExec() { make_stream(); }
    Ended exec(const std::string& command, const std::string& count = "1") {
        return run({"read", "s", "--group", "g", "--count", count, "--exec", command});
    }
    std::uint64_t pending() { return Json::parse(good({"pending", "s", "g", "--format", "json"}))["count"]; }
};

TEST_F(ShmqExec, the_payload_is_the_standard_input_and_success_acks) {
    run_with_input({"add", "s"}, "a\n\0b"s);
    const Ended ended = exec("od -An -c | tr -d ' \\n'");
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.output, "a\\n\\0b");
    EXPECT_EQ(ended.complaints, "");
    EXPECT_EQ(pending(), 0u);
}

TEST_F(ShmqExec, the_environment_names_the_entry) {
    good({"add", "s", "x", "--key", "the key"});
    const Ended ended = start({{"read", "s", "--group", "g", "--exec",
                                "echo \"$SHMQ_STREAM,$SHMQ_GROUP,$SHMQ_SEQUENCE,$SHMQ_KEY,$SHMQ_DELIVERIES,$OTHER\"; "
                                "env | grep -c ^SHMQ_KEY="},
                               {},
                               {},
                               {"OTHER=kept", "SHMQ_KEY=stale"}})
                            .wait();
    EXPECT_EQ(ended.output, "s,g,1,the key,1,kept\n1\n");
}

TEST_F(ShmqExec, a_failing_command_gives_the_entry_back_and_it_counts) {
    add({"x"});
    const Ended ended = exec("exit 3");
    EXPECT_EQ(ended.status, 0);
    EXPECT_NE(ended.complaints.find("entry 1 was given back: the command ended with 3"), std::string::npos)
        << ended.complaints;
    EXPECT_EQ(pending(), 1u);
    EXPECT_EQ(exec("echo $SHMQ_DELIVERIES").output, "2\n");
}

TEST_F(ShmqExec, a_command_ended_by_a_signal_gives_the_entry_back) {
    add({"x"});
    EXPECT_NE(exec("kill -9 $$").complaints.find("signal 9"), std::string::npos);
    EXPECT_EQ(pending(), 1u);
}

TEST_F(ShmqExec, a_command_that_is_not_there_gives_the_entry_back) {
    add({"x"});
    EXPECT_EQ(exec("/no/such/command").status, 0);
    EXPECT_EQ(pending(), 1u);
}

TEST_F(ShmqExec, count_is_of_entries_handled_also_of_those_given_back) {
    add({"x"});
    const Ended ended = exec("echo $SHMQ_DELIVERIES; false", "3");
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.output, "1\n2\n3\n");
    EXPECT_EQ(exec("true", "5").status, 0);
    EXPECT_EQ(exec("true").status, 1);
}

TEST_F(ShmqExec, a_command_that_does_not_read_its_input_neither_blocks_nor_kills) {
    for (int entry = 0; entry < 3; ++entry) run_with_input({"add", "s"}, std::string(100'000, 'x'));
    const Ended ended = exec("true", "3");
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.complaints, "");
    EXPECT_EQ(pending(), 0u);
}

TEST_F(ShmqExec, a_grandchild_that_stays_behind_does_not_hold_up) {
    run_with_input({"add", "s"}, std::string(100'000, 'x'));
    Pipe alive;
    const Ended ended =
        start({{"read", "s", "--group", "g", "--exec", "(read line; exec sleep 1000) & echo $!"}, {}, {}}).wait();
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(pending(), 0u);
    ::kill(std::stoi(ended.output), SIGKILL);
}

TEST_F(ShmqExec, the_command_has_the_descriptors_and_signals_that_we_were_started_with) {
    add({"x"});
    const std::string look = "ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status";
    const Ended plain = start({{"-c", look}, {}, {}, {}, "/bin/sh"}).wait();
    EXPECT_EQ(exec(look).output, plain.output);
}

TEST_F(ShmqExec, one_entry_at_a_time_is_taken_so_that_others_can_take_the_rest) {
    add({"a", "b"});
    Pipe output;
    Pipe go;
    Running reader =
        start({{"read", "s", "--group", "g", "--exec", "echo started; sleep 1000"}, go.reading(), output.writing()});
    EXPECT_EQ(output.read_line(), "started\n");
    EXPECT_EQ(good({"read", "s", "--group", "g"}), "b\n");
}

TEST_F(ShmqExec, a_signal_to_end_lets_the_running_command_finish) {
    add({"a", "b"});
    Pipe output;
    const std::string go = path("go");
    Running reader = start({{"read", "s", "--group", "g", "--follow", "--exec",
                             "echo started; while [ ! -e " + go + " ]; do sleep 0.01; done; echo finished"},
                            {},
                            output.writing()});
    output.close_writing();
    EXPECT_EQ(output.read_line(), "started\n");
    reader.signal(SIGTERM);
    Running touch = start({{go}, {}, {}, {}, "touch"});
    touch.wait();
    EXPECT_EQ(output.read_line(), "finished\n");
    EXPECT_EQ(reader.wait().status, 0);
    EXPECT_EQ(output.read_all(), "");
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "2"}), "b\n");
}

}  // namespace
}  // namespace shmq::test
