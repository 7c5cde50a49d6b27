// The examples that wait for several streams, run: each prints what is added to any of them, and ends well by SIGTERM.
#include <signal.h>

#include <filesystem>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

class LoopExample : public ShmqTool {
protected:
    static std::string program(const std::string& name) {
        return std::filesystem::path(SHMQ_TOOL).parent_path() / "examples" / name;
    }
    /// Follows streams `one` and `two` through some adds in turns, and ends.
    void follow_two(const std::string& name) {
        for (const char* stream : {"one", "two"})
            good({"create", stream, "--slots", "64", "--payload", "64KiB", "--chunks", "16", "--producers", "4"});
        Pipe output;
        Start what;
        what.program = program(name);
        what.words = {"one", "two"};
        what.output = output.writing();
        Running example = start(what);
        output.close_writing();
        for (int turn = 0; turn < 20; ++turn) {
            const std::string stream = turn % 3 == 0 ? "one" : "two";
            const std::string text = "entry " + std::to_string(turn);
            good({"add", stream, text});
            EXPECT_EQ(output.read_line(), stream + ": " + text + "\n");
        }
        example.signal(SIGTERM);
        const Ended ended = example.wait();
        EXPECT_EQ(ended.status, 0) << ended.complaints;
        EXPECT_EQ(output.read_all(), "");
    }
};

TEST_F(LoopExample, epoll_prints_what_comes_to_either_stream) { follow_two("epoll"); }

TEST_F(LoopExample, urgent_prints_what_comes_to_either_stream) { follow_two("urgent"); }

#ifdef SHMQ_HAS_ASIO_EXAMPLE
TEST_F(LoopExample, asio_prints_what_comes_to_either_stream) { follow_two("asio"); }
#endif

}  // namespace
}  // namespace shmq::test
