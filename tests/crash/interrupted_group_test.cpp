// What others do to a group between two accesses of one operation.
#include <bit>

#include "crash/interruption.hpp"
#include "group/count.hpp"
#include "group/delays.hpp"
#include "group/grouping.hpp"
#include "group/losses.hpp"
#include "group/order.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"
#include "log/named.hpp"

namespace shmq::test {
namespace {

using Ranges = std::vector<LostRange>;
using Sequences = std::vector<Sequence>;

/// A group "g" with four entries, and a second handle.
struct TwoHandles : GroupForge {
    explicit TwoHandles(const StreamOptions& options = tiny_options(), const GroupOptions& group_options = {})
        : GroupForge(options, group_options), other(segment(), 1) {
        adder.add_many(4);
    }
    Handle other;
};

TEST(InterruptedDirectory, a_group_that_is_moved_while_it_is_dropped_is_dropped_where_it_is_then) {
    before_each_access<TwoHandles>(
        [](TwoHandles& two) { EXPECT_TRUE(drop_group(two.segment(), two.handle.visits, "g")); },
        [](TwoHandles& two) { static_cast<void>(move_group(two.segment(), two.other.visits, "g", Position::at(3))); },
        [](TwoHandles& two) { EXPECT_FALSE(find_group(two.segment(), two.handle.visits, "g")); });
}

TEST(InterruptedDirectory, who_makes_a_group_takes_none_away_that_another_makes_meanwhile) {
    const auto make = [](TwoHandles& two, Handle& by, std::string_view name) {
        EXPECT_TRUE(create_group(two.segment(), by.visits, name, Position::oldest())) << name;
    };
    before_each_access<TwoHandles>([&](TwoHandles& two) { make(two, two.handle, "h"); },
                                   [&](TwoHandles& two) { make(two, two.other, "i"); },
                                   [](TwoHandles& two) {
                                       for (const char* name : {"g", "h", "i"})
                                           EXPECT_TRUE(find_group(two.segment(), two.handle.visits, name)) << name;
                                   });
}

TEST(InterruptedDirectory, two_who_make_the_last_group_make_one) {
    struct AlmostFull : TwoHandles {
        AlmostFull() { EXPECT_TRUE(create_group(segment(), handle.visits, "h", Position::oldest())); }
        unsigned made = 0;
    };
    before_each_access<AlmostFull>(
        [](AlmostFull& two) {
            two.made += bool(create_group(two.segment(), two.handle.visits, "i", Position::oldest()));
        },
        [](AlmostFull& two) {
            two.made += bool(create_group(two.segment(), two.other.visits, "j", Position::oldest()));
        },
        [](AlmostFull& two) {
            EXPECT_EQ(two.made, 1u);
            EXPECT_EQ(std::popcount(active_groups(two.control().directory.load(memory_order_seq_cst))), 3);
        });
}

/// A group in the directory whose maker has not said yet where it starts.
struct HalfMade : TwoHandles {
    HalfMade() : made(prepare_row(segment(), handle.visits, "h", 1, {}).value()), visit(handle.visits, made.row) {
        const std::uint64_t directory = control().directory.load(memory_order_seq_cst);
        control().directory.store(next_directory(directory, active_groups(directory) | std::uint32_t{1} << made.row),
                                  memory_order_seq_cst);
    }
    GroupId made;
    Visit visit;
    Sequence started = 0;
};

TEST(InterruptedDirectory, a_start_that_was_settled_is_raised_no_more) {
    before_each_access<HalfMade>([](HalfMade& half) { finish_creation(half.segment(), half.made.row); },
                                 [](HalfMade& half) {
                                     finish_creation(half.segment(), half.made.row);
                                     half.started = start_of(half.segment().group(half.made.row), memory_order_seq_cst);
                                     half.control().trim_goal.store(4, memory_order_seq_cst);
                                 },
                                 [](HalfMade& half) {
                                     EXPECT_EQ(half.started, 1u);
                                     EXPECT_EQ(start_of(half.segment().group(half.made.row), memory_order_seq_cst),
                                               half.started);
                                 });
}

TEST(InterruptedJoin, who_meets_a_joiner_that_gives_up_goes_on) {
    for (const std::uint64_t at : {40u, 60u, 90u}) {
        TwoHandles two;
        ConsumerRow& row = two.segment().consumer(two.group.row, 1);
        set_row_name(row.name, "worker");
        row.word.store(two.other.id.word(OwnerState::attaching), memory_order_seq_cst);
        NameTaken taken{};
        std::optional<Joined> joined;
        const auto join = [&] {
            auto result = join_group(two.segment(), two.handle.id, two.group.row, "worker", taken);
            if (result) joined = *result;
        };
        EXPECT_TRUE(interrupt(join, std::nullopt, at, [&] { row.word.store(0, memory_order_seq_cst); })) << at;
        EXPECT_TRUE(joined) << "interrupted before access " << at;
    }
}

/// Two entries of one key; "a" holds the first.
struct OneKey : TwoHandles {
    OneKey()
        : TwoHandles(keyed_options(), in_order(Order::by_key)), holder(handle, group, "a"), taker(other, group, "b") {
        for (int i = 0; i < 2; ++i) EXPECT_TRUE(adder.add("x", "key"));
        for (const Taken& taken : holder.read(4)) EXPECT_EQ(holder.ack(taken), Finish::done);  // those without a key
        EXPECT_EQ(sequences_of(holder.read(1)), Sequences{5});
    }
    Reader holder, taker;
};

TEST(InterruptedOrder, what_is_taken_behind_an_entry_that_is_claimed_meanwhile_is_given_back) {
    before_each_access<OneKey>([](OneKey& key) { key.holder.read(1); },
                               [](OneKey& key) { EXPECT_EQ(sequences_of(key.taker.claim(0, 2'000, 1)), Sequences{5}); },
                               [](OneKey& key) {
                                   const PendingWord second = key.record(6);
                                   EXPECT_FALSE(second.tag == key.geometry().record_tag(6) &&
                                                second.state == PendingState::delivered &&
                                                second.consumer == key.holder.consumer() + 1);
                               });
}

/// A strict group in which it is the turn of "a".
struct Turns : TwoHandles {
    Turns()
        : TwoHandles(tiny_options(), in_order(Order::strict)), first(handle, group, "a"), second(other, group, "b") {
        EXPECT_TRUE(has_turn(first.member()));
    }
    Reader first, second;
};

TEST(InterruptedOrder, a_turn_that_is_seized_while_it_is_given_back_stays_with_who_seized_it) {
    before_each_access<Turns>([](Turns& turns) { give_turn_back(turns.first.member()); },
                              [](Turns& turns) { seize_turn(turns.second.member()); },
                              [](Turns& turns) { EXPECT_FALSE(has_turn(turns.first.member())); });
}

TEST(InterruptedOrder, the_last_entry_of_a_stripe_that_was_met_stays_so_though_one_before_it_is_met_late) {
    const auto meet_of = [](OneKey& key, Sequence sequence) {
        static_cast<void>(meet(key.segment(), key.group.row, sequence, 3));
    };
    before_each_access<OneKey>(
        [&](OneKey& key) { meet_of(key, 5); },
        [&](OneKey& key) {
            meet_of(key, 5);
            meet_of(key, 6);
        },
        [](OneKey& key) { EXPECT_EQ(key.segment().key_stripe(key.group.row, 3).load(memory_order_seq_cst), 6u); });
}

TEST(InterruptedDelay, the_hint_is_the_earlier_of_two_that_are_set_at_once) {
    before_each_access<TwoHandles>([](TwoHandles& two) { lower_due(two.segment(), two.group.row, 1'500, 1'000); },
                                   [](TwoHandles& two) { lower_due(two.segment(), two.group.row, 1'200, 1'000); },
                                   [](TwoHandles& two) { EXPECT_EQ(due_hint(two.segment(), two.group.row), 1'200u); });
}

/// A stream with rows for names.
struct Names : Forge {
    static StreamOptions options() {
        StreamOptions options = tiny_options();
        options.producer_names = 4;
        return options;
    }
    Names() : Forge(options()) {}
    std::uint32_t a = 0, b = 0;
};

TEST(InterruptedNames, two_that_are_new_at_once_have_different_rows_and_keep_them) {
    before_each_access<Names>([](Names& names) { names.a = row_of_name(names.segment(), "a").value(); },
                              [](Names& names) { names.b = row_of_name(names.segment(), "b").value(); },
                              [](Names& names) {
                                  EXPECT_NE(names.a, names.b);
                                  EXPECT_EQ(row_of_name(names.segment(), "a").value(), names.a);
                                  EXPECT_EQ(row_of_name(names.segment(), "b").value(), names.b);
                              });
}

TEST(InterruptedOrder, who_seizes_a_turn_that_is_given_back_meanwhile_has_it) {
    before_each_access<Turns>([](Turns& turns) { seize_turn(turns.second.member()); },
                              [](Turns& turns) { give_turn_back(turns.first.member()); },
                              [](Turns& turns) { EXPECT_FALSE(has_turn(turns.first.member())); });
}

TEST(InterruptedOrder, of_two_who_take_a_free_turn_one_has_it) {
    struct FreeTurn : Turns {
        FreeTurn() { give_turn_back(first.member()); }
        unsigned had = 0;
    };
    before_each_access<FreeTurn>([](FreeTurn& turns) { turns.had += has_turn(turns.first.member()); },
                                 [](FreeTurn& turns) { turns.had += has_turn(turns.second.member()); },
                                 [](FreeTurn& turns) { EXPECT_EQ(turns.had, 1u); });
}

struct DeliveryWordOfFirst {
    static constexpr PendingWord first{7, 1, 1, PendingState::delivered}, second{7, 2, 2, PendingState::delivered};
    DeliveryWordOfFirst() { clock_start(word, first, 1'000); }
    Word word{0};
};

TEST(InterruptedClock, an_end_that_comes_late_leaves_the_next_deliverys_word_alone) {
    using World = DeliveryWordOfFirst;
    before_each_access<World>([](World& w) { clock_end(w.word, 0, World::first, Ending::failed, 2'000); },
                              [](World& w) {
                                  clock_end(w.word, 0, World::first, Ending::died, 2'000);
                                  clock_again(w.word, World::second, 2'001);
                              },
                              [](World& w) {
                                  const DeliveryFacts facts = clock_read(w.word, World::second, 2'001);
                                  EXPECT_EQ(facts.idle_ms, 0u);
                                  EXPECT_EQ(facts.failures + facts.deaths, 1u) << "one delivery ended, once";
                              });
}

TEST(InterruptedClock, that_is_set_to_now_leaves_the_next_deliverys_word_alone) {
    using World = DeliveryWordOfFirst;
    before_each_access<World>([](World& w) { clock_restamp(w.word, World::first, 2'000); },
                              [](World& w) { clock_again(w.word, World::second, 2'001); },
                              [](World& w) {
                                  const DeliveryFacts facts = clock_read(w.word, World::second, 2'005);
                                  EXPECT_EQ(facts.idle_ms, 4u);
                                  EXPECT_EQ(facts.failures, 0u);
                              });
}

/// A ring whose first entry is stuck.
struct Stuck : StuckForge {
    void park() { EXPECT_TRUE(park_for_room(segment(), handle.visits)); }
    GroupCounts counts;
    Sequences taken;
};

TEST(InterruptedParking, an_entry_that_is_being_parked_is_counted_once) {
    before_each_access<Stuck>([](Stuck& s) { s.park(); },
                              [](Stuck& s) { s.counts = count_group(s.segment(), s.group.row); },
                              [](Stuck& s) {
                                  EXPECT_EQ(s.counts.delivered, 1u);
                                  EXPECT_EQ(s.counts.lowest, 1u);
                              });
}

struct Parked : Stuck {
    Parked() { park(); }
};

TEST(InterruptedParking, a_parked_entry_that_is_given_back_while_another_looks_is_found_by_the_next_look) {
    before_each_access<Parked>([](Parked& p) { p.slow.nack(p.held); },
                               [](Parked& p) { p.taken = sequences_of(p.fast.read(8)); },
                               [](Parked& p) {
                                   for (const Taken& taken : p.fast.read(8)) p.taken.push_back(taken.sequence);
                                   EXPECT_EQ(p.taken, Sequences{1});
                               });
}

TEST(InterruptedParking, a_delayed_entry_that_comes_due_while_another_looks_is_found_by_the_next_look) {
    struct Delayed : Parked {
        Delayed() {
            EXPECT_EQ(give_back(segment(), group.row, 1, held.record, Ending::failed, 1'000, 500), Finish::done);
        }
    };
    before_each_access<Delayed>([](Delayed& d) { ripen(d.segment(), d.group.row, 1'500); },
                                [](Delayed& d) { d.taken = sequences_of(d.fast.read(8, 1'500)); },
                                [](Delayed& d) {
                                    for (const Taken& taken : d.fast.read(8, 1'500)) d.taken.push_back(taken.sequence);
                                    EXPECT_EQ(d.taken, Sequences{1});
                                });
}

TEST(InterruptedParking, a_cell_that_is_used_anew_while_it_is_looked_at_shows_the_old_entry_or_none) {
    struct Looked : Parked {
        ParkedEntry entry{};
        bool shown = false;
    };
    before_each_access<Looked>(
        [](Looked& p) { p.shown = look_at_cell(p.segment(), 0, p.entry); },
        [](Looked& p) {
            EXPECT_EQ(p.slow.ack(p.held), Finish::done);
            ParkingCell& cell = p.segment().parking(0);  // its next maker came half way
            const CellWord freed = unpack_cell(cell.word.load(memory_order_seq_cst));
            cell.word.store(pack_cell({CellState::tentative, 1, freed.generation}), memory_order_seq_cst);
            cell.sequence.store(5, memory_order_seq_cst);
        },
        [](Looked& p) {
            if (!p.shown) return;
            EXPECT_EQ(p.entry.sequence, 1u);
            EXPECT_EQ(p.entry.word.generation, 0u);
        });
}

TEST(InterruptedParking, a_cell_that_is_used_anew_while_an_entry_is_looked_for_is_not_taken_for_its_own) {
    struct Found : Parked {
        Sequence found = 0;
    };
    before_each_access<Found>(
        [](Found& p) {
            const auto at = find_pending(p.segment(), p.group.row, 1);
            if (at && at->parked) p.found = at->parked->sequence;
        },
        [](Found& p) {
            EXPECT_EQ(p.slow.ack(p.held), Finish::done);
            ParkingCell& cell = p.segment().parking(0);
            cell.sequence.store(5, memory_order_seq_cst);
            cell.record.store(pack_pending(p.geometry(), {1, 1, 1, PendingState::delivered}), memory_order_seq_cst);
            cell.word.store(pack_cell({CellState::live, 0, 1}), memory_order_seq_cst);
        },
        [](Found& p) { EXPECT_TRUE(p.found == 0 || p.found == 1) << p.found; });
}

TEST(InterruptedPins, of_a_group_that_are_freed_take_no_cell_from_another) {
    constexpr static PinWord next{true, 9, 3, 1, 7};
    struct OnePin : GroupForge {
        OnePin() { EXPECT_TRUE(reserve_pin(segment(), group.row, 0, {1, 1})); }
    };
    before_each_access<OnePin>(
        [](OnePin& one) { free_group_pins(one.segment(), one.group.row); },
        [](OnePin& one) { one.segment().pin(0).store(pack_pin(next), memory_order_seq_cst); },
        [](OnePin& one) { EXPECT_EQ(one.segment().pin(0).load(memory_order_seq_cst), pack_pin(next)); });
}

/// Losses of a group that is given copies, as two of its consumers found them before either told.
struct FoundTwice : GroupForge {
    FoundTwice() : GroupForge(tiny_options(), lossy()) {}
    [[nodiscard]] Sequence skipped() const { return segment().group(group.row).skipped.load(memory_order_seq_cst); }
    void tell(Sequence until, Ranges& lost) const {
        lost = {{1, until - 1}};
        tell_losses(segment(), group.row, {1, until}, lost);
    }
    Ranges early, late;
};

TEST(InterruptedLosses, that_two_found_are_told_once_and_stay_told) {
    before_each_access<FoundTwice>([](FoundTwice& found) { found.tell(5, found.early); },
                                   [](FoundTwice& found) { found.tell(8, found.late); },
                                   [](FoundTwice& found) {
                                       EXPECT_EQ(found.skipped(), 8u);
                                       for (const LostRange& range : found.late) found.early.push_back(range);
                                       merge_lost(found.early);
                                       EXPECT_EQ(found.early, (Ranges{{1, 7}}));
                                       std::uint64_t told = 0;
                                       for (const LostRange& range : found.late) told += range.last + 1 - range.first;
                                       EXPECT_TRUE(told == 7 || told == 3) << told;
                                   });
}

}  // namespace
}  // namespace shmq::test
