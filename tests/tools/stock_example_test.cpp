// The example that counts stock, killed between any two of its steps: the count is exact in the end.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

class StockExample : public ShmqTool {
protected:
    void SetUp() override {
        good({"create", "goods", "--slots", "256", "--payload", "256KiB", "--chunks", "16", "--producers", "4"});
    }
    void add_changes(const std::string& lines) {
        const Ended ended = run_with_input({"add", "goods", "--lines", "-", "--quiet"}, lines);
        EXPECT_EQ(ended.status, 0) << ended.complaints;
    }
    Running start_stock(const std::string& kill = {}) {
        Start what;
        what.program = std::filesystem::path(SHMQ_TOOL).parent_path() / "examples" / "stock";
        what.words = {"goods", path("stock")};
        if (!kill.empty()) what.environment = {"STOCK_KILL=" + kill};
        return start(what);
    }
    static constexpr int killed = 128 + SIGKILL;
};

TEST_F(StockExample, counts) {
    add_changes("5\n7\n-2\n");
    const Ended ended = start_stock().wait();
    EXPECT_EQ(ended.status, 0) << ended.complaints;
    EXPECT_EQ(ended.output, "10 in stock, 0 runs above 4\n");
    EXPECT_EQ(start_stock().wait().output, ended.output) << "nothing is left";
}

TEST_F(StockExample, killed_after_any_step_counts_each_entry_once) {
    // The third waits for what the sixth brings, and is taken out of order.
    add_changes("5\n7\n-40\n-2\n1\n100\n3\n");
    int kills = 0;
    for (const char* step : {"applied", "written", "stored", "acked", "stored", "applied", "written"}) {
        const int status = start_stock(std::string(step) + ":" + std::to_string(1 + kills % 2)).wait().status;
        EXPECT_TRUE(status == killed || status == 0) << status;
        kills += status == killed ? 1 : 0;
    }
    EXPECT_GE(kills, 5);
    const Ended ended = start_stock().wait();
    EXPECT_EQ(ended.status, 0) << ended.complaints;
    EXPECT_EQ(ended.output, "74 in stock, 0 runs above 8\n");
}

TEST_F(StockExample, killed_at_any_moment_counts_each_entry_once) {
    const auto seed = std::random_device()();
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    std::string lines;
    int sum = 0;
    for (int i = 1; i <= 200; ++i) {
        const int change = i % 10 == 3 ? -i : 2 * i;
        sum += change;
        lines += std::to_string(change) + "\n";
    }
    add_changes(lines);
    int kills = 0;
    for (int turn = 0; turn < 30; ++turn) {
        Running stock = start_stock();
        ::usleep(static_cast<useconds_t>(random() % 15'000));  // a moment of the kill, nothing is proven by it
        stock.signal(SIGKILL);
        kills += stock.wait().status == killed ? 1 : 0;
    }
    std::printf("killed %d times\n", kills);
    const Ended ended = start_stock().wait();
    EXPECT_EQ(ended.status, 0) << ended.complaints;
    EXPECT_EQ(ended.output, std::to_string(sum) + " in stock, 0 runs above 201\n");
}

}  // namespace
}  // namespace shmq::test
