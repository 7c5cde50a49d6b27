// `shmq create`, `list`, `rm`, `group`: what appears, what is printed, and that what is refused leaves nothing behind.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using Words = std::vector<std::string>;
using ShmqCreate = ShmqTool;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t place = digits.size(); place > 3;) digits.insert(place -= 3, ",");
    return digits;
}

TEST_F(ShmqCreate, defaults_fit_a_container_and_are_printed) {
    const std::string text = good({"create", "orders"});
    EXPECT_EQ(files(), Words{"orders.shmq"});
    const auto size = std::filesystem::file_size(path("orders.shmq"));
    EXPECT_LE(size, 64u << 20);
    EXPECT_TRUE(contains(text, path("orders.shmq") + ", mode 0600")) << text;
    EXPECT_TRUE(contains(text, "65,536 slots x 8 bytes")) << text;
    EXPECT_TRUE(contains(text, "65,536 slots x (8 groups + 1 spare) x 16 bytes")) << text;
    EXPECT_TRUE(contains(text, "33,554,432 bytes")) << text;
    EXPECT_TRUE(contains(text, grouped(size) + " bytes")) << text;
}

TEST_F(ShmqCreate, options_are_taken_and_printed) {
    const std::string text =
        good({"create",      "s",           "--slots", "1024",     "--payload", "256KiB",      "--chunks",
              "32",          "--max-entry", "4096",    "--groups", "1",         "--consumers", "3",
              "--producers", "4",           "--time",  "precise",  "--mode",    "0640"});
    EXPECT_TRUE(contains(text, "1,024 slots x 8 bytes")) << text;
    EXPECT_TRUE(contains(text, "1,024 slots x (1 group + 1 spare) x 16 bytes")) << text;
    EXPECT_TRUE(contains(text, "262,144 bytes")) << text;
    EXPECT_TRUE(contains(text, "largest entry 4,096 bytes")) << text;
    EXPECT_TRUE(contains(text, "4 producers at a time, 3 consumers a group, time stamps precise")) << text;
    struct stat status {};
    ASSERT_EQ(::stat(path("s.shmq").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST_F(ShmqCreate, sizes_are_of_1024_and_of_1000) {
    EXPECT_TRUE(contains(good({"create", "a", "--payload", "1MiB"}), "1,048,576 bytes"));
    EXPECT_TRUE(contains(good({"create", "b", "--payload", "1048576"}), "1,048,576 bytes"));
    EXPECT_TRUE(
        contains(good({"create", "c", "--payload", "1MiB", "--max-entry", "2kB"}), "largest entry 2,000 bytes"));
}

TEST_F(ShmqCreate, a_second_creator_is_told_that_it_exists) {
    make_stream();
    add({"kept"});
    const Ended second = run({"create", "s"});
    EXPECT_EQ(second.status, 73);
    EXPECT_TRUE(contains(second.complaints, "exists")) << second.complaints;
    EXPECT_EQ(good({"tail", "s"}), "kept\n");
}

TEST_F(ShmqCreate, absurd_sizes_are_refused_and_leave_nothing) {
    const std::vector<Words> options{
        {"--slots", "0"},     {"--slots", "1000"},     {"--slots", "18446744073709551615"},
        {"--payload", "0"},   {"--payload", "1"},      {"--payload", "18446744073709551615"},
        {"--chunks", "0"},    {"--chunks", "1"},       {"--chunks", "4294967295"},
        {"--groups", "25"},   {"--consumers", "0"},    {"--consumers", "1024"},
        {"--producers", "0"}, {"--producers", "4097"}, {"--max-entry", "1TiB"}};
    for (const Words& option : options) {
        Words words{"create", "s"};
        words.insert(words.end(), option.begin(), option.end());
        const Ended ended = run(words);
        EXPECT_EQ(ended.status, 64) << option[0] << " " << option[1] << ": " << ended.complaints;
        EXPECT_TRUE(contains(ended.complaints, option[1] == "1TiB" ? "1099511627776" : option[1])) << ended.complaints;
        EXPECT_EQ(files(), Words{}) << option[0] << " " << option[1];
    }
}

TEST_F(ShmqCreate, a_segment_larger_than_the_file_system_is_refused_with_both_numbers) {
    const Ended ended = run({"create", "s", "--payload", "1TiB", "--chunks", "65536"});
    EXPECT_EQ(ended.status, 73) << ended.complaints;
    EXPECT_TRUE(contains(ended.complaints, "no_space")) << ended.complaints;
    const std::size_t needed = ended.complaints.find("10995");  // 1 TiB and the tables
    ASSERT_NE(needed, std::string::npos) << ended.complaints;
    EXPECT_NE(ended.complaints.find_first_of("0123456789", ended.complaints.find(' ', needed)), std::string::npos)
        << ended.complaints;
    EXPECT_EQ(files(), Words{});
}

TEST_F(ShmqCreate, a_folder_that_is_not_there_is_an_error) {
    const Ended ended = run({"create", path("none") + "/s.shmq"});
    EXPECT_NE(ended.status, 0);
    EXPECT_EQ(ended.output, "");
    EXPECT_EQ(files(), Words{});
}

TEST_F(ShmqCreate, a_name_with_a_slash_in_front_is_a_path) {
    good({"create", path("other.file"), "--slots", "1024", "--payload", "256KiB", "--groups", "1"});
    EXPECT_EQ(files(), Words{"other.file"});
    good({"add", path("other.file"), "x"});
    EXPECT_EQ(good({"tail", path("other.file")}), "x\n");
    good({"rm", path("other.file")});
    EXPECT_EQ(files(), Words{});
}

TEST_F(ShmqCreate, list_names_the_streams_one_a_line) {
    EXPECT_EQ(good({"list"}), "");
    for (const char* name : {"b", "a", "c.d"})
        good({"create", name, "--slots", "1024", "--payload", "256KiB", "--groups", "1"});
    EXPECT_EQ(good({"list"}), "a\nb\nc.d\n");
}

TEST_F(ShmqCreate, a_removed_stream_is_gone_for_newcomers) {
    make_stream();
    EXPECT_EQ(good({"rm", "s"}), "");
    EXPECT_EQ(files(), Words{});
    const Words rest[] = {{"rm", "s"},
                          {"add", "s", "x"},
                          {"read", "s", "--group", "g"},
                          {"tail", "s"},
                          {"group", "list", "s"},
                          {"group", "create", "s", "g"},
                          {"ack", "s", "g", "1"},
                          {"pending", "s", "g"},
                          {"recover", "s"},
                          {"trim", "s", "--keep", "1"},
                          {"claim", "s", "g", "--idle", "1s"}};
    for (const Words& words : rest) {
        const Ended ended = run(words);
        EXPECT_EQ(ended.status, 66) << words.front() << ": " << ended.complaints;
        EXPECT_TRUE(contains(ended.complaints, "no_stream")) << ended.complaints;
    }
}

TEST_F(ShmqCreate, groups_are_made_listed_and_dropped) {
    make_stream(false);
    EXPECT_EQ(good({"group", "list", "s"}), "");
    EXPECT_EQ(good({"group", "create", "s", "index"}), "");
    good({"group", "create", "s", "audit", "--from", "newest"});
    const std::string names = good({"group", "list", "s"});
    EXPECT_TRUE(names == "index\naudit\n" || names == "audit\nindex\n") << names;
    EXPECT_EQ(run({"group", "create", "s", "index"}).status, 73);
    const Ended surplus = run({"group", "create", "s", "third"});
    EXPECT_EQ(surplus.status, 75) << surplus.complaints;
    good({"group", "drop", "s", "audit"});
    EXPECT_EQ(good({"group", "list", "s"}), "index\n");
    EXPECT_EQ(run({"group", "drop", "s", "audit"}).status, 66);
}

TEST_F(ShmqCreate, a_group_begins_where_it_was_told) {
    make_stream(false);
    add({"one", "two", "three"});
    good({"group", "create", "s", "two", "--from", "2"});
    EXPECT_EQ(good({"read", "s", "--group", "two", "--count", "5"}), "two\nthree\n");
    good({"group", "create", "s", "late", "--from", "newest"});
    EXPECT_EQ(run({"read", "s", "--group", "late"}).status, 1);
    add({"four"});
    EXPECT_EQ(good({"read", "s", "--group", "late"}), "four\n");
}

TEST_F(ShmqCreate, a_group_cannot_begin_in_the_future) {
    make_stream(false);
    const Ended ended = run({"group", "create", "s", "g", "--from", "100"});
    EXPECT_EQ(ended.status, 64) << ended.complaints;
    EXPECT_TRUE(contains(ended.complaints, "out_of_range")) << ended.complaints;
}

TEST_F(ShmqCreate, damaged_segments_end_with_2) {
    make_stream();
    ASSERT_EQ(::truncate(path("s.shmq").c_str(), 100), 0);
    for (const Words& words : {Words{"add", "s", "x"}, Words{"tail", "s"}, Words{"pending", "s", "g"}})
        EXPECT_EQ(run(words).status, 2) << words.front();
}

}  // namespace
}  // namespace shmq::test
