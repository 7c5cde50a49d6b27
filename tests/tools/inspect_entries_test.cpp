// `shmq-inspect entries`: ranges, odd bytes, and output that nobody takes.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

std::vector<std::uint64_t> sequences_of(const Json& shown) {
    std::vector<std::uint64_t> sequences;
    for (const Json& entry : shown.at("entries")) sequences.push_back(entry.at("sequence"));
    return sequences;
}

TEST(InspectEntries, show_sequence_key_size_and_preview) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"add", "orders", "hello world", "--key", "customer-1"});
    const Json entries = folder.inspect_json({"entries", "orders"}).at("entries");
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].at("sequence"), 1);
    EXPECT_EQ(entries[0].at("key"), "customer-1");
    EXPECT_EQ(entries[0].at("size"), 11);
    EXPECT_EQ(entries[0].at("preview"), "hello world");
    EXPECT_EQ(entries[0].at("preview_cut"), false);
    EXPECT_TRUE(entries[0].at("time").is_string());
    const Outcome screen = folder.inspect({"entries", "orders"});
    EXPECT_EQ(screen.code, 0);
    EXPECT_TRUE(screen.says("customer-1") && screen.says("hello world")) << screen.out;
}

TEST(InspectEntries, a_range_has_both_ends) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.add_numbers("orders", 9);
    EXPECT_EQ(sequences_of(folder.inspect_json({"entries", "orders", "3", "5"})),
              (std::vector<std::uint64_t>{3, 4, 5}));
    EXPECT_EQ(sequences_of(folder.inspect_json({"entries", "orders", "8"})), (std::vector<std::uint64_t>{8, 9}));
    EXPECT_EQ(sequences_of(folder.inspect_json({"entries", "orders", "9", "18446744073709551615"})),
              (std::vector<std::uint64_t>{9}));
    EXPECT_EQ(folder.inspect_json({"entries", "orders"}).at("count"), 9);
}

TEST(InspectEntries, none_in_the_range_is_exit_1) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    EXPECT_EQ(folder.inspect({"entries", "orders"}).code, 1);
    folder.add_numbers("orders", 2);
    EXPECT_EQ(folder.inspect({"entries", "orders", "3"}).code, 1);
    const Outcome none = folder.inspect({"entries", "orders", "3", "--json"});
    EXPECT_EQ(none.code, 1);
    EXPECT_EQ(none.json().at("count"), 0);
}

TEST(InspectEntries, overwritten_ones_are_left_out) {
    const Folder folder;
    folder.shmq({"create", "orders", "--slots", "64"});
    folder.add_numbers("orders", 200);
    const Json shown = folder.inspect_json({"entries", "orders", "1"});
    const std::vector<std::uint64_t> sequences = sequences_of(shown);
    ASSERT_FALSE(sequences.empty());
    EXPECT_LE(sequences.size(), 64u);
    EXPECT_EQ(sequences.back(), 200u);
    EXPECT_EQ(sequences.front(), 200u - sequences.size() + 1);
    EXPECT_EQ(shown.at("entries").back().at("preview"), "200");
}

TEST(InspectEntries, odd_bytes_are_escaped_on_one_line) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    // A newline, an escape sequence, a byte that is no UTF-8, visible UTF-8, and a mark that turns the writing
    // direction.
    write_whole(folder.file("out/odd"), "a\nb\x1b[31mc\xff \xc3\xa4 \xe2\x80\xae\\");
    ASSERT_EQ(folder.shell("shmq add orders --quiet <" + folder.file("out/odd")).code, 0);
    const std::string shown = "a\\nb\\x1b[31mc\\xff \xc3\xa4 \\xe2\\x80\\xae\\\\";
    const Outcome screen = folder.inspect({"entries", "orders"});
    EXPECT_TRUE(screen.says(shown)) << screen.out;
    EXPECT_EQ(std::count(screen.out.begin(), screen.out.end(), '\n'), 2) << "titles and one entry";
    EXPECT_FALSE(screen.says("\x1b"));
    EXPECT_EQ(folder.inspect_json({"entries", "orders"}).at("entries")[0].at("preview"), shown);
}

TEST(InspectEntries, say_which_are_fields_and_show_them) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"add", "orders", "--field", "item=a cup", "--field", "note=x\ny"});
    folder.shmq({"add", "orders", "item=a"});
    const Json entries = folder.inspect_json({"entries", "orders"}).at("entries");
    EXPECT_EQ(entries[0].at("kind"), "fields");
    EXPECT_EQ(entries[0].at("preview"), "item=a cup note=x\\ny");
    EXPECT_EQ(entries[1].at("kind"), "bytes");
    const Outcome screen = folder.inspect({"entries", "orders"});
    EXPECT_TRUE(screen.says("  fields: item=a cup")) << screen.out;
    EXPECT_TRUE(screen.says("  6  item=a\n")) << screen.out;
}

TEST(InspectEntries, a_key_that_is_not_utf8_is_base64_in_json) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"add", "orders", "x", "--key", "\xff\xfe"});
    const Json entry = folder.inspect_json({"entries", "orders"}).at("entries")[0];
    EXPECT_FALSE(entry.contains("key"));
    EXPECT_EQ(entry.at("key_base64"), "//4=");
}

TEST(InspectEntries, a_long_payload_is_cut_and_says_so) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"add", "orders", std::string(5'000, 'x')});
    const Json entry = folder.inspect_json({"entries", "orders"}).at("entries")[0];
    EXPECT_EQ(entry.at("size"), 5'000);
    EXPECT_EQ(entry.at("preview_cut"), true);
    const Outcome screen = folder.inspect({"entries", "orders"});
    EXPECT_TRUE(screen.says("xxx...")) << screen.out;
    EXPECT_TRUE(screen.says("5,000")) << screen.out;
}

TEST(InspectEntries, read_nothing_from_any_group) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 3);
    const std::string before = read_whole(folder.segment("orders"));
    EXPECT_EQ(folder.inspect_json({"entries", "orders"}).at("count"), 3);
    EXPECT_EQ(read_whole(folder.segment("orders")), before);
    EXPECT_EQ(folder.inspect_json({"groups", "orders"}).at("groups")[0].at("lag"), 3);
}

TEST(InspectOutput, a_closed_pipe_is_no_error) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.add_numbers("orders", 5'000);
    for (const char* command : {"entries", "show", "groups", "attachments"}) {
        const Outcome outcome = folder.run({SHMQ_INSPECT, command, "orders"}, [] {
            int ends[2];
            if (::pipe(ends) != 0 || ::dup2(ends[1], STDOUT_FILENO) < 0) ::_exit(126);
            ::close(ends[0]);
            ::close(ends[1]);
        });
        EXPECT_EQ(outcome.code, 0) << command;
        EXPECT_EQ(outcome.error, "") << command;
    }
}

TEST(InspectOutput, a_full_disk_is_an_error) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    const Outcome outcome =
        folder.run({SHMQ_INSPECT, "show", "orders"}, [] { Folder::redirect("/dev/full", STDOUT_FILENO); });
    EXPECT_EQ(outcome.code, 71);
    EXPECT_NE(outcome.error, "");
}

}  // namespace
}  // namespace shmq::inspect_test
