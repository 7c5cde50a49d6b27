// `shmq add`: which bytes become entries, what goes to standard output and what to standard error.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

using namespace std::string_literals;

class ShmqAdd : public ShmqTool {
protected:
    ShmqAdd() { make_stream(false); }
    // Every entry, each with a NUL behind it.
    std::string entries() { return good({"tail", "s", "--null"}); }
};

TEST_F(ShmqAdd, the_sequence_goes_to_output_and_the_summary_to_error) {
    const Ended first = run({"add", "s", "hello"});
    EXPECT_EQ(first.status, 0);
    EXPECT_EQ(first.output, "1\n");
    EXPECT_EQ(first.complaints, "added 1 entry, 5 bytes, sequence 1\n");
    EXPECT_EQ(run({"add", "s", "world"}).output, "2\n");
    EXPECT_EQ(entries(), "hello\0world\0"s);
}

TEST_F(ShmqAdd, quiet_prints_no_sequence) {
    const Ended ended = run({"add", "s", "hello", "--quiet"});
    EXPECT_EQ(ended.output, "");
    EXPECT_EQ(ended.complaints, "added 1 entry, 5 bytes, sequence 1\n");
}

TEST_F(ShmqAdd, data_is_taken_as_it_is_typed) {
    for (const char* data : {"", "{}", "[1,2]", "++", "%%", "read", "a b", "'q'", "ä"}) good({"add", "s", data});
    good({"add", "s", "--", "-n"});
    good({"add", "s", "--", "--"});
    EXPECT_EQ(entries(), "\0{}\0[1,2]\0++\0%%\0read\0a b\0'q'\0ä\0-n\0--\0"s);
}

TEST_F(ShmqAdd, standard_input_whole_is_one_entry) {
    EXPECT_EQ(run_with_input({"add", "s"}, "one\ntwo\n\0three"s).output, "1\n");
    EXPECT_EQ(run_with_input({"add", "s"}, "").output, "2\n");
    EXPECT_EQ(entries(), "one\ntwo\n\0three\0\0"s);
}

TEST_F(ShmqAdd, the_last_number_of_a_producer_again_adds_nothing_and_prints_the_same) {
    EXPECT_EQ(run({"add", "s", "a", "--producer", "feed", "--number", "7"}).output, "1\n");
    const Ended again = run({"add", "s", "a", "--producer", "feed", "--number", "7"});
    EXPECT_EQ(again.status, 0);
    EXPECT_EQ(again.output, "1\n");
    EXPECT_EQ(again.complaints, "added 0 entries, 0 bytes; 1 duplicate not added again\n");
    EXPECT_EQ(run({"add", "s", "b", "--producer", "feed"}).output, "2\n");
    const Ended lower = run({"add", "s", "a", "--producer", "feed", "--number", "7"});
    EXPECT_EQ(lower.status, 1);
    EXPECT_EQ(lower.output, "");
    EXPECT_EQ(lower.complaints,
              "shmq: duplicate: producer feed has added up to number 8, sequence 2; number 7 is not added again\n");
    EXPECT_EQ(entries(), "a\0b\0"s);
}

TEST_F(ShmqAdd, lines_with_numbers_go_on_where_the_last_run_ended) {
    const std::vector<std::string> words = {"add", "s", "--lines", "-", "--producer", "feed", "--number", "1"};
    EXPECT_EQ(run_with_input(words, "a\nb\n").output, "1\n2\n");
    const Ended again = run_with_input(words, "a\nb\nc\nd\n");
    EXPECT_EQ(again.status, 0);
    EXPECT_EQ(again.output, "duplicate\n2\n3\n4\n");
    EXPECT_EQ(again.complaints, "added 2 entries, 2 bytes, sequences 3 to 4; 2 duplicates not added again\n");
    EXPECT_EQ(entries(), "a\0b\0c\0d\0"s);
    EXPECT_EQ(good({"producers", "list", "s"}),
              "PRODUCER                       NUMBER             SEQUENCE      PID  OWNER\n"
              "feed                                4                    4        -  -\n");
}

TEST_F(ShmqAdd, a_number_needs_a_producer_and_a_stream_without_names_has_none) {
    EXPECT_EQ(run({"add", "s", "a", "--number", "7"}).status, 64);
    good({"create", "none", "--producer-names", "0", "--payload", "64KiB", "--slots", "16"});
    EXPECT_EQ(good({"producers", "list", "none"}), "");
    const Ended ended = run({"add", "none", "a", "--producer", "feed"});
    EXPECT_EQ(ended.status, 75);
    EXPECT_EQ(ended.complaints.rfind("shmq: too_many_names: ", 0), 0u) << ended.complaints;
}

TEST_F(ShmqAdd, a_key_is_stored_with_every_entry) {
    run_with_input({"add", "s", "--lines", "-", "--key", "k1"}, "a\nb\n");
    const std::string text = good({"tail", "s", "--format", "json", "--count", "1"});
    EXPECT_EQ(text, "{\"sequence\":1,\"key\":\"k1\",\"deliveries\":0,\"data\":\"a\"}\n");
}

TEST_F(ShmqAdd, lines_are_entries_empty_ones_too_and_the_last_without_newline_too) {
    const Ended ended = run_with_input({"add", "s", "--lines", "-"}, "one\n\ntwo\0x\nthree"s);
    EXPECT_EQ(ended.output, "1\n2\n3\n4\n");
    EXPECT_EQ(ended.complaints, "added 4 entries, 13 bytes, sequences 1 to 4\n");
    EXPECT_EQ(entries(), "one\0\0two\0x\0three\0"s);
}

TEST_F(ShmqAdd, no_lines_are_no_entries) {
    const Ended ended = run_with_input({"add", "s", "--lines", "-"}, "");
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.output, "");
    EXPECT_EQ(ended.complaints, "added 0 entries, 0 bytes\n");
}

TEST_F(ShmqAdd, with_null_entries_end_with_nul) {
    run_with_input({"add", "s", "--lines", "-", "--null"}, "a\nb\0\0c"s);
    EXPECT_EQ(entries(), "a\nb\0\0c\0"s);
}

TEST_F(ShmqAdd, lines_of_a_file_are_entries) {
    std::ofstream(path("lines")) << "x\ny\n";
    EXPECT_EQ(good({"add", "s", "--lines", path("lines")}), "1\n2\n");
    EXPECT_EQ(entries(), "x\0y\0"s);
}

TEST_F(ShmqAdd, a_file_that_is_not_there_or_is_a_folder_is_an_error) {
    const Ended missing = run({"add", "s", "--lines", path("none")});
    EXPECT_EQ(missing.status, 66);
    EXPECT_NE(missing.complaints.find(path("none")), std::string::npos);
    EXPECT_EQ(run({"add", "s", "--lines", folder()}).status, 71);
}

TEST_F(ShmqAdd, from_a_pipe_each_line_is_added_as_it_arrives) {
    Pipe input;
    Pipe output;
    Running adder = start({{"add", "s", "--lines", "-"}, input.reading(), output.writing()});
    output.close_writing();
    for (int number = 1; number <= 5; ++number) {
        input.write("line " + std::to_string(number) + "\nbegin of the next ");
        EXPECT_EQ(output.read_line(), std::to_string(number) + "\n");
    }
    const std::string two = "line 1\0begin of the next line 2\0"s;
    EXPECT_EQ(entries().substr(0, two.size()), two);
    input.close_writing();
    EXPECT_EQ(output.read_all(), "6\n");
    EXPECT_EQ(adder.wait().status, 0);
}

TEST_F(ShmqAdd, many_lines_of_all_sizes_arrive_whole) {
    std::string text;
    std::string expected;
    for (std::size_t size = 0; size < 700; ++size) {
        const std::string line(size, static_cast<char>('a' + size % 26));
        text += line + "\n";
        expected += line + '\0';
    }
    EXPECT_EQ(run_with_input({"add", "s", "--lines", "-", "--quiet"}, text).status, 0);
    EXPECT_EQ(entries(), expected);
}

TEST_F(ShmqAdd, an_entry_larger_than_the_largest_is_refused) {
    good({"create", "small", "--slots", "1024", "--payload", "256KiB", "--chunks", "32", "--max-entry", "1000",
          "--producers", "2"});
    const std::string large(1'001, 'x');
    for (const Ended& ended : {run({"add", "small", large}), run_with_input({"add", "small"}, large),
                               run_with_input({"add", "small", "--lines", "-"}, large)}) {
        EXPECT_EQ(ended.status, 64) << ended.complaints;
        EXPECT_EQ(ended.output, "");
        EXPECT_NE(ended.complaints.find("too_large"), std::string::npos) << ended.complaints;
    }
    EXPECT_EQ(good({"add", "small", std::string(1'000, 'x')}), "1\n");
    EXPECT_EQ(run({"add", "small", "x", "--key", std::string(2'000, 'k')}).status, 64);
}

TEST_F(ShmqAdd, an_endless_line_ends_with_too_large) {
    const int zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    for (const std::vector<std::string>& words : {std::vector<std::string>{"add", "s"}, {"add", "s", "--lines", "-"}})
        EXPECT_EQ(start({words, zero, {}}).wait().status, 64);
    ::close(zero);
}

TEST_F(ShmqAdd, what_was_added_before_a_refusal_stays_and_is_counted) {
    const std::string text = "one\ntwo\n" + std::string(1u << 20, 'x') + "\nthree\n";
    const Ended ended = run_with_input({"add", "s", "--lines", "-"}, text);
    EXPECT_EQ(ended.status, 64);
    EXPECT_EQ(ended.output, "1\n2\n");
    EXPECT_EQ(ended.complaints.rfind("added 2 entries, 6 bytes, sequences 1 to 2\nshmq: too_large", 0), 0u)
        << ended.complaints;
    EXPECT_EQ(entries(), "one\0two\0"s);
}

TEST_F(ShmqAdd, a_full_stream_says_who_holds_the_room) {
    good({"group", "create", "s", "g"});
    std::string lines;
    for (int number = 0; number < 5'000; ++number) lines += "x\n";
    const Ended ended = run_with_input({"add", "s", "--lines", "-", "--quiet", "--wait", "10ms"}, lines);
    EXPECT_EQ(ended.status, 75);
    EXPECT_NE(ended.complaints.find("added 4,096 entries"), std::string::npos) << ended.complaints;
    EXPECT_NE(ended.complaints.find("group g still needs entry 1"), std::string::npos) << ended.complaints;
    EXPECT_EQ(good({"read", "s", "--group", "g"}), "x\n");
    EXPECT_EQ(good({"add", "s", "y"}), "4097\n");
}

TEST_F(ShmqAdd, a_waiting_add_goes_on_when_there_is_room) {
    good({"group", "create", "s", "g"});
    std::string lines;
    for (int number = 0; number < 4'096; ++number) lines += "x\n";
    EXPECT_EQ(run_with_input({"add", "s", "--lines", "-", "--quiet"}, lines).status, 0);
    Running adder = start({{"add", "s", "late", "--wait", "1h"}, {}, {}});
    good({"read", "s", "--group", "g"});
    EXPECT_EQ(adder.wait().output, "4097\n");
}

TEST_F(ShmqAdd, a_closed_output_does_not_end_the_adding) {
    Pipe output;
    output.close_reading();
    const Input lines("a\nb\nc\n");
    Running adder = start({{"add", "s", "--lines", "-"}, lines.descriptor(), output.writing()});
    EXPECT_EQ(adder.wait().status, 0);
    EXPECT_EQ(entries(), "a\0b\0c\0"s);
}

TEST_F(ShmqAdd, a_full_disk_behind_the_output_is_told) {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    const Ended ended = start({{"add", "s", "a"}, {}, full}).wait();
    ::close(full);
    EXPECT_EQ(ended.status, 71);
    EXPECT_NE(ended.complaints.find("standard output"), std::string::npos) << ended.complaints;
    EXPECT_EQ(entries(), "a\0"s);
}

TEST_F(ShmqAdd, a_signal_ends_it_and_leaves_what_was_added) {
    Pipe input;
    Pipe output;
    Running adder = start({{"add", "s", "--lines", "-"}, input.reading(), output.writing()});
    input.write("a\nb\nhalf");
    EXPECT_EQ(output.read_line(), "1\n");
    EXPECT_EQ(output.read_line(), "2\n");
    adder.signal(SIGTERM);
    const Ended ended = adder.wait();
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.complaints, "added 2 entries, 2 bytes, sequences 1 to 2\n");
    EXPECT_EQ(entries(), "a\0b\0"s);
}

}  // namespace
}  // namespace shmq::test
