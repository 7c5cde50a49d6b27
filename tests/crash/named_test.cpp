// A producer with a name is killed or stopped at every point of an add, others go on over it, and whoever comes back
// and adds the same number again finds it in the stream exactly once.
#include <map>

#include "crash/access_points.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

constexpr std::uint64_t wanted = 1'000'001;  // number in the payload of the add that is interrupted

AddOptions numbered(std::uint64_t number) {
    AddOptions options;
    options.number = number;
    return options;
}

/// Reads everything anybody adds, and adds itself: the ring goes round, and what was read is trimmed.
class Witness {
public:
    Witness(const std::string& path, int before) : stream_(must(Stream::create(path, small_options()))) {
        must(stream_.create_group("all"));
        consumer_ = must(stream_.consumer("all"));
        for (int i = 0; i < before; ++i) add();
    }
    [[nodiscard]] Stream& stream() { return stream_; }
    void add() {
        must(stream_.add(payload_of(next_, 60 + next_ % 5 * 100)));
        ++next_;
        read();
    }
    void read() {
        while (auto batch = consumer_.read()) {
            for (const Entry& entry : *batch) seen_.emplace(*number_of(entry.payload()), entry.sequence());
            must(batch->ack());
        }
    }
    void lap() {
        read();
        for (std::uint64_t i = 0; i < 2 * small_options().slots + 3; ++i) add();
    }
    /// Comes back under the name and adds the same again.
    void check_retry() {
        const auto count = [&] { return seen_.count(wanted); };
        read();
        Producer feed = must(stream_.producer("feed"));
        EXPECT_EQ(feed.last_number(), 1 + count());
        EXPECT_EQ(feed.last_sequence(), seen_.find(count() != 0 ? wanted : wanted - 1)->second);
        const Sequence sequence = must(feed.add(payload_of(wanted, 100), numbered(2)));
        read();
        ASSERT_EQ(count(), 1u) << "added as often";
        EXPECT_EQ(seen_.find(wanted)->second, sequence);
        lap();
        feed = Producer();
        feed = must(stream_.producer("feed"));
        EXPECT_EQ(feed.last_number(), 2u);
        EXPECT_EQ(must(feed.add(payload_of(wanted, 100), numbered(2))), sequence);
        must(feed.add(payload_of(wanted + 1, 100)));
        read();
        EXPECT_EQ(count(), 1u);
    }

private:
    Stream stream_;
    Consumer consumer_;
    std::uint64_t next_ = 1;
    std::multimap<std::uint64_t, Sequence> seen_;
};

/// The producer: one add before it is watched, one while it is.
int add_two(const std::string& path, Point point, std::uint64_t at, Link& link) {
    Stream stream = must(Stream::open(path));
    Producer feed = must(stream.producer("feed"));
    must(feed.add(payload_of(wanted - 1, 100), numbered(1)));
    link.send();
    static_cast<void>(link.receive());
    arm(point, path, at);
    const auto sequence = feed.add(payload_of(wanted, 100), numbered(2));
    disarm();
    require(sequence);
    link.send(*sequence);
    return 0;
}

/// Runs `check` after a death before each store of the add; `before` entries stand in the ring, or stood.
template <class Check>
void kill_at_every_store(int before, Check check) {
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("ring after " + std::to_string(before) + ", killed at point " + std::to_string(at));
        Folder folder;
        const std::string path = folder / "s";
        Witness witness(path, before);
        Child child([&](Link& link) { return add_two(path, Point::death, at, link); });
        ASSERT_TRUE(child.receive());
        witness.read();
        child.send();
        const int status = child.wait();
        check(witness, path);
        if (::testing::Test::HasFailure()) return;
        if (status == 0) {
            EXPECT_GT(at, 8u) << "the points of the rows of names are among them";
            return;
        }
        ASSERT_EQ(status, -SIGKILL);
    }
}

constexpr int rings[] = {0, 5, 14, 15, 30};  // small_options has 16 slots: the add wraps, and lifts the trim point

TEST(NamedAdd, killed_at_every_store_is_there_once_after_the_retry) {
    for (const int before : rings) kill_at_every_store(before, [](Witness& w, const std::string&) { w.check_retry(); });
}

TEST(NamedAdd, killed_at_every_store_is_there_once_when_others_went_over_it_before) {
    for (const int before : rings)
        kill_at_every_store(before, [](Witness& witness, const std::string&) {
            witness.lap();
            witness.check_retry();
        });
}

TEST(NamedAdd, is_there_once_when_who_takes_over_is_killed_at_every_store_too) {
    kill_at_every_store(15, [](Witness& witness, const std::string& path) {
        for (std::uint64_t at = 1;; ++at) {
            Child second([&](Link&) {
                Stream stream = must(Stream::open(path));
                arm(Point::death, path, at);
                must(stream.producer("feed"));
                disarm();
                return 0;
            });
            if (second.wait() == 0) break;
            ASSERT_LT(at, 100u);
            witness.add();  // the trim point moves on between them
        }
        witness.check_retry();
    });
}

TEST(NamedAdd, is_there_once_when_who_lifts_the_trim_point_over_it_is_killed_at_any_store) {
    kill_at_every_store(14, [](Witness& witness, const std::string& path) {
        witness.read();
        for (std::uint64_t at = 1;; at += 5) {
            Child mover([&](Link&) {
                Stream stream = must(Stream::open(path));
                arm(Point::death, path, at);
                must(stream.trim_keep(0));
                for (std::uint64_t i = 0; i < 3; ++i) must(stream.add(payload_of(2'000'000 + i)));
                disarm();
                return 0;
            });
            const int status = mover.wait();
            witness.read();
            if (status == 0) break;
            ASSERT_LT(at, 1'000u);
        }
        witness.check_retry();
    });
}

/// Stops the producer before each access of its add; meanwhile the ring is lapped, and its name refused to others.
/// `go_on` decides what becomes of it.
template <class GoOn>
void stop_at_every_access(int before, GoOn go_on) {
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("ring after " + std::to_string(before) + ", stopped at point " + std::to_string(at));
        Folder folder;
        const std::string path = folder / "s";
        Witness witness(path, before);
        Child child([&](Link& link) { return add_two(path, Point::stop, at, link); });
        ASSERT_TRUE(child.receive());
        witness.read();
        child.send();
        if (!child.wait_until_stopped()) {
            EXPECT_EQ(child.wait(), 0);
            EXPECT_GT(at, 12u);
            return;
        }
        witness.lap();
        EXPECT_EQ(code_of(witness.stream().producer("feed")), Code::busy) << "it lives";
        go_on(child);
        if (::testing::Test::HasFailure()) return;
        witness.check_retry();
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(NamedAdd, stopped_at_every_access_for_laps_goes_on_and_is_there_once) {
    for (const int before : rings)
        stop_at_every_access(before, [](Child& child) {
            child.resume();
            EXPECT_TRUE(child.receive());
            EXPECT_EQ(child.wait(), 0);
        });
}

TEST(NamedAdd, stopped_at_every_access_for_laps_and_killed_then_is_there_once) {
    for (const int before : rings) stop_at_every_access(before, [](Child& child) { child.kill(); });
}

}  // namespace
}  // namespace shmq::test
