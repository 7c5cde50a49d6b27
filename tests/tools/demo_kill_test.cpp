// `shmq demo` while somebody kills its processes: the others finish, and the proof holds all the same.
#include <random>

#include "demo_support.hpp"

namespace shmq::tools::demo_test {
namespace {

std::vector<std::string> arguments_for(const DemoFolders& folders) {
    return {"--input", folders.make_text(), "--records", "30000"};
}

class DemoKill : public testing::TestWithParam<std::string> {};

TEST_P(DemoKill, of_any_worker_leaves_the_others_finishing_with_the_proof_holding) {
    const DemoFolders folders;
    RunningDemo demo(folders, arguments_for(folders));
    const pid_t victim = demo.worker(GetParam());
    ASSERT_NE(victim, 0) << demo.output();
    std::this_thread::sleep_for(100ms);
    ASSERT_EQ(::kill(victim, SIGKILL), 0);
    EXPECT_EQ(demo.wait(), 0);
    EXPECT_TRUE(demo.says("the proof holds")) << demo.output();
    EXPECT_TRUE(demo.says("died by another hand: " + GetParam())) << demo.output();
    EXPECT_EQ(folders.left_over(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Each, DemoKill, testing::Values("producer-1", "producer-2", "index-3", "audit-1"),
                         [](const testing::TestParamInfo<std::string>& information) {
                             std::string name = information.param;
                             name[name.find('-')] = '_';
                             return name;
                         });

TEST(Demo, survives_many_kills_of_workers_taken_at_random) {
    const DemoFolders folders;
    const unsigned seed = std::random_device{}();
    std::mt19937 random(seed);
    RunningDemo demo(folders, arguments_for(folders));
    const pid_t director = demo.director();
    ASSERT_NE(director, 0);
    int killed = 0;
    while (!demo.says("proof\n") && killed < 12) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 200));
        const std::vector<Child> workers = children_of(director);
        if (workers.empty()) continue;
        const Child& victim = workers[random() % workers.size()];
        if (victim.name.find('-') != std::string::npos && ::kill(victim.pid, SIGKILL) == 0) ++killed;
    }
    EXPECT_EQ(demo.wait(), 0) << "seed " << seed;
    EXPECT_TRUE(demo.says("the proof holds")) << "seed " << seed << '\n' << demo.output();
    EXPECT_GT(killed, 0);
    EXPECT_EQ(folders.left_over(), 0u);
}

TEST(Demo, goes_on_with_another_director_when_its_director_is_killed) {
    const DemoFolders folders;
    RunningDemo demo(folders, arguments_for(folders));
    const pid_t director = demo.director();
    ASSERT_NE(director, 0);
    ASSERT_TRUE(demo.wait_for("SIGKILL to index"));
    ASSERT_EQ(::kill(director, SIGKILL), 0);
    EXPECT_EQ(demo.wait(), 0);
    EXPECT_TRUE(demo.says("another one takes over")) << demo.output();
    EXPECT_TRUE(demo.says("the proof holds")) << demo.output();
    EXPECT_EQ(folders.left_over(), 0u);
}

TEST(Demo, finishes_and_tidies_up_when_its_keeper_is_killed) {
    const DemoFolders folders;
    RunningDemo demo(folders, arguments_for(folders));
    ASSERT_NE(demo.director(), 0);
    ASSERT_EQ(::kill(demo.pid(), SIGKILL), 0);
    EXPECT_EQ(demo.wait(), 1000 + SIGKILL);
    while (folders.left_over() != 0) std::this_thread::sleep_for(50ms);  // the watchdog ends a wait in vain
    EXPECT_TRUE(demo.says("the proof holds")) << demo.output();
}

TEST(Demo, removes_what_a_demo_left_whose_keeper_and_director_were_killed) {
    const DemoFolders folders;
    {
        RunningDemo demo(folders, arguments_for(folders));
        const pid_t director = demo.director();
        ASSERT_NE(director, 0);
        const std::vector<Child> workers = children_of(director);
        ASSERT_EQ(::kill(demo.pid(), SIGKILL), 0);
        ASSERT_EQ(::kill(director, SIGKILL), 0);
        demo.wait();
        for (const Child& worker : workers) {
            while (::kill(worker.pid, 0) == 0) std::this_thread::sleep_for(5ms);
        }
        EXPECT_GT(folders.left_over(), 0u);
    }
    RunningDemo next(folders, arguments_for(folders));
    EXPECT_EQ(next.wait(), 0);
    EXPECT_TRUE(next.says("the proof holds")) << next.output();
    EXPECT_EQ(folders.left_over(), 0u);
}

}  // namespace
}  // namespace shmq::tools::demo_test
