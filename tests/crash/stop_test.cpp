// A process is stopped before every access to shared memory of every operation; the others lap the ring twice, and it
// goes on. It must come to a valid end, and the accounts must be right: each entry acked by one of them, and by one
// alone.
#include "crash/access_points.hpp"
#include "crash/key_order.hpp"
#include "crash/survivor.hpp"
#include "support/proof.hpp"

namespace shmq::test {
namespace {

/// What the survivor does while the actor stands still.
enum class Meanwhile : std::uint8_t { laps, moves, drops_and_makes, takes_over };

/// Every point up to here is tried, above it every third, and so on: loads of long walks differ little. Where a group
/// is dropped or moved, what decides comes after the walks, and where entries are taken over, between two loads: every
/// point is tried, of the former in the two rings that differ most. The whole proof tries every point of all.
constexpr std::uint64_t dense_points = 48;
std::uint64_t step(const Operation& operation, Ring ring, Meanwhile meanwhile, std::uint64_t at) {
    const bool decides_late = operation.effect != Effect::none && (ring == Ring::middle || ring == Ring::full);
    if (whole_proof() || at < dense_points || decides_late || meanwhile == Meanwhile::takes_over) return 1;
    return 1 + at / dense_points * 2;
}

/// A move or drop by others is about the group, not about its order: little of it is tried where there is one.
bool is_worth_moving(const Operation& operation, Ring ring) {
    return operation.order == Order::none || ring == Ring::middle;
}

int run_actor(const Operation& operation, const std::string& path, std::uint64_t at, Link& link) {
    Actor actor;
    actor.path = path;
    actor.link = &link;
    actor.stream = must(Stream::open(path));
    operation.prepare(actor);
    if (operation.may_ack)
        for (const Entry& entry : actor.batch) link.send(entry.sequence());
    link.send(0);
    arm(Point::stop, path, at);
    operation.act(actor);
    disarm();
    const std::string wrong = wrong_in_flight(actor.stream, operation.order, false);
    if (!wrong.empty()) std::fprintf(stderr, "out of order: %s\n", wrong.c_str());
    require(wrong.empty());
    // Whatever became of its entries, the bytes it was shown are the bytes that were added.
    for (const Entry& entry : actor.batch) require(number_of(entry.payload()));
    for (const Entry& entry : actor.other_batch) require(number_of(entry.payload()));
    for (const Entry& entry : actor.behind) require(number_of(entry.payload()));
    return 0;
}

/// At how many points, and how long others were in one call meanwhile, at most.
struct Tried {
    std::uint64_t points = 0;
    std::chrono::nanoseconds longest_call{0};

    Tried& operator+=(const Tried& other) {
        points += other.points;
        longest_call = std::max(longest_call, other.longest_call);
        return *this;
    }
};
void print(const Operation& operation, const Tried& tried, const char* what) {
    std::printf("%-16s stopped at %llu points%s; longest call of others %lld us\n", operation.name,
                static_cast<unsigned long long>(tried.points), what,
                static_cast<long long>(tried.longest_call.count() / 1000));
}

class Stopped : public ::testing::TestWithParam<std::size_t> {};

Tried stop_everywhere(const Operation& operation, Ring ring, Meanwhile meanwhile = Meanwhile::laps) {
    Tried tried;
    for (std::uint64_t at = 1;; at += step(operation, ring, meanwhile, at)) {
        SCOPED_TRACE(std::string(operation.name) + ", ring " + std::to_string(static_cast<int>(ring)) +
                     ", stopped at " + std::to_string(at));
        Folder folder;
        Survivor survivor(folder / "s", small_options(), ring, operation.order, operation.survivor_holds);
        Child child([&](Link& link) { return run_actor(operation, folder / "s", at, link); });
        const bool stopped = child.wait_until_stopped();
        if (stopped) {
            switch (meanwhile) {
                case Meanwhile::laps: survivor.lap(operation.effect); break;
                case Meanwhile::moves: survivor.move_and_lap(operation.effect); break;
                case Meanwhile::drops_and_makes: survivor.drop_make_and_lap(operation.effect); break;
                case Meanwhile::takes_over: survivor.take_over(); break;
            }
            child.resume();
        }
        const std::vector<Sequence> told = child.receive_all();
        EXPECT_EQ(child.wait(), 0);
        const auto zero = std::find(told.begin(), told.end(), 0);
        if (zero == told.end()) return ADD_FAILURE() << "the actor never came to its operation", tried;
        survivor.check(operation.effect, {told.begin(), zero}, {zero + 1, told.end()});
        if (!stopped || ::testing::Test::HasFailure()) return tried;
        tried += {1, survivor.longest_call()};
    }
}

TEST_P(Stopped, at_any_access_and_lapped_twice_ends_validly) {
    const Operation& operation = operations()[GetParam()];
    Tried tried;
    for (const Ring ring : rings_for(operation)) {
        tried += stop_everywhere(operation, ring);
        if (HasFailure()) break;
    }
    print(operation, tried, "");
}

TEST_P(Stopped, at_any_access_while_its_group_is_moved_and_the_ring_lapped_ends_validly) {
    const Operation& operation = operations()[GetParam()];
    Tried tried;
    for (const Ring ring : {Ring::middle, Ring::full}) {
        if (is_worth_moving(operation, ring)) tried += stop_everywhere(operation, ring, Meanwhile::moves);
        if (HasFailure()) break;
    }
    print(operation, tried, ", group moved");
}

TEST_P(Stopped, at_any_access_while_its_group_is_dropped_and_made_anew_ends_validly) {
    const Operation& operation = operations()[GetParam()];
    if (operation.order != Order::none) return;  // as a move
    print(operation, stop_everywhere(operation, Ring::middle, Meanwhile::drops_and_makes), ", group made anew");
}

/// Where there is an order: the entries before those of the operation go to somebody else, who keeps them.
TEST_P(Stopped, at_any_access_while_others_take_over_keeps_the_order) {
    const Operation& operation = operations()[GetParam()];
    if (operation.order == Order::none) return;
    Tried tried;
    for (const Ring ring : {Ring::middle, Ring::full}) {
        tried += stop_everywhere(operation, ring, Meanwhile::takes_over);
        if (HasFailure()) break;
    }
    print(operation, tried, ", taken over");
}

/// Consumers that close and leave while a drop or a move looks at what they hold must leave no pin behind.
TEST_P(Stopped, at_any_access_of_a_drop_or_move_while_a_holder_leaves_keeps_no_pin) {
    const Operation& operation = operations()[GetParam()];
    if (operation.effect == Effect::none) return;
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE(std::string(operation.name) + ", stopped at " + std::to_string(at));
        Folder folder;
        Stream stream = must(Stream::create(folder / "s", small_options()));
        must(stream.create_group("work"));
        for (std::uint64_t i = 0; i < 6; ++i) must(stream.add(payload_of(i, 700)));
        Consumer holder = must(stream.consumer("work", "holder"));
        Batch held = must(holder.read(reading(2)));
        Child child([&](Link& link) { return run_actor(operation, folder / "s", at, link); });
        const bool stopped = child.wait_until_stopped();
        if (stopped) {
            for (const Entry& entry : held) EXPECT_TRUE(number_of(entry.payload()));
            held.close();
            holder.close();
            child.resume();
        }
        EXPECT_EQ(child.wait(), 0);
        if (!stopped) break;
        EXPECT_EQ(must(stream.info()).pins, 0u);
        if (HasFailure()) break;
    }
}

TEST_P(Stopped, at_any_access_of_a_drop_or_move_does_not_hold_up_a_producer_that_is_alone) {
    const Operation& operation = operations()[GetParam()];
    if (operation.effect == Effect::none) return;
    if (std::string_view(operation.name).starts_with("move_backwards")) return;  // the group holds the room on
    std::uint64_t alone = 0;
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE(std::string(operation.name) + ", stopped at " + std::to_string(at));
        Folder folder;
        Stream stream = must(Stream::create(folder / "s", small_options()));
        must(stream.create_group("work"));
        while (stream.add(payload_of(1))) continue;
        Child child([&](Link& link) { return run_actor(operation, folder / "s", at, link); });
        const bool stopped = child.wait_until_stopped();
        if (stopped) {
            if (stream.add(payload_of(2))) {
                ++alone;
            } else {  // the group that holds the room is there still: nothing was decided
                auto consumer = stream.consumer("work");
                EXPECT_TRUE(consumer && consumer->claim(ClaimOptions{})) << "held up by a group that is gone";
            }
            child.resume();
        }
        EXPECT_EQ(child.wait(), 0);
        if (!stopped || HasFailure()) break;
    }
    EXPECT_GT(alone, 3u);
}

std::vector<std::size_t> stoppable() {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < operations().size(); ++i)
        if (!operations()[i].opens) indices.push_back(i);
    return indices;
}

INSTANTIATE_TEST_SUITE_P(Operation, Stopped, ::testing::ValuesIn(stoppable()),
                         [](const auto& parameter) { return std::string(operations()[parameter.param].name); });

}  // namespace
}  // namespace shmq::test
