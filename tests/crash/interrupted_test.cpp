// What others do between two accesses of one operation, at the very place where it matters.
#include <memory>

#include "crash/interruption.hpp"
#include "group/grouping.hpp"
#include "log/named.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Interrupted : public StreamTest {
protected:
    /// A group "g" with four entries, and a handle of somebody else.
    Stream stream_ = create_with_group();
    Stream others_ = open();
    Consumer consumer_ = must(stream_.consumer("g", "c"));
    Sequence last_ = add(stream_, 4);
};

/// How a read goes: the short ways for many and for one, and that of a read which also looks for stale entries.
std::vector<ReadOptions> ways_to_read() {
    ReadOptions also_stale;
    also_stale.claim_idle = std::chrono::hours(1);
    return {ReadOptions{}, reading(1), also_stale};
}

TEST_F(Interrupted, a_read_whose_group_is_dropped_before_its_first_claim_gives_nothing) {
    for (const ReadOptions& options : ways_to_read()) {
        const auto read = [&] { EXPECT_EQ(code_of(consumer_.read(options)), Code::no_group); };
        EXPECT_TRUE(interrupt(read, Access::exchange, 1, [&] { must(others_.drop_group("g")); }));
        must(stream_.create_group("g"));
        consumer_ = must(stream_.consumer("g", "c"));
    }
}

TEST_F(Interrupted, a_read_whose_group_is_moved_before_its_first_claim_gives_what_lies_at_the_new_place) {
    for (const ReadOptions& options : ways_to_read()) {
        Batch batch;
        const auto read = [&] { batch = must(consumer_.read(options)); };
        EXPECT_TRUE(interrupt(read, Access::exchange, 1, [&] { must(others_.move_group("g", Position::at(3))); }));
        EXPECT_EQ(sequences_of(batch.entries()), from_to(3, options.max_entries == 1 ? 3 : 4));
        EXPECT_EQ(must(stream_.group("g")).pending, batch.size()) << "the claims in the old row count for nothing";
        EXPECT_TRUE(batch.ack());
        batch.close();
        must(stream_.move_group("g", Position::oldest()));
    }
}

TEST(InterruptedOperator, whose_group_is_made_anew_meanwhile_takes_nothing_from_the_new_ones_consumers) {
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("before access " + std::to_string(at));
        GroupForge forge;
        forge.adder.add_many(4);
        Handle other(forge.segment(), 1);
        auto reader = std::make_unique<Reader>(other, forge.group, "r");
        reader->read(4);
        const Visit visit(forge.handle.visits, forge.group.row);
        const auto ack = [&] { static_cast<void>(operator_ack(forge.segment(), forge.group.row, 2)); };
        std::vector<Taken> again;
        const bool remade = interrupt(ack, std::nullopt, at, [&] {
            reader->leave();
            must(drop_group(forge.segment(), other.visits, "g"));
            const GroupId fresh = must(create_group(forge.segment(), other.visits, "g", Position::oldest()));
            reader = std::make_unique<Reader>(other, fresh, "r");
            again = reader->read(4);  // in the same row, these would be the very words that the operator has loaded
        });
        if (!remade) break;
        ASSERT_EQ(again.size(), 4u);
        for (const Taken& taken : again) EXPECT_EQ(reader->ack(taken), Finish::done) << taken.sequence;
    }
}

/// Slots for three levels of the retry index; a neighbour of the first shares one, two or three of its words.
constexpr std::uint64_t deep = 8192;
constexpr Sequence neighbours[] = {1, 64, 4096};

TEST(InterruptedRetryIndex, a_mark_set_while_its_neighbour_is_taken_away_is_found) {
    std::uint64_t tried = 0;
    for (const Sequence neighbour : neighbours)
        for (std::uint64_t at = 1;; ++at, ++tried) {
            SCOPED_TRACE("mark " + std::to_string(neighbour) + " before access " + std::to_string(at));
            const Forge forge(options_with_slots(deep));
            ASSERT_EQ(forge.geometry().retry_levels, 3u);
            mark_retry(forge.segment(), 0, 0);
            const auto unmark = [&] { unmark_retry(forge.segment(), 0, 0); };
            const auto mark = [&] { mark_retry(forge.segment(), 0, neighbour); };
            if (!interrupt(unmark, std::nullopt, at, mark)) break;
            EXPECT_TRUE(is_marked_retry(forge.segment(), 0, neighbour));
            EXPECT_EQ(next_marked(forge.segment(), 0, 0, deep), neighbour);
        }
    EXPECT_GE(tried, 3u * 5) << "three levels to clear and two to look back at";
}

TEST(InterruptedRetryIndex, a_mark_is_found_though_its_neighbour_is_taken_away_while_it_is_set) {
    for (const Sequence neighbour : neighbours)
        for (std::uint64_t at = 1;; ++at) {
            SCOPED_TRACE("unmark " + std::to_string(neighbour) + " before access " + std::to_string(at));
            const Forge forge(options_with_slots(deep));
            mark_retry(forge.segment(), 0, neighbour);
            const auto mark = [&] { mark_retry(forge.segment(), 0, 0); };
            const auto unmark = [&] { unmark_retry(forge.segment(), 0, neighbour); };
            if (!interrupt(mark, std::nullopt, at, unmark)) break;
            EXPECT_TRUE(is_marked_retry(forge.segment(), 0, 0));
            EXPECT_EQ(next_marked(forge.segment(), 0, 0, deep), 0u);
        }
}

TEST(InterruptedPublish, density_holds_whoever_adds_before_any_access) {
    for (const Sequence hint : {Sequence{0}, Sequence{3}, Sequence{6}, Sequence{7}, Sequence{40}})
        for (std::uint64_t at = 1;; ++at) {
            SCOPED_TRACE("hint " + std::to_string(hint) + ", others add before access " + std::to_string(at));
            const Forge forge;
            publish_many(forge.segment(), 3);
            Publisher slow(forge.segment());
            forge.control().tail.store(hint, memory_order_relaxed);
            Sequence given = 0;
            const auto publish = [&] { given = *slow.publish(0); };
            const bool others_added = interrupt(publish, std::nullopt, at, [&] {
                publish_many(forge.segment(), 2);
                forge.control().tail.store(hint, memory_order_relaxed);
            });
            const Sequence theirs = others_added ? 2 : 0;
            EXPECT_TRUE(given == 4 || given == 4 + theirs) << given;
            EXPECT_EQ(find_end(forge.segment()), 5 + theirs);
            if (!others_added) break;
        }
}

/// Three entries, and two producers that have seen them.
struct TwoPublishers : Forge {
    TwoPublishers() : slow(segment()), fast(segment()) {
        publish_many(segment(), 3);
        EXPECT_EQ(*slow.publish(0), 4u);
        EXPECT_EQ(*fast.publish(0), 5u);
    }
    [[nodiscard]] std::uint64_t place_of(Sequence sequence) const {
        return unpack_slot(geometry(), segment().slot(sequence).load(memory_order_seq_cst)).place;
    }
    Publisher slow, fast;
    Sequence ours = 0, theirs = 0;
};

TEST(InterruptedPublish, the_short_way_overwrites_nobodys_entry) {
    before_each_access<TwoPublishers>([](TwoPublishers& two) { two.ours = two.slow.publish_at_hint(1); },
                                      [](TwoPublishers& two) { two.theirs = *two.fast.publish(2); },
                                      [](TwoPublishers& two) {
                                          EXPECT_EQ(two.place_of(two.theirs), 2u);
                                          if (two.ours != 0) {
                                              EXPECT_EQ(two.place_of(two.ours), 1u);
                                          }
                                      });
}

/// A new entry, and two consumers that go for it.
struct TwoReaders : GroupForge {
    TwoReaders() : other(segment(), 1), first(handle, group, "a"), second(other, group, "b") { adder.add_many(1); }
    static void take(Reader& reader, unsigned& took) {
        Taken taken;
        took += take_next(reader.member(), look_at_next(reader.member()), 1'000, taken);
    }
    Handle other;
    Reader first, second;
    unsigned took = 0;
};

TEST(InterruptedRead, by_the_short_way_gives_an_entry_to_one) {
    before_each_access<TwoReaders>([](TwoReaders& two) { TwoReaders::take(two.first, two.took); },
                                   [](TwoReaders& two) { TwoReaders::take(two.second, two.took); },
                                   [](TwoReaders& two) { EXPECT_EQ(two.took, 1u); });
}

/// A producer with a name, whose first add stands and was not recorded yet.
struct NamedAdd : Forge {
    static StreamOptions options() {
        StreamOptions options = options_with_slots(8);
        options.producer_names = 4;
        return options;
    }
    NamedAdd() : Forge(options()), chunks(segment(), somebody()), publisher(segment()) {
        row = row_of_name(segment(), "a").value();
        adds.emplace(segment(), row);
        add(1);
    }
    void add(std::uint64_t number) {
        adds->begin(number, publisher.first_possible());
        const Room room = *chunks.reserve(geometry().room_for(8, 0));
        write_entry_header(segment().payload() + room.offset, 8, 0, 0, row + 1, number, 0);
        last = *publisher.publish(room.offset >> geometry().unit_bits);
        chunks.settle(room, last);
    }
    ChunkHolder chunks;
    Publisher publisher;
    std::optional<NamedAdds> adds;
    std::uint32_t row = 0;
    Sequence last = 0;
};

TEST(InterruptedNames, what_is_recorded_late_of_an_add_says_nothing_of_the_next) {
    before_each_access<NamedAdd>([](NamedAdd& named) { record_adds_below(named.segment(), 2); },
                                 [](NamedAdd& named) {
                                     named.adds->done(named.last);
                                     named.add(2);
                                     named.adds->done(named.last);
                                 },
                                 [](NamedAdd& named) {
                                     const LastAdd seen = look_at_last_add(named.segment(), named.row);
                                     EXPECT_EQ(seen.number, 2u);
                                     EXPECT_EQ(seen.sequence, 2u);
                                 });
}

}  // namespace
}  // namespace shmq::test
