// Many entries of few keys at several processes that give back, claim and are killed: what holds all the same.
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <random>

#include "api/ordered.hpp"

namespace shmq {
namespace {

using namespace test;

/// What the processes of the next tests share beside the stream, to tell on each other, for each key.
struct Witness {
    std::atomic<Sequence> highest;  // handled, or finished
    std::atomic<pid_t> handler;     // who handles an entry right now; -1: somebody who was killed at it
};

class OrderedCrowd : public Ordered {
protected:
    static constexpr unsigned keys = 12, workers = 3, entries = 3'000;

    OrderedCrowd() {
        void* const shared = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) ::abort();
        witnesses_ = static_cast<Witness*>(shared);
        wrong_ = reinterpret_cast<std::atomic<int>*>(witnesses_ + keys);
    }
    ~OrderedCrowd() override { munmap(witnesses_, 4096); }

    [[nodiscard]] Witness& witness_of(const Entry& entry) const {
        return witnesses_[static_cast<unsigned>(entry.text()[0] - 'a')];
    }
    void expect(bool right) const {
        if (!right) ++*wrong_;
    }

    /// Handles an entry: alone among those of the witness, and none before a lower one. One in `deaths` dies at it.
    void handle_alone(Witness& witness, const Entry& entry, std::mt19937& random, unsigned deaths) const {
        expect(witness.handler.exchange(getpid()) <= 0);
        expect(witness.highest.load() <= entry.sequence());
        witness.highest.store(entry.sequence());
        if (random() % deaths == 0) {
            witness.handler.store(-1);
            ::raise(SIGKILL);
        }
        witness.handler.store(0);
    }

    /// Adds entries of few keys, some of them hot, while workers handle what they are given by `handle(batch, entry,
    /// random)`; who dies is followed by another. Ends when the group finished all.
    template <class Handle>
    void run(Order order, const ReadOptions& options, Handle handle, std::uint64_t slots = 256) {
        const unsigned seed = std::random_device{}();
        SCOPED_TRACE(seed);
        Stream stream = ordered(order, medium_options(slots));
        const auto work = [&](unsigned worker_seed) {
            std::mt19937 random(worker_seed);
            auto own = Stream::open(path());
            if (!own) return 0;  // it is over
            Consumer consumer = must(own->consumer("g"));
            for (ReadOptions each = options;;) {
                each.max_entries = 1 + random() % 8;
                auto batch = consumer.read(each);
                if (!batch) return 0;
                for (const Entry& entry : *batch)
                    if (batch->holds(entry.sequence())) handle(*batch, entry, random);
            }
        };
        std::mt19937 random(seed);
        std::vector<std::unique_ptr<Child>> children(workers);
        const auto start_missing = [&] {
            for (auto& child : children)
                if (!child || child->has_ended())
                    child =
                        std::make_unique<Child>([&, s = static_cast<unsigned>(random())](Link&) { return work(s); });
        };
        for (unsigned i = 0; i < entries; ++i) {
            AddOptions add = waiting(10ms);
            const std::string key(1, static_cast<char>('a' + std::min(random() % keys, random() % keys)));
            add.key = bytes_of(key);
            do start_missing();
            while (!stream.add(key, add));  // all of them may be dead by now
            if (i % 8 == 0) most_parked_ = std::max(most_parked_, info(stream).parked);
        }
        while (info(stream).floor <= entries) {
            start_missing();
            must(stream.recover());
        }
        must(Stream::remove(path()));
        children.clear();
        EXPECT_EQ(wrong_->load(), 0);
    }

    Witness* witnesses_;
    std::atomic<int>* wrong_;
    std::uint64_t most_parked_ = 0;
};

TEST_F(OrderedCrowd, each_key_is_handled_in_order_by_one_at_a_time_whoever_gives_back_or_is_killed) {
    run(Order::by_key, reading(1, 60s), [&](Batch& batch, const Entry& entry, std::mt19937& random) {
        handle_alone(witness_of(entry), entry, random, 64);
        must(random() % 8 == 0 ? batch.nack(entry.sequence()) : batch.ack(entry.sequence()));
    });
}

TEST_F(OrderedCrowd, each_key_is_handled_in_order_also_while_the_ring_goes_round_beside_those_that_wait) {
    const auto handle = [&](Batch& batch, const Entry& entry, std::mt19937& random) {
        Witness& key = witness_of(entry);
        expect(key.handler.exchange(getpid()) <= 0);
        expect(key.highest.load() <= entry.sequence());
        key.highest.store(entry.sequence());
        if (random() % 64 == 0) {
            key.handler.store(-1);
            ::raise(SIGKILL);
        }
        key.handler.store(0);
        must(random() % 32 == 0 ? batch.nack(entry.sequence(), 20ms) : batch.ack(entry.sequence()));
    };
    run(Order::by_key, reading(1, 60s), handle, 64);
    EXPECT_GT(most_parked_, 0u);
}

TEST_F(OrderedCrowd, each_key_is_finished_in_order_whoever_claims_from_whom) {
    ReadOptions options = reading(1, 60s);
    options.claim_idle = Duration{0};
    run(Order::by_key, options, [&](Batch& batch, const Entry& entry, std::mt19937& random) {
        Witness& key = witness_of(entry);
        if (random() % 128 == 0) ::raise(SIGKILL);
        const Sequence before = key.highest.load();
        if (!batch.ack(entry.sequence())) return;
        expect(before < entry.sequence());
        for (Sequence seen = before; seen < entry.sequence();)
            if (key.highest.compare_exchange_strong(seen, entry.sequence())) break;
    });
}

TEST_F(OrderedCrowd, a_strict_group_handles_all_in_order_by_one_at_a_time) {
    run(Order::strict, reading(1, 60s), [&](Batch& batch, const Entry& entry, std::mt19937& random) {
        handle_alone(witnesses_[0], entry, random, 256);
        must(random() % 16 == 0 ? batch.nack(entry.sequence()) : batch.ack(entry.sequence()));
    });
}

}  // namespace
}  // namespace shmq
