// What others do to a row, a cell, a pin or an event between two accesses of one who takes, frees or reads it.
#include "crash/interruption.hpp"
#include "group/delays.hpp"
#include "group/grouping.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"
#include "log/recorded.hpp"
#include "recovery/file_forge.hpp"

namespace shmq::test {
namespace {

/// A group, and two handles.
struct Two : GroupForge {
    Two() : other(segment(), 1) {}
    Handle other;
    unsigned count = 0;
    std::optional<Joined> first, second;
};

TEST(InterruptedTables, of_two_who_make_a_group_of_one_name_one_does) {
    const auto make = [](Two& two, Handle& by) {
        two.count += bool(create_group(two.segment(), by.visits, "h", Position::oldest()));
    };
    before_each_access<Two>([&](Two& two) { make(two, two.handle); }, [&](Two& two) { make(two, two.other); },
                            [](Two& two) {
                                EXPECT_EQ(two.count, 1u);
                                EXPECT_TRUE(find_group(two.segment(), two.handle.visits, "h"));
                            });
}

TEST(InterruptedTables, two_who_join_at_once_have_rows_of_their_own) {
    const auto join = [](Two& two, Handle& by, std::string_view name) {
        NameTaken taken{};
        return join_group(two.segment(), by.id, two.group.row, name, taken).value();
    };
    before_each_access<Two>(
        [&](Two& two) { two.first = join(two, two.handle, "a"); },
        [&](Two& two) { two.second = join(two, two.other, "b"); },
        [](Two& two) {
            EXPECT_NE(two.first->consumer, two.second->consumer);
            const auto word =
                two.segment().consumer(two.group.row, two.first->consumer).word.load(memory_order_seq_cst);
            EXPECT_EQ(word, two.handle.id.word(OwnerState::live));
        });
}

TEST(InterruptedTables, who_shares_a_pin_takes_none_from_who_has_the_cell_by_then) {
    constexpr static PinWord next{true, 9, 3, 1, 7};
    struct OnePin : Two {
        OnePin() { EXPECT_TRUE(reserve_pin(segment(), group.row, 0, {1, 1})); }
        std::optional<PinTicket> ticket;
    };
    before_each_access<OnePin>(
        [](OnePin& one) {
            one.ticket = reserve_pin(one.segment(), one.group.row, 0, {1, 1});
        },
        [](OnePin& one) { one.segment().pin(0).store(pack_pin(next), memory_order_seq_cst); },
        [](OnePin& one) {
            EXPECT_EQ(one.segment().pin(0).load(memory_order_seq_cst), pack_pin(next));
            EXPECT_TRUE(one.ticket);
        });
}

/// Two entries of one key, a chunk each; both are held by "a".
struct BothHeld : GroupForge {
    BothHeld()
        : GroupForge(keyed_options(), in_order(Order::by_key)), other(segment(), 1), holder(handle, group, "a"),
          taker(other, group, "b") {
        for (int i = 0; i < 2; ++i) EXPECT_TRUE(adder.add(std::string(400, 'x'), "key"));
        held = holder.read(2);
    }
    Handle other;
    Reader holder, taker;
    std::vector<Taken> held;
    Finish nacked{};
};

TEST(InterruptedTables, what_is_given_back_while_it_is_taken_back_leaves_no_pin) {
    before_each_access<BothHeld>(
        [](BothHeld& both) { EXPECT_EQ(both.taker.claim(0, 2'000, 1).size(), 1u); },
        [](BothHeld& both) { both.nacked = both.holder.nack(both.held.at(1)); },
        [](BothHeld& both) { EXPECT_EQ(both.pins_used(), both.nacked == Finish::done ? 1u : 2u); });
}

/// The first entry is parked, and delayed until 1,500.
struct Delayed : StuckForge {
    Delayed() {
        EXPECT_TRUE(park_for_room(segment(), handle.visits));
        EXPECT_EQ(give_back(segment(), group.row, 1, held.record, Ending::failed, 1'000, 500), Finish::done);
    }
};

TEST(InterruptedTables, what_is_finished_while_it_comes_due_stays_so_and_who_has_its_cell_then_is_left_alone) {
    struct Reused : Delayed {
        const std::uint64_t next = pack_pending(geometry(), {1, 1, 1, PendingState::delivered});
        [[nodiscard]] Word& record() const { return segment().parking(0).record; }
    };
    before_each_access<Reused>([](Reused& d) { ripen(d.segment(), d.group.row, 1'500); },
                               [](Reused& d) {
                                   EXPECT_TRUE(operator_ack(d.segment(), d.group.row, 1));
                                   d.record().store(d.next, memory_order_seq_cst);
                               },
                               [](Reused& d) {
                                   EXPECT_FALSE(find_pending(d.segment(), d.group.row, 1));
                                   EXPECT_EQ(d.record().load(memory_order_seq_cst), d.next);
                               });
}

TEST(InterruptedTables, what_comes_due_in_a_cell_is_found_at_any_moment) {
    struct Ripened : Delayed {
        bool found = false;
    };
    before_each_access<Ripened>(
        [](Ripened& d) { ripen(d.segment(), d.group.row, 1'500); },
        [](Ripened& d) {
            const PendingState state = pending_state(d.segment().parking(0).record.load(memory_order_seq_cst));
            d.found = state == PendingState::delayed || is_marked_retry(d.segment(), d.group.row, 1);
        },
        [](Ripened& d) { EXPECT_TRUE(d.found) << "a death here would lose it"; });
}

/// Entries of one digit, overwritten by longer ones.
struct Overwritten : Forge {
    Overwritten() : adder(segment()) { adder.add_many(6); }
    Adder adder;
    Copied copied{};
    EntryFields header;
};

TEST(InterruptedTables, the_header_of_an_entry_that_is_overwritten_is_its_own_or_gone) {
    before_each_access<Overwritten>(
        [](Overwritten& o) { o.copied = copy_header(o.segment(), 2, o.header); },
        [](Overwritten& o) {
            for (int i = 0; i < 40; ++i) EXPECT_TRUE(o.adder.add(std::string(50, 'x')));
        },
        [](Overwritten& o) {
            EXPECT_TRUE(o.copied == Copied::gone || (o.copied == Copied::done && o.header.size == 1));
        });
}

/// An event (1, 2) of a recorder, and other numbers for one of the two that have the same check beside the other.
struct Event {
    Event() {
        while (check_of({first, 2}) != check_of({1, 2})) ++first;
        while (check_of({1, second}) != check_of({1, 2})) ++second;
        write(1, 2);
    }
    void write(std::uint64_t one, std::uint64_t two) {
        write_recorded(word, {1, check_of({one, two}), std::nullopt, Did::opened}, [&] {
            a.store(one, memory_order_relaxed);
            b.store(two, memory_order_relaxed);
        });
    }
    void read() {
        shown = bool(read_recorded(word, [&] {
            seen_a = a.load(memory_order_relaxed);
            seen_b = b.load(memory_order_relaxed);
            return check_of({seen_a, seen_b});
        }));
    }
    /// What was shown, if anything, is (1, 2) or this.
    void expect_whole(std::uint64_t one, std::uint64_t two) const {
        if (!shown) return;
        EXPECT_EQ(seen_a, seen_b == 2 ? 1 : one);
        EXPECT_EQ(seen_b, seen_a == 1 ? 2 : two);
    }
    Word word{0}, a{0}, b{0};
    std::uint64_t first = 3, second = 3, seen_a = 0, seen_b = 0;
    bool shown = false;
};

TEST(InterruptedTables, an_event_that_is_half_another_is_not_shown_though_its_check_holds) {
    before_each_access<Event>([](Event& event) { event.write(event.first, 7); }, [](Event& event) { event.read(); },
                              [](Event& event) { event.expect_whole(event.first, 7); });
    before_each_access<Event>([](Event& event) { event.read(); }, [](Event& event) { event.write(9, event.second); },
                              [](Event& event) { event.expect_whole(9, event.second); });
}

/// One who attaches, one who scans, and one who comes.
struct Attaching {
    Attaching() : scanner(forge.path()), attaches(forge.path()), comes(forge.path()) {}
    FileForge forge;
    Attached scanner;
    Opened attaches, comes;
    std::optional<AttachmentId> first, second;
};

TEST(InterruptedTables, who_attaches_takes_no_row_that_was_reset_and_has_a_new_owner) {
    before_each_access<Attaching>([](Attaching& a) { a.first = a.attaches.attach_here().value(); },
                                  [](Attaching& a) {
                                      a.scanner.scan_now();
                                      a.second = a.comes.attach_here().value();
                                  },
                                  [](Attaching& a) {
                                      EXPECT_NE(a.first->row, a.second->row);
                                      const auto word =
                                          a.scanner.segment().attachment(a.second->row).word.load(memory_order_seq_cst);
                                      EXPECT_EQ(word, a.second->word(OwnerState::live));
                                  });
}

}  // namespace
}  // namespace shmq::test
