// Places in a stream said by time, and ranges with both ends: readers, ranges and groups.
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Places : public StreamTest {
protected:
    [[nodiscard]] Stream create_stamped() const {
        StreamOptions options = medium_options();
        options.time = TimeStamps::precise;
        return create(options);
    }
    /// Adds until the clock has moved on since the last stamp, so that each entry has a stamp of its own.
    static void add_apart(Stream& stream, std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto before = now_ns();
            while (now_ns() == before) {}
            must(stream.add(payload_of(i)));
        }
    }
    [[nodiscard]] static std::uint64_t now_ns() {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
                .count());
    }
    /// A place at the stamp of an entry, some nanoseconds later.
    [[nodiscard]] static Position stamp_of(const Stream& stream, Sequence sequence, int later = 0) {
        const auto stamp = must(stream.range(sequence, sequence))[0].time_ns();
        return Position::at_time(TimePoint(std::chrono::nanoseconds(static_cast<std::int64_t>(stamp) + later)));
    }
    [[nodiscard]] static std::vector<Sequence> rest_of(Reader& reader) {
        std::vector<Sequence> sequences;
        while (auto entry = reader.next()) sequences.push_back(entry->sequence());
        return sequences;
    }
};

TEST_F(Places, in_time_begin_and_end_ranges_and_readers) {
    Stream stream = create_stamped();
    add_apart(stream, 9);
    const Position three = stamp_of(stream, 3);
    const Position six = stamp_of(stream, 6);
    EXPECT_EQ(sequences_of(must(stream.range(three, six)).entries()), from_to(3, 6));
    EXPECT_EQ(sequences_of(must(stream.range(stamp_of(stream, 3, 1), stamp_of(stream, 6, -1))).entries()),
              from_to(4, 5));
    EXPECT_EQ(sequences_of(must(stream.range(three, six, 2)).entries()), from_to(3, 4));
    EXPECT_EQ(sequences_of(must(stream.reverse_range(six, three, 3)).entries()), (std::vector<Sequence>{6, 5, 4}));
    EXPECT_EQ(sequences_of(must(stream.range(Position::oldest(), three)).entries()), from_to(1, 3));
    EXPECT_EQ(sequences_of(must(stream.range(six, Position::newest())).entries()), from_to(6, 9));
    EXPECT_EQ(sequences_of(must(stream.range(Position::at(2), three)).entries()), from_to(2, 3));
    EXPECT_TRUE(must(stream.range(six, three)).empty());
    EXPECT_EQ(must(stream.reader(three)).position(), 3u);
    Reader reader = must(stream.reader(three, six));
    EXPECT_EQ(reader.end(), 7u);
    EXPECT_EQ(rest_of(reader), from_to(3, 6));
}

TEST_F(Places, before_all_and_behind_all_stamps) {
    Stream stream = create_stamped();
    const Position now = Position::at_time(std::chrono::system_clock::now());
    EXPECT_TRUE(must(stream.range(now, now)).empty());
    add_apart(stream, 4);
    const Position first = Position::at_time(TimePoint::min());
    const Position last = Position::at_time(TimePoint::max());
    EXPECT_EQ(sequences_of(must(stream.range(first, last)).entries()), from_to(1, 4));
    EXPECT_EQ(sequences_of(must(stream.range(now, last)).entries()), from_to(1, 4));
    EXPECT_TRUE(must(stream.range(Position::oldest(), first)).empty());
    EXPECT_TRUE(must(stream.range(last, last)).empty());
    Reader reader = must(stream.reader(last));
    EXPECT_EQ(reader.position(), 5u);
    add_apart(stream, 1);
    EXPECT_EQ(rest_of(reader), from_to(5, 5)) << "what comes later, although it is not stamped so late";
}

TEST_F(Places, find_an_entry_whose_stamp_is_older_than_its_place) {
    Stream stream = create_stamped();
    Loan loan = must(stream.loan(8));  // stamped now
    add_apart(stream, 3);
    EXPECT_EQ(must(loan.commit()), 4u);
    add_apart(stream, 2);
    EXPECT_EQ(sequences_of(must(stream.range(Position::oldest(), stamp_of(stream, 4))).entries()), from_to(1, 4))
        << "the last that is stamped so early";
    EXPECT_EQ(sequences_of(must(stream.range(stamp_of(stream, 3), Position::newest())).entries()), from_to(3, 6));
}

TEST_F(Places, of_a_range_reader_end_it_without_waiting_also_when_it_was_overwritten) {
    Stream stream = create();
    add(stream, 8);
    Reader reader = must(stream.reader(Position::at(2), Position::at(5)));
    Reader late = must(stream.reader(Position::at(2), Position::at(5)));
    Reader all = must(stream.reader(Position::oldest(), Position::newest()));
    EXPECT_EQ(must(reader.next(forever)).sequence(), 2u);
    EXPECT_EQ(rest_of(reader), from_to(3, 5));
    EXPECT_EQ(code_of(reader.next(forever)), Code::empty);
    EXPECT_EQ(must(late.next()).sequence(), 2u);
    add(stream, 30);
    EXPECT_EQ(code_of(late.next(forever)), Code::empty);
    EXPECT_EQ(late.lapped(), 3u);
    EXPECT_EQ(late.position(), 6u);
    EXPECT_EQ(code_of(all.next(forever)), Code::empty);
    EXPECT_EQ(all.lapped(), 8u);
    EXPECT_EQ(must(stream.reader()).end(), ~Sequence{0});
}

TEST_F(Places, as_ends_are_included_and_reach_no_further_than_the_present_end) {
    Stream stream = create();
    add(stream, 5);
    EXPECT_EQ(must(stream.reader(Position::oldest(), Position::at(99))).end(), 6u);
    EXPECT_EQ(must(stream.reader(Position::oldest(), Position::at(~Sequence{0}))).end(), 6u);
    EXPECT_EQ(must(stream.reader(Position::oldest(), Position::oldest())).end(), 2u);
    EXPECT_EQ(must(stream.reader(Position::at(4), Position::at(2))).end(), 3u);
    EXPECT_EQ(code_of(must(stream.reader(Position::at(4), Position::at(2))).next(forever)), Code::empty);
    EXPECT_EQ(code_of(stream.reader(Position::at(7), Position::newest())), Code::out_of_range);
    EXPECT_TRUE(must(stream.range(Position::at(7), Position::newest())).empty());
    EXPECT_TRUE(must(stream.range(Position::newest(), Position::newest())).empty());
    EXPECT_EQ(sequences_of(must(stream.range(Position::at(0), Position::at(99))).entries()), from_to(1, 5));
}

TEST_F(Places, in_time_begin_a_group_and_move_one) {
    Stream stream = create_stamped();
    add_apart(stream, 6);
    must(stream.create_group("g", stamp_of(stream, 4)));
    EXPECT_EQ(must(stream.group("g")).start, 4u);
    must(stream.move_group("g", stamp_of(stream, 2)));
    EXPECT_EQ(must(stream.group("g")).start, 2u);
    must(stream.create_group("later", Position::at_time(TimePoint::max())));
    EXPECT_EQ(must(stream.group("later")).start, 7u);
    EXPECT_EQ(code_of(stream.move_group("none", stamp_of(stream, 2))), Code::no_group);
}

TEST_F(Places, in_time_are_refused_by_a_stream_without_time_stamps) {
    StreamOptions options = small_options();
    options.time = TimeStamps::off;
    Stream stream = create(options);
    must(stream.create_group("g"));
    add(stream, 3);
    const Position now = Position::at_time(std::chrono::system_clock::now());
    EXPECT_EQ(code_of(stream.reader(now)), Code::bad_option);
    EXPECT_EQ(code_of(stream.reader(Position::oldest(), now)), Code::bad_option);
    EXPECT_EQ(code_of(stream.range(Position::oldest(), now)), Code::bad_option);
    EXPECT_EQ(code_of(stream.range(now, Position::newest())), Code::bad_option);
    EXPECT_EQ(code_of(stream.create_group("h", now)), Code::bad_option);
    EXPECT_EQ(code_of(stream.move_group("g", now)), Code::bad_option);
    EXPECT_TRUE(contains(stream.reader(now).error().message(), "no time stamps"));
}

}  // namespace
}  // namespace shmq::test
