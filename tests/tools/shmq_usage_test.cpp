// What `shmq` says of itself, and what it says to words it does not take: exit code 64 and one line that names the
// help.
#include <algorithm>
#include <string>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using Words = std::vector<std::string>;

class ShmqUsage : public ShmqTool {
protected:
    void expect_usage(const Words& words, const std::string& reason) {
        const Ended ended = run(words);
        std::string shown;
        for (const std::string& word : words) shown += word + " ";
        EXPECT_EQ(ended.status, 64) << shown;
        EXPECT_EQ(ended.output, "") << shown;
        EXPECT_NE(ended.complaints.find(reason), std::string::npos) << shown << ": " << ended.complaints;
        EXPECT_EQ(ended.complaints.rfind("shmq: ", 0), 0u) << ended.complaints;
        EXPECT_EQ(std::count(ended.complaints.begin(), ended.complaints.end(), '\n'), 1) << ended.complaints;
    }
};

TEST_F(ShmqUsage, help_lists_every_command_and_goes_to_standard_output) {
    const Ended ended = run({"--help"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.complaints, "");
    for (const char* command : {"create", "add", "read", "tail", "group create", "group drop", "group list", "ack",
                                "nack", "producers list", "recover", "claim", "pending", "trim", "rm", "list", "demo"})
        EXPECT_NE(ended.output.find(std::string("  ") + command + " "), std::string::npos) << command;
    EXPECT_EQ(run({"help"}).output, ended.output);
}

TEST_F(ShmqUsage, help_of_a_command_names_every_parameter) {
    const std::string help = good({"read", "--help"});
    EXPECT_EQ(help.rfind("usage: shmq read NAME --group G [--consumer C] [--count N] [--wait DURATION] ", 0), 0u)
        << help;
    for (const char* option :
         {"--claim-idle DURATION", "--no-ack", "--follow", "--null", "--format text|json", "--exec CMD"})
        EXPECT_NE(help.find(option), std::string::npos) << option;
    EXPECT_EQ(good({"help", "read"}), help);
    EXPECT_NE(good({"group", "--help"}).find("shmq group drop NAME G"), std::string::npos);
}

TEST_F(ShmqUsage, version_is_told) { EXPECT_EQ(good({"--version"}).rfind("shmq ", 0), 0u); }

TEST_F(ShmqUsage, no_command_and_unknown_commands_are_refused) {
    expect_usage({}, "a command is needed");
    expect_usage({"put"}, "no command 'put'");
    expect_usage({"group"}, "create, drop and list");
    expect_usage({"group", "make", "s"}, "create, drop and list");
}

TEST_F(ShmqUsage, numbers_have_no_sign_no_octal_no_overflow_and_nothing_behind) {
    for (const char* number :
         {"-1", "+1", "010", "0x10", "1e3", "1 ", " 1", "", "8k", "18446744073709551616", "1,000", "1_000"})
        expect_usage({"create", "s", std::string("--slots=") + number}, "--slots");
    expect_usage({"create", "s", "--chunks", "4294967296"}, "too large: at most 4294967295");
    expect_usage({"ack", "s", "g", "1", "0x2"}, "'0x2'");
    expect_usage({"ack", "s", "g", "[1,2]"}, "'[1,2]'");
    expect_usage({"read", "s", "--group", "g", "--count", "0"}, "at least 1");
    EXPECT_EQ(files(), Words{});
}

TEST_F(ShmqUsage, sizes_have_known_units_and_do_not_overflow) {
    for (const char* size :
         {"64Kib", "64 KiB", "1.5MiB", "-1", "KiB", "064KiB", "16777216TiB", "18446744073709551616", "1GiBB", ""})
        expect_usage({"create", "s", std::string("--payload=") + size}, "--payload");
    EXPECT_EQ(files(), Words{});
}

TEST_F(ShmqUsage, durations_need_a_unit_and_do_not_overflow) {
    for (const char* duration :
         {"5", "5 s", "-5s", ".5s", "5.s", "1.0000000001s", "05s", "s", "1e3s", "3000000h", "1m30s", "5S", ""})
        expect_usage({"read", "s", "--group", "g", std::string("--wait=") + duration}, "--wait");
}

TEST_F(ShmqUsage, other_values_are_one_of_their_words) {
    expect_usage({"create", "s", "--time", "fine"}, "off, coarse, precise");
    expect_usage({"create", "s", "--mode", "0888"}, "octal");
    expect_usage({"create", "s", "--mode", "1777"}, "octal");
    expect_usage({"read", "s", "--group", "g", "--format", "xml"}, "text, json");
    expect_usage({"tail", "s", "--from", "first"}, "oldest, newest, a sequence or @ and a time");
    expect_usage({"tail", "s", "--from", "0"}, "at least 1");
}

TEST_F(ShmqUsage, times_are_whole_utc_and_of_the_calendar) {
    for (const char* time : {"",
                             "now",
                             "2026",
                             "2026-11-22",
                             "2026-11-22T10:00:00",
                             "2026-11-22T10:00Z",
                             "2026-11-22 10:00:00Z",
                             "2026-11-22T10:00:00z",
                             "2026-11-22T10:00:00+00:00",
                             "2026-11-22T10:00:00.Z",
                             "2026-11-22T10:00:00.0000000001Z",
                             "2026-11-22T10:00:00,5Z",
                             "2026-11-22T10:00:00.5",
                             "2026-02-29T10:00:00Z",
                             "2026-00-22T10:00:00Z",
                             "2026-13-22T10:00:00Z",
                             "2026-11-31T10:00:00Z",
                             "2026-11-22T24:00:00Z",
                             "2026-11-22T10:60:00Z",
                             "2026-11-22T10:00:60Z",
                             "1969-12-31T23:59:59Z",
                             "2262-01-01T00:00:00Z",
                             "+026-11-22T10:00:00Z",
                             "-5",
                             "-",
                             "--5m",
                             "-5m ",
                             "5m"}) {
        expect_usage({"tail", "s", std::string("--from=@") + time}, "--from");
        expect_usage({"tail", "s", std::string("--to=@") + time}, "--to");
    }
    expect_usage({"group", "create", "s", "g", "--from", "@yesterday"}, "'yesterday' is not a time");
}

TEST_F(ShmqUsage, fields_have_a_name_each_its_own_and_go_alone) {
    for (const std::string& field : {std::string(), std::string("k"), std::string("=v"), std::string(256, 'k') + "=v"})
        expect_usage({"add", "s", "--field=" + field}, "--field");
    expect_usage({"add", "s", "--field"}, "--field");
    expect_usage({"add", "s", "--field", "a=1", "--field", "b=2", "--field", "a=3"}, "the name 'a' is given twice");
    expect_usage({"add", "s", "--field", "a=1", "data"}, "DATA excludes --field");
    expect_usage({"add", "s", "--field", "a=1", "b=2"}, "DATA excludes --field");
    expect_usage({"add", "s", "--field", "a=1", "--lines", "-"}, "without --lines");
    Words many{"add", "s"};
    for (int number = 0; number <= 1'024; ++number) {
        many.emplace_back("--field");
        many.push_back(std::to_string(number) + "=");
    }
    expect_usage(many, "1025 of them, at most 1024");
}

TEST_F(ShmqUsage, missing_unknown_surplus_and_contrary_words_are_refused) {
    expect_usage({"create"}, "NAME is required");
    expect_usage({"read", "s"}, "--group is required");
    expect_usage({"read", "s", "--group"}, "--group");
    expect_usage({"read", "s", "--group", "g", "--group", "h"}, "--group");
    expect_usage({"read", "s", "--group", "g", "--nope"}, "--nope");
    expect_usage({"ack", "s", "g"}, "SEQ is required");
    expect_usage({"add", "s", "a", "b"}, "b");
    expect_usage({"add", "s", "a", "--lines", "-"}, "--lines");
    expect_usage({"add", "s", "--null"}, "--lines");
    expect_usage({"trim", "s"}, "--before, --keep and --keep-bytes");
    expect_usage({"trim", "s", "--before", "1", "--keep", "1"}, "--keep");
    expect_usage({"claim", "s", "g"}, "--idle is required");
    expect_usage({"read", "s", "--group", "g", "--exec", "true", "--no-ack"}, "--exec");
    expect_usage({"read", "s", "--group", "g", "--exec", "true", "--format", "json"}, "--exec");
    expect_usage({"tail", "s", "--to", "3", "--follow"}, "--to");
    expect_usage({"tail", "s", "--last", "3", "--from", "1"}, "--from");
    expect_usage({"tail", "s", "--last", "0"}, "at least 1");
    expect_usage({"list", "s"}, "s");
}

TEST_F(ShmqUsage, a_complaint_is_one_line_whatever_the_words_hold) {
    const Ended ended = run({"create", "s", "--slots", "1\n2\x1b[31m"});
    EXPECT_EQ(ended.status, 64);
    EXPECT_NE(ended.complaints.find("1\\x0a2\\x1b[31m"), std::string::npos) << ended.complaints;
    EXPECT_EQ(std::count(ended.complaints.begin(), ended.complaints.end(), '\n'), 1);
}

TEST_F(ShmqUsage, bad_names_are_refused_by_every_command) {
    for (const std::string& name : {std::string(), std::string(".hidden"), std::string("a/b"), std::string("a b"),
                                    std::string("ä"), std::string("a\nb"), std::string(201, 'a')}) {
        EXPECT_EQ(run({"create", "--", name}).status, 64) << name;
        EXPECT_EQ(run({"add", "--", name, "x"}).status, 64) << name;
        EXPECT_EQ(run({"read", "--group", "g", "--", name}).status, 64) << name;
        EXPECT_EQ(run({"rm", "--", name}).status, 64) << name;
    }
    EXPECT_EQ(run({"create", "--", "-dash"}).status, 64);
    EXPECT_EQ(files(), Words{});
}

TEST_F(ShmqUsage, bad_names_of_groups_and_consumers_are_refused) {
    make_stream();
    for (const std::string& name : {std::string(), std::string(".g"), std::string("a/b"), std::string(64, 'g')}) {
        EXPECT_EQ(run({"group", "create", "s", name}).status, 64) << name;
        EXPECT_EQ(run({"read", "s", "--group", "g", "--consumer=" + name}).status, 64) << name;
    }
    EXPECT_EQ(good({"group", "list", "s"}), "g\n");
}

}  // namespace
}  // namespace shmq::test
