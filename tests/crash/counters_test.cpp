// Sequences that begin just below a power of two: the ring, its tags and its groups go over it as over any other
// number.
#include "crash/survivor.hpp"

namespace shmq::test {
namespace {

class Counter : public ::testing::TestWithParam<unsigned> {};

TEST_P(Counter, goes_over_a_power_of_two_within_a_lap) {
    Folder folder;
    StreamOptions options = small_options();
    options.first_sequence = (std::uint64_t{1} << GetParam()) - 21;
    Survivor survivor(folder / "s", options, Ring::middle);
    survivor.lap(Effect::none);
    survivor.check(Effect::none, {}, {});
}

TEST_P(Counter, hands_on_what_a_killed_consumer_held_across_a_power_of_two) {
    Folder folder;
    StreamOptions options = small_options();
    options.first_sequence = (std::uint64_t{1} << GetParam()) - 3;
    Survivor survivor(folder / "s", options, Ring::middle);
    Child child([&](Link& link) {
        Stream stream = must(Stream::open(folder / "s"));
        Consumer consumer = must(stream.consumer("work", "victim"));
        const Batch batch = must(consumer.read());
        require(batch.size() == 5);
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(child.receive());
    child.kill();
    survivor.check(Effect::none, {}, {});
}

INSTANTIATE_TEST_SUITE_P(Bit, Counter, ::testing::Values(12u, 16u, 22u, 31u, 32u, 41u, 48u, 52u, 60u));

}  // namespace
}  // namespace shmq::test
