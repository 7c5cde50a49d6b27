// Clocks that disagree. No safety hangs on one: the wall clock makes stamps alone, and delays and idle times are of the
// monotonic clock, which processes of several time namespaces count from one beginning.
#include <cstring>
#include <random>

#include "api/core.hpp"
#include "host/namespaces.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

using std::chrono::system_clock;
constexpr std::int64_t day_ns = 86'400'000'000'000;

/// The children to come live in a time namespace a day ahead.
bool a_day_ahead() { return write_text("/proc/self/timens_offsets", "monotonic 86400 0\nboottime 86400 0\n"); }

class TimeNamespaces : public StreamTest {
protected:
    void SetUp() override {
        if (!can_enter_new(new_time)) GTEST_SKIP() << "this machine refuses time namespaces";
    }
    [[nodiscard]] Resident a_day_later(const std::function<int(Link&)>& work) const {
        return Resident(new_time, work, a_day_ahead);
    }
};

TEST_F(TimeNamespaces, idle_times_are_the_same_a_day_ahead) {
    Stream stream = create_with_group();
    add(stream, 4);
    Consumer here = must(stream.consumer("g", "here"));
    Batch held = must(here.read(reading(2)));
    Resident later = a_day_later([this](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer there = must(own.consumer("g", "there"));
        Batch batch = must(there.read(reading(2)));
        require(batch[0].sequence() == at(3));
        ClaimOptions old;
        old.idle = 1h;
        require(code_of(there.claim(old)) == Code::empty);  // "here" was given them just now
        for (const PendingEntry& entry : must(own.pending_entries("g"))) require(entry.idle && *entry.idle < 1h);
        link.send();
        require(link.receive());
        return code_of(batch.ack()) == Code::fenced ? 0 : 1;
    });
    ASSERT_TRUE(later.receive());
    ClaimOptions old;
    old.idle = 1h;
    EXPECT_EQ(code_of(here.claim(old)), Code::empty) << "what one a day ahead was given just now";
    for (const PendingEntry& entry : must(stream.pending_entries("g"))) {
        ASSERT_TRUE(entry.idle);
        EXPECT_LT(*entry.idle, 1h);
    }
    ::usleep(40'000);
    ClaimOptions young;
    young.idle = 20ms;
    EXPECT_EQ(sequences_of(must(here.claim(young)).entries()), from_to(at(1), at(4)))
        << "and after a while it is as old for both";
    later.send();
    EXPECT_EQ(later.wait(), 0);
}

TEST_F(TimeNamespaces, delays_end_at_the_same_moment_a_day_ahead) {
    Stream stream = create_with_group();
    add(stream, 2);
    Consumer here = must(stream.consumer("g", "here"));
    {
        Batch batch = must(here.read());
        must(batch.nack(at(1), 100ms));
        must(batch.nack(at(2), 1h));
    }
    Resident later = a_day_later([this](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer there = must(own.consumer("g", "there"));
        Batch batch = must(there.read(reading(8, forever)));
        require(sequences_of(batch.entries()) == from_to(at(1), at(1)));  // not what is due in an hour
        must(batch.nack(at(1), 100ms));
        link.send();
        return link.receive() ? 0 : 1;
    });
    ASSERT_TRUE(later.receive());
    const Batch batch = must(here.read(reading(8, forever)));
    EXPECT_EQ(sequences_of(batch.entries()), from_to(at(1), at(1)));
    for (const PendingEntry& entry : must(stream.pending_entries("g")))
        EXPECT_TRUE(!entry.delayed || (entry.due_in && *entry.due_in > 30min && *entry.due_in <= 1h));
    later.send();
    EXPECT_EQ(later.wait(), 0);
}

TEST_F(TimeNamespaces, a_waiter_a_day_ahead_is_woken_and_times_out_as_any) {
    Stream stream = create_with_group();
    Resident later = a_day_later([this](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer there = must(own.consumer("g"));
        require(code_of(there.read(reading(1, 50ms))) == Code::empty);
        link.send();
        require(must(there.read(reading(1, forever)))[0].text() == "now");
        return 0;
    });
    ASSERT_TRUE(later.receive());
    must(stream.add("now"));
    EXPECT_EQ(later.wait(), 0);
}

/// A stream whose stamps go back and forth: what producers would have left while the wall clock was set by a day.
class StampsOfASetClock : public StreamTest {
protected:
    static constexpr std::uint64_t count = 24;
    void SetUp() override {
        StreamOptions options = small_options();
        options.slots = 64;
        options.payload = 64 * 1024;
        stream_ = create(options);
        GroupOptions watched;
        watched.histograms = true;
        must(stream_.create_group("g", Position::oldest(), watched));
        now_ns_ = system_clock::now().time_since_epoch().count();
        add(stream_, count);
        std::mt19937 random(7);  // any three-way mix will do
        for (std::uint64_t i = 1; i <= count; ++i) stamp(at(i), static_cast<std::int64_t>(random() % 3) - 1);
    }
    /// The stamp of an entry becomes now and `days`.
    void stamp(Sequence sequence, std::int64_t days) {
        const auto core = must(detail::StreamCore::open(path(), {}));
        const Geometry& g = core->segment().geometry();
        const std::uint64_t place = unpack_slot(g, core->segment().slot(sequence).load(memory_order_acquire)).place;
        const std::int64_t time_ns = now_ns_ + days * day_ns + static_cast<std::int64_t>(sequence - at(0));
        std::memcpy(core->segment().payload() + (place << g.unit_bits) + offsetof(EntryHeader, time_ns), &time_ns, 8);
        stamps_[sequence - at(0)] = time_ns;
    }
    [[nodiscard]] Position when(std::int64_t days) const {
        return Position::at_time(TimePoint(Duration(now_ns_ + days * day_ns)));
    }

    Stream stream_;
    std::int64_t now_ns_ = 0;
    std::int64_t stamps_[count + 1] = {};
};

TEST_F(StampsOfASetClock, ranges_by_time_begin_and_end_at_the_outermost_entries_of_their_times) {
    // Fewer entries than a search looks at one by one: the answer is exact whatever the stamps are.
    for (int from = -2; from <= 2; ++from)
        for (int to = from; to <= 2; ++to) {
            Sequence first = at(count + 1);
            Sequence last = 0;
            for (std::uint64_t i = 1; i <= count; ++i) {
                if (stamps_[i] >= now_ns_ + from * day_ns) first = std::min(first, at(i));
                if (stamps_[i] <= now_ns_ + to * day_ns) last = at(i);
            }
            const auto found = must(stream_.range(when(from), when(to)));
            EXPECT_EQ(sequences_of(found.entries()), from_to(first, last)) << from << " to " << to;
        }
}

TEST_F(StampsOfASetClock, every_entry_is_read_once_and_in_order) {
    Consumer consumer = must(stream_.consumer("g"));
    Batch batch = must(consumer.read());
    EXPECT_EQ(sequences_of(batch.entries()), from_to(at(1), at(count)));
    EXPECT_TRUE(batch.ack());
    const GroupLatency latency = must(stream_.latency("g"));
    EXPECT_EQ(must(stream_.group("g")).pending, 0u);
    EXPECT_FALSE(must(stream_.group("g")).oldest_age);
    static_cast<void>(latency);
}

TEST_F(StampsOfASetClock, trimming_by_age_gives_up_no_entry_that_a_group_needs) {
    Consumer consumer = must(stream_.consumer("g"));
    Batch batch = must(consumer.read(reading(10)));
    must(batch.ack({at(1), at(2), at(3), at(5)}));
    EXPECT_EQ(must(stream_.trim_before(when(2))).first, at(4)) << "whatever its stamp says";
    EXPECT_EQ(must(stream_.range(at(4), at(4))).size(), 1u);
    must(batch.ack());
    Batch rest = must(consumer.read());
    EXPECT_EQ(sequences_of(rest.entries()), from_to(at(11), at(count)));
    must(rest.ack());
    const TrimReport report = must(stream_.trim_before(when(0)));
    Sequence first = at(4);  // trimmed up to there before
    while (first <= at(count) && stamps_[first - at(0)] < now_ns_) ++first;
    EXPECT_EQ(report.first, first) << "up to the first that is as young as was asked for";
    EXPECT_EQ(must(stream_.trim_before(when(3))).first, at(count + 1));
}

TEST_F(StampsOfASetClock, groups_begin_at_a_time_and_lose_nothing_behind_it) {
    must(stream_.create_group("h", when(0)));
    const Sequence start = must(stream_.group("h")).start;
    for (std::uint64_t i = 1; at(i) < start; ++i) EXPECT_LT(stamps_[i], now_ns_);
    Consumer consumer = must(stream_.consumer("h"));
    Batch batch = must(consumer.read());
    EXPECT_EQ(sequences_of(batch.entries()), from_to(start, at(count)));
}

TEST_F(StampsOfASetClock, what_lies_in_the_future_has_an_age_of_none_and_is_never_too_late) {
    GroupOptions until;
    until.retention = Retention::until;
    until.behind = 1h;
    must(stream_.drop_group("g"));
    must(stream_.create_group("u", Position::oldest(), until));
    stamp(at(1), 1);  // the clock was a day ahead when it was added
    for (int i = 0; i < 200 && stream_.add("more"); ++i) {}
    EXPECT_EQ(code_of(stream_.add("more")), Code::full) << "the group keeps its entries, it is not late";
    EXPECT_EQ(must(stream_.group("u")).demoted_at, 0u);
    EXPECT_LE(must(stream_.group("u")).oldest_age.value_or(0ns), 1h);
    stamp(at(1), -1);  // as if the clock had been set back since: by its words the entry is a day old
    EXPECT_TRUE(stream_.add("more")) << "decided by the wall clock, as GroupOptions says";
    EXPECT_EQ(must(stream_.group("u")).demoted_at, at(1));
    Consumer consumer = must(stream_.consumer("u"));
    std::uint64_t told = 0;
    Batch batch = must(consumer.read());
    for (const LostRange& lost : batch.lost()) told += lost.last - lost.first + 1;
    EXPECT_EQ(batch[0].sequence() - at(1), told) << "each is delivered or told as lost";
}

}  // namespace
}  // namespace shmq::test
