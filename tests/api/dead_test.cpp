// Entries that failed as often as their group allows: pending, counted, delivered no more until somebody decides.
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Dead : public StreamTest {
protected:
    [[nodiscard]] Stream create_limited(std::uint32_t limit) const {
        StreamOptions without_parking = small_options();
        without_parking.parking = 0;
        Stream stream = create(without_parking);
        GroupOptions options;
        options.delivery_limit = limit;
        must(stream.create_group("g", Position::oldest(), options));
        return stream;
    }
    static std::vector<Sequence> dead_of(const Stream& stream) {
        std::vector<Sequence> dead;
        for (const PendingEntry& entry : must(stream.dead("g"))) dead.push_back(entry.sequence);
        return dead;
    }
    /// A process that reads one entry and is killed; the death is recovered from.
    void die_holding_one(Stream& stream) const {
        Child holder([&](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g"));
            const Batch batch = must(consumer.read(reading(1)));
            link.send();
            static_cast<void>(link.receive());
            return 0;
        });
        ASSERT_TRUE(holder.receive());
        holder.kill();
        must(stream.recover());
    }
};

TEST_F(Dead, is_what_failed_and_died_as_often_as_the_limit) {
    Stream stream = create_limited(3);
    add(stream, 2);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read(reading(1))).nack());
    die_holding_one(stream);
    EXPECT_TRUE(dead_of(stream).empty());
    Batch third = must(consumer.read(reading(1)));
    EXPECT_EQ(third[0].deliveries(), 3u);
    must(third.nack(5s));
    const auto dead = must(stream.dead("g"));
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].sequence, 1u);
    EXPECT_TRUE(dead[0].dead);
    EXPECT_FALSE(dead[0].retry || dead[0].delayed || dead[0].exhausted);
    EXPECT_EQ(dead[0].failures, 2u);
    EXPECT_EQ(dead[0].deaths, 1u);
    EXPECT_EQ(must(stream.group("g")).dead, 1u);
    EXPECT_EQ(must(stream.pending("g")).count, 1u);
    EXPECT_EQ(must(consumer.read())[0].sequence(), 2u) << "the dead one is not delivered";
}

TEST_F(Dead, by_deaths_alone_ends_a_chain_of_crashes) {
    Stream stream = create_limited(2);
    add(stream, 1);
    die_holding_one(stream);
    die_holding_one(stream);
    EXPECT_EQ(dead_of(stream), (std::vector<Sequence>{1}));
    EXPECT_EQ(must(stream.dead("g"))[0].deaths, 2u);
    Consumer consumer = must(stream.consumer("g"));
    EXPECT_EQ(code_of(consumer.read()), Code::empty);
}

TEST_F(Dead, by_a_claim_fences_the_holder_whose_view_stays_readable) {
    Stream stream = create_limited(1);
    must(stream.add(payload_of(7, 300)));
    Consumer holder = must(stream.consumer("g", "holder"));
    Consumer taker = must(stream.consumer("g", "taker"));
    Batch held = must(holder.read());
    EXPECT_EQ(code_of(taker.claim(ClaimOptions{})), Code::empty);
    EXPECT_EQ(dead_of(stream), (std::vector<Sequence>{1}));
    must(stream.drop_dead("g", 1));
    for (std::uint64_t i = 0; i < 60; ++i) {
        must(stream.add(payload_of(i, 300)));
        must(must(taker.read()).ack());
    }
    EXPECT_EQ(number_of(held[0].payload()), 7u);
    EXPECT_EQ(code_of(held.ack(1)), Code::fenced);
}

TEST_F(Dead, is_not_what_was_given_back_in_good_order) {
    Stream stream = create_limited(1);
    add(stream, 1);
    Consumer consumer = must(stream.consumer("g"));
    for (int i = 0; i < 5; ++i) must(consumer.read()).close();
    EXPECT_TRUE(dead_of(stream).empty());
    EXPECT_EQ(must(consumer.read())[0].deliveries(), 1u);
}

TEST_F(Dead, requeued_is_delivered_again_with_its_counts_begun_anew) {
    Stream stream = create_limited(2);
    add(stream, 2);
    Consumer consumer = must(stream.consumer("g"));
    for (int i = 0; i < 2; ++i) must(must(consumer.read()).nack());
    EXPECT_EQ(dead_of(stream), from_to(1, 2));
    must(stream.requeue_dead("g", 2));
    Batch again = must(consumer.read());
    EXPECT_EQ(sequences_of(again.entries()), (std::vector<Sequence>{2}));
    EXPECT_EQ(again[0].deliveries(), 1u);
    must(again.nack());
    again = must(consumer.read());
    EXPECT_EQ(again[0].deliveries(), 2u) << "not dead before the limit is reached again";
    must(again.nack());
    EXPECT_EQ(dead_of(stream), from_to(1, 2));
    EXPECT_EQ(must(stream.requeue_dead("g")), 2u);
    must(must(consumer.read()).ack());
    EXPECT_EQ(must(stream.requeue_dead("g")), 0u);
}

TEST_F(Dead, holds_its_room_until_it_is_dropped) {
    Stream stream = create_limited(1);
    add(stream, 16);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    must(batch.nack(1));
    must(batch.nack(2));
    for (Sequence s = 3; s <= 16; ++s) must(batch.ack(s));
    EXPECT_EQ(code_of(stream.add("x")), Code::full);
    EXPECT_EQ(must(stream.drop_dead("g")), 2u);
    EXPECT_TRUE(stream.add("x"));
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
}

TEST_F(Dead, words_about_what_is_not_dead_are_refused) {
    Stream stream = create_limited(2);
    add(stream, 2);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read(reading(1))).nack());
    for (const Sequence sequence : {1u, 2u}) {
        EXPECT_EQ(code_of(stream.requeue_dead("g", sequence)), Code::not_pending);
        EXPECT_EQ(code_of(stream.drop_dead("g", sequence)), Code::not_pending);
    }
    EXPECT_EQ(code_of(stream.drop_dead("g", 3)), Code::out_of_range);
    EXPECT_EQ(code_of(stream.dead("h")), Code::no_group);
    EXPECT_EQ(must(consumer.read()).size(), 2u);
}

}  // namespace
}  // namespace shmq::test
