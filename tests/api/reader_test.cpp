// Reading without a group: where it starts, what it misses, ranges, and that it needs no more than read permission.
#include "support/asleep.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Readers : public StreamTest {};

TEST_F(Readers, start_at_the_oldest_the_newest_or_a_sequence) {
    Stream stream = create();
    add(stream, 5);
    Reader oldest = must(stream.reader());
    Reader newest = must(stream.reader(Position::newest()));
    Reader three = must(stream.reader(Position::at(3)));
    add(stream, 1);
    EXPECT_EQ(must(oldest.next()).sequence(), 1u);
    EXPECT_EQ(must(newest.next()).sequence(), 6u);
    EXPECT_EQ(code_of(newest.next()), Code::empty);
    EXPECT_EQ(three.position(), 3u);
    for (Sequence s = 3; s <= 6; ++s) {
        const Entry entry = must(three.next());
        EXPECT_EQ(entry.sequence(), s);
        EXPECT_EQ(number_of(entry.payload()).value_or(0), s == 6 ? 1 : s);
        EXPECT_EQ(entry.deliveries(), 0u);
    }
    EXPECT_EQ(code_of(stream.reader(Position::at(8))), Code::out_of_range);
    EXPECT_EQ(code_of(stream.reader(Position::at(0))), Code::out_of_range);
    EXPECT_TRUE(stream.reader(Position::at(7)));
}

TEST_F(Readers, are_told_exactly_how_many_entries_they_missed) {
    Stream stream = create();
    Reader reader = must(stream.reader());
    add(stream, 10);
    EXPECT_EQ(must(reader.next()).sequence(), 1u);
    add(stream, 90, 11);
    std::uint64_t read = 1;
    Sequence last = 0;
    while (auto entry = reader.next()) {
        EXPECT_EQ(number_of(entry->payload()), entry->sequence());
        if (last != 0) {
            EXPECT_EQ(entry->sequence(), last + 1);
        }
        last = entry->sequence();
        ++read;
    }
    EXPECT_EQ(last, 100u);
    EXPECT_EQ(read + reader.lapped(), 100u);
    EXPECT_EQ(reader.lapped(), 100u - 16 - 1);
}

TEST_F(Readers, account_for_every_entry_while_a_producer_laps_them) {
    Stream stream = create();
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        static_cast<void>(link.receive());
        for (std::uint64_t i = 1; i <= 100'000; ++i) must(own.add(payload_of(i, 8 + i % 300)));
        return 0;
    });
    Reader reader = must(stream.reader());
    child.send();
    std::uint64_t read = 0;
    Sequence last = 0;
    while (last < 100'000) {
        const Entry entry = must(reader.next(20s));
        ASSERT_EQ(number_of(entry.payload()), entry.sequence());
        ASSERT_GT(entry.sequence(), last);
        last = entry.sequence();
        ASSERT_EQ(++read + reader.lapped(), last);
    }
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(Readers, wait_for_an_entry_as_long_as_asked) {
    Stream stream = create();
    Reader reader = must(stream.reader());
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(code_of(reader.next(120ms)), Code::empty);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 120ms);
    Child child([&](Link&) {
        Stream own = must(Stream::open(path()));
        wait_until_asleep(::getppid(), path());
        must(own.add(payload_of(1)));
        return 0;
    });
    EXPECT_EQ(must(reader.next(forever)).sequence(), 1u);
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(Readers, ranges_go_up_and_down_and_leave_out_what_is_not_there) {
    Stream stream = create();
    add(stream, 30);
    EXPECT_EQ(sequences_of(must(stream.range(1, 100)).entries()), from_to(15, 30));
    EXPECT_EQ(sequences_of(must(stream.range(20, 22)).entries()), from_to(20, 22));
    EXPECT_EQ(sequences_of(must(stream.range(20, 30, 2)).entries()), from_to(20, 21));
    EXPECT_EQ(sequences_of(must(stream.reverse_range(22, 20)).entries()), (std::vector<Sequence>{22, 21, 20}));
    EXPECT_EQ(sequences_of(must(stream.reverse_range(~Sequence{0}, 0, 2)).entries()), (std::vector<Sequence>{30, 29}));
    EXPECT_TRUE(must(stream.range(22, 20)).empty());
    EXPECT_TRUE(must(stream.range(1, 5)).empty());
    EXPECT_TRUE(must(stream.range(31, 99)).empty());
    EXPECT_TRUE(must(stream.range(1, 99, 0)).empty());
    const Stream empty = must(Stream::create(path("empty"), small_options()));
    EXPECT_TRUE(must(empty.range(0, ~Sequence{0})).empty());
    EXPECT_TRUE(must(empty.reverse_range(~Sequence{0}, 0)).empty());
}

TEST_F(Readers, work_with_read_permission_alone) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
    StreamOptions options = small_options();
    options.mode = 0644;
    Stream stream = create(options);
    add(stream, 2);
    Child child([&](Link& link) {
        require(::setgid(65'534) == 0 && ::setuid(65'534) == 0);
        require(code_of(Stream::open(path())) == Code::not_allowed);
        OpenOptions read_only;
        read_only.read_only = true;
        Stream own = must(Stream::open(path(), read_only));
        Reader reader = must(own.reader());
        require(must(reader.next()).sequence() == 1);
        require(must(own.range(1, 2)).size() == 2);
        require(must(reader.next()).sequence() == 2);
        require(must(own.attachments())[0].owner == Owner::alive);
        link.send();
        require(must(reader.next(forever)).sequence() == 3);  // without a mark to sleep on
        link.send();
        return code_of(reader.next(forever)) == Code::removed ? 0 : 1;
    });
    ASSERT_TRUE(child.receive());
    wait_until_blocked(child.pid());
    add(stream, 1);
    ASSERT_TRUE(child.receive());
    wait_until_blocked(child.pid());
    must(Stream::remove(path()));
    EXPECT_EQ(child.wait(), 0);
}

class Trim : public StreamTest {};

TEST_F(Trim, gives_up_what_lies_before_a_sequence_or_all_but_the_newest) {
    Stream stream = create();
    add(stream, 10);
    TrimReport report = must(stream.trim_before(4));
    EXPECT_EQ(report.first, 4u);
    EXPECT_EQ(report.trimmed, 3u);
    EXPECT_FALSE(report.held_by);
    report = must(stream.trim_keep(2));
    EXPECT_EQ(report.first, 9u);
    EXPECT_EQ(report.trimmed, 5u);
    EXPECT_EQ(must(stream.trim_keep(100)).trimmed, 0u);
    EXPECT_EQ(must(stream.trim_before(3)).trimmed, 0u);
    EXPECT_EQ(code_of(stream.trim_before(12)), Code::out_of_range);
    EXPECT_EQ(must(stream.trim_before(11)).first, 11u);
    EXPECT_TRUE(must(stream.range(1, 99)).empty());
    EXPECT_EQ(must(stream.add("x")), 11u);
}

TEST_F(Trim, stops_at_what_a_group_needs_and_says_which) {
    Stream stream = create_with_group();
    must(stream.create_group("slow"));
    add(stream, 10);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
    Consumer slow = must(stream.consumer("slow"));
    Batch batch = must(slow.read(reading(4)));
    must(batch.ack({1, 2, 4}));
    const TrimReport report = must(stream.trim_keep(0));
    EXPECT_EQ(report.first, 3u);
    EXPECT_EQ(report.trimmed, 2u);
    EXPECT_EQ(report.held_by, "slow");
    EXPECT_EQ(report.held_at, 3u);
    EXPECT_EQ(number_of(batch[2].payload()), 3u);
}

TEST_F(Trim, acked_entries_stay_readable_until_their_room_is_needed) {
    Stream stream = create_with_group();
    add(stream, 16);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
    EXPECT_EQ(must(stream.range(1, 16)).size(), 16u);
    add(stream, 1);
    EXPECT_EQ(must(stream.range(1, 17)).size(), 16u);
}

}  // namespace
}  // namespace shmq::test
