// Entries of a group that keeps the order of each key are parked, and who does something with them is killed before
// every store, or stopped before every access: the others finish each key in order, each entry once, and nothing is
// left.
#include <unistd.h>

#include <map>
#include <ostream>
#include <set>

#include "crash/access_points.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

constexpr Sequence stuck = 6;  // 1, 3, 5 of one key, 2, 4, 6 of the other

StreamOptions options() {
    StreamOptions options = small_options();
    options.key_stripes = 65'536;
    return options;
}

Sequence add_key(Stream& stream, std::string_view key, Duration wait = {}) {
    AddOptions options = waiting(wait);
    options.key = bytes_of(key);
    const auto added = stream.add(key, options);
    return added ? *added : 0;
}

/// The process that is interrupted: "holder" holds 1 to 4, 5 and 6 wait for it.
struct Actor {
    explicit Actor(const std::string& path) : stream(must(Stream::open(path))) {
        holder = must(stream.consumer("work", "holder"));
        held = must(holder.read(reading(4)));
        other = must(stream.consumer("work", "other"));
        require(code_of(other.read()) == Code::empty);
    }
    /// Adds an entry of a key of its own, if there is room, and acks it.
    void flow() {
        static_cast<void>(add_key(stream, "flows"));
        if (auto batch = other.read()) static_cast<void>(batch->ack());
    }
    Stream stream;
    Consumer holder, other;
    Batch held, more;
};

void fill(Actor& a) {
    while (must(a.stream.info()).next <= options().slots) a.flow();
}
void park(Actor& a) {
    while (must(a.stream.info()).parked < stuck) a.flow();
}
void park_and_give_back(Actor& a) {
    park(a);
    a.held.close();
}
void park_and_hold_all(Actor& a) {
    park(a);
    a.more = must(a.holder.read());
}
void flow_on(Actor& a) {
    for (Sequence i = 0; i < stuck + 2; ++i) a.flow();
}
void ack_each(Actor& a) {
    for (const Entry& entry : a.held) static_cast<void>(a.held.ack(entry.sequence()));
}
void nack_first(Actor& a) { static_cast<void>(a.held.nack(1)); }
void close(Actor& a) { a.held.close(); }
template <Consumer Actor::*Who>
void read(Actor& a) {
    if (auto batch = (a.*Who).read()) a.more = std::move(*batch);
}
void claim(Actor& a) {
    if (auto batch = a.other.claim({})) a.more = std::move(*batch);
}
void operator_ack(Actor& a) { static_cast<void>(a.stream.ack("work", 1)); }
void operator_nack(Actor& a) { static_cast<void>(a.stream.nack("work", 1)); }

struct Operation {
    const char* name;
    bool acks;
    void (*prepare)(Actor&);
    void (*act)(Actor&);
};
void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

constexpr Operation operations[] = {
    {"adds_that_park", false, fill, flow_on},
    {"ack_each", true, park, ack_each},
    {"nack", false, park, nack_first},
    {"nack_before_others", false, park_and_hold_all, nack_first},
    {"close", false, park_and_hold_all, close},
    {"read_behind", false, park, read<&Actor::holder>},
    {"read_again", false, park_and_give_back, read<&Actor::other>},
    {"claim", false, park_and_hold_all, claim},
    {"operator_ack", true, park, operator_ack},
    {"operator_nack", false, park_and_hold_all, operator_nack},
};

/// The process that lives on.
class Scene {
public:
    explicit Scene(const std::string& path) : stream_(must(Stream::create(path, options()))) {
        GroupOptions group;
        group.order = Order::by_key;
        must(stream_.create_group("work", Position::oldest(), group));
        for (Sequence i = 1; i <= stuck; ++i) add_key(stream_, i % 2 != 0 ? "odd" : "even");
    }
    /// Reads and acks what there is, in order for each key.
    void drain(Consumer& consumer, bool claims = false) {
        for (;;) {
            auto batch = claims ? consumer.claim({}) : consumer.read();
            if (!batch) return;
            for (const Entry& entry : *batch) {
                if (entry.sequence() <= stuck) {
                    EXPECT_EQ(entry.text(), entry.sequence() % 2 != 0 ? "odd" : "even");
                }
                if (!batch->ack(entry.sequence())) continue;
                Sequence& last = last_[std::string(entry.text())];
                EXPECT_LT(last, entry.sequence()) << "acked out of order, or twice";
                last = entry.sequence();
                acked_.insert(entry.sequence());
            }
        }
    }
    /// Two laps of adding, reading and claiming, whatever the actor holds.
    void lap() {
        Consumer consumer = must(stream_.consumer("work", "lapper"));
        for (std::uint64_t i = 0; i < 2 * options().slots; ++i) {
            EXPECT_NE(add_key(stream_, i % 4 == 0 ? "odd" : "flows"), 0u) << "held up";
            drain(consumer);
            drain(consumer, i % 8 == 7);
        }
    }
    void check(bool acks) {
        must(stream_.recover());
        Consumer consumer = must(stream_.consumer("work", "last"));
        drain(consumer);
        // What the actor acked, if it acked, are the first ones of each key.
        for (Sequence s = 1; s <= stuck; ++s)
            if (acked_.contains(s)) {
                EXPECT_TRUE(s + 2 > stuck || acked_.contains(s + 2)) << s + 2 << " was acked before " << s;
            } else {
                EXPECT_TRUE(acks) << s << " is lost";
            }
        EXPECT_TRUE(acked_.contains(stuck)) << "not held by the actor when it ended";
        EXPECT_EQ(must(stream_.pending("work")).count, 0u);
        EXPECT_EQ(must(stream_.group("work")).lag, 0u);
        EXPECT_EQ(must(stream_.info()).parked, 0u);
        EXPECT_EQ(must(stream_.info()).pins, 0u);
        consumer.close();
        lap();
    }

private:
    Stream stream_;
    std::map<std::string, Sequence> last_;
    std::set<Sequence> acked_;
};

class ParkedInOrder : public ::testing::TestWithParam<Operation> {};

TEST_P(ParkedInOrder, killed_at_every_store_leaves_each_key_in_order) {
    const Operation& operation = GetParam();
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("killed at point " + std::to_string(at));
        const Folder folder;
        Scene scene(folder / "s");
        const int status = in_child([&]() -> int {
            Actor actor(folder / "s");
            operation.prepare(actor);
            arm(Point::death, folder / "s", at);
            operation.act(actor);
            disarm();
            ::_exit(0);  // holding what it holds
        });
        scene.check(operation.acks);
        if (HasFailure()) return;
        if (status == 0) {
            std::printf("%-20s killed at %llu points\n", operation.name, static_cast<unsigned long long>(at - 1));
            return;
        }
        ASSERT_EQ(status, -SIGKILL);
    }
}

TEST_P(ParkedInOrder, stopped_at_any_access_and_lapped_leaves_each_key_in_order) {
    const Operation& operation = GetParam();
    std::uint64_t tried = 0;
    for (std::uint64_t at = 1;; at += at < 48 ? 1 : 1 + at / 48 * 2, ++tried) {
        SCOPED_TRACE("stopped at point " + std::to_string(at));
        const Folder folder;
        Scene scene(folder / "s");
        Child child([&](Link&) {
            Actor actor(folder / "s");
            operation.prepare(actor);
            arm(Point::stop, folder / "s", at);
            operation.act(actor);
            disarm();
            if (operation.acks) return 0;  // of what is finished no view is kept
            for (const Batch* batch : {&actor.held, &actor.more})
                for (const Entry& entry : *batch)
                    if (entry.sequence() <= stuck)
                        require(entry.text() == (entry.sequence() % 2 != 0 ? "odd" : "even"));
            return 0;
        });
        const bool stopped = child.wait_until_stopped();
        if (stopped) {
            scene.lap();
            child.resume();
        }
        EXPECT_EQ(child.wait(), 0);
        scene.check(operation.acks);
        if (!stopped || HasFailure()) break;
    }
    std::printf("%-20s stopped at %llu points\n", operation.name, static_cast<unsigned long long>(tried));
}

INSTANTIATE_TEST_SUITE_P(Operation, ParkedInOrder, ::testing::ValuesIn(operations),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

}  // namespace
}  // namespace shmq::test
