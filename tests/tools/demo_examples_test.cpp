// The example of the README, run.
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "demo_support.hpp"

namespace shmq::tools::demo_test {
namespace {

TEST(Example, hello_adds_reads_and_acks_each_time_it_is_run) {
    const DemoFolders folders;
    const std::filesystem::path hello = std::filesystem::path(SHMQ_TOOL).parent_path() / "examples" / "hello";
    const std::string command = "SHMQ_DIR=" + folders.streams() + " " + hello.string();
    for (int turn = 1; turn <= 2; ++turn) {
        std::FILE* const pipe = ::popen(command.c_str(), "r");
        ASSERT_NE(pipe, nullptr);
        char line[200] = "";
        EXPECT_NE(std::fgets(line, sizeof(line), pipe), nullptr);
        EXPECT_EQ(std::string(line), std::to_string(turn) + ": hello, world\n");
        EXPECT_EQ(::pclose(pipe), 0);
    }
}

}  // namespace
}  // namespace shmq::tools::demo_test
