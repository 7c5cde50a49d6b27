// One wait over many: order, common limits, and what each source gives.
#include "api/many_streams.hpp"

namespace shmq::test {
namespace {

TEST_F(WaitMany, reads_the_highest_priority_first_and_all_that_have_something) {
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    EXPECT_EQ(waiter.add(consumers[0]), 0u);
    EXPECT_EQ(waiter.add(consumers[1], 5), 1u);
    EXPECT_EQ(waiter.add(consumers[2], -5), 2u);
    EXPECT_EQ(waiter.size(), 3u);
    EXPECT_EQ(letters(waiter.wait()), "empty");
    for (Stream& stream : streams_) add(stream, 2);
    const auto deliveries = waiter.wait();
    EXPECT_EQ(letters(deliveries), "bbaacc");
    for (const Delivery& delivery : *deliveries) EXPECT_EQ(sequences_of(delivery.entries()), from_to(1, 2));
    ack(deliveries);
    EXPECT_EQ(letters(waiter.wait()), "empty");
}

TEST_F(WaitMany, a_source_of_low_priority_waits_until_the_limits_leave_room) {
    make_three(medium_options());
    auto consumers = join_all();
    Waiter waiter;
    waiter.add(consumers[0], 1);
    waiter.add(consumers[1], 0);
    add(streams_[1], 3);
    for (int turn = 0; turn < 5; ++turn) {
        add(streams_[0], 4);
        auto deliveries = waiter.wait(up_to(4));
        EXPECT_EQ(letters(deliveries), "aaaa") << "starved, as documented";
        ack(deliveries);
    }
    add(streams_[0], 2);
    EXPECT_EQ(letters(waiter.wait(up_to(4))), "aabb");
}

TEST_F(WaitMany, among_equals_nobody_starves) {
    make_three(medium_options());
    auto consumers = join_all();
    Waiter waiter;
    for (Consumer& consumer : consumers) waiter.add(consumer);
    for (Stream& stream : streams_) add(stream, 20);
    std::string order;
    for (int turn = 0; turn < 6; ++turn) {
        auto deliveries = waiter.wait(up_to(2));
        order += letters(deliveries);
        ack(deliveries);
    }
    EXPECT_EQ(order, "aabbccaabbcc");
}

TEST_F(WaitMany, max_entries_is_common_and_exact) {
    make_three();
    auto consumers = join_all();
    Reader reader = must(streams_[2].reader());
    Waiter waiter;
    waiter.add(consumers[0], 3);
    waiter.add(consumers[1], 2);
    waiter.add(reader, 1);
    for (Stream& stream : streams_) add(stream, 3);
    EXPECT_EQ(letters(waiter.wait(up_to(7))), "aaabbbc");
    EXPECT_EQ(letters(waiter.wait(up_to(5))), "aaabb") << "what was not acked came back";
    ack(waiter.wait(up_to(6)));
    EXPECT_EQ(letters(waiter.wait(up_to(1))), "c");
    EXPECT_EQ(letters(waiter.wait(up_to(4'096))), "c");
    EXPECT_EQ(reader.position(), 4u);
    EXPECT_EQ(code_of(waiter.wait(up_to(0))), Code::bad_option);
    EXPECT_EQ(code_of(waiter.wait(up_to(4'097))), Code::bad_option);
}

TEST_F(WaitMany, max_bytes_is_common_and_exceeded_by_less_than_one_entry) {
    make_three();
    auto consumers = join_all();
    Reader reader = must(streams_[2].reader());
    Waiter waiter;
    waiter.add(consumers[0], 3);
    waiter.add(consumers[1], 2);
    waiter.add(reader, 1);
    for (Stream& stream : streams_)
        for (int i = 0; i < 3; ++i) must(stream.add(payload_of(1, 100)));
    WaitOptions options = up_to(64);
    for (const auto& [bytes, expected] : std::vector<std::pair<std::size_t, std::string>>{
             {0, "a"}, {1, "a"}, {100, "a"}, {250, "aab"}, {300, "aaa"}, {301, "aaab"}, {600, "aaabbb"}}) {
        options.max_bytes = bytes;
        EXPECT_EQ(letters(waiter.wait(options)), expected) << bytes << " bytes";
    }
    options.max_bytes = 750;
    EXPECT_EQ(letters(waiter.wait(options)), "aaabbbc") << "the second of the reader would go beyond";
    options.max_bytes = 850;
    EXPECT_EQ(letters(waiter.wait(options)), "aaabbbcc");
}

TEST_F(WaitMany, a_batch_may_be_moved_away_and_what_stays_goes_back_at_the_next_wait) {
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    waiter.add(consumers[0], 1);
    waiter.add(consumers[1]);
    add(streams_[0], 1);
    add(streams_[1], 1);
    auto deliveries = must(waiter.wait());
    ASSERT_EQ(deliveries.size(), 2u);
    Batch kept = std::move(deliveries[0].batch());
    EXPECT_EQ(deliveries[0].size(), 0u);
    auto again = must(waiter.wait());
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].source(), 1u);
    EXPECT_TRUE(again[0][0].taken_over());
    EXPECT_EQ(must(streams_[0].group("g")).pending, 1u);
    must(kept.ack());
    must(again[0].batch().ack());
}

TEST_F(WaitMany, readers_get_their_own_copies_and_count_what_they_missed) {
    make_three();
    Stream loose = must(Stream::create(path("loose"), small_options()));
    Reader first = must(loose.reader());
    Reader second = must(loose.reader(Position::newest()));
    Waiter waiter;
    waiter.add(first, 1);
    waiter.add(second);
    add(loose, 3);
    const auto deliveries = must(waiter.wait());
    ASSERT_EQ(deliveries.size(), 2u);
    for (const Delivery& delivery : deliveries)
        for (const Entry& entry : delivery) EXPECT_EQ(number_of(entry.payload()), entry.sequence());
    EXPECT_EQ(sequences_of(deliveries[0].entries()), from_to(1, 3));
    EXPECT_EQ(sequences_of(deliveries[1].entries()), from_to(1, 3));
    add(loose, 40, 4);
    EXPECT_EQ(must(waiter.wait()).size(), 2u);
    EXPECT_EQ(first.lapped(), 40u - 16);
    EXPECT_EQ(first.position(), 44u);
}

TEST_F(WaitMany, a_reader_at_the_end_of_its_range_says_so_and_keeps_no_wait_asleep) {
    make_three();
    add(streams_[0], 5);
    Reader range = must(streams_[0].reader(Position::at(2), Position::at(3)));
    Waiter waiter;
    waiter.add(range);
    EXPECT_EQ(letters(waiter.wait()), "aa");
    const auto deliveries = must(waiter.wait(up_to(64, forever)));
    EXPECT_EQ(letters(deliveries), "A");
    EXPECT_EQ(deliveries[0].error().code(), Code::empty);
}

TEST_F(WaitMany, errors_of_one_source_come_each_time_and_stop_no_other) {
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    Consumer none;
    const std::uint32_t closed = waiter.add(none, 9);
    for (Consumer& consumer : consumers) waiter.add(consumer);
    must(streams_[0].drop_group("g"));
    must(Stream::remove(path("b")));
    for (int turn = 0; turn < 2; ++turn) {
        add(streams_[2], 1);
        auto deliveries = must(waiter.wait(up_to(64, forever)));
        EXPECT_EQ(letters(deliveries), "ABCd");
        EXPECT_EQ(deliveries[0].error().code(), Code::closed);
        EXPECT_EQ(deliveries[1].error().code(), Code::no_group);
        EXPECT_EQ(deliveries[2].error().code(), Code::removed);
        must(deliveries[3].batch().ack());
    }
    EXPECT_TRUE(waiter.remove(closed));
    EXPECT_FALSE(waiter.remove(closed));
    EXPECT_TRUE(waiter.remove(1));
    EXPECT_TRUE(waiter.remove(2));
    EXPECT_EQ(letters(waiter.wait()), "empty");
    EXPECT_TRUE(waiter.remove(3));
    EXPECT_EQ(code_of(waiter.wait()), Code::bad_option);
    EXPECT_EQ(waiter.add(consumers[2]), 4u) << "numbers are not used again";
}

TEST_F(WaitMany, a_source_taken_out_keeps_what_it_gave_and_its_consumer_may_end) {
    make_three();
    auto consumers = join_all();
    Reader reader = must(streams_[1].reader());
    Waiter waiter;
    waiter.add(consumers[0], 1);
    waiter.add(reader);
    waiter.add(consumers[2]);
    add(streams_[0], 1);
    add(streams_[1], 1);
    auto deliveries = must(waiter.wait());
    waiter.remove(0);
    waiter.remove(1);
    EXPECT_EQ(number_of(deliveries[1][0].payload()), 1u);
    EXPECT_EQ(number_of(deliveries[0][0].payload()), 1u);
    must(deliveries[0].batch().ack());
    reader = Reader();
    consumers[0] = Consumer();
    EXPECT_EQ(letters(waiter.wait()), "empty");
}

TEST_F(WaitMany, a_moved_group_is_joined_anew) {
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    waiter.add(consumers[0]);
    waiter.add(consumers[1]);
    EXPECT_EQ(letters(waiter.wait()), "empty");
    add(streams_[1], 1);
    must(streams_[0].move_group("g", Position::oldest()));
    add(streams_[0], 1);
    EXPECT_EQ(letters(waiter.wait()), "ab");
}

TEST_F(WaitMany, in_a_forked_child_every_source_answers_forked) {
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    for (Consumer& consumer : consumers) waiter.add(consumer);
    EXPECT_EQ(letters(waiter.wait()), "empty");
    EXPECT_EQ(in_child([&] {
                  const auto deliveries = must(waiter.wait(up_to(1, forever)));
                  for (const Delivery& delivery : deliveries) require(delivery.error() == Code::forked);
                  return static_cast<int>(deliveries.size());
              }),
              3);
    add(streams_[0], 1);
    EXPECT_EQ(letters(waiter.wait()), "a");
}

TEST_F(WaitMany, takes_over_what_is_idle_when_told_to) {
    make_three();
    auto consumers = join_all();
    Consumer stuck = must(streams_[0].consumer("g", "stuck"));
    add(streams_[0], 2);
    const Batch held = must(stuck.read());
    Waiter waiter;
    waiter.add(consumers[0]);
    EXPECT_EQ(letters(waiter.wait()), "empty");
    WaitOptions options = up_to(8);
    options.claim_idle = Duration{0};
    EXPECT_EQ(letters(waiter.wait(options)), "aa");
}

}  // namespace
}  // namespace shmq::test
