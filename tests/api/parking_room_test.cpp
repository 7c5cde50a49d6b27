// What parking makes room for, and what it does not: a full table, groups that lag, chunks that run out.
#include "api/parking.hpp"

namespace shmq::test {
namespace {

using ParkingRoom = ParkingTest;

TEST_F(ParkingRoom, a_single_entry_between_others_leaves_the_order_of_the_rest_alone) {
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

TEST_F(ParkingRoom, a_full_table_is_full_and_says_whose_entry_it_is) {
    auto [stream, slow, fast, stuck] = get_stuck(3, parking_options(2));
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

TEST_F(ParkingRoom, without_a_table_stays_full_as_it_was) {
    auto [stream, slow, fast, stuck] = get_stuck(1, parking_options(0));
    for (std::uint64_t i = 1; i < slots; ++i) {
        add(stream, 1);
        must(must(fast.read()).ack());
    }
    const auto added = stream.add("one too many");
    EXPECT_EQ(code_of(added), Code::full);
    EXPECT_FALSE(contains(added.error().message(), "parking")) << added.error().message();
}

TEST_F(ParkingRoom, a_group_that_lags_is_waited_for) {
    Stream stream = create_with_group(parking_options());
    Consumer slow = must(stream.consumer("g", "slow"));
    while (stream.add("x")) continue;
    const Batch batch = must(slow.read(reading(20)));  // all of the front: not stuck, but at work
    EXPECT_EQ(code_of(stream.add("x")), Code::full);
    EXPECT_EQ(must(stream.info()).parked, 0u);
}

TEST_F(ParkingRoom, each_group_parks_its_own) {
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

TEST_F(ParkingRoom, wakes_a_producer_that_waits_as_soon_as_the_group_went_past_the_stuck_entry) {
    auto [stream, slow, fast, stuck] = get_stuck(1);
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

TEST_F(ParkingRoom, large_entries_in_chunks_of_their_own_are_kept_whole) {
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

TEST_F(ParkingRoom, out_of_chunks_is_full_and_names_a_parked_entry) {
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

}  // namespace
}  // namespace shmq::test
