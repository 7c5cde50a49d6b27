// Words that come too late: each step of one operation, with another that decides the matter just before it. What was
// decided stands, and what the late one had reserved for itself is given back.
#include "crash/interruption.hpp"
#include "group/dead.hpp"
#include "group/delays.hpp"
#include "group/grouping.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"

namespace shmq::test {
namespace {

/// Entries 1 to 4, the first held by "a", and a second consumer "b", both with a handle of their own.
struct Two : GroupForge {
    explicit Two(const GroupOptions& options = {})
        : GroupForge(tiny_options(), options), other(segment(), 1), a(handle, group, "a"), b(other, group, "b") {
        adder.add_many(4);
        held = a.read(1).at(0);
    }
    [[nodiscard]] std::uint32_t row() const { return group.row; }
    [[nodiscard]] bool is_acked() const { return record(1).state == PendingState::acked; }
    /// Whether `one` holds the entry as its record says.
    [[nodiscard]] bool holds(const Reader& one, const PendingWord& word) const {
        return word.state == PendingState::delivered && word.consumer == one.consumer() + 1;
    }
    Handle other;
    Reader a, b;
    Taken held;
    std::vector<Taken> taken;
    Finish finish = Finish::fenced;
    bool done = false;
};

TEST(Late, a_claim_of_what_is_acked_meanwhile_takes_nothing_and_keeps_no_pin) {
    before_each_access<Two>([](Two& two) { two.taken = two.b.claim(0, 2'000, 1); },
                            [](Two& two) { two.finish = two.a.ack(two.held); },
                            [](Two& two) {
                                if (two.finish == Finish::done) {
                                    EXPECT_TRUE(two.is_acked());
                                    EXPECT_TRUE(two.taken.empty());
                                    EXPECT_EQ(two.pins_used(), 0u);
                                } else {
                                    EXPECT_EQ(two.taken.size(), 1u);
                                }
                            });
}

TEST(Late, a_retry_of_what_an_operator_acks_meanwhile_leaves_it_acked) {
    struct Waiting : Two {
        Waiting() { EXPECT_EQ(a.nack(held), Finish::done); }
    };
    before_each_access<Waiting>([](Two& two) { two.taken = two.b.read(1); },
                                [](Two& two) { two.done = bool(operator_ack(two.segment(), two.row(), 1)); },
                                [](Two& two) { EXPECT_TRUE(two.done && two.is_acked()); });
}

/// The same where every consumer of the group keeps the order of each key.
struct TwoByKey : Two {
    TwoByKey() : Two(in_order(Order::by_key)) {}
};

TEST(Late, a_new_entry_that_another_was_given_meanwhile_stays_its) {
    const auto read = [](Two& two) { two.taken = two.b.read_new(1); };
    std::vector<Taken> meanwhile;
    const auto others = [&](Two& two) { meanwhile = two.a.read_new(1); };
    const auto check = [&](Two& two) {
        ASSERT_EQ(two.taken.size(), 1u) << "the one behind it is there";
        ASSERT_EQ(meanwhile.size(), 1u);
        EXPECT_NE(two.taken[0].sequence, meanwhile[0].sequence);
        EXPECT_TRUE(two.holds(two.b, two.record(two.taken[0].sequence)));
        EXPECT_TRUE(two.holds(two.a, two.record(meanwhile[0].sequence)));
    };
    before_each_access<Two>(read, others, check);
    before_each_access<TwoByKey>(read, others, check);
}

TEST(Late, a_delay_that_ended_leaves_alone_what_is_acked_meanwhile) {
    struct Delayed : Two {
        Delayed() { give_back(segment(), row(), 1, held.record, Ending::failed, 1'000, 100); }
    };
    before_each_access<Delayed>([](Two& two) { ripen(two.segment(), two.row(), 1'100); },
                                [](Two& two) { two.done = bool(operator_ack(two.segment(), two.row(), 1)); },
                                [](Two& two) { EXPECT_TRUE(two.done && two.is_acked()); });
}

TEST(Late, an_operators_word_about_what_is_acked_meanwhile_keeps_no_pin) {
    for (const bool acks : {false, true})
        before_each_access<Two>(
            [&](Two& two) {
                if (acks)
                    static_cast<void>(operator_ack(two.segment(), two.row(), 1));
                else
                    static_cast<void>(operator_nack(two.segment(), two.row(), 1, 1'000, {}));
            },
            [](Two& two) { two.finish = two.a.ack(two.held); },
            [](Two& two) {
                if (two.finish != Finish::done) return;
                EXPECT_TRUE(two.is_acked());
                EXPECT_EQ(two.pins_used(), 0u);
            });
}

TEST(Late, a_mark_that_leads_to_nothing_is_not_taken_from_what_is_given_back_meanwhile) {
    struct Marked : Two {
        Marked() {
            forge_record(segment(), row(), 1, PendingState::dead, a.consumer());
            mark_retry(segment(), row(), 1);
        }
    };
    before_each_access<Marked>([](Two& two) { two.taken = two.b.read(1); },
                               [](Two& two) { two.done = bool(requeue_dead(two.segment(), two.row(), 1, 1'000)); },
                               [](Two& two) {
                                   EXPECT_TRUE(two.done);
                                   const PendingWord word = two.record(1);
                                   EXPECT_TRUE(two.holds(two.b, word) || is_marked_retry(two.segment(), two.row(), 1));
                               });
}

TEST(Late, a_pin_that_its_holder_frees_meanwhile_and_another_takes_stays_the_others) {
    const PinWord others{true, 3, 5, 1, 9};
    before_each_access<Two>(
        [](Two& two) {
            reserve_pin(two.segment(), two.row(), two.a.consumer(), {2, 1});
            free_pins(two.segment(), two.row(), two.a.consumer(), [](ChunkSpan) { return false; });
        },
        [&](Two& two) { two.segment().pin(0).store(pack_pin(others), memory_order_seq_cst); },
        [&](Two& two) {
            EXPECT_EQ(two.segment().pin(0).load(memory_order_seq_cst), pack_pin(others));
            EXPECT_EQ(two.pins_used(), 1u);
        });
}

TEST(Late, a_parking_of_what_is_acked_meanwhile_leaves_its_cell_to_the_next) {
    struct Stuck : StuckForge {
        bool parked = false;
        Finish finish = Finish::fenced;
    };
    before_each_access<Stuck>([](Stuck& s) { s.parked = park_for_room(s.segment(), s.handle.visits); },
                              [](Stuck& s) { s.finish = s.slow.ack(s.held); },
                              [](Stuck& s) {
                                  EXPECT_EQ(s.finish, Finish::done);
                                  EXPECT_FALSE(find_pending(s.segment(), s.group.row, 1));
                                  const CellWord word =
                                      unpack_cell(s.segment().parking(0).word.load(memory_order_seq_cst));
                                  EXPECT_EQ(word.state, CellState::free);
                                  const bool was_used = s.segment().parking(0).sequence.load(memory_order_seq_cst) != 0;
                                  EXPECT_TRUE(!was_used || word.generation == 1) << "another generation each time";
                              });
}

/// A claim by "fast" of the entry of "slow", which is at its limit or not, in the ring or parked.
template <bool is_parked, std::uint32_t limit>
struct Claimed : StuckForge {
    Claimed() {
        segment().group(group.row).delivery_limit = limit;
        if (is_parked) {
            EXPECT_TRUE(park_for_room(segment(), handle.visits));
        }
    }
    std::vector<Taken> taken;
    Finish finish = Finish::fenced;
};
template <class World>
void expect_no_pin_in_vain() {
    before_each_access<World>([](World& s) { s.taken = s.fast.claim(0, 2'000, 1); },
                              [](World& s) { s.finish = s.slow.ack(s.held); },
                              [](World& s) {
                                  const bool was_taken = s.finish != Finish::done;
                                  EXPECT_EQ(s.pins_used(), was_taken ? 1u : 0u);
                                  EXPECT_EQ(find_pending(s.segment(), s.group.row, 1).has_value(), was_taken);
                              });
}

TEST(Late, a_claim_of_what_is_acked_meanwhile_keeps_no_pin_wherever_the_entry_is_and_however_often_it_failed) {
    expect_no_pin_in_vain<Claimed<false, 0>>();
    expect_no_pin_in_vain<Claimed<false, 1>>();
    expect_no_pin_in_vain<Claimed<true, 0>>();
    expect_no_pin_in_vain<Claimed<true, 1>>();
}

}  // namespace
}  // namespace shmq::test
