// Each screen and each object of shmq-inspect, on streams in order.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

TEST(InspectList, every_stream_is_a_line_with_its_sums) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"create", "prices"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 5);
    const Outcome screen = folder.inspect({"list"});
    EXPECT_EQ(screen.code, 0);
    EXPECT_TRUE(screen.says("orders") && screen.says("prices")) << screen.out;
    const Json streams = folder.inspect_json({"list"}).at("streams");
    ASSERT_EQ(streams.size(), 2u);
    EXPECT_EQ(streams[0].at("name"), "orders");
    EXPECT_EQ(streams[0].at("kept"), 5);
    EXPECT_EQ(streams[0].at("groups"), 1);
    EXPECT_EQ(streams[0].at("lag"), 5);
    EXPECT_EQ(streams[0].at("verdict").at("level"), "warning") << "nobody reads the group";
    EXPECT_EQ(streams[1].at("verdict").at("level"), "healthy");
}

TEST(InspectList, an_empty_folder_is_no_error) {
    const Folder folder;
    EXPECT_EQ(folder.inspect({"list"}).code, 0);
    EXPECT_TRUE(folder.inspect_json({"list"}).at("streams").empty());
}

TEST(InspectShow, the_bytes_of_all_parts_are_the_file) {
    const Folder folder;
    folder.shmq({"create", "orders", "--slots", "1024", "--payload", "1MiB", "--groups", "3"});
    const Json shown = folder.inspect_json({"show", "orders"});
    EXPECT_EQ(shown.at("schema"), 1);
    EXPECT_EQ(shown.at("command"), "show");
    const Json bytes = shown.at("bytes");
    EXPECT_EQ(bytes.at("total"), std::filesystem::file_size(folder.segment("orders")));
    std::uint64_t sum = 0;
    for (const char* part : {"tables", "slots", "records", "retry", "payload"}) {
        EXPECT_GT(bytes.at(part), 0u) << part;
        sum += bytes.at(part).get<std::uint64_t>();
    }
    EXPECT_EQ(bytes.at("total"), sum);
    EXPECT_EQ(bytes.at("slots"), 8u * 1024);
    EXPECT_EQ(bytes.at("payload"), shown.at("geometry").at("chunks").get<std::uint64_t>() *
                                       shown.at("geometry").at("chunk_size").get<std::uint64_t>());
    EXPECT_EQ(shown.at("geometry").at("slots"), 1024);
    EXPECT_EQ(shown.at("geometry").at("mode"), "0600");
}

TEST(InspectShow, counts_entries_chunks_and_groups) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 7);
    folder.shmq({"read", "orders", "--group", "index", "--count", "3"});
    const Json shown = folder.inspect_json({"show", "orders"});
    EXPECT_EQ(shown.at("entries").at("first"), 1);
    EXPECT_EQ(shown.at("entries").at("next"), 8);
    EXPECT_EQ(shown.at("entries").at("kept"), 7);
    EXPECT_EQ(shown.at("entries").at("needed"), 4);
    EXPECT_GT(shown.at("entries").at("first_time_ns"), 1'500'000'000'000'000'000u);
    EXPECT_LE(shown.at("entries").at("first_time_ns"), shown.at("entries").at("last_time_ns"));
    const Json chunks = shown.at("chunks");
    EXPECT_EQ(shown.at("geometry").at("chunks").get<int>(),
              chunks.at("free").get<int>() + chunks.at("owned").get<int>() + chunks.at("unfinished").get<int>() +
                  chunks.at("sealed").get<int>());
    ASSERT_EQ(shown.at("groups").size(), 1u);
    EXPECT_EQ(shown.at("groups")[0].at("name"), "index");
    EXPECT_EQ(shown.at("groups")[0].at("lag"), 4);
    EXPECT_EQ(shown.at("groups")[0].at("pending"), 0);
}

TEST(InspectShow, the_screen_has_the_parts_in_words_and_no_colour_in_a_file) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    const Outcome screen = folder.inspect({"show", "orders"});
    EXPECT_EQ(screen.code, 0);
    for (const char* words : {"stream orders", "verdict", "healthy", "geometry", "header, tables", "payload", "65,536",
                              "entries", "groups"})
        EXPECT_TRUE(screen.says(words)) << words << "\n" << screen.out;
    EXPECT_FALSE(screen.says("\x1b"));
    EXPECT_EQ(screen.error, "");
}

TEST(InspectShow, a_stream_without_entries_and_groups_is_healthy) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    const Json shown = folder.inspect_json({"show", "orders"});
    EXPECT_EQ(shown.at("verdict").at("level"), "healthy");
    EXPECT_TRUE(shown.at("findings").empty());
    EXPECT_EQ(shown.at("entries").at("kept"), 0);
    EXPECT_EQ(shown.at("entries").at("first_time_ns"), 0);
}

TEST(InspectGroups, tell_who_reads_and_what_each_holds) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.shmq({"group", "create", "orders", "audit"});
    folder.add_numbers("orders", 4);
    const Holder holder(folder, "orders", "index", "worker", 4);
    const Outcome screen = folder.inspect({"groups", "orders"});
    EXPECT_TRUE(screen.says("index") && screen.says("audit") && screen.says("worker") && screen.says("alive"))
        << screen.out;
    EXPECT_TRUE(screen.says(std::to_string(holder.pid()))) << screen.out;
    const Json groups = folder.inspect_json({"groups", "orders"}).at("groups");
    for (const Json& group : groups) {
        const bool index = group.at("name") == "index";
        EXPECT_EQ(group.at("pending"), index ? 4 : 0);
        EXPECT_EQ(group.at("lag"), index ? 0 : 4);
        EXPECT_EQ(group.at("living_consumers"), index ? 1 : 0);
        if (index) {
            EXPECT_EQ(group.at("consumers")[0].at("name"), "worker");
            EXPECT_EQ(group.at("consumers")[0].at("count"), 4);
            EXPECT_EQ(group.at("lowest_pending").at("sequence"), 1);
        }
    }
}

TEST(InspectPending, lists_delivered_and_retry_entries) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 3);
    Holder holder(folder, "orders", "index", "worker", 3);
    const Json held = folder.inspect_json({"pending", "orders", "index"});
    EXPECT_EQ(held.at("count"), 3);
    EXPECT_EQ(held.at("lowest"), 1);
    EXPECT_EQ(held.at("highest"), 3);
    ASSERT_EQ(held.at("entries").size(), 3u);
    EXPECT_EQ(held.at("entries")[0].at("consumer"), "worker");
    EXPECT_EQ(held.at("entries")[0].at("owner"), "alive");
    EXPECT_EQ(held.at("entries")[0].at("alive"), true);
    EXPECT_EQ(held.at("entries")[0].at("deliveries"), 1);
    EXPECT_TRUE(held.at("entries")[0].at("idle_ms").is_number());
    holder.end(SIGTERM);
    const Json given_back = folder.inspect_json({"pending", "orders", "index"});
    ASSERT_EQ(given_back.at("entries").size(), 3u);
    EXPECT_EQ(given_back.at("entries")[0].at("consumer"), nullptr);
    EXPECT_EQ(given_back.at("entries")[0].at("retry"), true);
    EXPECT_TRUE(folder.inspect({"pending", "orders", "index"}).says("waits for retry"));
}

TEST(InspectPending, of_nothing_is_an_answer) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    EXPECT_EQ(folder.inspect({"pending", "orders", "index"}).code, 0);
    const Json none = folder.inspect_json({"pending", "orders", "index"});
    EXPECT_EQ(none.at("count"), 0);
    EXPECT_TRUE(none.at("entries").empty());
}

TEST(InspectAttachments, tell_the_living_process_and_its_consumer) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 1);
    const Holder holder(folder, "orders", "index", "worker", 1);
    const Json attachments = folder.inspect_json({"attachments", "orders"}).at("attachments");
    ASSERT_EQ(attachments.size(), 1u) << "shmq-inspect itself attaches nothing";
    EXPECT_EQ(attachments[0].at("pid"), holder.pid());
    EXPECT_EQ(attachments[0].at("owner"), "alive");
    EXPECT_EQ(attachments[0].at("consumers"), 1);
    EXPECT_TRUE(folder.inspect({"attachments", "orders"}).says("index/worker"));
}

TEST(InspectHelp, and_parsing_come_from_one_table) {
    const Folder folder;
    const Outcome help = folder.inspect({"--help"});
    EXPECT_EQ(help.code, 0);
    for (const char* command : {"list", "show", "groups", "pending", "attachments", "entries"}) {
        EXPECT_TRUE(help.says(command)) << command;
        EXPECT_EQ(folder.inspect({command, "--help"}).code, 0) << command;
    }
    EXPECT_TRUE(help.says("entries NAME [FROM [TO]]"));
}

TEST(InspectUsage, what_is_typed_wrong_is_64) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    const std::vector<Words> wrong{{},
                                   {"dance"},
                                   {"show"},
                                   {"show", "orders", "more"},
                                   {"pending", "orders"},
                                   {"list", "--yaml"},
                                   {"show", "a/b"},
                                   {"show", "-x"},
                                   {"entries", "orders", "0"},
                                   {"entries", "orders", "+1"},
                                   {"entries", "orders", "01"},
                                   {"entries", "orders", "1x"},
                                   {"entries", "orders", "18446744073709551616"},
                                   {"entries", "orders", "3", "2"}};
    for (const Words& words : wrong) {
        const Outcome outcome = folder.inspect(words);
        EXPECT_EQ(outcome.code, 64) << ::testing::PrintToString(words) << outcome.out << outcome.error;
        EXPECT_NE(outcome.error, "");
    }
}

}  // namespace
}  // namespace shmq::inspect_test
