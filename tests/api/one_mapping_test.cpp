// Everything at once by the threads of one process, on one handle and so on one mapping: what ThreadSanitizer can see
// of the protocol, since two mappings of one segment are different memory to it. Without it, one more look that every
// entry is acked once and read whole.
#include <atomic>
#include <random>
#include <thread>

#include "support/proof.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

const std::uint64_t entries = whole_proof() ? 200'000 : 6'000;
constexpr std::uint64_t seed = 20'021;

class OneMapping : public StreamTest {
protected:
    OneMapping() : acked_(entries + 1) {
        StreamOptions options = medium_options(64);
        options.groups = 6;
        options.producer_names = 2;
        options.parking = 8;
        options.histograms = true;
        stream_ = create(options);
        GroupOptions plain, keyed, lossy;
        plain.histograms = true;
        keyed.order = Order::by_key;
        lossy.retention = Retention::lossy;
        must(stream_.create_group("g", Position::oldest(), plain));
        must(stream_.create_group("keyed", Position::oldest(), keyed));
        must(stream_.create_group("lossy", Position::oldest(), lossy));
    }

    void produce(std::string_view name, std::uint64_t first) {
        Producer producer = must(name.empty() ? stream_.producer() : stream_.producer(name));
        for (std::uint64_t number = first; number <= entries; number += 2) {
            const std::string key = "k" + std::to_string(number % 7);
            AddOptions options = waiting(forever);
            options.key = std::as_bytes(std::span(key));
            if (!name.empty()) options.number = number;
            must(producer.add(payload_of(number, 24 + number % 120), options));
        }
    }

    /// Reads, claims, extends, gives back and acks at random, until all of the group is acked.
    void consume(std::uint64_t salt) {
        std::mt19937_64 random(seed + salt);
        Consumer consumer = must(stream_.consumer("g", "c" + std::to_string(salt)));
        while (done_ < entries) {
            ReadOptions options = reading(1 + random() % 6, 1ms);
            if (random() % 4 == 0) options.claim_idle = 2ms;
            if (random() % 4 == 0) options.max_bytes = 200;
            auto batch = consumer.read(options);
            if (!batch) continue;
            if (random() % 64 == 0) std::this_thread::sleep_for(5ms);  // long enough to be claimed from, and parked
            for (const Entry& entry : *batch) end_one(*batch, entry, random);
        }
    }

    void end_one(Batch& batch, const Entry& entry, std::mt19937_64& random) {
        const std::uint64_t number = number_of(entry.payload()).value_or(0);
        if (random() % 8 == 0) static_cast<void>(batch.extend(entry.sequence()));
        switch (random() % 16) {
            case 0: static_cast<void>(batch.nack(entry.sequence())); return;
            case 1: static_cast<void>(batch.nack(entry.sequence(), 2ms)); return;
            case 2: return;  // given back by the closing
            default: break;
        }
        if (!batch.ack(entry.sequence())) return;  // claimed meanwhile
        if (number == 0 || number > entries || acked_[number].fetch_add(1) != 0) ++wrong_;
        ++done_;
    }

    /// Acks all of a group that keeps the order of each key.
    void consume_keyed() {
        Consumer consumer = must(stream_.consumer("keyed"));
        for (std::uint64_t got = 0; got < entries;) {
            auto batch = consumer.read(reading(8, 1ms));
            if (!batch) continue;
            got += batch->size();
            must(batch->ack());
        }
    }

    void consume_lossy() {
        Consumer consumer = must(stream_.consumer("lossy", "l"));
        while (done_ < entries) {
            auto batch = consumer.read(reading(8, 1ms));
            if (!batch) continue;
            for (const Entry& entry : *batch) wrong_ += number_of(entry.payload()) ? 0u : 1u;
            static_cast<void>(batch->ack());
        }
    }

    void read_along() {
        Reader reader = must(stream_.reader());
        while (done_ < entries) {
            const auto entry = reader.next(1ms);
            if (entry && !number_of(entry->payload())) ++wrong_;
        }
    }

    /// Makes, moves and drops a group in which it reads a little, trims, looks for the dead, and looks at everything.
    void operate(const std::string& group) {
        std::mt19937_64 random(seed + static_cast<unsigned char>(group.front()));
        while (done_ < entries) {
            must(stream_.create_group(group, Position::newest()));
            {
                Consumer consumer = must(stream_.consumer(group));
                auto batch = consumer.read(reading(3, 1ms));
                if (batch && random() % 2 == 0) static_cast<void>(batch->ack());
                if (random() % 2 == 0) must(stream_.move_group(group, Position::newest()));
                if (random() % 4 == 0) must(stream_.drop_group(group));
            }
            if (stream_.group(group)) must(stream_.drop_group(group));
            must(stream_.trim_keep(random() % 64));
            must(stream_.recover());
            must(stream_.info());
            must(stream_.groups());
            must(stream_.consumers("g"));
            must(stream_.pending("g"));
            must(stream_.pending_entries("g"));
            must(stream_.latency("g"));
            must(stream_.producer_names());
            must(stream_.attachments());
            must(stream_.range(Position::oldest(), Position::newest(), 16));
            std::this_thread::yield();
        }
    }

    Stream stream_;
    std::vector<std::atomic<unsigned>> acked_;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<unsigned> wrong_{0};
};

TEST_F(OneMapping, is_used_by_threads_that_do_everything_and_each_entry_is_acked_once) {
    std::vector<std::thread> threads;
    threads.emplace_back([&] { produce("", 1); });
    threads.emplace_back([&] { produce("numbered", 2); });
    for (std::uint64_t salt = 1; salt <= 3; ++salt) threads.emplace_back([&, salt] { consume(salt); });
    threads.emplace_back([&] { consume_keyed(); });
    threads.emplace_back([&] { consume_lossy(); });
    threads.emplace_back([&] { read_along(); });
    for (const char* const group : {"x", "y"}) threads.emplace_back([&, group] { operate(group); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong_, 0u) << "seed " << seed;
    for (std::uint64_t number = 1; number <= entries; ++number) ASSERT_EQ(acked_[number], 1u) << number;
    EXPECT_EQ(must(stream_.pending("g")).count, 0u);
}

}  // namespace
}  // namespace shmq::test
