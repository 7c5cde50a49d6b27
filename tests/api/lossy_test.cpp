// Groups that do not hold the trim point: they are lapped, not waited for; copies, and every loss told.
#include <thread>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

using Ranges = std::vector<LostRange>;

GroupOptions lossy_options() {
    GroupOptions options;
    options.retention = Retention::lossy;
    return options;
}

Ranges lost_of(const Batch& batch) { return {batch.lost().begin(), batch.lost().end()}; }

/// A stream of 16 slots with the lossy group "g".
class Lossy : public StreamTest {
protected:
    Stream create_lossy() const {
        Stream stream = create();
        must(stream.create_group("g", Position::oldest(), lossy_options()));
        return stream;
    }
    /// All there is, acked; the losses that came with it.
    static std::vector<Sequence> drain(Consumer& consumer, Ranges& lost) {
        std::vector<Sequence> sequences;
        while (auto batch = consumer.read(reading(8))) {
            for (const LostRange& range : batch->lost()) lost.push_back(range);
            for (const Entry& entry : *batch) {
                EXPECT_EQ(number_of(entry.payload()), entry.sequence());
                sequences.push_back(entry.sequence());
            }
            EXPECT_TRUE(batch->ack());
        }
        return sequences;
    }
};

TEST_F(Lossy, keeps_up_and_loses_nothing) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    Ranges lost;
    for (std::uint64_t i = 1; i <= 100; i += 4) {
        add(stream, 4, i);
        EXPECT_EQ(drain(consumer, lost), from_to(i, i + 3));
    }
    EXPECT_TRUE(lost.empty());
    EXPECT_EQ(must(stream.group("g")).lost, 0u);
}

TEST_F(Lossy, holds_up_no_producer_and_is_told_exactly_what_it_lost) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    EXPECT_EQ(add(stream, 50), 50u);
    const GroupInfo info = must(stream.group("g"));
    EXPECT_EQ(info.lag, 16u);
    EXPECT_EQ(info.lost, 34u);
    Ranges lost;
    EXPECT_EQ(drain(consumer, lost), from_to(35, 50));
    EXPECT_EQ(lost, (Ranges{{1, 34}}));
    EXPECT_EQ(must(stream.group("g")).lost, 34u);
}

TEST_F(Lossy, tells_a_loss_once_however_many_consumers_it_has) {
    Stream stream = create_lossy();
    Consumer one = must(stream.consumer("g")), two = must(stream.consumer("g"));
    add(stream, 40);
    const Batch first = must(one.read(reading(2)));
    const Batch second = must(two.read(reading(2)));
    EXPECT_EQ(lost_of(first), (Ranges{{1, 24}}));
    EXPECT_TRUE(second.lost().empty());
    EXPECT_EQ(sequences_of(second.entries()), from_to(27, 28));
}

TEST_F(Lossy, beside_a_required_group_loses_nothing_before_that_is_through) {
    Stream stream = create_lossy();
    must(stream.create_group("needs"));
    add(stream, 16);
    EXPECT_EQ(code_of(stream.add("x")), Code::full);
    Consumer consumer = must(stream.consumer("needs"));
    must(must(consumer.read(reading(3))).ack());
    add(stream, 3, 17);
    Consumer lossy = must(stream.consumer("g"));
    EXPECT_EQ(lost_of(must(lossy.read())), (Ranges{{1, 3}}));
}

TEST_F(Lossy, shows_copies_that_stay_whatever_is_added) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 3);
    Batch batch = must(consumer.read());
    add(stream, 60, 4);
    for (const Entry& entry : batch) EXPECT_EQ(number_of(entry.payload()), entry.sequence());
    EXPECT_TRUE(batch.ack(1));
    EXPECT_EQ(code_of(batch.nack(2)), Code::trimmed);
    EXPECT_TRUE(batch.extend(3));
    EXPECT_TRUE(batch.ack());
    EXPECT_EQ(code_of(batch.ack(3)), Code::not_pending);
    EXPECT_EQ(must(stream.info()).pins, 0u);
}

TEST_F(Lossy, acks_what_was_overtaken_by_another_lap_in_the_group) {
    Stream stream = create_lossy();
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    add(stream, 2);
    Batch held = must(slow.read());
    Ranges lost;
    for (std::uint64_t i = 3; i <= 40; ++i) {
        add(stream, 1, i);
        drain(fast, lost);
    }
    EXPECT_TRUE(lost.empty()) << "what is held is not lost";
    EXPECT_TRUE(held.ack(1));
    EXPECT_EQ(code_of(held.nack(2)), Code::trimmed);
}

TEST_F(Lossy, still_fences_what_was_claimed_by_another) {
    Stream stream = create_lossy();
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    add(stream, 2);
    Batch held = must(slow.read());
    Batch claimed = must(fast.claim({}));
    EXPECT_EQ(sequences_of(claimed.entries()), from_to(1, 2));
    EXPECT_EQ(code_of(held.ack(1)), Code::fenced);
    EXPECT_EQ(must(stream.info()).pins, 0u);
    EXPECT_TRUE(claimed.ack());
}

TEST_F(Lossy, tells_what_was_given_back_and_lapped_before_it_was_delivered_again) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 4);
    {
        Batch batch = must(consumer.read());
        must(batch.ack(1));
        must(batch.nack(2));
        must(batch.nack(3, 10min));
        must(batch.ack(4));
    }
    add(stream, 20, 5);
    Ranges lost;
    EXPECT_EQ(drain(consumer, lost), from_to(9, 24));
    EXPECT_EQ(lost, (Ranges{{2, 3}, {5, 8}}));
}

TEST_F(Lossy, tells_what_it_held_and_released_too_late) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 3);
    Batch batch = must(consumer.read());
    must(batch.ack(2));
    add(stream, 16, 4);
    batch.close();
    Ranges lost;
    EXPECT_EQ(drain(consumer, lost), from_to(4, 19));
    EXPECT_EQ(lost, (Ranges{{1, 1}, {3, 3}}));
}

TEST_F(Lossy, tells_what_the_dead_held_and_others_overwrote) {
    Stream stream = create_lossy();
    add(stream, 1);
    Child holder = start_holder();
    add(stream, 20, 2);
    holder.kill();
    must(stream.recover());
    Consumer consumer = must(stream.consumer("g"));
    Ranges lost;
    EXPECT_EQ(drain(consumer, lost), from_to(6, 21));
    EXPECT_EQ(lost, (Ranges{{1, 5}}));
}

TEST_F(Lossy, hands_on_what_the_dead_held_while_it_is_kept) {
    Stream stream = create_lossy();
    add(stream, 1);
    Child holder = start_holder();
    holder.kill();
    must(stream.recover());
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    EXPECT_EQ(sequences_of(batch.entries()), from_to(1, 1));
    EXPECT_EQ(batch[0].deliveries(), 2u);
    EXPECT_TRUE(batch.lost().empty());
}

TEST_F(Lossy, is_not_held_up_by_an_operators_trim_and_tells_it_with_the_next_entry) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 10);
    EXPECT_EQ(must(stream.trim_keep(0)).first, 11u);
    EXPECT_EQ(code_of(consumer.read()), Code::empty);
    add(stream, 1, 11);
    const Batch batch = must(consumer.read());
    EXPECT_EQ(lost_of(batch), (Ranges{{1, 10}}));
    EXPECT_EQ(sequences_of(batch.entries()), from_to(11, 11));
}

TEST_F(Lossy, obeys_limits_of_bytes) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    for (std::uint64_t i = 1; i <= 4; ++i) must(stream.add(payload_of(i, 100)));
    ReadOptions options;
    options.max_bytes = 250;
    EXPECT_EQ(must(consumer.read(options)).size(), 2u);
}

TEST_F(Lossy, moved_begins_anew_and_owes_nothing) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 40);
    must(stream.move_group("g", Position::newest()));
    add(stream, 1, 41);
    const Batch batch = must(consumer.read());
    EXPECT_TRUE(batch.lost().empty());
    EXPECT_EQ(sequences_of(batch.entries()), from_to(41, 41));
    EXPECT_EQ(must(stream.group("g")).options.retention, Retention::lossy);
}

TEST_F(Lossy, dropped_with_a_batch_open_keeps_its_copies) {
    Stream stream = create_lossy();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 2);
    Batch batch = must(consumer.read());
    must(stream.drop_group("g"));
    EXPECT_EQ(must(stream.info()).pins, 0u);
    add(stream, 40, 3);
    for (const Entry& entry : batch) EXPECT_EQ(number_of(entry.payload()), entry.sequence());
    EXPECT_EQ(code_of(batch.ack()), Code::fenced);
}

TEST_F(Lossy, stopped_consumer_stops_nobody_and_goes_on_with_valid_copies_and_exact_losses) {
    Stream stream = create_lossy();
    must(stream.create_group("other", Position::oldest(), lossy_options()));
    add(stream, 5);
    Child reader([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g", "slow"));
        Batch held = must(consumer.read(reading(3)));
        link.send();
        require(link.receive());  // stopped in here
        for (const Entry& entry : held) require(number_of(entry.payload()) == entry.sequence());
        require(held.ack());
        Ranges lost;
        const std::vector<Sequence> read = drain(consumer, lost);
        for (const LostRange& range : lost)
            for (Sequence s = range.first; s <= range.last; ++s) link.send(s);
        link.send(0);
        for (const Sequence s : read) link.send(s);
        return 0;
    });
    ASSERT_TRUE(reader.receive());
    reader.stop();
    Consumer other = must(stream.consumer("other"));
    Ranges none;
    for (std::uint64_t i = 6; i <= 60; ++i) {
        add(stream, 1, i);
        drain(other, none);
    }
    EXPECT_TRUE(none.empty());
    reader.send();
    reader.resume();
    std::vector<Sequence> expected = from_to(4, 44);
    expected.push_back(0);
    for (const Sequence s : from_to(45, 60)) expected.push_back(s);
    EXPECT_EQ(reader.receive_all(), expected);
    EXPECT_EQ(reader.wait(), 0);
}

TEST_F(Lossy, outrun_by_producers_accounts_for_every_entry_once) {
    Stream stream = create_lossy();
    constexpr std::uint64_t count = 20'000;
    Child producer([&](Link&) {
        Stream own = must(Stream::open(path()));
        for (std::uint64_t i = 1; i <= count; ++i) must(own.add(payload_of(i, 40 + i % 200)));
        return 0;
    });
    Consumer consumer = must(stream.consumer("g"));
    std::vector<std::uint8_t> seen(count + 1);
    const auto note = [&](Sequence s) {
        ASSERT_LE(s, count);
        ASSERT_EQ(seen[s]++, 0) << s;
    };
    for (Sequence last = 0; last < count;) {  // a wait: ends with the last entry, which is always kept
        auto batch = consumer.read(reading(5, forever));
        ASSERT_TRUE(batch) << batch.error().message();
        for (const LostRange& range : batch->lost())
            for (Sequence s = range.first; s <= range.last; ++s) note(s);
        for (const Entry& entry : *batch) {
            ASSERT_EQ(number_of(entry.payload()), entry.sequence());
            note(entry.sequence());
            last = entry.sequence();
        }
        must(batch->ack());
    }
    EXPECT_EQ(producer.wait(), 0);
    for (Sequence s = 1; s <= count; ++s) ASSERT_EQ(seen[s], 1) << s;
}

TEST_F(Lossy, outrun_by_producers_gives_each_entry_to_one_of_two_consumers_or_tells_it) {
    Stream stream = create_lossy();
    constexpr std::uint64_t count = 20'000;
    constexpr std::uint64_t lost_mark = std::uint64_t{1} << 63;
    const auto consume = [&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        const auto read = [&](Duration wait) {
            auto batch = consumer.read(reading(5, wait));
            if (!batch) return;
            for (const LostRange& range : batch->lost())
                for (Sequence s = range.first; s <= range.last; ++s) link.send(s | lost_mark);
            for (const Entry& entry : *batch) {
                require(number_of(entry.payload()) == entry.sequence());
                link.send(entry.sequence());
            }
            must(batch->ack());
        };
        while (must(own.group("g")).next <= count) read(1ms);  // a wait: ends with the last entry
        link.send(0);
        static_cast<void>(link.receive());
        read(forever);  // what it alone knows to be lost
        return 0;
    };
    Child one(consume), two(consume);
    Child producer([&](Link&) {
        Stream own = must(Stream::open(path()));
        for (std::uint64_t i = 1; i <= count; ++i) must(own.add(payload_of(i, 40 + i % 200)));
        return 0;
    });
    std::vector<std::uint64_t> of_one, of_two;
    const auto until_end = [](const Child& child, std::vector<std::uint64_t>& numbers) {
        for (auto number = child.receive(); number && *number != 0; number = child.receive())
            numbers.push_back(*number);
    };
    std::thread second([&] { until_end(two, of_two); });
    until_end(one, of_one);
    second.join();
    EXPECT_EQ(producer.wait(), 0);
    for (const auto& [child, numbers] : {std::pair(&one, &of_one), std::pair(&two, &of_two)}) {
        must(stream.add(payload_of(must(stream.info()).next)));
        child->send();
        until_end(*child, *numbers);
        EXPECT_EQ(child->wait(), 0);
    }
    std::vector<unsigned> given(count + 3), told(count + 3);
    for (const auto* numbers : {&of_one, &of_two})
        for (const std::uint64_t number : *numbers)
            ++((number & lost_mark) == 0 ? given : told).at(number & ~lost_mark);
    for (Sequence s = 1; s <= count; ++s) {
        ASSERT_LE(given[s], 1u) << s;
        ASSERT_GE(given[s] + told[s], 1u) << s;
    }
}

TEST_F(Lossy, refuses_what_cannot_be_kept_with_losses) {
    Stream stream = create();
    GroupOptions options = lossy_options();
    options.behind = 1s;
    EXPECT_EQ(code_of(stream.create_group("a", Position::oldest(), options)), Code::bad_option);
    options = lossy_options();
    options.order = Order::strict;
    EXPECT_EQ(code_of(stream.create_group("a", Position::oldest(), options)), Code::bad_option);
    options = lossy_options();
    options.dead_letter = "elsewhere";
    EXPECT_EQ(code_of(stream.create_group("a", Position::oldest(), options)), Code::bad_option);
    options = lossy_options();
    options.retention = Retention::until;
    EXPECT_EQ(code_of(stream.create_group("a", Position::oldest(), options)), Code::bad_option);
    EXPECT_TRUE(must(stream.groups()).empty());
}

}  // namespace
}  // namespace shmq::test
