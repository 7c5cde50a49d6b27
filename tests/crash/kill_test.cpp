// A process is killed before every store into shared memory of every operation; one that was attached before goes on,
// and everything holds. Stores are seen by the hook, and, machine instruction by machine instruction, by a trap. Then
// the scanner of the dead one is killed too.
#include "crash/access_points.hpp"
#include "crash/survivor.hpp"
#include "crash/write_trap.hpp"
#include "support/proof.hpp"

namespace shmq::test {
namespace {

/// One of so many points is tried where not all are.
constexpr std::uint64_t selected_step = 7;
std::uint64_t step() { return whole_proof() ? 1 : selected_step; }

const char* name_of(Ring ring) {
    constexpr const char* names[] = {"empty", "middle", "wrap", "full"};
    return names[static_cast<std::size_t>(ring)];
}

std::string trace(const Operation& operation, Ring ring, std::uint64_t at) {
    return std::string(operation.name) + ", ring " + name_of(ring) + ", point " + std::to_string(at);
}

int run_actor(const Operation& operation, const std::string& path, Point point, std::uint64_t at, Link& link) {
    Actor actor;
    actor.path = path;
    actor.link = &link;
    if (!operation.opens) actor.stream = must(Stream::open(path));
    operation.prepare(actor);
    if (operation.may_ack)
        for (const Entry& entry : actor.batch) link.send(entry.sequence());
    link.send(0);  // what follows was told while it was watched
    arm(point, operation.opens ? std::string() : path, at);
    operation.act(actor);
    link.send(0);
    link.send(disarm());
    return 0;
}

class Killed : public ::testing::TestWithParam<std::size_t> {};

/// Points first, first + step ... until the operation runs through; how many were tried.
std::uint64_t kill_everywhere(const Operation& operation, Ring ring, Point point, std::uint64_t first,
                              std::uint64_t step) {
    std::uint64_t tried = 0;
    for (std::uint64_t at = first;; at += step) {
        SCOPED_TRACE(trace(operation, ring, at));
        Folder folder;
        Survivor survivor(folder / "s", small_options(), ring, operation.order, operation.survivor_holds);
        Child child([&](Link& link) { return run_actor(operation, folder / "s", point, at, link); });
        const std::vector<Sequence> told = child.receive_all();
        const int status = child.wait();
        const std::vector<Sequence> may_be_acked(told.begin(), std::find(told.begin(), told.end(), 0));
        survivor.check(operation.effect, may_be_acked, {});
        if (::testing::Test::HasFailure() || status == 0) return tried;
        ++tried;
        EXPECT_EQ(status, -SIGKILL);
        EXPECT_LT(at, 100'000u) << "the operation never ends";
        if (::testing::Test::HasFailure()) return tried;
    }
}

TEST_P(Killed, at_every_store_leaves_nothing_lost_or_held) {
    const Operation& operation = operations()[GetParam()];
    std::uint64_t tried = 0;
    for (const Ring ring : rings_for(operation)) {
        tried += kill_everywhere(operation, ring, Point::death, 1, 1);
        if (HasFailure()) break;
    }
    std::printf("%-16s killed at %llu points\n", operation.name, static_cast<unsigned long long>(tried));
}

/// Of the selection, each ring begins at another point.
TEST_P(Killed, at_every_instruction_that_writes_leaves_nothing_lost_or_held) {
    const Operation& operation = operations()[GetParam()];
    if (operation.opens || !traps_writes) return;  // its mapping is not there yet
    std::uint64_t tried = 0;
    std::uint64_t first = 1;
    for (const Ring ring : rings_for(operation)) {
        tried += kill_everywhere(operation, ring, Point::instruction, first, step());
        first = first % step() + 1;
        if (HasFailure()) break;
    }
    std::printf("%-16s killed at %llu instructions\n", operation.name, static_cast<unsigned long long>(tried));
}

/// To open scans already.
int run_scanner(const std::string& path, std::uint64_t at) {
    arm(Point::death, std::string(), at);
    Stream stream = must(Stream::open(path));
    must(stream.recover());
    disarm();
    return 0;
}

/// What a scanner does after deaths at neighbouring stores differs little, so each of these meets a fifth of its
/// stores.
constexpr std::uint64_t scanner_step = 5;

/// The actor dies before store `at`; whoever scans after it before some of its stores. How many deaths of scanners.
std::uint64_t kill_scanners(const Operation& operation, Ring ring, std::uint64_t at, bool& ran_through) {
    std::uint64_t tried = 0;
    for (std::uint64_t scanner_at = at % scanner_step + 1;; scanner_at += scanner_step, ++tried) {
        SCOPED_TRACE(trace(operation, ring, at) + ", scanner at " + std::to_string(scanner_at));
        Folder folder;
        const std::string path = folder / "s";
        Survivor survivor(path, small_options(), ring, operation.order, operation.survivor_holds);
        Child child([&](Link& link) { return run_actor(operation, path, Point::death, at, link); });
        const std::vector<Sequence> told = child.receive_all();
        ran_through = child.wait() == 0;
        if (ran_through) return tried;
        const int status = in_child([&] { return run_scanner(path, scanner_at); });
        const std::vector<Sequence> may_be_acked(told.begin(), std::find(told.begin(), told.end(), 0));
        survivor.check(operation.effect, may_be_acked, {});
        if (::testing::Test::HasFailure() || status == 0) return tried;
        EXPECT_EQ(status, -SIGKILL);
        EXPECT_LT(scanner_at, 10'000u) << "the scan never ends";
        if (::testing::Test::HasFailure()) return tried;
    }
}

TEST_P(Killed, and_its_scanner_before_any_store_leaves_nothing_lost_or_held) {
    const Operation& operation = operations()[GetParam()];
    std::uint64_t tried = 0;
    bool ran_through = false;
    for (std::uint64_t at = whole_proof() ? 1 : 1 + GetParam() % 4; !ran_through && !HasFailure();
         at += whole_proof() ? 1 : 3 * selected_step)
        tried += kill_scanners(operation, Ring::middle, at, ran_through);
    std::printf("%-16s scanners killed at %llu points\n", operation.name, static_cast<unsigned long long>(tried));
}

INSTANTIATE_TEST_SUITE_P(Operation, Killed, ::testing::Range<std::size_t>(0, operations().size()),
                         [](const auto& parameter) { return std::string(operations()[parameter.param].name); });

}  // namespace
}  // namespace shmq::test
