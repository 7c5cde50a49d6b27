// The page docs/from-redis.md, run as it is written: each line with a `$` through a shell that finds shmq, the lines
// under it are what it writes to standard output. All in one folder, in the page's order.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

/// A command of the page and what it answers there.
struct Shown {
    std::string command;
    std::string answer;
};

/// The commands within the fences of a page.
std::vector<Shown> commands_in(const std::string& path) {
    std::ifstream page(path);
    std::vector<Shown> shown;
    bool fenced = false;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("```"))
            fenced = !fenced;
        else if (fenced && line.starts_with("$ "))
            shown.push_back({line.substr(2), ""});
        else if (fenced && !shown.empty())
            shown.back().answer += line + "\n";
    }
    return shown;
}

class FromRedis : public ShmqTool {};

TEST_F(FromRedis, every_command_of_the_page_answers_what_stands_under_it) {
    const std::vector<Shown> shown = commands_in(SHMQ_FROM_REDIS_PAGE);
    ASSERT_GT(shown.size(), 20u);
    const std::string with_tools = "PATH='" + std::filesystem::path(SHMQ_TOOL).parent_path().string() + "':$PATH; ";
    for (const Shown& one : shown) {
        Running shell = start({{"-c", with_tools + one.command}, std::nullopt, std::nullopt, {}, "/bin/sh"});
        const Ended ended = shell.wait();
        EXPECT_EQ(ended.status, 0) << one.command << "\n" << ended.complaints;
        EXPECT_EQ(ended.output, one.answer) << one.command;
    }
}

}  // namespace
}  // namespace shmq::test
