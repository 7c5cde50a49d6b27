// A process is killed before every store into shared memory of every operation; one that was attached before goes on,
// and everything holds.
#include "crash/access_points.hpp"
#include "crash/survivor.hpp"

namespace shmq::test {
namespace {

const char* name_of(Ring ring) {
    constexpr const char* names[] = {"empty", "middle", "wrap", "full"};
    return names[static_cast<std::size_t>(ring)];
}

std::string trace(const Operation& operation, Ring ring, std::uint64_t at) {
    return std::string(operation.name) + ", ring " + name_of(ring) + ", point " + std::to_string(at);
}

int run_actor(const Operation& operation, const std::string& path, std::uint64_t at, Link& link) {
    Actor actor;
    actor.path = path;
    actor.link = &link;
    if (!operation.opens) actor.stream = must(Stream::open(path));
    operation.prepare(actor);
    if (operation.may_ack)
        for (const Entry& entry : actor.batch) link.send(entry.sequence());
    link.send(0);  // what follows was told while it was watched
    arm(Point::death, operation.opens ? std::string() : path, at);
    operation.act(actor);
    link.send(0);
    link.send(disarm());
    return 0;
}

class Killed : public ::testing::TestWithParam<std::size_t> {};

/// Points 1, 2, 3 ... until the operation runs through; how many there were.
std::uint64_t kill_everywhere(const Operation& operation, Ring ring) {
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE(trace(operation, ring, at));
        Folder folder;
        Survivor survivor(folder / "s", small_options(), ring, operation.order, operation.survivor_holds);
        Child child([&](Link& link) { return run_actor(operation, folder / "s", at, link); });
        const std::vector<Sequence> told = child.receive_all();
        const int status = child.wait();
        const std::vector<Sequence> may_be_acked(told.begin(), std::find(told.begin(), told.end(), 0));
        survivor.check(operation.effect, may_be_acked, {});
        if (::testing::Test::HasFailure() || status == 0) return at - 1;
        EXPECT_EQ(status, -SIGKILL);
        EXPECT_LT(at, 10'000u) << "the operation never ends";
        if (::testing::Test::HasFailure()) return at;
    }
}

TEST_P(Killed, at_every_store_leaves_nothing_lost_or_held) {
    const Operation& operation = operations()[GetParam()];
    std::uint64_t tried = 0;
    for (const Ring ring : rings_for(operation)) {
        tried += kill_everywhere(operation, ring);
        if (HasFailure()) break;
    }
    std::printf("%-16s killed at %llu points\n", operation.name, static_cast<unsigned long long>(tried));
}

INSTANTIATE_TEST_SUITE_P(Operation, Killed, ::testing::Range<std::size_t>(0, operations().size()),
                         [](const auto& parameter) { return std::string(operations()[parameter.param].name); });

}  // namespace
}  // namespace shmq::test
