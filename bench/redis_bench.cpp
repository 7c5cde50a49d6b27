// The same work through Redis Streams and through shmq, in turns: 64 bytes are added, read by a consumer of a group,
// and acked, by one client, one at a time and a hundred together. The Redis server is private, on a Unix socket,
// without persistence.
#include <cstdio>
#include <string>
#include <vector>

#include "support/processes.hpp"
#include "support/redis_peer.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr std::size_t payload_size = 64;  // bytes
constexpr int redis_entries = 20'000;     // of a round; shmq takes the settings' entries
constexpr std::uint64_t most_shmq_entries = 1'000'000;

/// Thousand entries a second, added, read and acked `together` at a time.
double redis_rate(const RedisServer& server, int together) {
    RedisStream stream(server.socket());
    const std::uint64_t start = now_ns();
    for (int done = 0; done < redis_entries; done += together) {
        stream.add(together);
        if (stream.read(together) != static_cast<std::size_t>(together) * payload_size)
            throw std::runtime_error("XREADGROUP: bytes are missing");
        stream.ack();
    }
    return redis_entries * 1e6 / static_cast<double>(now_ns() - start);
}

double shmq_rate(int together) {
    const ScratchStream scratch;
    auto stream = scratch.open();
    auto producer = value_of(stream.producer());
    auto consumer = value_of(stream.consumer(ScratchStream::group));
    const std::byte payload[payload_size] = {};
    const std::vector<shmq::Bytes> payloads(static_cast<std::size_t>(together), shmq::Bytes(payload));
    const std::uint64_t total = std::min(settings().entries, most_shmq_entries);
    std::size_t bytes = 0;
    const std::uint64_t start = now_ns();
    for (std::uint64_t done = 0; done < total; done += payloads.size()) {
        value_of(producer.add(payloads));
        auto batch = value_of(consumer.read({.max_entries = payloads.size()}));
        for (const shmq::Entry& entry : batch) bytes += entry.payload().size();
        check(batch.ack());
    }
    const double took = static_cast<double>(now_ns() - start);
    if (bytes < total * payload_size) throw std::runtime_error("bytes are missing");
    return static_cast<double>(bytes / payload_size) * 1e6 / took;
}

void take_rates(Taking& taking, const RedisServer& server, int together) {
    pin_to(settings().core_of_first);
    double redis = 0, shmq = 0;
    taking.in_turns([&] { shmq = shmq_rate(together); }, [&] { redis = redis_rate(server, together); });
    taking.took(1e6 / shmq);
    taking.figure("shmq thousand/s", shmq);
    taking.figure("redis thousand/s", redis);
    taking.figure("shmq / redis", shmq / redis);
}

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    using namespace bench;
    const std::string missing = redis_missing();
    if (!missing.empty()) {
        std::printf("the comparison with Redis Streams is skipped: %s\n", missing.c_str());
        return 0;
    }
    std::unique_ptr<RedisServer> server;
    const auto with_server = [&](int together) {
        return [&server, together](Taking& taking) {
            if (!server) server = std::make_unique<RedisServer>();
            take_rates(taking, *server, together);
        };
    };
    return run_measurements(argument_count, arguments, [&] {
        measure("redis/one at a time", with_server(1));
        measure("redis/pipelined by 100", with_server(100));
    });
}
