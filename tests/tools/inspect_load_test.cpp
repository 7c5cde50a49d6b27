// A stream that was dumped and loaded: its entries under their sequences, its groups where they were, and what was
// pending with as many deliveries.
#include <memory>

#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// What a group says of itself that a load has to keep.
Json kept_of(const Json& group) {
    Json kept;
    for (const char* name : {"name", "next", "lag", "dead", "options"}) kept[name] = group.at(name);
    kept["pending"] = group.at("pending").get<int>() + group.at("retry").get<int>();
    return kept;
}
/// Sequence, failed deliveries and whether it is dead, of each pending entry.
Json kept_of_pending(const Json& pending) {
    Json kept = Json::array();
    for (const Json& entry : pending.at("entries"))
        kept.push_back(
            {entry.at("sequence"), entry.at("failures").get<int>() + entry.at("deaths").get<int>(), entry.at("dead")});
    return kept;
}

/// Entries 3 to 9 are kept, one of them of fields, one of odd bytes. "workers" holds 5 and 7, the latter for the second
/// time; 6 waits for retry after a failure; 8 is dead; 9 was never delivered. "audit" is at 4; "keyed" orders by key.
class Dumped {
public:
    Dumped() {
        folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB"});
        folder.shmq({"group", "create", "jobs", "workers", "--delivery-limit", "2", "--retry-delay", "1h"});
        folder.add_numbers("jobs", 2);
        EXPECT_EQ(folder.shell("shmq read jobs --group workers --count 2 > /dev/null").code, 0);
        folder.shmq({"trim", "jobs", "--keep", "0"});
        folder.shmq({"add", "jobs", "third", "--key", "k"});
        folder.shmq({"group", "create", "jobs", "audit", "--from", "newest", "--retention", "lossy"});
        folder.shmq({"add", "jobs", "--field", "a=1", "--field", "b=two words"});
        folder.shmq({"group", "create", "jobs", "keyed", "--order", "key"});
        write_whole(folder.file("out/bytes"), std::string("\xff\0\r\n", 4));
        EXPECT_EQ(folder.shell("shmq add jobs < " + folder.file("out/bytes")).code, 0);
        for (const char* data : {"6", "7", "8"}) folder.shmq({"add", "jobs", data, "--key", "same"});
        EXPECT_EQ(folder.shell("shmq read jobs --group workers --count 2 >/dev/null").code, 0);
        holder = std::make_unique<Holder>(folder, "jobs", "workers", "worker", 5);
        keyed = std::make_unique<Holder>(folder, "jobs", "keyed", "k1", 7);
        for (const char* back : {"7", "8"}) folder.shmq({"nack", "jobs", "workers", back, "--delay", "0"});
        wait_until([&] { return count_lines(folder.file("out/holder-worker")) >= 7; });
        folder.shmq({"nack", "jobs", "workers", "6", "--delay", "1h"});
        folder.shmq({"nack", "jobs", "workers", "8"});
        ::kill(holder->pid(), SIGSTOP);
        ::kill(keyed->pid(), SIGSTOP);
        folder.shmq({"add", "jobs", "ninth"});
    }
    Dumped(const Dumped&) = delete;
    Dumped& operator=(const Dumped&) = delete;

    /// Dumps the stream, loads it under another name, and compares.
    void expect_the_same(const std::string& format) const {
        const std::string file = folder.file("out/dump-" + format);
        EXPECT_EQ(folder.inspect({"dump", "jobs", "--format", format, "--output", file}).code, 0);
        const std::string name = "again-" + format;
        const Outcome tried = folder.inspect({"load", name, file, "--dry-run"});
        EXPECT_TRUE(tried.says("would   make stream " + name + " with 7 entries (3 to 9), 3 groups, 10 pending"))
            << tried.out;
        const Outcome loaded = folder.inspect({"load", name, file, "--write"});
        EXPECT_EQ(loaded.code, 0) << loaded.out << loaded.error;
        EXPECT_EQ(folder.shmq({"tail", name}), folder.shmq({"tail", "jobs"}));
        const Json before = folder.inspect_json({"groups", "jobs"}).at("groups");
        const Json after = folder.inspect_json({"groups", name}).at("groups");
        ASSERT_EQ(before.size(), after.size());
        for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(kept_of(after[i]), kept_of(before[i]));
        for (const char* group : {"workers", "keyed"})
            EXPECT_EQ(kept_of_pending(folder.inspect_json({"pending", name, group})),
                      kept_of_pending(folder.inspect_json({"pending", "jobs", group})))
                << group;
    }

    Folder folder;
    std::unique_ptr<Holder> holder;
    std::unique_ptr<Holder> keyed;
};

TEST(InspectLoad, makes_of_a_dump_the_stream_it_was) {
    const Dumped dumped;
    dumped.expect_the_same("jsonl");
    dumped.expect_the_same("binary");
}

TEST(InspectLoad, entries_that_a_consumer_held_come_back_to_it_first) {
    const Dumped dumped;
    const std::string file = dumped.folder.file("out/dump");
    EXPECT_EQ(dumped.folder.inspect({"dump", "jobs", "--output", file}).code, 0);
    EXPECT_EQ(dumped.folder.inspect({"load", "again", file, "--write"}).code, 0);
    EXPECT_EQ(dumped.folder.shmq(
                  {"read", "again", "--group", "workers", "--consumer", "worker", "--count", "3", "--format", "json"}),
              "{\"sequence\":5,\"key\":\"\",\"deliveries\":1,\"data_base64\":\"/wANCg==\"}\n"
              "{\"sequence\":7,\"key\":\"same\",\"deliveries\":2,\"data\":\"7\"}\n"
              "{\"sequence\":6,\"key\":\"same\",\"deliveries\":2,\"data\":\"6\"}\n")
        << "then what waited for anybody";
}

TEST(InspectLoad, a_name_that_is_there_is_left_alone) {
    const Dumped dumped;
    const std::string file = dumped.folder.file("out/dump");
    EXPECT_EQ(dumped.folder.inspect({"dump", "jobs", "--output", file}).code, 0);
    const Outcome refused = dumped.folder.inspect({"load", "jobs", file, "--write"});
    EXPECT_EQ(refused.code, 73);
    EXPECT_TRUE(refused.says("exists")) << refused.out;
}

TEST(InspectLoad, what_is_no_dump_is_told_with_the_number_of_the_object) {
    const Folder folder;
    const std::string file = folder.file("out/dump");
    const auto refused = [&](std::string_view bytes) {
        write_whole(file, bytes);
        const Outcome outcome = folder.inspect({"load", "jobs", file, "--write"});
        EXPECT_EQ(outcome.code, 64);
        return outcome.error;
    };
    EXPECT_NE(refused("").find("it is empty"), std::string::npos);
    EXPECT_NE(refused("{\"kind\":\"entry\"}\n").find("object 1 "), std::string::npos);
    EXPECT_NE(refused("no dump").find("object 1 "), std::string::npos);
    folder.shmq({"create", "real", "--slots", "64", "--payload", "1MiB"});
    folder.add_numbers("real", 3);
    EXPECT_EQ(folder.inspect({"dump", "real", "--output", file}).code, 0);
    const std::string dump = read_whole(file);
    EXPECT_NE(refused(dump.substr(0, dump.size() - 10)).find("object 4 "), std::string::npos) << "cut short";
    std::string backwards = dump;
    backwards.replace(backwards.find("\"sequence\":3"), 12, "\"sequence\":1");
    EXPECT_NE(refused(backwards).find("entry 1 stands behind entry 2"), std::string::npos);
    std::string far = dump;
    far.replace(far.find("\"sequence\":3"), 12, "\"sequence\":9999");
    EXPECT_NE(refused(far).find("more than the 64 slots"), std::string::npos);
    EXPECT_EQ(folder.inspect({"load", "jobs", "/no/such/file", "--write"}).code, 64);
    EXPECT_EQ(folder.shmq({"list"}), "real\n");
}

TEST(InspectLoad, sequences_that_a_dump_has_not_become_empty_entries) {
    const Folder folder;
    folder.shmq({"create", "real", "--slots", "64", "--payload", "1MiB"});
    folder.add_numbers("real", 4);
    const std::string file = folder.file("out/dump");
    EXPECT_EQ(folder.shell("shmq-inspect dump real | grep -v '\"sequence\":3' > " + file).code, 0);
    const Outcome loaded = folder.inspect({"load", "jobs", file, "--write"});
    EXPECT_TRUE(loaded.says("1 that the file has not become empty entries")) << loaded.out;
    EXPECT_EQ(folder.shmq({"tail", "jobs"}), "1\n2\n\n4\n");
}

TEST(InspectLoad, a_stream_that_cannot_be_made_whole_is_not_there_afterwards) {
    const Folder folder;
    folder.shmq({"create", "real", "--slots", "64", "--payload", "1MiB"});
    folder.shmq({"create", "letters", "--slots", "64", "--payload", "1MiB"});
    folder.shmq({"group", "create", "real", "g", "--delivery-limit", "1", "--dead-letter", "letters"});
    const std::string file = folder.file("out/dump");
    EXPECT_EQ(folder.inspect({"dump", "real", "--output", file}).code, 0);
    folder.shmq({"rm", "letters"});
    const Outcome loaded = folder.inspect({"load", "jobs", file, "--write"});
    EXPECT_EQ(loaded.code, 66) << loaded.out;
    EXPECT_TRUE(loaded.says("letters")) << loaded.out;
    EXPECT_EQ(folder.shmq({"list"}), "real\n");
}

}  // namespace
}  // namespace shmq::inspect_test
