// Entries that stay unfinished while the ring goes on: they leave it, and everything that can be done with an entry can
// be done with them still.
#include <atomic>
#include <random>
#include <thread>

#include "api/parking.hpp"

namespace shmq::test {
namespace {

using Parking = ParkingTest;

TEST_F(Parking, lets_the_ring_lap_a_hundred_times_beside_ten_stuck_entries) {
    auto [stream, slow, fast, stuck] = get_stuck(10);
    go_round(stream, fast, 100);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(number_of(stuck[i].payload()), i + 1) << "views stay valid";
    EXPECT_EQ(must(stream.info()).parked, 10u);
    const GroupInfo group = must(stream.group("g"));
    EXPECT_EQ(group.parked, 10u);
    EXPECT_EQ(group.pending, 10u);
    EXPECT_EQ(group.floor, 1u);
    const auto entries = pending(stream);
    ASSERT_EQ(entries.size(), 10u);
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(entries[i].sequence, i + 1);
        EXPECT_EQ(entries[i].consumer, "slow");
        EXPECT_TRUE(entries[i].parked);
        EXPECT_TRUE(entries[i].idle);
    }
    EXPECT_TRUE(stuck.extend(3));
    EXPECT_TRUE(stuck.ack(10));
    EXPECT_EQ(code_of(stuck.ack(10)), Code::not_pending);
    EXPECT_TRUE(stuck.ack());
    EXPECT_EQ(must(stream.info()).parked, 0u);
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
    go_round(stream, fast, 3);
    EXPECT_GT(must(stream.group("g")).floor, 100 * slots);
}

TEST_F(Parking, what_is_nacked_is_delivered_again_before_new_ones) {
    auto [stream, slow, fast, stuck] = get_stuck(3);
    go_round(stream, fast, 3);
    EXPECT_TRUE(stuck.nack(1));
    EXPECT_TRUE(stuck.nack(2));
    EXPECT_EQ(code_of(stuck.ack(1)), Code::not_pending);
    EXPECT_EQ(must(stream.group("g")).retry, 2u);
    const Sequence fresh = add(stream, 1);
    Batch again = must(fast.read(reading(1)));
    EXPECT_EQ(sequences_of(again.entries()), from_to(1, 1));
    EXPECT_EQ(again[0].deliveries(), 2u);
    EXPECT_TRUE(again[0].taken_over());
    EXPECT_EQ(number_of(again[0].payload()), 1u);
    Batch rest = must(fast.read());
    EXPECT_EQ(sequences_of(rest.entries()), (std::vector<Sequence>{2, fresh}));
    EXPECT_TRUE(again.ack());
    EXPECT_TRUE(rest.ack());
    EXPECT_TRUE(stuck.ack(3));
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
}

TEST_F(Parking, closing_the_batch_gives_back_without_a_count) {
    auto [stream, slow, fast, stuck] = get_stuck(2);
    go_round(stream, fast, 2);
    stuck.close();
    Batch again = must(fast.read());
    EXPECT_EQ(sequences_of(again.entries()), from_to(1, 2));
    EXPECT_EQ(again[0].deliveries(), 1u);
    EXPECT_TRUE(again.ack());
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

TEST_F(Parking, what_is_claimed_from_somebody_alive_fences_it_and_keeps_its_views) {
    auto [stream, slow, fast, stuck] = get_stuck(2);
    go_round(stream, fast, 2);
    Batch claimed = must(fast.claim(ClaimOptions{}));
    EXPECT_EQ(sequences_of(claimed.entries()), from_to(1, 2));
    EXPECT_EQ(code_of(stuck.ack(1)), Code::fenced);
    EXPECT_EQ(code_of(stuck.extend(2)), Code::fenced);
    EXPECT_TRUE(claimed.ack());
    EXPECT_EQ(must(stream.info()).parked, 0u);
    go_round(stream, fast, 5);
    EXPECT_EQ(number_of(stuck[0].payload()), 1u) << "pinned";
    EXPECT_EQ(number_of(stuck[1].payload()), 2u);
    stuck.close();
    EXPECT_EQ(must(stream.info()).pins, 0u);
}

TEST_F(Parking, operators_end_and_give_back_what_is_parked) {
    auto [stream, slow, fast, stuck] = get_stuck(3);
    go_round(stream, fast, 2);
    EXPECT_TRUE(stream.ack("g", 1));
    EXPECT_EQ(code_of(stream.ack("g", 1)), Code::not_pending);
    EXPECT_TRUE(stream.nack("g", 2));
    EXPECT_EQ(code_of(stuck.ack(1)), Code::not_pending) << "finished in its name";
    EXPECT_EQ(code_of(stuck.ack(2)), Code::fenced);
    Batch again = must(fast.read());
    EXPECT_EQ(sequences_of(again.entries()), from_to(2, 2));
    EXPECT_TRUE(again.ack());
    EXPECT_TRUE(stuck.ack(3));
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

TEST_F(Parking, a_dead_holders_entries_are_handed_on) {
    Stream stream = create_with_group(parking_options());
    add(stream, 2);
    Child holder = start_holder();
    Consumer fast = must(stream.consumer("g", "fast"));
    go_round(stream, fast, 2);
    EXPECT_EQ(must(stream.group("g")).parked, 2u);
    holder.kill();
    EXPECT_EQ(must(stream.recover()).entries, 2u);
    Batch again = must(fast.read());
    EXPECT_EQ(sequences_of(again.entries()), from_to(1, 2));
    EXPECT_EQ(again[0].deliveries(), 2u);
    EXPECT_EQ(number_of(again[1].payload()), 2u);
    EXPECT_TRUE(again.ack());
}

TEST_F(Parking, whoever_comes_back_under_its_name_gets_its_own_first) {
    Stream stream = create_with_group(parking_options());
    add(stream, 2);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer other = must(stream.consumer("g", "other"));
    Batch first = must(slow.read(reading(1)));
    Batch second = must(other.read(reading(1)));
    Consumer fast = must(stream.consumer("g", "fast"));
    go_round(stream, fast, 2);
    first.close();
    second.close();
    other.close();
    Consumer back = must(stream.consumer("g", "other"));
    EXPECT_EQ(must(back.read(reading(1)))[0].sequence(), 2u);
}

TEST_F(Parking, delayed_ones_come_back_when_they_are_due) {
    auto [stream, slow, fast, stuck] = get_stuck(2);
    EXPECT_TRUE(stuck.nack(1, 1h));
    go_round(stream, fast, 2);  // the first is parked as it waits
    EXPECT_TRUE(stuck.nack(2, 20ms));
    auto entries = pending(stream);
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_TRUE(entries[0].delayed && entries[0].parked && entries[1].delayed);
    EXPECT_GT(entries[0].due_in.value(), 59min);
    Batch again = must(fast.read(reading(5, forever)));
    EXPECT_EQ(sequences_of(again.entries()), from_to(2, 2));
    EXPECT_TRUE(again.ack());
    EXPECT_TRUE(stream.ack("g", 1));
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

TEST_F(Parking, dead_ones_are_listed_requeued_and_dropped) {
    Stream stream = create(parking_options());
    GroupOptions options;
    options.delivery_limit = 1;
    must(stream.create_group("g", Position::oldest(), options));
    add(stream, 3);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
    EXPECT_TRUE(stuck.nack(1));
    EXPECT_TRUE(stuck.nack(2));
    go_round(stream, fast, 3);
    EXPECT_TRUE(stuck.nack(3));  // dead in its cell
    EXPECT_EQ(must(stream.dead("g")).size(), 3u);
    EXPECT_EQ(must(stream.group("g")).parked, 3u);
    EXPECT_TRUE(stream.drop_dead("g", 1));
    EXPECT_TRUE(stream.requeue_dead("g", 2));
    Batch again = must(fast.read());
    EXPECT_EQ(sequences_of(again.entries()), from_to(2, 2));
    EXPECT_EQ(again[0].deliveries(), 1u);
    EXPECT_TRUE(again.ack());
    EXPECT_EQ(must(stream.requeue_dead("g")), 1u);
    EXPECT_TRUE(must(fast.read()).ack());
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

TEST_F(Parking, dropping_or_moving_a_group_frees_its_cells_and_keeps_the_views) {
    for (const bool move : {false, true}) {
        const std::string name = move ? "moved" : "dropped";
        Stream stream = must(Stream::create(path(name), parking_options()));
        must(stream.create_group("g"));
        add(stream, 3);
        Consumer slow = must(stream.consumer("g", "slow"));
        Consumer fast = must(stream.consumer("g", "fast"));
        Batch stuck = must(slow.read());
        go_round(stream, fast, 2);
        EXPECT_EQ(must(stream.info()).parked, 3u);
        if (move)
            must(stream.move_group("g", Position::newest()));
        else
            must(stream.drop_group("g"));
        EXPECT_EQ(must(stream.info()).parked, 0u);
        if (!move) must(stream.create_group("g", Position::newest()));
        Consumer late = must(stream.consumer("g", "late"));
        go_round(stream, late, 4);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(number_of(stuck[i].payload()), i + 1) << "pinned";
        EXPECT_EQ(code_of(stuck.ack(1)), Code::fenced);
        stuck.close();
        EXPECT_EQ(must(stream.info()).pins, 0u);
    }
}

TEST_F(Parking, each_entry_is_acked_once_while_some_stick_and_come_back) {
    constexpr std::uint64_t entries = 20'000;
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(seed);
    StreamOptions options = parking_options(16);
    options.payload = 256 * 1024;
    Stream stream = create_with_group(options);
    std::vector<std::atomic<unsigned>> acks(entries + 1);
    std::atomic<std::uint64_t> done{0};
    std::atomic<unsigned> wrong{0};
    const auto work = [&](unsigned number, unsigned holds) {
        std::mt19937 random(seed + number);
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        std::vector<Batch> held;
        while (done < entries) {
            if (auto batch = consumer.read(reading(1 + random() % 3, 1ms))) held.push_back(std::move(*batch));
            while (held.size() > holds || (!held.empty() && random() % 64 == 0)) {
                const auto chosen = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
                for (const Entry& entry : *chosen) {
                    if (number_of(entry.payload()) != entry.sequence()) ++wrong;
                    if (random() % 8 == 0) {
                        if (!chosen->nack(entry.sequence())) ++wrong;
                    } else if (chosen->ack(entry.sequence())) {
                        if (acks[entry.sequence()].fetch_add(1) != 0) ++wrong;
                        ++done;
                    } else {
                        ++wrong;
                    }
                }
                held.erase(chosen);
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work, i, 1);
    threads.emplace_back(work, 2, 8);
    for (std::uint64_t i = 1; i <= entries; ++i) must(stream.add(payload_of(i, 24 + i % 40), waiting(forever)));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

}  // namespace
}  // namespace shmq::test
