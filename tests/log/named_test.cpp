// Names, intents, and what is found out about a number whoever stopped where.
#include "log/named.hpp"

#include <gtest/gtest.h>

#include "log/adding.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::Forge;
using test::somebody;

StreamOptions named_options(std::uint32_t names = 4) {
    StreamOptions options = test::options_with_slots(8);
    options.producer_names = names;
    return options;
}

std::uint64_t open_at(Sequence sequence) { return pack_intent({true, sequence}); }
std::uint64_t found_at(Sequence sequence) { return pack_intent({false, sequence}); }

/// A forged segment with a producer, which may write numbers into its entries, and rows of names.
class Named : public ::testing::Test {
protected:
    explicit Named(std::uint32_t names = 4)
        : forge_(named_options(names)), chunks_(segment(), somebody()), publisher_(segment()) {}

    [[nodiscard]] const Segment& segment() const { return forge_.segment(); }
    [[nodiscard]] std::uint64_t intent(std::uint32_t row = 0) const {
        return segment().named(row).intent.load(memory_order_seq_cst);
    }
    std::uint32_t row(std::string_view name) {
        const auto row = row_of_name(segment(), name);
        EXPECT_TRUE(row) << row.error().message();
        return row ? *row : 0;
    }
    /// Publishes one entry of this origin; 0: nobody's.
    Sequence publish(std::uint32_t producer = 0, std::uint64_t number = 0) {
        const Geometry& g = forge_.geometry();
        const Room room = *chunks_.reserve(g.room_for(8, 0));
        write_entry_header(segment().payload() + room.offset, 8, 0, 0, producer, number, 0);
        const Sequence sequence = *publisher_.publish(room.offset >> g.unit_bits);
        chunks_.settle(room, sequence);
        return sequence;
    }
    /// The whole of an add, or all but what comes after its publication.
    Sequence add(NamedAdds& adds, std::uint64_t number, bool dies = false) {
        adds.begin(number, publisher_.first_possible());
        const Sequence sequence = publish(adds.row() + 1, number);
        if (!dies) adds.done(sequence);
        return sequence;
    }
    void expect_last(std::uint64_t number, Sequence sequence, std::uint32_t row = 0) {
        const LastAdd seen = look_at_last_add(segment(), row);
        EXPECT_EQ(seen.number, number);
        EXPECT_EQ(seen.sequence, sequence);
        const NamedAdds successor(segment(), row);
        EXPECT_EQ(successor.last().number, number);
        EXPECT_EQ(successor.last().sequence, sequence);
        EXPECT_FALSE(unpack_intent(intent(row)).open) << "decided once and for all";
    }

    Forge forge_;
    ChunkHolder chunks_;
    Publisher publisher_;
};

TEST_F(Named, rows_are_given_in_order_and_kept) {
    EXPECT_EQ(rows_with_names(segment()), 0u);
    EXPECT_EQ(row("a"), 0u);
    EXPECT_EQ(row("b"), 1u);
    EXPECT_EQ(row("a"), 0u);
    EXPECT_EQ(rows_with_names(segment()), 2u);
    EXPECT_EQ(name_of_row(segment(), 1).view(), "b");
    EXPECT_EQ(name_of_row(segment(), 2).view(), "");
    row("c"), row(std::string(max_name, 'd'));
    EXPECT_EQ(name_of_row(segment(), 3).view(), std::string(max_name, 'd'));
    const auto fifth = row_of_name(segment(), "e");
    EXPECT_EQ(fifth.error().code(), Code::too_many_names);
    EXPECT_EQ(fifth.error().number(), 4u);
}

TEST_F(Named, a_row_that_was_claimed_and_not_named_is_named_by_who_comes_under_that_name_alone) {
    row("a");
    NamedRow& first = segment().named(0);
    first.named.store(0, memory_order_seq_cst);  // as if it had died between key and name
    EXPECT_EQ(name_of_row(segment(), 0).view(), "");
    EXPECT_EQ(row("b"), 1u);
    EXPECT_EQ(row("a"), 0u);
    EXPECT_EQ(name_of_row(segment(), 0).view(), "a");
}

TEST_F(Named, names_that_meet_in_their_key_have_rows_of_their_own) {
    row("a");
    row("b");
    segment().named(0).key.store(segment().named(1).key.load(memory_order_seq_cst), memory_order_seq_cst);
    EXPECT_EQ(row("b"), 1u);
}

TEST_F(Named, a_row_has_one_owner) {
    const std::uint32_t a = row("a");
    OwnerWord owner{};
    EXPECT_TRUE(take_name(segment(), somebody(1), a, owner));
    EXPECT_FALSE(take_name(segment(), somebody(2), a, owner));
    EXPECT_EQ(owner, unpack_owner(somebody(1).word(OwnerState::live)));
    give_back_name(segment(), somebody(2), a);
    EXPECT_FALSE(take_name(segment(), somebody(2), a, owner)) << "not another's to give";
    give_back_name(segment(), somebody(1), a);
    EXPECT_TRUE(take_name(segment(), somebody(2), a, owner));
}

TEST_F(Named, the_last_add_is_known_between_any_two_steps_of_the_next) {
    NamedAdds adds(segment(), row("a"));
    expect_last(0, 0);
    publish();
    const Sequence second = add(adds, 10);
    EXPECT_EQ(second, 2u);
    EXPECT_EQ(intent(), found_at(2));
    expect_last(10, 2);
    adds.begin(11, publisher_.first_possible());
    EXPECT_EQ(look_at_last_add(segment(), 0).number, 10u);
    adds.failed();
    EXPECT_EQ(intent(), 0u);
    expect_last(10, 2);
    EXPECT_EQ(add(adds, 12), 3u);
    expect_last(12, 3);
}

TEST_F(Named, who_dies_before_the_exchange_added_nothing) {
    NamedAdds adds(segment(), row("a"));
    add(adds, 1);
    adds.begin(2, publisher_.first_possible());
    publish();  // of others
    EXPECT_EQ(intent(), open_at(2));
    expect_last(1, 1);
}

TEST_F(Named, who_dies_after_the_exchange_added_it) {
    NamedAdds adds(segment(), row("a"));
    add(adds, 1);
    publish();
    EXPECT_EQ(add(adds, 2, true), 3u);
    publish();
    expect_last(2, 3);
    EXPECT_EQ(intent(), found_at(3));
}

TEST_F(Named, the_entry_of_another_name_or_number_is_not_the_one_looked_for) {
    row("a");
    NamedAdds adds(segment(), row("b"));
    adds.begin(2, publisher_.first_possible());
    publish(1, 2);  // the same number of a
    publish(2, 1);  // another number of b
    publish(0, 2);  // nobody's
    expect_last(0, 0, 1);
}

TEST_F(Named, an_entry_whose_bytes_are_damaged_is_not_the_one_looked_for) {
    NamedAdds adds(segment(), row("a"));
    adds.begin(5, publisher_.first_possible());
    const Geometry& g = forge_.geometry();
    const std::uint64_t place = unpack_slot(g, segment().slot(publish(1, 5)).load(memory_order_seq_cst)).place;
    std::memset(segment().payload() + (place << g.unit_bits) + offsetof(EntryHeader, size), 0xff, 4);
    const Sequence mine = publish(1, 5);
    expect_last(5, mine);
}

TEST_F(Named, what_the_trim_point_passes_is_recorded_before) {
    NamedAdds adds(segment(), row("a"));
    add(adds, 1, true);
    publish();
    EXPECT_EQ(lift_trim(segment(), 2).trim, 2u);
    EXPECT_EQ(intent(), found_at(1));
    for (int i = 0; i < 40; ++i) publish();  // laps over it
    expect_last(1, 1);
}

TEST_F(Named, a_mover_concludes_nothing_from_what_is_not_there) {
    NamedAdds adds(segment(), row("a"));
    adds.begin(1, publisher_.first_possible());
    for (int i = 0; i < 40; ++i) publish();  // while it is stopped: several laps
    EXPECT_EQ(intent(), open_at(1));
    const Sequence late = publish(1, 1);
    EXPECT_EQ(look_at_last_add(segment(), 0).sequence, late);
    for (int i = 0; i < 40; ++i) publish();
    EXPECT_EQ(intent(), found_at(late));
    expect_last(1, late);
}

TEST_F(Named, no_intent_comes_back_once_an_entry_was_published_under_it) {
    // What a mover's late exchange rests on.
    NamedAdds adds(segment(), row("a"));
    Sequence lowest = 0;
    for (std::uint64_t number = 1; number < 30; ++number) {
        adds.begin(number, publisher_.first_possible());
        EXPECT_GT(unpack_intent(intent()).sequence, lowest);
        if (number % 3 == 0) {
            adds.failed();
            continue;
        }
        lowest = publish(1, number);
        adds.done(lowest);
        if (number % 5 == 0) adds = NamedAdds(segment(), 0);
    }
}

TEST_F(Named, a_successor_that_saw_nothing_published_begins_at_the_end_of_the_log) {
    row("a");
    publish(1, 7);  // an entry that looks like its own, from before
    NamedAdds adds(segment(), 0);
    adds.begin(7, 1);
    EXPECT_EQ(intent(), open_at(2));
    expect_last(0, 0);
}

TEST_F(Named, a_mover_looks_at_rows_that_have_names_alone) {
    const std::uint32_t nameless = row("a") + 1;
    const std::uint64_t open = open_at(publisher_.first_possible());
    segment().named(nameless).intent.store(open, memory_order_seq_cst);
    segment().named(nameless).number.store(7, memory_order_seq_cst);
    publish(nameless + 1, 7);
    EXPECT_EQ(lift_trim(segment(), 2).trim, 2u);
    EXPECT_EQ(intent(nameless), open);
}

TEST_F(Named, damaged_words_lead_nowhere) {
    NamedAdds adds(segment(), row("a"));
    add(adds, 1);
    segment().control().names.store(~std::uint64_t{0}, memory_order_seq_cst);
    EXPECT_EQ(rows_with_names(segment()), 4u);
    for (const std::uint64_t word : {~std::uint64_t{0}, std::uint64_t{1}, open_at(std::uint64_t{1} << 62)}) {
        segment().named(0).intent.store(word, memory_order_seq_cst);
        for (int i = 0; i < 10; ++i) publish();
        static_cast<void>(look_at_last_add(segment(), 0));
        const NamedAdds successor(segment(), 0);
        EXPECT_FALSE(unpack_intent(intent()).open);
    }
}

TEST(NamedRows, a_stream_may_have_none) {
    const Forge forge(named_options(0));
    EXPECT_EQ(row_of_name(forge.segment(), "a").error().code(), Code::too_many_names);
    EXPECT_EQ(rows_with_names(forge.segment()), 0u);
    test::publish_many(forge.segment(), 20);
}

}  // namespace
}  // namespace shmq
