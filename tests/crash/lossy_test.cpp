// A consumer of a group that may lose entries (always, or once it is late) is killed before every store, and stopped
// before every access while the ring is lapped: every entry was given to somebody, or told as lost to somebody; and
// bytes are always those that were added.
#include <set>

#include "crash/access_points.hpp"
#include "crash/interruption.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

constexpr Sequence lost_mark = Sequence{1} << 63;

/// What was given or told to one of them.
using Accounted = std::set<Sequence>;

/// Adds the entry that comes next, whose payload is its sequence. The wait ends when a group is late that holds the
/// room.
void add_next(Stream& stream) {
    while (!stream.add(payload_of(must(stream.info()).next, 90))) continue;
}
void add_until(Stream& stream, Sequence last) {
    while (must(stream.info()).next <= last) add_next(stream);
}

struct LossyActor {
    Stream stream;
    Consumer consumer;
    Batch batch;
};

/// Says through the link what the actor knows of, once its call has returned.
void tell(const Link& link, const Batch& batch) {
    for (const LostRange& range : batch.lost())
        for (Sequence s = range.first; s <= range.last; ++s) link.send(s | lost_mark);
    for (const Entry& entry : batch) {
        require(number_of(entry.payload()) == entry.sequence());
        link.send(entry.sequence());
    }
}

void take_two(LossyActor& a, const Link& link) {
    a.batch = must(a.consumer.read(reading(2)));
    tell(link, a.batch);
}
/// The same, and laps itself: what it holds is overwritten, the rest lost.
void take_two_and_lap(LossyActor& a, const Link& link) {
    take_two(a, link);
    add_until(a.stream, 50);
}
void give_back_and_lap(LossyActor& a, const Link& link) {
    take_two(a, link);
    must(a.batch.nack());
    a.batch.close();
    add_until(a.stream, 30);
}

void read(LossyActor& a, const Link& link) {
    Batch batch;
    if (auto read = a.consumer.read(reading(3))) batch = std::move(*read);
    tell(link, batch);
    disarm();
    static_cast<void>(batch.ack());
}
void claim(LossyActor& a, const Link& link) {
    Batch batch;
    if (auto claimed = a.consumer.claim({})) batch = std::move(*claimed);
    tell(link, batch);
    disarm();
    static_cast<void>(batch.ack());
}
void ack(LossyActor& a, const Link&) { static_cast<void>(a.batch.ack()); }
void nack(LossyActor& a, const Link&) { static_cast<void>(a.batch.nack()); }
void close(LossyActor& a, const Link&) { a.consumer.close(); }

struct LossyOperation {
    const char* name;
    void (*prepare)(LossyActor&, const Link&);
    void (*act)(LossyActor&, const Link&);
};
constexpr LossyOperation lossy_operations[] = {
    {"read", take_two, read},
    {"read_lapped", take_two_and_lap, read},
    {"read_what_was_given_back_and_lapped", give_back_and_lap, read},
    {"claim_of_its_own", take_two, claim},
    {"ack", take_two, ack},
    {"ack_lapped", take_two_and_lap, ack},
    {"nack", take_two, nack},
    {"nack_lapped", take_two_and_lap, nack},
    {"close_lapped", take_two_and_lap, close},
};

int run_actor(const LossyOperation& operation, const std::string& path, Point point, std::uint64_t at, Link& link) {
    LossyActor actor;
    actor.stream = must(Stream::open(path));
    actor.consumer = must(actor.stream.consumer("work", "victim"));
    operation.prepare(actor, link);
    arm(point, path, at);
    operation.act(actor, link);
    disarm();
    for (const Entry& entry : actor.batch) require(number_of(entry.payload()) == entry.sequence());
    if (point == Point::death) return 0;
    // What it alone knows to be lost it tells with the next entry.
    actor.batch.close();
    add_next(actor.stream);
    if (auto batch = actor.consumer.read(reading(64))) tell(link, *batch);
    return 0;
}

/// A stream with a group that is late after a millisecond, if lateness counts.
Stream make_empty(const std::string& path, Retention retention) {
    Stream stream = must(Stream::create(path, small_options()));
    GroupOptions options;
    options.retention = retention;
    if (retention == Retention::until) options.behind = 1ms;
    must(stream.create_group("work", Position::oldest(), options));
    return stream;
}
Stream make(const std::string& path, Retention retention) {
    Stream stream = make_empty(path, retention);
    add_until(stream, 10);
    return stream;
}

/// All there is, noted and acked.
void drain(Consumer& consumer, Accounted& accounted) {
    while (auto batch = consumer.read(reading(8))) {
        for (const LostRange& range : batch->lost())
            for (Sequence s = range.first; s <= range.last; ++s) accounted.insert(s);
        for (const Entry& entry : *batch) {
            EXPECT_EQ(number_of(entry.payload()), entry.sequence());
            accounted.insert(entry.sequence());
        }
        EXPECT_TRUE(batch->ack());
    }
}

void note(const std::vector<std::uint64_t>& told, Accounted& accounted) {
    for (const std::uint64_t s : told) accounted.insert(s & ~lost_mark);
}

void expect_all(Stream& stream, const Accounted& accounted) {
    const Sequence end = must(stream.info()).next;
    for (Sequence s = 1; s < end; ++s) EXPECT_TRUE(accounted.contains(s)) << s << " of " << end;
}

/// An operation, and when the group loses entries.
using Case = std::tuple<std::size_t, Retention>;

class LossyKilled : public ::testing::TestWithParam<Case> {};

TEST_P(LossyKilled, at_every_store_leaves_no_loss_untold) {
    const auto [index, retention] = GetParam();
    const LossyOperation& operation = lossy_operations[index];
    std::uint64_t at = 0;
    for (int status = -1; status != 0;) {
        SCOPED_TRACE(++at);
        Folder folder;
        Stream stream = make(folder / "s", retention);
        Child child([&](Link& link) { return run_actor(operation, folder / "s", Point::death, at, link); });
        Accounted accounted;
        note(child.receive_all(), accounted);
        status = child.wait();
        ASSERT_TRUE(status == 0 || status == -SIGKILL) << status;
        must(stream.recover());
        add_next(stream);
        Consumer consumer = must(stream.consumer("work", "survivor"));
        drain(consumer, accounted);
        expect_all(stream, accounted);
        EXPECT_EQ(must(stream.info()).pins, 0u);
        if (HasFailure()) return;
    }
    std::printf("%s: killed at %llu points\n", operation.name, static_cast<unsigned long long>(at - 1));
}

class LossyStopped : public ::testing::TestWithParam<Case> {};

TEST_P(LossyStopped, at_any_access_and_lapped_twice_leaves_no_loss_untold) {
    const auto [index, retention] = GetParam();
    const LossyOperation& operation = lossy_operations[index];
    std::uint64_t at = 0;
    for (bool stopped = true; stopped;) {
        SCOPED_TRACE(++at);
        Folder folder;
        Stream stream = make(folder / "s", retention);
        Child child([&](Link& link) { return run_actor(operation, folder / "s", Point::stop, at, link); });
        stopped = child.wait_until_stopped();
        Accounted accounted;
        if (stopped) {
            Consumer consumer = must(stream.consumer("work", "lapper"));
            for (int i = 0; i < 2; ++i) {
                for (int k = 0; k < 18; ++k) add_next(stream);
                drain(consumer, accounted);
            }
            consumer.close();
            child.resume();
        }
        note(child.receive_all(), accounted);
        EXPECT_EQ(child.wait(), 0);
        add_next(stream);
        Consumer consumer = must(stream.consumer("work", "survivor"));
        drain(consumer, accounted);
        expect_all(stream, accounted);
        EXPECT_EQ(must(stream.group("work")).pending, 0u);
        if (HasFailure()) return;
    }
    std::printf("%s: stopped at %llu points\n", operation.name, static_cast<unsigned long long>(at - 1));
}

std::string name_of(const ::testing::TestParamInfo<Case>& parameter) {
    const auto [index, retention] = parameter.param;
    return lossy_operations[index].name + std::string(retention == Retention::until ? "_until_late" : "");
}
const auto cases = ::testing::Combine(::testing::Range<std::size_t>(0, std::size(lossy_operations)),
                                      ::testing::Values(Retention::lossy, Retention::until));
INSTANTIATE_TEST_SUITE_P(Operation, LossyKilled, cases, name_of);
INSTANTIATE_TEST_SUITE_P(Operation, LossyStopped, cases, name_of);

/// Who needs room and demotes a late group dies before any store of it.
TEST(Demoting, killed_at_every_store_leaves_the_group_to_be_demoted_by_others) {
    std::uint64_t at = 0;
    for (int status = -1; status != 0;) {
        SCOPED_TRACE(++at);
        Folder folder;
        Stream stream = make_empty(folder / "s", Retention::until);
        add_until(stream, 16);
        const Copies first = must(stream.range(1, 1));
        const auto added = TimePoint(std::chrono::nanoseconds(first[0].time_ns()));
        while (std::chrono::system_clock::now() - added < 3ms) continue;
        Child child([&](Link&) {
            Stream own = must(Stream::open(folder / "s"));
            arm(Point::death, folder / "s", at);
            const auto sequence = own.add(payload_of(17, 90));
            disarm();
            return sequence ? 0 : 1;
        });
        status = child.wait();
        ASSERT_TRUE(status == 0 || status == -SIGKILL) << status;
        must(stream.recover());
        for (int i = 0; i < 20; ++i) add_next(stream);
        EXPECT_EQ(must(stream.group("work")).demoted_at, 1u);
        Consumer consumer = must(stream.consumer("work"));
        Accounted accounted;
        drain(consumer, accounted);
        expect_all(stream, accounted);
        if (::testing::Test::HasFailure()) return;
    }
}

/// Of two that read at the same moment one claims over the record of an entry that was given back and lapped, so the
/// other finds nothing there that tells of it.
TEST(InterruptedLossy, an_entry_whose_record_a_claim_took_is_told_all_the_same) {
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("interrupted before access " + std::to_string(at));
        Folder folder;
        Stream stream = make_empty(folder / "s", Retention::lossy);
        Consumer one = must(stream.consumer("work", "one"));
        Consumer two = must(stream.consumer("work", "two"));
        add_until(stream, 2);
        Batch given_back = must(one.read(reading(2)));
        must(given_back.ack(1));
        must(given_back.nack(2));
        given_back.close();
        add_until(stream, 2 + small_options().slots);
        Accounted told;
        const auto read = [&](Consumer& consumer) {
            const auto batch = consumer.read(reading(64));
            if (!batch) return;
            for (const LostRange& range : batch->lost())
                for (Sequence s = range.first; s <= range.last; ++s) told.insert(s);
        };
        const bool interrupted = interrupt([&] { read(one); }, std::nullopt, at, [&] { read(two); });
        for (Consumer* consumer : {&one, &two}) {
            add_next(stream);
            read(*consumer);
        }
        EXPECT_EQ(told.count(2), 1u);
        if (::testing::Test::HasFailure()) return;
        if (!interrupted) {
            EXPECT_GT(at, 50u);
            return;
        }
    }
}

}  // namespace
}  // namespace shmq::test
