// shmq side by side with what one would use instead: messages one way by size and by number of producers, and there and
// back. Every peer does the same work with the settings that its own manual recommends for speed; every receiver checks
// the numbers and sums the payload. shmq alone keeps a log with a group and acks each message.
//
//     --works=REGEX   only these works           --peers=REGEX   only these peers (shmq is always among them)
//     --quick         two short rounds
//     --check         says of each bar whether it is met; fails if one is not
//
// One that never waits is given, one way, the pause between fruitless looks that suits it best, found by short runs.
// Peers take turns within each round, in another order each time. Before and after each run one cache line is sent
// there and back: on a virtual machine the two processors may be near (two threads of one core) at one time and far at
// another. A ratio is formed between runs of one round that were both near, or both far. A run that others disturbed is
// taken again (support/quiet.hpp).
#include <algorithm>
#include <cstdio>

#include "peers/iceoryx.hpp"
#include "peers/kernel.hpp"
#include "peers/lockfree.hpp"
#include "peers/own.hpp"
#include "peers/redis.hpp"
#include "peers/session.hpp"
#include "peers/sockets.hpp"
#include "peers/works.hpp"
#include "support/limits.hpp"
#include "support/machine.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr std::uint64_t first_messages = 300;

/// Takes as many messages as last `seconds`, by what a short run says.
template <class Measure>
double for_seconds(double& rate, double seconds, std::uint64_t lap, Measure measure) {
    if (rate == 0) rate = measure(first_messages);
    for (int turn = 0; turn < 4; ++turn) {
        auto messages = static_cast<std::uint64_t>(std::max(rate * seconds, double{first_messages}));
        if (rate * seconds > static_cast<double>(lap) / 8) messages += 2 * lap;
        const double found = measure(messages);
        const bool enough = found < 2 * rate;
        rate = found;
        if (enough || static_cast<double>(messages) > found * seconds / 2) return found;
    }
    return rate;
}

template <class Peer>
Runner one_way() {
    const auto rate = std::make_shared<double>(0);
    return {Peer::name,
            [rate](const Shape& shape, double seconds) {
                return for_seconds(*rate, seconds, messages_of_a_lap(shape.size),
                                   [&](std::uint64_t total) { return one_way_rate<Peer>(shape, total); });
            },
            &Peer::missing, Looks<Peer>};
}

template <class Peer>
Runner trips() {
    const auto rate = std::make_shared<double>(0);
    return {Peer::name,
            [rate](const Shape& shape, double seconds) {
                double p50 = 0;
                for_seconds(*rate, seconds, ~std::uint64_t{0}, [&](std::uint64_t count) {
                    p50 = trip_times<Peer>(shape, count).p50;
                    return 1e9 / p50;
                });
                return p50;
            },
            &Peer::missing};
}

/// The same under another name, one message a call.
Runner singly(Runner runner, const char* name) {
    runner.peer = name;
    runner.shape.batch = 1;
    return runner;
}

template <std::size_t Size>
std::vector<Runner> ways() {
    std::vector<Runner> all{one_way<ShmqPeer>(), singly(one_way<ShmqPeer>(), "shmq one at a time")};
    if constexpr (Size <= BareRing::largest) all.push_back(one_way<BarePeer>());
    all.push_back(one_way<SpscPeer<Size>>());
    all.push_back(singly(one_way<SpscPeer<Size>>(), "boost spsc_queue one at a time"));
    all.push_back(one_way<QueuePeer<Size>>());
    all.push_back(one_way<InterprocessPeer>());
    all.push_back(one_way<PipePeer>());
    all.push_back(one_way<SocketPeer>());
    if constexpr (Size <= PosixQueuePeer::largest) all.push_back(one_way<PosixQueuePeer>());
    all.push_back(one_way<ZeroMqPeer>());
    all.push_back(one_way<NngPeer>());
    all.push_back(one_way<IceoryxPeer>());
    all.push_back(one_way<RedisStreamPeer>());
    all.push_back(singly(one_way<RedisStreamPeer>(), "redis stream one at a time"));
    all.push_back(one_way<RedisListPeer>());
    all.push_back(one_way<RedisChannelPeer>());
    return all;
}

std::vector<Runner> ways_of_several_producers() {
    return {one_way<ShmqPeer>(),        one_way<QueuePeer<64>>(),   one_way<InterprocessPeer>(),
            one_way<SocketPeer>(),      one_way<PosixQueuePeer>(),  one_way<ZeroMqPeer>(),
            one_way<NngPeer>(),         one_way<RedisStreamPeer>(), one_way<RedisListPeer>(),
            one_way<RedisChannelPeer>()};
}

std::vector<Runner> trips_of_all() {
    return {trips<ShmqPeer>(),         trips<BarePeer>(),        trips<SpscPeer<64>>(), trips<QueuePeer<64>>(),
            trips<InterprocessPeer>(), trips<PipePeer>(),        trips<SocketPeer>(),   trips<PosixQueuePeer>(),
            trips<ZeroMqPeer>(),       trips<NngPeer>(),         trips<IceoryxPeer>(),  trips<RedisStreamPeer>(),
            trips<RedisListPeer>(),    trips<RedisChannelPeer>()};
}
std::vector<Runner> trips_that_wait() {
    return {trips<ShmqPeer>(),       trips<InterprocessPeer>(), trips<PipePeer>(), trips<SocketPeer>(),
            trips<PosixQueuePeer>(), trips<ZeroMqPeer>(),       trips<NngPeer>(),  trips<RedisStreamPeer>(),
            trips<RedisListPeer>(),  trips<RedisChannelPeer>()};
}

Runner limit(const char* name, double (*measure)(double seconds)) {
    return {name, [measure](const Shape&, double seconds) { return measure(seconds); }, [] { return std::string(); }};
}

std::vector<Work> all_works() {
    const auto shape_of = [](std::size_t size) {
        Shape shape;
        shape.size = size;
        shape.batch = size >= 65'536 ? 4 : 64;
        return shape;
    };
    std::vector<Work> works{
        {"one way, 8 B", "M/s", true, shape_of(8), ways<8>()},
        {"one way, 64 B", "M/s", true, shape_of(64), ways<64>()},
        {"one way, 1 KiB", "M/s", true, shape_of(1024), ways<1024>()},
        {"one way, 64 KiB", "M/s", true, shape_of(65'536), ways<65'536>()},
        {"one way, 1 MiB", "M/s", true, shape_of(1'048'576), ways<1'048'576>()},
    };
    works[3].runners.push_back(limit("memory alone", stream_64k));
    works[4].runners.push_back(limit("memory alone", stream_1m));
    for (const unsigned producers : {2u, 4u}) {
        Shape shape = shape_of(64);
        shape.producers = producers;
        shape.crowded = true;
        works.push_back(
            {std::to_string(producers) + " producers, 64 B", "M/s", true, shape, ways_of_several_producers()});
    }
    Shape trip = shape_of(64);
    trip.batch = 1;
    trip.pauses = 1;
    trip.answers = true;
    trip.polls = true;
    works.push_back({"there and back, 64 B, polling", "ns", false, trip, trips_of_all()});
    works.back().runners.push_back(limit("cache line", line_trip));
    trip.polls = false;
    works.push_back({"there and back, 64 B, waiting", "ns", false, trip, trips_that_wait()});
    works.back().runners.push_back(limit("futex", futex_trip));
    return works;
}

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    using namespace bench;
    std::vector<std::string> flags(arguments + 1, arguments + argument_count);
    auto choice = take_choice(flags);
    if (!choice || !take_settings(flags)) return 64;
    std::erase_if(flags, [](const std::string& flag) { return flag.starts_with("--benchmark_"); });
    if (!flags.empty()) {
        std::fprintf(stderr, "%s is no option of this program\n", flags[0].c_str());
        return 64;
    }
    std::printf("%s\n%s\n", machine_text().c_str(), library_text().c_str());
    Session session(std::move(*choice), settings().rounds);
    session.run(all_works());
    return session.tell(settings().json) ? 0 : 1;
}
