// Groups that keep the order of each key, whose keys are stuck while the ring goes round: the other keys flow past, and
// the stuck ones come in order whatever becomes of their holder.
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "api/ordered.hpp"

namespace shmq {
namespace {

using namespace test;
using Sequences = std::vector<Sequence>;

constexpr std::uint64_t slots = 64;
constexpr unsigned keys = 10;

class ParkedOrder : public Ordered {
protected:
    [[nodiscard]] static StreamOptions options() {
        StreamOptions options = medium_options(slots);
        options.key_stripes = 65'536;
        return options;
    }
    static std::string key_of(unsigned number) { return "stuck " + std::to_string(number); }
    /// Two entries of each of ten keys: 1 to 10, and 11 to 20.
    static void add_stuck(Stream& stream) {
        for (unsigned i = 0; i < 2 * keys; ++i) add_key(stream, key_of(i % keys));
    }
    /// Adds entries of other keys, which `fast` is given in order and acks, for so many laps.
    static void go_round(Stream& stream, Consumer& fast, std::uint64_t laps) {
        for (std::uint64_t i = 0; i < laps * slots; ++i) {
            const Sequence sequence = add_key(stream, "flows " + std::to_string(i % 7));
            Batch batch = read(fast);
            ASSERT_EQ(sequences_of(batch.entries()), (Sequences{sequence}));
            must(batch.ack());
        }
    }
    /// The holder of 1 to 20 is stuck; 21 to 40, of the same keys, wait for them; all left the ring.
    static void get_stuck(Stream& stream, Consumer& fast) {
        add_stuck(stream);
        EXPECT_EQ(code_of(fast.read(reading(64))), Code::empty) << "they wait for their keys";
        EXPECT_EQ(info(stream).waiting, 2 * keys);
        go_round(stream, fast, 100);
        EXPECT_EQ(info(stream).parked, 4 * keys);
        EXPECT_EQ(info(stream).pending, 2 * keys);
        EXPECT_EQ(info(stream).waiting, 2 * keys);
        EXPECT_EQ(info(stream).floor, 1u);
    }
    /// `consumer` is given all that is left of the stuck keys, those of each key in order, and acks them.
    static void finish(Stream& stream, Consumer& consumer, Sequence from = 1) {
        std::map<std::string, Sequence> last;
        Sequences all;
        while (auto batch = consumer.read(reading(7)))
            for (const Entry& entry : *batch) {
                EXPECT_LT(last[std::string(entry.text())], entry.sequence()) << entry.text();
                last[std::string(entry.text())] = entry.sequence();
                all.push_back(entry.sequence());
                must(batch->ack(entry.sequence()));
            }
        std::sort(all.begin(), all.end());
        EXPECT_EQ(all, from_to(from, 4 * keys));
        EXPECT_EQ(info(stream).parked, 0u);
        EXPECT_EQ(info(stream).waiting, 0u);
        EXPECT_EQ(must(stream.pending("g")).count, 0u);
        go_round(stream, consumer, 2);
    }
};

TEST_F(ParkedOrder, ten_stuck_keys_stop_no_other_in_a_hundred_laps_and_their_holder_finishes_them) {
    Stream stream = ordered(Order::by_key, options());
    add_stuck(stream);
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow);
    EXPECT_EQ(sequences_of(held.entries()), from_to(1, 2 * keys));
    get_stuck(stream, fast);
    for (const Entry& entry : held) {
        EXPECT_EQ(entry.text(), key_of(static_cast<unsigned>((entry.sequence() - 1) % keys))) << "views stay";
        EXPECT_TRUE(held.holds(entry.sequence()));
    }
    EXPECT_EQ(code_of(held.ack(keys + 1)), Code::out_of_order);
    EXPECT_EQ(code_of(stream.ack("g", keys + 1)), Code::out_of_order);
    EXPECT_EQ(code_of(stream.ack("g", 2 * keys + 1)), Code::out_of_order);
    must(held.ack(1));
    EXPECT_EQ(code_of(fast.read(reading(64))), Code::empty);
    must(held.ack(keys + 1));
    Batch first = read(fast);
    EXPECT_EQ(sequences_of(first.entries()), (Sequences{2 * keys + 1, 3 * keys + 1})) << "the key goes on";
    EXPECT_FALSE(first[0].taken_over());
    EXPECT_EQ(first[1].deliveries(), 1u);
    first.close();
    must(held.ack());
    finish(stream, fast, 2 * keys + 1);
}

TEST_F(ParkedOrder, the_holder_is_given_what_waits_behind_what_it_holds) {
    Stream stream = ordered(Order::by_key, options());
    add_stuck(stream);
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow);
    get_stuck(stream, fast);
    Batch more = read(slow);
    EXPECT_EQ(sequences_of(more.entries()), from_to(2 * keys + 1, 4 * keys));
    EXPECT_EQ(code_of(more.ack(2 * keys + 1)), Code::out_of_order);
    must(held.ack());
    must(more.ack());
    EXPECT_EQ(info(stream).parked, 0u);
}

TEST_F(ParkedOrder, what_is_nacked_takes_the_later_ones_back_and_comes_again_in_order) {
    Stream stream = ordered(Order::by_key, options());
    add_stuck(stream);
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow);
    get_stuck(stream, fast);
    Batch more = read(slow);
    for (Sequence s = 1; s <= keys; ++s) must(held.nack(s));
    for (const Batch* batch : {&held, &more})
        for (const Entry& entry : *batch) EXPECT_FALSE(batch->holds(entry.sequence())) << entry.sequence();
    EXPECT_EQ(code_of(held.ack(keys + 1)), Code::fenced);
    EXPECT_EQ(code_of(more.ack(3 * keys + 1)), Code::fenced);
    finish(stream, fast);
    EXPECT_EQ(more[0].text(), key_of(0)) << "views stay";
}

TEST_F(ParkedOrder, closing_the_batch_gives_all_back) {
    Stream stream = ordered(Order::by_key, options());
    add_stuck(stream);
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow);
    get_stuck(stream, fast);
    held.close();
    finish(stream, fast);
}

TEST_F(ParkedOrder, a_claim_takes_the_earliest_and_the_later_ones_follow) {
    Stream stream = ordered(Order::by_key, options());
    add_stuck(stream);
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow);
    get_stuck(stream, fast);
    Batch claimed = must(fast.claim({}));
    EXPECT_EQ(sequences_of(claimed.entries()), from_to(1, keys));
    EXPECT_EQ(code_of(slow.read(reading(64))), Code::empty);
    for (const Sequence s : {Sequence{1}, Sequence{keys + 1}}) EXPECT_EQ(code_of(held.ack(s)), Code::fenced);
    must(claimed.ack());
    EXPECT_EQ(held[0].text(), key_of(0)) << "views stay";
    finish(stream, fast, keys + 1);
}

TEST_F(ParkedOrder, a_killed_holders_keys_come_again_in_order) {
    Stream stream = ordered(Order::by_key, options());
    add_stuck(stream);
    Child holder = start_holder();
    Consumer fast = must(stream.consumer("g", "fast"));
    get_stuck(stream, fast);
    holder.kill();
    EXPECT_EQ(must(stream.recover()).entries, 2 * keys);
    finish(stream, fast);
}

TEST_F(ParkedOrder, an_entry_of_the_ring_waits_for_one_that_is_parked) {
    Stream stream = ordered(Order::by_key, options());
    add_keys(stream, {"a", "a"});
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow, 1);
    EXPECT_EQ(code_of(fast.read(reading(64))), Code::empty);
    go_round(stream, fast, 3);
    EXPECT_EQ(info(stream).parked, 2u);
    const Sequence late = add_key(stream, "a");
    EXPECT_EQ(code_of(fast.read(reading(64))), Code::empty);
    EXPECT_EQ(info(stream).waiting, 2u);
    must(stream.ack("g", 1));
    EXPECT_EQ(code_of(held.ack(1)), Code::not_pending);
    Batch second = read(fast, 1);
    EXPECT_EQ(sequences_of(second.entries()), (Sequences{2}));
    Batch third = read(fast);
    EXPECT_EQ(sequences_of(third.entries()), (Sequences{late}));
    EXPECT_EQ(code_of(third.ack()), Code::out_of_order);
    must(second.nack(2));
    EXPECT_FALSE(third.holds(late)) << "taken back from the ring behind what is parked";
    Batch again = read(slow);
    EXPECT_EQ(sequences_of(again.entries()), (Sequences{2, late}));
    must(again.ack());
}

TEST_F(ParkedOrder, an_operators_nack_gives_back_what_its_holder_has_behind_it) {
    Stream stream = ordered(Order::by_key, options());
    add_stuck(stream);
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow);
    get_stuck(stream, fast);
    must(stream.nack("g", 1));
    EXPECT_FALSE(held.holds(1));
    EXPECT_FALSE(held.holds(keys + 1));
    EXPECT_TRUE(held.holds(2));
    Batch again = read(fast);
    EXPECT_EQ(sequences_of(again.entries()), (Sequences{1, keys + 1, 2 * keys + 1, 3 * keys + 1}));
    must(again.ack());
}

TEST_F(ParkedOrder, a_key_waits_for_its_dead_entry_also_out_of_the_ring) {
    GroupOptions group;
    group.delivery_limit = 1;
    Stream stream = ordered(Order::by_key, options(), group);
    add_keys(stream, {"a", "a"});
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow, 1);
    go_round(stream, fast, 2);
    must(held.nack());
    EXPECT_EQ(info(stream).dead, 1u);
    EXPECT_EQ(code_of(fast.read(reading(64))), Code::empty);
    must(stream.drop_dead("g", 1));
    EXPECT_EQ(sequences_of(read(fast).entries()), (Sequences{2}));
}

TEST_F(ParkedOrder, a_key_that_goes_on_to_be_added_to_takes_a_cell_for_each_entry_until_none_is_free) {
    StreamOptions few = options();
    few.parking = 8;
    Stream stream = ordered(Order::by_key, few);
    add_key(stream, "hot");
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch held = read(slow);
    Error error;
    for (int i = 0; i < 1'000 && error.code() == Code::ok; ++i) {
        AddOptions add;
        const std::string_view key = i % 16 == 0 ? "hot" : "cold";
        add.key = bytes_of(key);
        if (const auto added = stream.add(key, add); !added) error = added.error();
        if (auto batch = fast.read(reading(8))) must(batch->ack());
    }
    EXPECT_EQ(error.code(), Code::full);
    EXPECT_TRUE(contains(error.message(), "parking table is full")) << error.message();
    EXPECT_EQ(info(stream).parked, 8u);
    must(held.ack());
    std::size_t hot = 0;
    while (auto batch = fast.read(reading(8))) {
        for (const Entry& entry : *batch) hot += entry.text() == "hot" ? 1u : 0u;
        must(batch->ack());
    }
    EXPECT_GE(hot, 8u);
    EXPECT_EQ(info(stream).parked, 0u);
    go_round(stream, fast, 2);
}

TEST_F(ParkedOrder, a_strict_group_parks_nothing_and_is_full_behind_a_stuck_entry) {
    Stream stream = ordered(Order::strict, options());
    add(stream, 1);
    Consumer slow = must(stream.consumer("g", "slow"));
    Batch held = read(slow);
    while (stream.add("x")) continue;
    Batch behind = read(slow);
    EXPECT_EQ(behind.size(), slots - 1);
    EXPECT_EQ(code_of(behind.ack()), Code::out_of_order);
    EXPECT_EQ(code_of(stream.add("x")), Code::full);
    EXPECT_EQ(info(stream).parked, 0u);
    must(held.ack());
    must(behind.ack());
    must(stream.add("x"));
}

TEST_F(ParkedOrder, each_key_is_finished_in_order_while_some_stick_and_come_back) {
    constexpr std::uint64_t entries = 20'000;
    constexpr unsigned many_keys = 40;
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(seed);
    StreamOptions few = options();
    few.parking = 32;
    few.key_stripes = 64;
    few.payload = 256 * 1024;
    Stream stream = ordered(Order::by_key, few);
    std::array<std::atomic<Sequence>, many_keys> highest{};
    std::atomic<std::uint64_t> done{0};
    std::atomic<unsigned> wrong{0};
    const auto work = [&](unsigned number, unsigned holds) {
        std::mt19937 random(seed + number);
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        std::vector<Batch> held;
        ReadOptions options = reading(1, 1ms);
        if (number == 0) options.claim_idle = 20ms;
        while (done < entries) {
            options.max_entries = 1 + random() % 3;
            if (auto batch = consumer.read(options)) held.push_back(std::move(*batch));
            while (held.size() > holds || (!held.empty() && random() % 64 == 0)) {
                const auto chosen = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
                for (const Entry& entry : *chosen) {
                    auto& last = highest[*number_of(entry.payload()) % many_keys];
                    if (random() % 8 == 0) {
                        static_cast<void>(chosen->nack(entry.sequence()));
                        continue;
                    }
                    const Sequence before = last.load();
                    if (!chosen->ack(entry.sequence())) continue;  // taken back, or too early: closing gives it back
                    if (before >= entry.sequence()) ++wrong;
                    for (Sequence seen = before; seen < entry.sequence();)
                        if (last.compare_exchange_strong(seen, entry.sequence())) break;
                    ++done;
                }
                held.erase(chosen);
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work, i, 1);
    threads.emplace_back(work, 2, 8);
    std::mt19937 random(seed);
    for (std::uint64_t i = 1; i <= entries; ++i) {
        AddOptions add = waiting(forever);
        const std::uint64_t key = random() % many_keys;
        const std::string name = std::to_string(key);
        add.key = bytes_of(name);
        must(stream.add(payload_of(i * many_keys + key, 24 + i % 40), add));
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(done, entries) << "each once";
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

}  // namespace
}  // namespace shmq
