// Counters that are not sequences, begun just below their ends: incarnations of attachments and groups, versions,
// generations, hand-over numbers of turns, words that sleepers wait on. Each is forged there while nobody is inside,
// and goes over its end in ordinary use.
#include "api/core.hpp"
#include "support/asleep.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Wrap : public StreamTest {
protected:
    /// Changes words of the segment while no other handle is open.
    void forge(const std::function<void(const Segment&)>& change) const {
        const auto core = must(detail::StreamCore::open(path(), {}));
        change(core->segment());
    }
    /// A consumer that holds entries dies; they are handed on, and everything goes on for some laps.
    void survives(std::uint64_t deaths = 4) {
        Stream stream = open();
        for (std::uint64_t death = 0; death < deaths; ++death) {
            add(stream, 3);
            {
                Child holder = start_holder();
                EXPECT_EQ(must(stream.recover()).dead, 0u) << death;
                holder.kill();
            }
            const RecoveryReport report = must(stream.recover());
            EXPECT_EQ(report.dead, 1u) << death;
            EXPECT_EQ(report.entries, 3u) << death;
            Consumer next = must(stream.consumer("g", "next"));
            Batch batch = must(next.read());
            EXPECT_EQ(batch.size(), 3u) << death;
            EXPECT_TRUE(batch.ack());
        }
        for (int turn = 0; turn < 20; ++turn) {
            add(stream, 4);
            Consumer consumer = must(stream.consumer("g"));
            Batch batch = must(consumer.read());
            EXPECT_EQ(batch.size(), 4u);
            EXPECT_TRUE(batch.ack());
        }
        EXPECT_EQ(must(stream.pending("g")).count, 0u);
        EXPECT_EQ(must(stream.attachments()).size(), 1u);
    }
};

TEST_F(Wrap, incarnations_of_attachments) {
    { const Stream stream = create_with_group(); }
    forge([](const Segment& segment) {
        for (std::uint32_t row = 1; row < segment.geometry().attachments; ++row)
            segment.attachment(row).word.store(pack_owner({OwnerState::free, 0, low_mask(49) - 2}),
                                               memory_order_seq_cst);
    });
    survives(8);
    forge([](const Segment& segment) {
        for (std::uint32_t row = 1; row < 2; ++row)
            EXPECT_LT(unpack_owner(segment.attachment(row).word.load(memory_order_seq_cst)).incarnation, 100u)
                << "it went over the end";
    });
}

TEST_F(Wrap, low_bits_of_makers_incarnations_in_groups) {
    { const Stream stream = create_with_group(); }
    forge([](const Segment& segment) {
        for (std::uint32_t row = 1; row < segment.geometry().attachments; ++row)
            segment.attachment(row).word.store(pack_owner({OwnerState::free, 0, low_mask(maker_bits) - 2}),
                                               memory_order_seq_cst);
    });
    for (int turn = 0; turn < 8; ++turn) {
        Stream keeper = open();
        Stream maker = open();
        must(maker.create_group("h"));
        must(maker.move_group("h", Position::newest()));
        must(maker.drop_group("h"));
        EXPECT_EQ(must(maker.groups()).size(), 1u);
    }
    survives();
}

TEST_F(Wrap, incarnations_of_groups) {
    { const Stream stream = create_with_group(); }
    forge([](const Segment& segment) {
        for (std::uint32_t row = 1; row < segment.geometry().group_rows; ++row)
            segment.group(row).word.store(
                group_word(GroupState::free, static_cast<std::uint32_t>(low_mask(group_incarnation_bits) - 2)),
                memory_order_seq_cst);
    });
    Stream stream = open();
    add(stream, 1);
    for (int turn = 0; turn < 30; ++turn) {
        must(stream.create_group("h"));
        Consumer consumer = must(stream.consumer("h", "c"));
        Batch batch = must(consumer.read());
        EXPECT_EQ(batch[0].sequence(), at(1)) << turn;
        must(stream.move_group("h", Position::oldest()));
        EXPECT_EQ(code_of(batch.ack()), Code::fenced) << turn;
        Batch again = must(consumer.read());
        EXPECT_TRUE(again.ack()) << turn;
        must(stream.drop_group("h"));
        EXPECT_EQ(code_of(consumer.read()), Code::no_group) << turn;
    }
    must(must(must(stream.consumer("g")).read()).ack());
    stream.close();
    survives();
}

TEST_F(Wrap, the_version_of_the_directory) {
    { const Stream stream = create_with_group(); }
    forge([](const Segment& segment) {
        Word& directory = segment.control().directory;
        directory.store((low_mask(32) - 2) << 32 | active_groups(directory.load(memory_order_seq_cst)),
                        memory_order_seq_cst);
    });
    Stream stream = open();
    for (int turn = 0; turn < 6; ++turn) {
        must(stream.create_group("h"));
        EXPECT_EQ(must(stream.groups()).size(), 2u) << turn;
        must(stream.drop_group("h"));
        EXPECT_EQ(must(stream.groups()).size(), 1u) << turn;
    }
    stream.close();
    survives();
}

TEST_F(Wrap, the_words_that_sleepers_wait_on) {
    { const Stream stream = create_with_group(); }
    forge([](const Segment& segment) {
        Control& control = segment.control();
        for (auto* word : {&control.reader_wake, &control.room_wake}) word->store(~0u - 2, memory_order_seq_cst);
        for (std::uint32_t row = 0; row < segment.geometry().group_rows; ++row)
            segment.group(row).wake.store(~0u - 2, memory_order_seq_cst);
    });
    constexpr std::uint64_t turns = 8;
    Child sleeper([this](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        link.send();
        for (std::uint64_t turn = 1; turn <= turns; ++turn) {
            Batch batch = must(consumer.read(reading(1, forever)));
            require(batch[0].sequence() == at(turn));
            must(batch.ack());
            link.send();
        }
        return 0;
    });
    ASSERT_TRUE(sleeper.receive());
    Stream stream = open();
    for (std::uint64_t turn = 1; turn <= turns; ++turn) {
        wait_until_asleep(sleeper.pid(), path());
        add(stream, 1);
        ASSERT_TRUE(sleeper.receive());
    }
    EXPECT_EQ(sleeper.wait(), 0);
}

TEST_F(Wrap, generations_of_pins) {
    { const Stream stream = create_with_group(); }
    forge([](const Segment& segment) {
        for (std::uint32_t cell = 0; cell < segment.geometry().pins; ++cell)
            segment.pin(cell).store(pack_pin({false, 0, 0, 0, 65'534}), memory_order_seq_cst);
    });
    Stream stream = open();
    Consumer holder = must(stream.consumer("g", "holder"));
    Consumer taker = must(stream.consumer("g", "taker"));
    for (int turn = 0; turn < 10; ++turn) {
        const Sequence added = must(stream.add(payload_of(7, 200)));
        Batch view = must(holder.read());
        Batch taken = must(taker.claim(ClaimOptions{}));
        EXPECT_EQ(taken[0].sequence(), added);
        EXPECT_EQ(must(stream.info()).pins, 1u) << turn;
        EXPECT_EQ(number_of(view[0].payload()), 7u);
        EXPECT_TRUE(taken.ack());
        EXPECT_EQ(code_of(view.ack()), Code::fenced);
        view.close();
        EXPECT_EQ(must(stream.info()).pins, 0u) << turn;
    }
    holder = Consumer();
    taker = Consumer();
    stream.close();
    survives();
}

TEST_F(Wrap, generations_of_parking_cells) {
    { const Stream stream = create_with_group(); }
    forge([](const Segment& segment) {
        for (std::uint32_t cell = 0; cell < segment.geometry().parking; ++cell)
            segment.parking(cell).word.store((low_mask(49) - 1) << 15, memory_order_seq_cst);
    });
    Stream stream = open();
    Consumer holder = must(stream.consumer("g", "stuck"));
    Consumer consumer = must(stream.consumer("g", "c"));
    for (int turn = 0; turn < 6; ++turn) {
        const Sequence stuck = must(stream.add(payload_of(99)));
        Batch held = must(holder.read(reading(1)));
        EXPECT_EQ(held[0].sequence(), stuck);
        for (int i = 0; i < 40; ++i) {
            must(stream.add("past"));
            must(must(consumer.read()).ack());
        }
        EXPECT_EQ(must(stream.info()).parked, 1u) << turn;
        EXPECT_EQ(number_of(held[0].payload()), 99u);
        EXPECT_TRUE(held.ack()) << turn;
        EXPECT_EQ(must(stream.info()).parked, 0u) << turn;
    }
}

TEST_F(Wrap, versions_of_turns) {
    Stream stream = create();
    GroupOptions strict;
    strict.order = Order::strict;
    must(stream.create_group("g", Position::oldest(), strict));
    stream.close();
    forge([](const Segment& segment) {
        segment.group(0).active.store((low_mask(48) - 2) << turn_bits, memory_order_seq_cst);
    });
    stream = open();
    for (int turn = 0; turn < 8; ++turn) {
        add(stream, 1);
        Consumer one = must(stream.consumer("g", "one"));
        Consumer two = must(stream.consumer("g", "two"));
        Batch batch = must((turn % 2 == 0 ? one : two).read());
        EXPECT_EQ(batch.size(), 1u) << turn;
        EXPECT_EQ(code_of((turn % 2 == 0 ? two : one).read()), Code::empty) << turn;
        EXPECT_TRUE(batch.ack());
    }
    stream.close();
    survives();
}

TEST_F(Wrap, numbers_of_a_producer_with_a_name) {
    Stream stream = create();
    Producer producer = must(stream.producer("p"));
    constexpr std::uint64_t last = low_mask(63);
    for (const std::uint64_t number :
         {std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 48, std::uint64_t{1} << 62, last}) {
        AddOptions options;
        options.number = number - 1;
        const Sequence added = must(producer.add("x", options));
        options.number = number;
        const Sequence next = must(producer.add("y", options));
        EXPECT_EQ(next, added + 1);
        EXPECT_EQ(must(producer.add("y", options)), next) << "the last number again adds nothing";
        options.number = number - 1;
        EXPECT_EQ(code_of(producer.add("x", options)), Code::duplicate);
    }
    EXPECT_EQ(producer.last_number(), last);
    EXPECT_FALSE(producer.add("beyond")) << "there is no number after the last one";
    EXPECT_EQ(must(stream.info()).next, at(11));
}

}  // namespace
}  // namespace shmq::test
