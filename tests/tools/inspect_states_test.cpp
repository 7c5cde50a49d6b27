// What is odd about a stream stands out in words, with a command that mends it: the tests type that command.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

const std::vector<Words> looks{{"list"},
                               {"show", "orders"},
                               {"groups", "orders"},
                               {"pending", "orders", "index"},
                               {"attachments", "orders"},
                               {"entries", "orders"}};

void make_orders(const Folder& folder, int entries, Words options = {}) {
    options.insert(options.begin(), {"create", "orders"});
    folder.shmq(options);
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", entries);
}

TEST(InspectDead, a_killed_holder_is_shown_as_dead_with_its_entries_counted) {
    const Folder folder;
    make_orders(folder, 12);
    Holder holder(folder, "orders", "index", "worker", 12);
    const pid_t pid = holder.pid();
    holder.end(SIGKILL);
    const Json attachments = folder.inspect_json({"attachments", "orders"}).at("attachments");
    ASSERT_EQ(attachments.size(), 1u);
    EXPECT_EQ(attachments[0].at("owner"), "dead");
    EXPECT_EQ(attachments[0].at("pid"), pid);
    const Json pending = folder.inspect_json({"pending", "orders", "index"});
    EXPECT_EQ(pending.at("count"), 12);
    EXPECT_EQ(pending.at("consumers")[0].at("owner"), "dead");
    EXPECT_EQ(pending.at("consumers")[0].at("alive"), false);
    EXPECT_EQ(pending.at("consumers")[0].at("count"), 12);
    EXPECT_EQ(pending.at("entries")[0].at("owner"), "dead");
    EXPECT_EQ(folder.inspect_json({"groups", "orders"}).at("groups")[0].at("living_consumers"), 0);
    const Outcome screen = folder.inspect({"show", "orders"});
    EXPECT_TRUE(screen.says("dead") && screen.says("shmq recover orders")) << screen.out;
}

TEST(InspectDead, looking_changes_no_byte) {
    const Folder folder;
    make_orders(folder, 12);
    Holder holder(folder, "orders", "index", "worker", 12);
    holder.end(SIGKILL);
    const std::string before = read_whole(folder.segment("orders"));
    for (const Words& words : looks) EXPECT_EQ(folder.inspect(words).code, 0) << words.front();
    EXPECT_TRUE(read_whole(folder.segment("orders")) == before);
}

TEST(InspectDead, the_command_that_is_named_mends_it) {
    const Folder folder;
    make_orders(folder, 3);
    Holder holder(folder, "orders", "index", "worker", 3);
    holder.end(SIGKILL);
    const Json finding = finding_of(folder.inspect_json({"show", "orders"}), "dead_owner");
    ASSERT_TRUE(finding.is_object());
    EXPECT_EQ(finding.at("level"), "warning");
    ASSERT_EQ(folder.shell(finding.at("cures")[0].at("command")).code, 0);
    const Json mended = folder.inspect_json({"show", "orders"});
    EXPECT_EQ(finding_of(mended, "dead_owner"), nullptr);
    EXPECT_TRUE(finding_of(mended, "retry_entries").is_object());
    EXPECT_EQ(mended.at("groups")[0].at("retry"), 3);
    EXPECT_EQ(mended.at("groups")[0].at("pending"), 0);
}

TEST(InspectGroup, that_nobody_reads_is_told_and_its_cures_work) {
    const Folder folder;
    make_orders(folder, 5);
    const Json finding = finding_of(folder.inspect_json({"show", "orders"}), "unread_group");
    ASSERT_TRUE(finding.is_object());
    EXPECT_NE(finding.at("text").get<std::string>().find("`index`"), std::string::npos);
    ASSERT_EQ(folder.shell(finding.at("cures")[1].at("command")).code, 0) << "drops the group";
    EXPECT_EQ(finding_of(folder.inspect_json({"show", "orders"}), "unread_group"), nullptr);
}

TEST(InspectGroup, that_has_nothing_to_read_is_not_odd) {
    const Folder folder;
    make_orders(folder, 0);
    EXPECT_EQ(folder.inspect_json({"show", "orders"}).at("verdict").at("level"), "healthy");
}

TEST(InspectRing, nearly_full_names_group_consumer_and_sequence) {
    const Folder folder;
    make_orders(folder, 60, {"--slots", "64"});
    const Holder holder(folder, "orders", "index", "worker", 60);
    const Json shown = folder.inspect_json({"show", "orders"});
    const Json finding = finding_of(shown, "ring_nearly_full");
    ASSERT_TRUE(finding.is_object()) << shown;
    const std::string text = finding.at("text");
    for (const std::string& part : {std::string("93 %"), std::string("`index`"), std::string("entry 1"),
                                    std::string("`worker`"), std::to_string(holder.pid())})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
    EXPECT_EQ(shown.at("verdict").at("level"), "warning");
}

TEST(InspectRing, full_is_trouble_and_names_a_cure_that_makes_room) {
    const Folder folder;
    make_orders(folder, 64, {"--slots", "64"});
    EXPECT_EQ(folder.run({SHMQ_TOOL, "add", "orders", "one more"}).code, 75);
    const Json shown = folder.inspect_json({"show", "orders"});
    const Json finding = finding_of(shown, "ring_full");
    ASSERT_TRUE(finding.is_object()) << shown;
    EXPECT_EQ(shown.at("verdict").at("level"), "trouble");
    EXPECT_EQ(shown.at("findings")[0].at("word"), "ring_full") << "gravest first";
    std::string drop;
    for (const Json& cure : finding.at("cures"))
        if (cure.at("command").get<std::string>().find("group drop") != std::string::npos) drop = cure.at("command");
    ASSERT_EQ(folder.shell(drop).code, 0) << drop;
    EXPECT_EQ(folder.run({SHMQ_TOOL, "add", "orders", "one more"}).code, 0);
}

TEST(InspectRemoved, while_in_use_is_told) {
    const Folder folder;
    make_orders(folder, 2);
    Holder holder(folder, "orders", "index", "worker", 2);
    ::kill(holder.pid(), SIGSTOP);  // it would end with the stream
    remove_but_keep(folder, "orders", "kept");
    EXPECT_EQ(folder.inspect({"show", "orders"}).code, 66);
    const Json shown = folder.inspect_json({"show", "kept"});
    EXPECT_EQ(shown.at("removed"), true);
    EXPECT_EQ(shown.at("attachments"), 1);
    EXPECT_EQ(finding_of(shown, "removed").at("level"), "warning");
    EXPECT_TRUE(folder.inspect({"show", "kept"}).says("the stream was removed"));
    holder.end(SIGKILL);
    folder.shmq({"recover", "kept"});
    EXPECT_EQ(finding_of(folder.inspect_json({"show", "kept"}), "removed").at("level"), "note");
}

TEST(InspectCopy, shows_everything_but_whether_owners_live) {
    const Folder folder;
    make_orders(folder, 4);
    const Holder holder(folder, "orders", "index", "worker", 4);
    const std::string copy = folder.copy_of("orders");
    const Json shown = folder.inspect_json({"show", copy});
    EXPECT_EQ(shown.at("owners_known"), false);
    EXPECT_TRUE(finding_of(shown, "owners_unknown").is_object());
    EXPECT_EQ(finding_of(shown, "dead_owner"), nullptr);
    EXPECT_EQ(shown.at("entries").at("kept"), 4);
    EXPECT_EQ(folder.inspect_json({"attachments", copy}).at("attachments")[0].at("owner"), "unknown");
    const Json pending = folder.inspect_json({"pending", copy, "index"});
    EXPECT_EQ(pending.at("count"), 4);
    EXPECT_EQ(pending.at("entries")[0].at("owner"), "unknown");
    EXPECT_EQ(folder.inspect_json({"entries", copy}).at("count"), 4);
    EXPECT_TRUE(folder.inspect({"show", copy}).says("unknown"));
}

TEST(InspectCopy, is_not_written) {
    const Folder folder;
    make_orders(folder, 4);
    const std::string copy = folder.copy_of("orders");
    std::filesystem::permissions(copy, std::filesystem::perms::owner_read);
    const std::string before = read_whole(copy);
    for (const char* command : {"show", "groups", "attachments", "entries"})
        EXPECT_EQ(folder.inspect({command, copy}).code, 0) << command;
    EXPECT_TRUE(read_whole(copy) == before);
}

TEST(InspectLive, works_while_the_stream_is_written) {
    const Folder folder;
    make_orders(folder, 0, {"--slots", "256"});
    folder.shmq({"group", "drop", "orders", "index"});
    const pid_t writer = folder.start(
        {"/bin/sh", "-c", "while :; do echo some words; done | '" SHMQ_TOOL "' add orders --lines - --quiet"},
        [] { Folder::redirect("/dev/null", STDERR_FILENO), ::setpgid(0, 0); });
    ::setpgid(writer, writer);
    struct Ender {
        pid_t group;
        ~Ender() {
            ::kill(-group, SIGKILL);
            ::waitpid(group, nullptr, 0);
        }
    };
    const Ender ender{writer};  // it writes for ever, also if the test ends early
    while (folder.inspect_json({"show", "orders"}).at("entries").at("next") < 1'000) {}
    for (int round = 0; round < 20; ++round) {
        const Outcome entries = folder.inspect({"entries", "orders", "--json"});
        ASSERT_LE(entries.code, 1) << entries.error;  // 1 if every entry was overwritten before it was read
        const Json shown = entries.json().at("entries");
        for (const Json& entry : shown) ASSERT_EQ(entry.at("preview"), "some words");
        ASSERT_EQ(folder.inspect({"list"}).code, 0);
    }
}

TEST(InspectConsumers, tells_who_holds_what_since_when_and_whether_it_is_stopped) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.shmq({"group", "create", "orders", "audit"});
    folder.add_numbers("orders", 3);
    const Holder holder(folder, "orders", "index", "worker", 3);
    ::kill(holder.pid(), SIGSTOP);
    wait_until([&] {
        return folder.inspect_json({"consumers", "orders"}).at("consumers").at(0).at("state") == "stopped";
    });
    const Json consumers = folder.inspect_json({"consumers", "orders"}).at("consumers");
    ASSERT_EQ(consumers.size(), 1u);
    EXPECT_EQ(consumers[0].at("group"), "index");
    EXPECT_EQ(consumers[0].at("name"), "worker");
    EXPECT_EQ(consumers[0].at("owner"), "alive");
    EXPECT_EQ(consumers[0].at("pid"), holder.pid());
    EXPECT_EQ(consumers[0].at("count"), 3);
    EXPECT_EQ(consumers[0].at("lowest"), 1);
    EXPECT_TRUE(consumers[0].at("idle_ms").is_number());
    EXPECT_EQ(consumers[0].at("command"), "shmq");
    EXPECT_TRUE(folder.inspect({"consumers", "orders", "index"}).says("  index  worker    alive"));
    EXPECT_TRUE(folder.inspect({"consumers", "orders", "audit"}).says("  none"));
    EXPECT_EQ(folder.inspect({"consumers", "orders", "nobody"}).code, 66);
}

TEST(InspectPending, shows_as_many_as_somebody_can_read_and_says_of_how_many) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 1'200);
    const Holder holder(folder, "orders", "index", "worker", 1'200);
    const Outcome screen = folder.inspect({"pending", "orders", "index"});
    EXPECT_TRUE(screen.says("  the lowest 1,000 of 1,200; --count N shows N")) << screen.out;
    EXPECT_FALSE(folder.inspect({"pending", "orders", "index", "--count", "1200"}).says("the lowest"));
    EXPECT_EQ(folder.inspect_json({"pending", "orders", "index"}).at("entries").size(), 1'200u);
    EXPECT_EQ(folder.inspect_json({"pending", "orders", "index", "--count", "7"}).at("entries").size(), 7u);
}

}  // namespace
}  // namespace shmq::inspect_test
