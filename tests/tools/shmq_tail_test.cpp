// `shmq tail`: reading without a group, from anywhere, with read permission alone.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using ShmqTail = ShmqTool;

TEST_F(ShmqTail, it_prints_what_there_is_and_acks_nothing) {
    make_stream();
    EXPECT_EQ(good({"tail", "s"}), "");
    add({"a", "b", "c"});
    EXPECT_EQ(good({"tail", "s"}), "a\nb\nc\n");
    EXPECT_EQ(good({"tail", "s", "--count", "2"}), "a\nb\n");
    EXPECT_EQ(good({"tail", "s", "--from", "2"}), "b\nc\n");
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "3"}), "a\nb\nc\n");
    EXPECT_EQ(good({"tail", "s"}), "a\nb\nc\n") << "acked entries stay readable";
}

TEST_F(ShmqTail, newest_is_only_what_comes_later) {
    make_stream();
    add({"a"});
    EXPECT_EQ(good({"tail", "s", "--from", "newest"}), "");
    Pipe output;
    Running tail = start({{"tail", "s", "--from", "newest", "--follow"}, {}, output.writing()});
    // Nothing shows from outside that the reader stands: entries are added until one comes out.
    for (int number = 0; !output.has_bytes(); ++number) add({"later " + std::to_string(number)});
    const std::string line = output.read_line();
    EXPECT_EQ(line.rfind("later ", 0), 0u);
    tail.signal(SIGINT);
    EXPECT_EQ(tail.wait().status, 0);
}

TEST_F(ShmqTail, follow_goes_on_until_a_signal_or_its_count) {
    make_stream();
    add({"a"});
    Pipe output;
    Running tail = start({{"tail", "s", "--follow"}, {}, output.writing()});
    EXPECT_EQ(output.read_line(), "a\n");
    add({"b"});
    EXPECT_EQ(output.read_line(), "b\n");
    tail.signal(SIGTERM);
    EXPECT_EQ(tail.wait().status, 0);
    EXPECT_EQ(good({"tail", "s", "--follow", "--count", "2"}), "a\nb\n");
}

TEST_F(ShmqTail, follow_ends_when_the_stream_is_removed) {
    make_stream();
    add({"a"});
    Pipe output;
    Running tail = start({{"tail", "s", "--follow"}, {}, output.writing()});
    EXPECT_EQ(output.read_line(), "a\n");
    good({"rm", "s"});
    const Ended ended = tail.wait();
    EXPECT_EQ(ended.status, 0);
    EXPECT_NE(ended.complaints.find("removed"), std::string::npos) << ended.complaints;
}

TEST_F(ShmqTail, follow_ends_when_the_reader_of_its_output_is_gone) {
    make_stream();
    add({"a"});
    Pipe output;
    Running tail = start({{"tail", "s", "--follow"}, {}, output.writing()});
    output.close_writing();
    EXPECT_EQ(output.read_line(), "a\n");
    output.close_reading();
    EXPECT_EQ(tail.wait().status, 0);
}

TEST_F(ShmqTail, what_was_overwritten_is_left_out) {
    make_stream(false);
    std::string lines;
    for (int number = 1; number <= 6'000; ++number) lines += std::to_string(number) + "\n";
    EXPECT_EQ(run_with_input({"add", "s", "--lines", "-", "--quiet"}, lines).status, 0);
    const Ended ended = run({"tail", "s"});
    EXPECT_EQ(ended.status, 0);
    const std::size_t end_of_first = ended.output.find('\n');
    const int first = std::stoi(ended.output.substr(0, end_of_first));
    EXPECT_GE(first, 6'000 - 4'096 + 1);
    EXPECT_TRUE(lines.ends_with("\n" + ended.output)) << first;
}

TEST_F(ShmqTail, a_sequence_of_the_future_without_follow_is_refused_or_empty) {
    make_stream(false);
    add({"a"});
    const Ended next = run({"tail", "s", "--from", "2"});
    EXPECT_EQ(next.status, 0) << next.complaints;
    EXPECT_EQ(next.output, "");
}

TEST_F(ShmqTail, read_permission_suffices_to_look_and_nothing_else) {
    make_stream();
    add({"a"});
    ASSERT_EQ(::chmod(path("s.shmq").c_str(), 0444), 0);
    ASSERT_EQ(::chmod(folder().c_str(), 0555), 0);
    // Root may do everything, so it becomes somebody else; anybody else has read permission alone now.
    const auto as_nobody = [&](const std::vector<std::string>& words) {
        if (::geteuid() != 0) return run(words);
        std::vector<std::string> all{"--reuid=65534", "--regid=65534", "--clear-groups", SHMQ_TOOL};
        all.insert(all.end(), words.begin(), words.end());
        return start({all, {}, {}, {}, "setpriv"}).wait();
    };
    const Ended tail = as_nobody({"tail", "s"});
    EXPECT_EQ(tail.status, 0) << tail.complaints;
    EXPECT_EQ(tail.output, "a\n");
    EXPECT_EQ(as_nobody({"tail", "s", "--follow", "--count", "1"}).output, "a\n");
    EXPECT_EQ(as_nobody({"pending", "s", "g"}).status, 0);
    EXPECT_EQ(as_nobody({"group", "list", "s"}).output, "g\n");
    const std::vector<std::vector<std::string>> writing{{"read", "s", "--group", "g"}, {"add", "s", "x"},
                                                        {"group", "create", "s", "h"}, {"ack", "s", "g", "1"},
                                                        {"trim", "s", "--keep", "0"},  {"rm", "s"}};
    for (const auto& words : writing) {
        const Ended ended = as_nobody(words);
        EXPECT_EQ(ended.status, 77) << words.front() << ": " << ended.complaints;
        EXPECT_NE(ended.complaints.find("not_allowed"), std::string::npos) << ended.complaints;
    }
    EXPECT_EQ(as_nobody({"create", "t"}).status, 77);
    EXPECT_EQ(good({"tail", "s"}), "a\n");
    ASSERT_EQ(::chmod(path("s.shmq").c_str(), 0), 0);
    EXPECT_EQ(as_nobody({"tail", "s"}).status, 77);
    ASSERT_EQ(::chmod(folder().c_str(), 0700), 0);
}

}  // namespace
}  // namespace shmq::test
