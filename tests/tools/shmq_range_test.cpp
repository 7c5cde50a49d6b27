// Parts of a stream by sequence and by time: `shmq tail --from --to --last`, and groups that begin at a time.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "shmq/stream.hpp"
#include "shmq_tool.hpp"

namespace shmq::test {
namespace {

class ShmqRange : public ShmqTool {
protected:
    // A stream `s` of the entries 1 to 9, each with a stamp of its own.
    void make_stamped() {
        good({"create", "s", "--time", "precise"});
        Stream stream = Stream::open(path("s.shmq")).value();
        for (int number = 1; number <= 9; ++number) {
            ASSERT_TRUE(stream.add(std::to_string(number)));
            const auto before = std::chrono::system_clock::now();
            while (std::chrono::system_clock::now() == before) {}
        }
    }
    // The stamp of an entry as @TIME, some nanoseconds later.
    std::string stamp_of(Sequence sequence, int later = 0) {
        const Stream stream = Stream::open(path("s.shmq")).value();
        const std::uint64_t ns = stream.range(sequence, sequence).value()[0].time_ns() +
                                 static_cast<std::uint64_t>(static_cast<std::int64_t>(later));
        const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
        std::tm parts{};
        ::gmtime_r(&seconds, &parts);
        char text[40];
        const std::size_t size = std::strftime(text, sizeof text, "@%Y-%m-%dT%H:%M:%S.", &parts);
        const std::string fraction = std::to_string(ns % 1'000'000'000);
        return std::string(text, size) + std::string(9 - fraction.size(), '0') + fraction + "Z";
    }
    std::string tail(std::vector<std::string> words) {
        words.insert(words.begin(), {"tail", "s"});
        std::string output = good(words);
        std::erase(output, '\n');
        return output;
    }
};

TEST_F(ShmqRange, both_ends_are_included_by_sequence_and_by_time) {
    make_stamped();
    EXPECT_EQ(tail({"--from", "3", "--to", "5"}), "345");
    EXPECT_EQ(tail({"--to", "2"}), "12");
    EXPECT_EQ(tail({"--from", "5", "--to", "3"}), "");
    EXPECT_EQ(tail({"--from", "8", "--to", "99"}), "89");
    EXPECT_EQ(tail({"--from", "8", "--to", "newest"}), "89");
    EXPECT_EQ(tail({"--from", stamp_of(3), "--to", stamp_of(6)}), "3456");
    EXPECT_EQ(tail({"--from", stamp_of(3, 1), "--to", stamp_of(6, -1)}), "45");
    EXPECT_EQ(tail({"--from", stamp_of(7)}), "789");
    EXPECT_EQ(tail({"--from", "2", "--to", stamp_of(4), "--count", "2"}), "23");
}

TEST_F(ShmqRange, times_may_be_ages_or_without_a_fraction) {
    make_stamped();
    EXPECT_EQ(tail({"--from", "@-1h"}), "123456789");
    EXPECT_EQ(tail({"--to", "@-1h"}), "");
    EXPECT_EQ(tail({"--from", "@-1h", "--to", "@-0"}), "123456789");
    EXPECT_EQ(tail({"--from", "@-2562047h"}), "123456789") << "longer than since 1970";
    EXPECT_EQ(tail({"--from", "@1970-01-01T00:00:00Z"}), "123456789");
    EXPECT_EQ(tail({"--from", "@2261-12-31T23:59:59.999999999Z"}), "");
    EXPECT_EQ(tail({"--to", "@2261-12-31T23:59:59Z"}), "123456789");
    EXPECT_EQ(tail({"--to", "@2000-02-29T00:00:00Z"}), "");
}

TEST_F(ShmqRange, last_is_the_newest_of_what_lies_before_the_end) {
    make_stamped();
    EXPECT_EQ(tail({"--last", "3"}), "789");
    EXPECT_EQ(tail({"--last", "100"}), "123456789");
    EXPECT_EQ(tail({"--last", "2", "--to", "4"}), "34");
    EXPECT_EQ(tail({"--last", "2", "--to", stamp_of(6)}), "56");
    EXPECT_EQ(tail({"--last", "2", "--to", "@-1h"}), "");
    EXPECT_EQ(tail({"--last", "3", "--count", "1"}), "7");
    good({"trim", "s", "--before", "8"});
    EXPECT_EQ(tail({"--last", "5"}), "89");
    EXPECT_EQ(tail({"--last", "5", "--to", "3"}), "");
    const Ended ended = run({"tail", "s", "--last", "5"});
    EXPECT_EQ(ended.complaints, "") << "what was trimmed before is not missed";
    good({"create", "empty"});
    EXPECT_EQ(good({"tail", "empty", "--last", "3"}), "");
}

TEST_F(ShmqRange, last_goes_on_with_what_comes_later_if_it_follows) {
    make_stream();
    add({"a", "b", "c"});
    Pipe output;
    Running follower = start({{"tail", "s", "--last", "2", "--follow", "--count", "3"}, {}, output.writing()});
    EXPECT_EQ(output.read_line(), "b\n");
    EXPECT_EQ(output.read_line(), "c\n");
    add({"d"});
    EXPECT_EQ(output.read_line(), "d\n");
    EXPECT_EQ(follower.wait().status, 0);
}

TEST_F(ShmqRange, a_group_begins_at_a_time) {
    make_stamped();
    good({"group", "create", "s", "g", "--from", stamp_of(4)});
    EXPECT_EQ(good({"read", "s", "--group", "g", "--count", "2"}), "4\n5\n");
    good({"group", "create", "s", "later", "--from", "@2261-01-01T00:00:00Z"});
    add({"x"});
    EXPECT_EQ(good({"read", "s", "--group", "later"}), "x\n");
}

TEST_F(ShmqRange, a_stream_without_time_stamps_says_so) {
    good({"create", "s", "--time", "off"});
    add({"a"});
    for (const std::vector<std::string>& words : {std::vector<std::string>{"tail", "s", "--from", "@-1h"},
                                                  {"tail", "s", "--to", "@-1h"},
                                                  {"tail", "s", "--last", "1", "--to", "@-1h"},
                                                  {"group", "create", "s", "g", "--from", "@-1h"}}) {
        const Ended ended = run(words);
        EXPECT_EQ(ended.status, 64);
        EXPECT_EQ(ended.output, "");
        EXPECT_NE(ended.complaints.find("keeps no time stamps"), std::string::npos) << ended.complaints;
    }
    EXPECT_EQ(good({"tail", "s", "--last", "1", "--to", "1"}), "a\n");
}

}  // namespace
}  // namespace shmq::test
