// Entries that stay unfinished while the ring goes on: they leave it, and everything that can be done with an entry can
// be done with them still.
#include <atomic>
#include <random>
#include <thread>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

constexpr std::uint64_t slots = 64;

class Parking : public StreamTest {
protected:
    static StreamOptions parking_options(std::uint32_t cells = 64) {
        StreamOptions options = medium_options(slots);
        options.parking = cells;
        return options;
    }
    /// Adds entries and has another consumer ack what is new, for so many laps of the ring.
    static void go_round(Stream& stream, Consumer& fast, std::uint64_t laps) {
        for (std::uint64_t i = 0; i < laps * slots; ++i) {
            must(stream.add(payload_of(1'000'000 + i, 40 + i % 50)));
            Batch batch = must(fast.read());
            for (const Entry& entry : batch) ASSERT_TRUE(number_of(entry.payload()));
            must(batch.ack());
        }
    }
    static std::vector<PendingEntry> pending(const Stream& stream) { return must(stream.pending_entries("g")); }
};

TEST_F(Parking, lets_the_ring_lap_a_hundred_times_beside_ten_stuck_entries) {
    Stream stream = create_with_group(parking_options());
    add(stream, 10);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read(reading(10)));
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

TEST_F(Parking, a_single_entry_between_others_leaves_the_order_of_the_rest_alone) {
    Stream stream = create_with_group(parking_options());
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    std::vector<Batch> stuck;
    for (int turn = 0; turn < 8; ++turn) {  // one in each lap
        const Sequence sequence = add(stream, 1, 100 + static_cast<std::uint64_t>(turn));
        stuck.push_back(must(slow.read()));
        EXPECT_EQ(stuck.back()[0].sequence(), sequence);
        go_round(stream, fast, 2);
    }
    EXPECT_EQ(must(stream.group("g")).parked, 8u);
    for (std::size_t i = 0; i < stuck.size(); ++i) {
        EXPECT_EQ(number_of(stuck[i][0].payload()), 100 + i);
        EXPECT_TRUE(stuck[i].ack());
    }
    EXPECT_EQ(must(stream.group("g")).parked, 0u);
}

TEST_F(Parking, what_is_nacked_is_delivered_again_before_new_ones) {
    Stream stream = create_with_group(parking_options());
    add(stream, 3);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
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
    Stream stream = create_with_group(parking_options());
    add(stream, 2);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
    go_round(stream, fast, 2);
    stuck.close();
    Batch again = must(fast.read());
    EXPECT_EQ(sequences_of(again.entries()), from_to(1, 2));
    EXPECT_EQ(again[0].deliveries(), 1u);
    EXPECT_TRUE(again.ack());
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

TEST_F(Parking, what_is_claimed_from_somebody_alive_fences_it_and_keeps_its_views) {
    Stream stream = create_with_group(parking_options());
    add(stream, 2);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
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
    Stream stream = create_with_group(parking_options());
    add(stream, 3);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
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
    Stream stream = create_with_group(parking_options());
    add(stream, 2);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
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

TEST_F(Parking, a_full_table_is_full_and_says_whose_entry_it_is) {
    Stream stream = create_with_group(parking_options(2));
    add(stream, 3);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
    Error error;
    for (std::uint64_t i = 0; i < 3 * slots && error.code() == Code::ok; ++i) {
        if (const auto added = stream.add(payload_of(i)); !added)
            error = added.error();
        else
            must(must(fast.read()).ack());
    }
    EXPECT_EQ(error.code(), Code::full);
    EXPECT_EQ(error.number(), 3u);
    for (const char* part : {"group g", "entry 3", "slow", "parking table is full"})
        EXPECT_TRUE(contains(error.message(), part)) << error.message();
    EXPECT_EQ(must(stream.info()).parked, 2u);
    EXPECT_TRUE(stuck.ack(1));  // a cell comes free
    go_round(stream, fast, 1);
    EXPECT_TRUE(stuck.ack());
    go_round(stream, fast, 3);
}

TEST_F(Parking, without_a_table_stays_full_as_it_was) {
    Stream stream = create_with_group(parking_options(0));
    add(stream, 1);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    const Batch stuck = must(slow.read());
    for (std::uint64_t i = 1; i < slots; ++i) {
        add(stream, 1);
        must(must(fast.read()).ack());
    }
    const auto added = stream.add("one too many");
    EXPECT_EQ(code_of(added), Code::full);
    EXPECT_FALSE(contains(added.error().message(), "parking")) << added.error().message();
}

TEST_F(Parking, a_group_that_lags_is_waited_for) {
    Stream stream = create_with_group(parking_options());
    Consumer slow = must(stream.consumer("g", "slow"));
    while (stream.add("x")) continue;
    const Batch batch = must(slow.read(reading(20)));  // all of the front: not stuck, but at work
    EXPECT_EQ(code_of(stream.add("x")), Code::full);
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

TEST_F(Parking, each_group_parks_its_own) {
    Stream stream = create_with_group(parking_options());
    must(stream.create_group("h"));
    add(stream, 2);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer slow_too = must(stream.consumer("h", "slow"));
    Batch stuck = must(slow.read());
    Batch stuck_too = must(slow_too.read());
    Consumer fast = must(stream.consumer("g", "fast"));
    Consumer fast_too = must(stream.consumer("h", "fast"));
    for (std::uint64_t i = 0; i < 3 * slots; ++i) {
        add(stream, 1);
        must(must(fast.read()).ack());
        must(must(fast_too.read()).ack());
    }
    EXPECT_EQ(must(stream.info()).parked, 4u);
    EXPECT_TRUE(stuck.ack());
    EXPECT_EQ(must(stream.group("g")).parked, 0u);
    EXPECT_EQ(must(stream.group("h")).parked, 2u);
    EXPECT_EQ(number_of(stuck_too[1].payload()), 2u);
    EXPECT_TRUE(stuck_too.ack());
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

TEST_F(Parking, wakes_a_producer_that_waits_as_soon_as_the_group_went_past_the_stuck_entry) {
    Stream stream = create_with_group(parking_options());
    add(stream, 1);
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
    while (stream.add("x")) continue;
    Child producer([&](Link& link) {
        Stream own = must(Stream::open(path()));
        for (std::uint64_t i = 0; i < 2 * slots; ++i) must(own.add("y", waiting(forever)));
        link.send();
        return 0;
    });
    for (std::uint64_t read = 1; read < 3 * slots;) {
        Batch batch = must(fast.read(reading(3, forever)));
        read += batch.size();
        must(batch.ack());
    }
    EXPECT_TRUE(producer.receive());
    EXPECT_EQ(producer.wait(), 0);
    EXPECT_EQ(must(stream.info()).parked, 1u);
    EXPECT_TRUE(stuck.ack());
}

TEST_F(Parking, large_entries_in_chunks_of_their_own_are_kept_whole) {
    Stream stream = create_with_group();  // 16 chunks of 1 KiB, 16 slots
    must(stream.add(payload_of(1, 2800)));
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
    for (std::uint64_t i = 0; i < 200; ++i) {
        must(stream.add(payload_of(1000 + i, i % 9 == 0 ? 2000 : 400)));
        Batch batch = must(fast.read());
        ASSERT_EQ(number_of(batch[0].payload()), 1000 + i);
        must(batch.ack());
        ASSERT_EQ(number_of(stuck[0].payload()), 1u) << "after " << i;
    }
    EXPECT_EQ(must(stream.info()).parked, 1u);
    EXPECT_TRUE(stuck.ack());
}

TEST_F(Parking, out_of_chunks_is_full_and_names_a_parked_entry) {
    Stream stream = create_with_group();
    Consumer slow = must(stream.consumer("g", "slow"));
    Consumer fast = must(stream.consumer("g", "fast"));
    std::vector<Batch> stuck;
    Error error;
    for (std::uint64_t i = 0; i < 1'000 && error.code() == Code::ok; ++i) {  // every second one sticks
        if (const auto added = stream.add(payload_of(i, 900)); !added) {
            error = added.error();
        } else if (i % 2 == 0) {
            stuck.push_back(must(slow.read()));
        } else {
            must(must(fast.read()).ack());
        }
    }
    EXPECT_EQ(error.code(), Code::full);
    EXPECT_TRUE(contains(error.message(), "chunk")) << error.message();
    EXPECT_TRUE(contains(error.message(), "slow")) << error.message();
    for (Batch& batch : stuck) EXPECT_TRUE(batch.ack());
    for (std::uint64_t i = 0; i < 100; ++i) {
        must(stream.add(payload_of(i, 900)));
        must(must(fast.read()).ack());
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
