// Dumps: what is in them, and a real Redis that takes one, twice.
#include <memory>

#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// Five entries, one of them of fields and one of bytes that are no text; of the group, two are acked, and "worker"
/// holds three, the first of them for the second time.
class Dumped {
public:
    Dumped() {
        folder.shmq({"create", "jobs"});
        folder.shmq({"group", "create", "jobs", "workers"});
        folder.shmq({"add", "jobs", "first", "--key", "k"});
        folder.shmq({"add", "jobs", "--field", "a=1", "--field", "b=two words"});
        write_whole(folder.file("out/bytes"), std::string("\xff\0\r\n", 4));
        EXPECT_EQ(folder.shell("shmq add jobs < " + folder.file("out/bytes")).code, 0);
        folder.shmq({"add", "jobs", "fourth"});
        folder.shmq({"add", "jobs", "fifth"});
        EXPECT_EQ(folder.shell("shmq read jobs --group workers --count 2 >/dev/null").code, 0);
        static_cast<void>(folder.shell("shmq read jobs --group workers --exec 'cat >/dev/null; exit 1'"));
        holder = std::make_unique<Holder>(folder, "jobs", "workers", "worker", 3);
    }
    Dumped(const Dumped&) = delete;
    Dumped& operator=(const Dumped&) = delete;
    Folder folder;
    std::unique_ptr<Holder> holder;
};

TEST(InspectDump, as_lines_and_as_binary_has_the_same_objects) {
    const Dumped dumped;
    const Outcome lines = dumped.folder.inspect({"dump", "jobs"});
    EXPECT_EQ(lines.code, 0);
    std::vector<Json> objects;
    std::istringstream stream(lines.out);
    for (std::string line; std::getline(stream, line);) objects.push_back(Json::parse(line));
    ASSERT_EQ(objects.size(), 1u + 1 + 5 + 3);
    EXPECT_EQ(objects[0].at("kind"), "stream");
    EXPECT_EQ(objects[0].at("schema"), 1);
    EXPECT_EQ(objects[0].at("next"), 6);
    EXPECT_EQ(objects[1].at("name"), "workers");
    EXPECT_EQ(objects[1].at("next"), 6);
    EXPECT_EQ(objects[2].at("key"), "k");
    EXPECT_EQ(objects[2].at("data"), "first");
    EXPECT_EQ(objects[3].at("fields")[1], (Json{{"name", "b"}, {"value", "two words"}}));
    EXPECT_EQ(objects[4].at("data_base64"), "/wANCg==");
    EXPECT_EQ(objects[7].at("sequence"), 3);
    EXPECT_EQ(objects[7].at("consumer"), "worker");
    EXPECT_EQ(objects[7].at("deliveries"), 2);

    const std::string file = dumped.folder.file("out/dump");
    EXPECT_EQ(dumped.folder.inspect({"dump", "jobs", "--format", "binary", "--output", file}).code, 0);
    std::ifstream binary(file, std::ios::binary);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const Json one = Json::from_cbor(binary, false);
        EXPECT_EQ(one.at("kind"), objects[i].at("kind"));
        const Json bytes = Json::binary({0xff, 0, '\r', '\n'});
        EXPECT_TRUE(i != 4 || one.at("data") == bytes);
    }
    EXPECT_EQ(binary.peek(), EOF);
    EXPECT_EQ(dumped.folder.inspect({"dump", "jobs", "--format", "xml"}).code, 64);
}

TEST(InspectDump, as_resp_makes_a_redis_have_the_stream_and_its_group_however_often) {
    const Dumped dumped;
    const std::string socket = dumped.folder.file("out/redis");
    const pid_t server = dumped.folder.start({"/bin/sh", "-c",
                                              "exec redis-server --port 0 --unixsocket '" + socket +
                                                  "' --save '' --dir '" + dumped.folder.file("out") + "'"},
                                             [] { Folder::redirect("/dev/null", STDOUT_FILENO); });
    const std::string cli = "redis-cli -s '" + socket + "' ";
    wait_until([&] {
        const bool has_ended = ::waitpid(server, nullptr, WNOHANG) != 0;
        if (has_ended) ADD_FAILURE() << "redis-server ended";
        return has_ended || dumped.folder.shell(cli + "ping").says("PONG");
    });
    for (int turn = 0; turn < 2; ++turn) {
        const Outcome piped = dumped.folder.shell("shmq-inspect dump jobs --format resp | " + cli + "--pipe");
        EXPECT_TRUE(piped.says("errors: 0")) << piped.out;
        EXPECT_EQ(dumped.folder.shell(cli + "xlen jobs").out, "5\n");
        EXPECT_EQ(dumped.folder.shell(cli + "xrange jobs 1-0 1-0").out, "1-0\nkey\nk\ndata\nfirst\n");
        EXPECT_EQ(dumped.folder.shell(cli + "xrange jobs 2-0 2-0").out, "2-0\na\n1\nb\ntwo words\n");
        EXPECT_TRUE(dumped.folder.shell(cli + "--no-raw xrange jobs 3-0 3-0").says(R"("\xff\x00\r\n")"));
        EXPECT_TRUE(dumped.folder.shell(cli + "xinfo groups jobs").says("\nlast-delivered-id\n5-0\n"));
        const std::string pending = dumped.folder.shell(cli + "xpending jobs workers - + 10").out;
        EXPECT_EQ(pending.rfind("3-0\nworker\n", 0), 0u) << pending;
        EXPECT_NE(pending.find("\n2\n4-0\nworker\n"), std::string::npos) << "deliveries: " << pending;
    }
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
}

}  // namespace
}  // namespace shmq::inspect_test
