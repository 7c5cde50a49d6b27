// `shmq-inspect latency`, and the age of the oldest entry on the screens of groups.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

struct Read : Folder {
    Read() {
        shmq({"create", "orders"});
        shmq({"group", "create", "orders", "index", "--histograms"});
        shmq({"group", "create", "orders", "quiet"});
        add_numbers("orders", 9);
        shmq({"read", "orders", "--group", "index", "--count", "4"});
        shmq({"read", "orders", "--group", "quiet", "--count", "4"});
    }
};

TEST(InspectLatency, counts_what_was_delivered_and_acked_by_processes_that_are_gone) {
    const Read folder;
    const Json latency = folder.inspect_json({"latency", "orders"});
    EXPECT_EQ(latency.at("schema"), 1);
    EXPECT_EQ(latency.at("name"), "orders");
    EXPECT_EQ(latency.at("time"), "coarse");
    ASSERT_EQ(latency.at("groups").size(), 2u);
    const Json& index = latency.at("groups")[0];
    EXPECT_EQ(index.at("name"), "index");
    EXPECT_EQ(index.at("kept"), true);
    EXPECT_EQ(index.at("delivered_to_acked").at("count"), 4);
    const Json& added = index.at("added_to_delivered");
    EXPECT_GE(added.at("count"), 4);
    std::uint64_t sum = 0;
    for (const Json& bucket : added.at("buckets")) {
        EXPECT_LT(bucket.at("lowest_ns"), bucket.at("highest_ns"));
        sum += bucket.at("count").get<std::uint64_t>();
    }
    EXPECT_EQ(added.at("count"), sum);
    EXPECT_LE(added.at("p50_ns"), added.at("p90_ns"));
    EXPECT_LE(added.at("p99_ns"), added.at("p99_9_ns"));
    EXPECT_LE(added.at("p99_9_ns"), added.at("most_ns"));
}

TEST(InspectLatency, of_a_group_without_histograms_is_null_and_said) {
    const Read folder;
    const Json groups = folder.inspect_json({"latency", "orders", "quiet"}).at("groups");
    ASSERT_EQ(groups.size(), 1u);
    EXPECT_EQ(groups[0].at("kept"), false);
    EXPECT_EQ(groups[0].at("added_to_delivered").at("count"), 0);
    EXPECT_TRUE(groups[0].at("added_to_delivered").at("p50_ns").is_null());
    EXPECT_TRUE(groups[0].at("added_to_delivered").at("most_ns").is_null());
    const Outcome screen = folder.inspect({"latency", "orders", "quiet"});
    EXPECT_EQ(screen.code, 0);
    EXPECT_TRUE(screen.says("quiet keeps no histograms")) << screen.out;
}

TEST(InspectLatency, the_screen_has_a_line_for_each_delay_and_its_resolution) {
    const Read folder;
    const Outcome screen = folder.inspect({"latency", "orders"});
    EXPECT_EQ(screen.code, 0) << screen.error;
    for (const char* words : {"latency of orders", "p50", "p99.9", "at most", "add to delivery", "delivery to ack",
                              "one tick of the kernel", "quiet keeps no histograms"})
        EXPECT_TRUE(screen.says(words)) << words << "\n" << screen.out;
}

TEST(InspectLatency, works_on_a_copied_file_and_names_an_unknown_group) {
    const Read folder;
    const Json groups = folder.inspect_json({"latency", folder.copy_of("orders"), "index"}).at("groups");
    ASSERT_EQ(groups.size(), 1u);
    EXPECT_EQ(groups[0].at("delivered_to_acked").at("count"), 4);
    EXPECT_EQ(folder.inspect({"latency", "orders", "nobody"}).code, 66);
    EXPECT_EQ(folder.inspect({"latency", "nothing"}).code, 66);
    EXPECT_EQ(folder.inspect({"latency"}).code, 64);
}

TEST(InspectGroups, tell_the_age_of_the_oldest_entry_that_is_not_finished) {
    const Read folder;
    const Json groups = folder.inspect_json({"groups", "orders"}).at("groups");
    ASSERT_EQ(groups.size(), 2u);
    EXPECT_GE(groups[0].at("oldest_age_ms"), 0);
    EXPECT_EQ(groups[0].at("options").at("histograms"), true);
    EXPECT_EQ(groups[1].at("options").at("histograms"), false);
    EXPECT_TRUE(folder.inspect({"groups", "orders"}).says("oldest"));
    folder.shmq({"read", "orders", "--group", "index", "--count", "9"});
    EXPECT_TRUE(folder.inspect_json({"groups", "orders"}).at("groups")[0].at("oldest_age_ms").is_null());
}

}  // namespace
}  // namespace shmq::inspect_test
