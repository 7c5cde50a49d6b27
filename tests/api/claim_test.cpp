// Taking over entries of others: by idle time, by an operator, after a death; what the former owner is told, and what
// its views still show.
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Claim : public StreamTest {
protected:
    static ClaimOptions idle_for(Duration idle) {
        ClaimOptions options;
        options.idle = idle;
        return options;
    }
    /// Lets time pass until `count` entries of "g" have been idle for so long.
    static void let_idle(const Stream& stream, std::size_t count, Duration idle) {
        PendingFilter filter;
        filter.idle = idle;
        while (must(stream.pending_entries("g", filter)).size() < count) ::usleep(1000);
    }
};

TEST_F(Claim, takes_what_was_idle_so_long_and_fences_the_former_owner) {
    Stream stream = create_with_group();
    add(stream, 4);
    Consumer former = must(stream.consumer("g", "former"));
    Consumer taker = must(stream.consumer("g", "taker"));
    Batch held = must(former.read(reading(3)));
    EXPECT_EQ(code_of(taker.claim(idle_for(10s))), Code::empty);
    let_idle(stream, 3, 40ms);
    Batch claimed = must(taker.claim(idle_for(40ms)));
    EXPECT_EQ(sequences_of(claimed.entries()), from_to(1, 3));
    EXPECT_EQ(claimed[0].deliveries(), 2u);
    EXPECT_TRUE(claimed[0].taken_over());
    EXPECT_EQ(code_of(held.ack(1)), Code::fenced);
    EXPECT_EQ(code_of(held.nack(2)), Code::fenced);
    const auto all = held.ack();
    EXPECT_EQ(code_of(all), Code::fenced);
    EXPECT_EQ(all.error().number(), 3u);
    EXPECT_TRUE(claimed.ack());
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
}

TEST_F(Claim, of_an_operator_hands_what_the_living_hold_to_retry_and_keeps_nothing_itself) {
    Stream stream = create_with_group();
    add(stream, 4);
    Consumer former = must(stream.consumer("g", "former"));
    Batch held = must(former.read(reading(3)));
    EXPECT_EQ(must(stream.claim("g", idle_for(10s))), 0u);
    let_idle(stream, 3, 40ms);
    ClaimOptions two = idle_for(40ms);
    two.max_entries = 2;
    EXPECT_EQ(must(stream.claim("g", two)), 2u);
    const GroupInfo group = must(stream.group("g"));
    EXPECT_EQ(group.retry, 2u);
    EXPECT_EQ(group.pending, 1u);
    EXPECT_EQ(group.consumers, 1u) << "nobody joined for it";
    EXPECT_EQ(number_of(held[0].payload()), 1u) << "what it looks at stays";
    EXPECT_EQ(code_of(held.ack(1)), Code::fenced);
    EXPECT_TRUE(held.ack(3));
    EXPECT_EQ(code_of(stream.claim("nobody", two)), Code::no_group);
}

TEST_F(Claim, folded_into_a_read_gives_stale_ones_first) {
    Stream stream = create_with_group();
    add(stream, 6);
    Consumer former = must(stream.consumer("g", "former"));
    Consumer taker = must(stream.consumer("g", "taker"));
    const Batch held = must(former.read(reading(2)));
    let_idle(stream, 2, 40ms);
    ReadOptions options;
    options.claim_idle = 40ms;
    const Batch batch = must(taker.read(options));
    EXPECT_EQ(sequences_of(batch.entries()), from_to(1, 6));
    EXPECT_TRUE(batch[1].taken_over());
    EXPECT_FALSE(batch[2].taken_over());
}

TEST_F(Claim, folded_into_a_read_gives_what_waits_for_retry_before_new_ones) {
    Stream stream = create_with_group();
    add(stream, 6);
    Consumer former = must(stream.consumer("g", "former"));
    Consumer taker = must(stream.consumer("g", "taker"));
    Batch held = must(former.read(reading(3)));
    must(held.nack(2));
    must(held.ack(3));
    let_idle(stream, 1, 40ms);
    ReadOptions options = reading(3);
    options.claim_idle = 40ms;
    const Batch batch = must(taker.read(options));
    EXPECT_EQ(sequences_of(batch.entries()), (std::vector<Sequence>{1, 2, 4}));
}

TEST_F(Claim, views_of_the_former_owner_show_the_same_bytes_while_the_ring_laps) {
    Stream stream = create_with_group();
    for (std::uint64_t i = 1; i <= 4; ++i) must(stream.add(payload_of(i, i == 3 ? 2500 : 300)));
    Consumer former = must(stream.consumer("g", "former"));
    Consumer taker = must(stream.consumer("g", "taker"));
    Batch held = must(former.read());
    must(must(taker.claim(ClaimOptions{})).ack());
    EXPECT_GT(must(stream.info()).pins, 0u);
    for (std::uint64_t i = 0; i < 200; ++i) {
        must(stream.add(payload_of(1000 + i, i % 9 == 0 ? 2000 : 400)));
        must(must(taker.read()).ack());
        for (std::size_t k = 0; k < held.size(); ++k) ASSERT_EQ(number_of(held[k].payload()), k + 1) << "after " << i;
    }
    EXPECT_EQ(code_of(held.ack()), Code::fenced);
    held.close();
    EXPECT_EQ(must(stream.info()).pins, 0u);
}

TEST_F(Claim, from_itself_hands_over_to_the_new_batch) {
    Stream stream = create_with_group();
    add(stream, 2);
    Consumer consumer = must(stream.consumer("g", "c"));
    Batch first = must(consumer.read());
    Batch second = must(consumer.claim(ClaimOptions{}));
    EXPECT_EQ(second.size(), 2u);
    EXPECT_EQ(code_of(first.ack(1)), Code::fenced);
    EXPECT_TRUE(consumer.ack(1));
    EXPECT_TRUE(second.ack(2));
}

TEST_F(Claim, many_takers_of_one_entry_end_with_one_owner) {
    Stream stream = create_with_group();
    add(stream, 16);
    Consumer holder = must(stream.consumer("g", "holder"));
    const Batch held = must(holder.read());
    std::vector<Child> children;
    for (int i = 0; i < 3; ++i)
        children.emplace_back([&](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer taker = must(own.consumer("g"));
            link.send();
            static_cast<void>(link.receive());
            for (int turn = 0; turn < 200; ++turn) {
                auto batch = taker.claim(ClaimOptions{});
                if (!batch) break;
                for (const Entry& entry : *batch) {
                    require(number_of(entry.payload()) == entry.sequence());
                    if (turn > 100 && batch->ack(entry.sequence())) link.send(entry.sequence());
                }
            }
            return 0;
        });
    for (const Child& child : children) ASSERT_TRUE(child.receive());
    for (const Child& child : children) child.send();
    std::vector<Sequence> acked;
    for (Child& child : children) {
        const auto all = child.receive_all();
        acked.insert(acked.end(), all.begin(), all.end());
        EXPECT_EQ(child.wait(), 0);
    }
    must(stream.recover());
    Consumer last = must(stream.consumer("g", "last"));
    while (auto batch = last.read()) {
        for (const Entry& entry : *batch) acked.push_back(entry.sequence());
        must(batch->ack());
    }
    while (auto batch = last.claim(ClaimOptions{})) {
        for (const Entry& entry : *batch) acked.push_back(entry.sequence());
        must(batch->ack());
    }
    std::sort(acked.begin(), acked.end());
    EXPECT_EQ(acked, from_to(1, 16));
}

TEST_F(Claim, an_operator_acks_and_nacks_whoever_holds_the_entry) {
    Stream stream = create_with_group();
    add(stream, 4);
    Consumer consumer = must(stream.consumer("g", "c"));
    Batch held = must(consumer.read(reading(3)));
    EXPECT_TRUE(stream.ack("g", 1));
    EXPECT_EQ(code_of(stream.ack("g", 1)), Code::not_pending);
    EXPECT_EQ(code_of(stream.ack("g", 4)), Code::not_pending) << "never delivered";
    EXPECT_EQ(code_of(stream.ack("g", 0)), Code::out_of_range);
    EXPECT_EQ(code_of(stream.ack("g", 5)), Code::out_of_range);
    EXPECT_EQ(code_of(stream.ack("none", 1)), Code::no_group);
    EXPECT_TRUE(stream.nack("g", 2));
    EXPECT_EQ(code_of(held.ack(1)), Code::not_pending);
    EXPECT_EQ(code_of(held.ack(2)), Code::fenced);
    EXPECT_TRUE(held.ack(3));
    EXPECT_EQ(number_of(held[0].payload()), 1u);
    EXPECT_TRUE(stream.ack("g", 2)) << "of an entry that waits for retry";
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
}

TEST_F(Claim, pending_tells_summary_and_detail_with_filters) {
    Stream stream = create_with_group();
    add(stream, 10);
    Consumer a = must(stream.consumer("g", "a"));
    Consumer anonymous = must(stream.consumer("g"));
    Batch first = must(a.read(reading(4)));
    const Batch second = must(anonymous.read(reading(3)));
    must(first.nack(2));
    must(first.ack(1));
    const PendingSummary summary = must(stream.pending("g"));
    EXPECT_EQ(summary.count, 6u);
    EXPECT_EQ(summary.lowest, 2u);
    EXPECT_EQ(summary.highest, 7u);
    EXPECT_EQ(summary.lag, 3u);
    ASSERT_EQ(summary.consumers.size(), 2u);
    EXPECT_EQ(summary.consumers[0].name, "a");
    EXPECT_EQ(summary.consumers[0].count, 2u);
    EXPECT_EQ(summary.consumers[0].owner, Owner::alive);
    EXPECT_TRUE(summary.consumers[1].name.starts_with("#"));
    const auto all = must(stream.pending_entries("g"));
    ASSERT_EQ(all.size(), 6u);
    EXPECT_TRUE(all[0].retry);
    EXPECT_FALSE(all[0].consumer);
    EXPECT_EQ(all[1].consumer, "a");
    EXPECT_EQ(all[1].owner, Owner::alive);
    EXPECT_EQ(all[1].deliveries, 1u);
    PendingFilter filter;
    filter.consumer = "a";
    EXPECT_EQ(must(stream.pending_entries("g", filter)).size(), 2u);
    filter = {};
    filter.from = 4;
    filter.to = 6;
    EXPECT_EQ(must(stream.pending_entries("g", filter)).size(), 3u);
    filter.max_entries = 1;
    EXPECT_EQ(must(stream.pending_entries("g", filter))[0].sequence, 4u);
    filter = {};
    filter.idle = 10s;
    EXPECT_TRUE(must(stream.pending_entries("g", filter)).empty());
}

TEST_F(Claim, lag_is_exact_at_every_step) {
    Stream stream = create_with_group(medium_options(64));
    Consumer consumer = must(stream.consumer("g"));
    std::uint64_t lag = 0;
    for (std::uint64_t i = 0; i < 300; ++i) {
        for (std::uint64_t k = 0; k < i % 5; ++k, ++lag) must(stream.add("x"));
        ASSERT_EQ(must(stream.group("g")).lag, lag);
        ASSERT_EQ(must(stream.pending("g")).lag, lag);
        if (auto batch = consumer.read(reading(1 + i % 4))) {
            lag -= batch->size();
            ASSERT_EQ(must(stream.group("g")).pending, batch->size());
            must(batch->ack());
        }
        ASSERT_EQ(must(stream.group("g")).lag, lag);
    }
}

}  // namespace
}  // namespace shmq::test
