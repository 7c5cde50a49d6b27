// Adding: every size, keys, batches, times, what is answered when there is no room, and who holds it.
#include <ctime>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Add : public StreamTest {
protected:
    void expect_round_trip(Stream& stream, std::size_t size, const std::string& key = {}) {
        std::string payload(size, '\0');
        for (std::size_t i = 0; i < size; ++i) payload[i] = byte_of(size, i);
        AddOptions options;
        options.key = bytes_of(key);
        const auto sequence = stream.add(payload, options);
        ASSERT_TRUE(sequence) << size << ": " << sequence.error().message();
        const Copies copies = must(stream.range(*sequence, *sequence));
        ASSERT_EQ(copies.size(), 1u);
        EXPECT_EQ(copies[0].text(), payload) << size;
        EXPECT_EQ(text_of(copies[0].key()), key);
    }
};

TEST_F(Add, every_size_from_none_to_the_largest_comes_back_whole) {
    Stream stream = create();
    const std::size_t header = 32;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{31}, std::size_t{32}, std::size_t{33}, 1024 - header - 1,
          1024 - header, 1024 - header + 1, std::size_t{1023}, std::size_t{1024}, std::size_t{2000}, 2048 - header,
          2048 - header + 1, std::size_t{2999}, std::size_t{3000}})
        expect_round_trip(stream, size);
    for (std::size_t size = 0; size <= 3000; ++size) expect_round_trip(stream, size);
}

TEST_F(Add, larger_than_the_largest_is_refused_with_both_numbers) {
    Stream stream = create();
    const auto refused = stream.add(std::string(3001, 'x'));
    ASSERT_EQ(code_of(refused), Code::too_large);
    EXPECT_EQ(refused.error().number(), 3001u);
    EXPECT_TRUE(contains(refused.error().message(), "3001") && contains(refused.error().message(), "3000"));
    EXPECT_EQ(must(stream.info()).next, 1u);
}

TEST_F(Add, a_key_of_any_size_up_to_1024_bytes_is_stored) {
    Stream stream = create();
    for (const std::size_t size : {1u, 15u, 16u, 17u, 500u, 1024u}) {
        expect_round_trip(stream, 100, std::string(size, 'k'));
        expect_round_trip(stream, 0, std::string(size, 'k'));
    }
    AddOptions options;
    const std::string key(1025, 'k');
    options.key = bytes_of(key);
    EXPECT_EQ(code_of(stream.add("x", options)), Code::too_large);
}

TEST_F(Add, a_batch_keeps_its_order_and_ends_where_the_room_ends) {
    Stream stream = create_with_group();
    std::vector<std::string> texts;
    for (int i = 0; i < 20; ++i) texts.push_back("entry " + std::to_string(i));
    std::vector<Bytes> payloads;
    for (const std::string& text : texts) payloads.push_back(bytes_of(text));
    const AddedBatch added = must(stream.add(std::span<const Bytes>(payloads)));
    EXPECT_EQ(added.first, 1u);
    EXPECT_EQ(added.last, 16u);
    EXPECT_EQ(added.count, 16u);
    EXPECT_EQ(texts_of(must(stream.range(1, 16)).entries()),
              std::vector<std::string>(texts.begin(), texts.begin() + 16));
    EXPECT_EQ(code_of(stream.add(std::span<const Bytes>(payloads))), Code::full);
    EXPECT_EQ(must(stream.add(std::span<const Bytes>{})).count, 0u);
}

TEST_F(Add, full_names_group_consumer_and_sequence_that_hold_the_room) {
    Stream stream = create_with_group();
    add(stream, 16);
    auto full = stream.add("x");
    ASSERT_EQ(code_of(full), Code::full);
    EXPECT_TRUE(contains(full.error().message(), "group g") && contains(full.error().message(), "1"))
        << full.error().message();
    Consumer consumer = must(stream.consumer("g", "holder"));
    Batch batch = must(consumer.read(reading(5)));
    must(batch.ack(1));
    must(batch.ack(2));
    EXPECT_EQ(must(stream.add("x")), 17u);
    EXPECT_EQ(must(stream.add("x")), 18u);
    full = stream.add("x");
    ASSERT_EQ(code_of(full), Code::full);
    const std::string text = full.error().message();
    EXPECT_TRUE(contains(text, "group g") && contains(text, "holder") && contains(text, "entry 3")) << text;
}

TEST_F(Add, full_for_want_of_a_chunk_names_the_holder_too) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g", "holder"));
    Result<Sequence> added = Code::ok;
    do added = stream.add(std::string(2900, 'x'));
    while (added);
    const Batch batch = must(consumer.read());
    added = stream.add(std::string(2900, 'x'));
    ASSERT_EQ(code_of(added), Code::full);
    const std::string text = added.error().message();
    EXPECT_TRUE(contains(text, "chunk") && contains(text, "group g") && contains(text, "holder") &&
                contains(text, "entry 1"))
        << text;
}

TEST_F(Add, waiting_for_room_lasts_as_long_as_asked_and_adds_nothing) {
    Stream stream = create_with_group();
    add(stream, 16);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(code_of(stream.add("x", waiting(120ms))), Code::full);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 120ms);
    EXPECT_EQ(must(stream.info()).next, 17u);
}

TEST_F(Add, without_groups_the_oldest_are_overwritten_and_the_last_slots_are_readable) {
    Stream stream = create();
    for (std::uint64_t i = 1; i <= 100; ++i) {
        ASSERT_EQ(must(stream.add(payload_of(i))), i);
        const Copies copies = must(stream.range(1, 200));
        ASSERT_EQ(copies.size(), std::min<std::uint64_t>(i, 16));
        ASSERT_EQ(number_of(copies[0].payload()), copies[0].sequence());
    }
    EXPECT_EQ(sequences_of(must(stream.range(1, 200)).entries()), from_to(85, 100));
}

TEST_F(Add, time_stamps_are_none_coarse_or_precise) {
    const auto now_ns = [] {
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
    };
    for (const TimeStamps time : {TimeStamps::off, TimeStamps::coarse, TimeStamps::precise}) {
        StreamOptions options = small_options();
        options.time = time;
        Stream stream = must(Stream::create(path("t" + std::to_string(static_cast<int>(time))), options));
        const std::uint64_t tick = time == TimeStamps::coarse ? 10'000'000 : 0;
        const std::uint64_t before = now_ns();
        must(stream.add("x"));
        const std::uint64_t after = now_ns();
        const std::uint64_t stamp = must(stream.range(1, 1))[0].time_ns();
        if (time == TimeStamps::off) {
            EXPECT_EQ(stamp, 0u);
        } else {
            EXPECT_GE(stamp + tick, before);
            EXPECT_LE(stamp, after);
        }
    }
}

TEST_F(Add, each_new_handle_goes_on_in_the_same_dense_order) {
    const Stream first = create();
    for (std::uint64_t i = 1; i <= 40; ++i) {
        Stream stream = open();
        ASSERT_EQ(must(stream.add(payload_of(i))), i);
    }
}

}  // namespace
}  // namespace shmq::test
