// Words that come too late: each step of one operation, with another that decides the matter just before it. What was
// decided stands, and what the late one had reserved for itself is given back.
#include <memory>

#include "crash/interruption.hpp"
#include "group/dead.hpp"
#include "group/dead_move.hpp"
#include "group/delays.hpp"
#include "group/group_row.hpp"
#include "group/grouping.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"
#include "log/free_chunks.hpp"
#include "log/named.hpp"
#include "log/producer_row.hpp"
#include "recovery/file_forge.hpp"

namespace shmq::test {
namespace {

/// Runs `operation` in a new world each time, with `others` before its first, second, third ... access, until it has no
/// more of them. `check` looks at what came of it.
template <class World, class Operation, class Others, class Check>
void before_each_access(Operation operation, Others others, Check check) {
    for (std::uint64_t at = 1;; ++at) {
        World world;
        SCOPED_TRACE("before access " + std::to_string(at));
        const bool came = interrupt([&] { operation(world); }, std::nullopt, at, [&] { others(world); });
        if (!came) {
            EXPECT_GT(at, 2u) << "it did nothing";
            return;
        }
        check(world);
        if (::testing::Test::HasFailure()) return;
    }
}

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
                                [](Two& two) { two.done = bool(operator_ack(two.segment(), two.row(), 1, 1'000)); },
                                [](Two& two) { EXPECT_TRUE(two.done && two.is_acked()); });
}

/// The same where every consumer of the group keeps the order of each key.
struct TwoByKey : Two {
    TwoByKey() : Two(by_key()) {}
    static GroupOptions by_key() {
        GroupOptions options;
        options.order = Order::by_key;
        return options;
    }
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
                                [](Two& two) { two.done = bool(operator_ack(two.segment(), two.row(), 1, 1'000)); },
                                [](Two& two) { EXPECT_TRUE(two.done && two.is_acked()); });
}

TEST(Late, an_operators_word_about_what_is_acked_meanwhile_keeps_no_pin) {
    for (const bool acks : {false, true})
        before_each_access<Two>(
            [&](Two& two) {
                if (acks)
                    static_cast<void>(operator_ack(two.segment(), two.row(), 1, 1'000));
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
    struct Stuck : GroupForge {
        Stuck() : slow(handle, group, "slow"), fast(handle, group, "fast") {
            adder.add_many(8);
            held = slow.read(1).at(0);
            for (const Taken& taken : fast.read(7)) fast.ack(taken);
        }
        Reader slow, fast;
        Taken held;
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

TEST(Late, a_row_that_another_group_is_prepared_in_meanwhile_is_the_others) {
    struct Makers : GroupForge {
        Makers() : other(segment(), 1) {}
        Handle other;
        Result<GroupId> mine = Code::busy, theirs = Code::busy;
    };
    before_each_access<Makers>(
        [](Makers& m) { m.mine = create_group(m.segment(), m.handle.visits, "x", Position::oldest()); },
        [](Makers& m) { m.theirs = create_group(m.segment(), m.other.visits, "y", Position::oldest()); },
        [](Makers& m) {
            ASSERT_TRUE(m.mine);
            ASSERT_TRUE(m.theirs);
            EXPECT_NE(m.mine->row, m.theirs->row);
            EXPECT_EQ(find_group(m.segment(), m.handle.visits, "x"), *m.mine);
            EXPECT_EQ(find_group(m.segment(), m.handle.visits, "y"), *m.theirs);
            EXPECT_TRUE(find_group(m.segment(), m.handle.visits, "g"));
        });
}

TEST(Late, who_helps_to_make_a_group_that_is_dropped_meanwhile_does_not_bring_it_back) {
    struct HalfMade : GroupForge {
        HalfMade() : other(segment(), 1) {
            const GroupId made = prepare_row(segment(), other.visits, "x", 1, {}).value();
            row = made.row;
            control().directory.store(
                next_directory(load_directory(segment()), active_groups(load_directory(segment())) | 1u << row),
                memory_order_seq_cst);
        }
        [[nodiscard]] GroupState state() const {
            return unpack_group(segment().group(row).word.load(memory_order_seq_cst)).state;
        }
        Handle other;
        std::uint32_t row = 0;
        bool dropped = false;
    };
    before_each_access<HalfMade>([](HalfMade& h) { finish_creation(h.segment(), h.row); },
                                 [](HalfMade& h) { h.dropped = bool(drop_group(h.segment(), h.other.visits, "x")); },
                                 [](HalfMade& h) {
                                     EXPECT_TRUE(h.dropped);
                                     EXPECT_EQ(h.state(), GroupState::dropped);
                                 });
}

TEST(Late, a_name_whose_row_another_name_was_given_meanwhile_is_joined_once) {
    struct Names : GroupForge {
        Names() : other(segment(), 1) {
            for (const char* name : {"a", "b", "c", "d"})
                leave_group(segment(), handle.id, group.row, join(handle, name).value().consumer);
        }
        Result<Joined> join(Handle& by, std::string_view name) {
            NameTaken taken{};
            return join_group(segment(), by.id, group.row, name, taken);
        }
        [[nodiscard]] std::string name(std::uint32_t row) const {
            return std::string(row_name(segment().consumer(group.row, row).name).view());
        }
        [[nodiscard]] OwnerState state(std::uint32_t row) const {
            return unpack_owner(segment().consumer(group.row, row).word.load(memory_order_seq_cst)).state;
        }
        Handle other;
        Result<Joined> mine = Code::busy, theirs = Code::busy;
    };
    before_each_access<Names>([](Names& n) { n.mine = n.join(n.handle, "a"); },
                              [](Names& n) {
                                  n.theirs = n.join(n.other, "e");  // in the row of a name that is away
                                  if (n.theirs) leave_group(n.segment(), n.other.id, n.group.row, n.theirs->consumer);
                              },
                              [](Names& n) {
                                  ASSERT_TRUE(n.theirs);
                                  ASSERT_TRUE(n.mine);
                                  EXPECT_EQ(n.name(n.mine->consumer), "a");
                                  for (std::uint32_t row = 0; row < n.geometry().consumers; ++row)
                                      EXPECT_EQ(n.state(row),
                                                row == n.mine->consumer ? OwnerState::live : OwnerState::away);
                              });
}

TEST(Late, a_chunk_that_two_want_is_filled_by_one) {
    struct Chunks : Forge {
        Chunks() : first(segment(), somebody(1, 1)), second(segment(), somebody(2, 1)) {}
        ChunkHolder first, second;
        Result<Room> mine = Code::busy, theirs = Code::busy;
    };
    for (const std::uint64_t size : {std::uint64_t{64}, std::uint64_t{512}})
        before_each_access<Chunks>([&](Chunks& c) { c.mine = c.first.reserve(size); },
                                   [&](Chunks& c) { c.theirs = c.second.reserve(size); },
                                   [](Chunks& c) {
                                       ASSERT_TRUE(c.mine);
                                       ASSERT_TRUE(c.theirs);
                                       EXPECT_NE(c.mine->offset / 512, c.theirs->offset / 512);
                                       const auto owner = [&](const Room& room) {
                                           const auto chunk = static_cast<std::uint32_t>(room.offset / 512);
                                           return c.segment().chunk(chunk).word.load(memory_order_seq_cst);
                                       };
                                       EXPECT_EQ(owner(*c.mine), somebody(1, 1).word(OwnerState::owned));
                                       EXPECT_EQ(owner(*c.theirs), somebody(2, 1).word(OwnerState::owned));
                                   });
}

TEST(Late, a_run_of_chunks_of_which_another_takes_one_meanwhile_is_taken_elsewhere) {
    struct Runs : Forge {
        Runs() : Forge(options()), holder(segment(), somebody(1, 1)) {}
        static StreamOptions options() {
            StreamOptions options = tiny_options();
            options.max_entry = 1'400;  // three chunks
            return options;
        }
        ChunkHolder holder;
        Result<Room> mine = Code::busy;
    };
    const std::uint64_t others = somebody(2, 1).word(OwnerState::owned);
    before_each_access<Runs>([](Runs& r) { r.mine = r.holder.reserve(1'440); },
                             [&](Runs& r) {
                                 std::uint64_t free = 0;
                                 r.segment().chunk(6).word.compare_exchange(free, others, memory_order_seq_cst,
                                                                            memory_order_seq_cst);
                             },
                             [&](Runs& r) {
                                 ASSERT_TRUE(r.mine);
                                 const bool theirs = r.segment().chunk(6).word.load(memory_order_seq_cst) == others;
                                 EXPECT_EQ(r.mine->offset / 512, theirs ? 3u : 5u);
                             });
}

TEST(Late, a_chunk_that_is_another_owners_by_damage_is_left_to_it) {
    struct Closing : Forge {
        Closing() : holder(segment(), somebody(1, 1)) { EXPECT_TRUE(holder.reserve(64)); }
        ChunkHolder holder;
    };
    const std::uint64_t others = somebody(2, 1).word(OwnerState::owned);
    Closing c;
    c.segment().chunk(0).word.store(others, memory_order_seq_cst);
    c.holder.close();
    EXPECT_EQ(c.segment().chunk(0).word.load(memory_order_seq_cst), others);
}

TEST(Late, an_attachment_whose_row_was_reset_before_its_lock_stood_takes_another) {
    const FileForge forge;
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("before access " + std::to_string(at));
        Opened opened(forge.path()), scanner(forge.path());
        AttachmentId id{};
        const bool came = interrupt(
            [&] { id = opened.attach_here().value(); }, std::nullopt, at,
            [&] {
                // Whoever looks before the lock is there takes it for a leftover.
                Word& word = scanner.segment().attachment(0).word;
                const OwnerWord found = unpack_owner(word.load(memory_order_seq_cst));
                if (found.state == OwnerState::attaching)
                    word.store(pack_owner({OwnerState::free, 0, found.incarnation + 1}), memory_order_seq_cst);
            });
        EXPECT_EQ(opened.segment().attachment(id.row).word.load(memory_order_seq_cst), id.word(OwnerState::live));
        if (id.row != 0) {
            const std::uint64_t first = opened.segment().attachment(0).word.load(memory_order_seq_cst);
            EXPECT_EQ(unpack_owner(first).state, OwnerState::free);
        }
        detach(opened.segment(), id);
        if (!came) break;
    }
}

TEST(Late, a_repair_takes_nothing_from_whoever_has_the_rows_since) {
    struct Dead : GroupForge {
        Dead() : GroupForge(options()), gone(segment(), 5, 3), next(segment(), 6, 1) {
            take_producer_row(segment(), gone.id);
            OwnerWord owner{};
            name = row_of_name(segment(), "n").value();
            EXPECT_TRUE(take_name(segment(), gone.id, name, owner));
            Adder dying(segment(), gone.id);
            dying.add_many(2);
            NameTaken taken{};
            consumer = join_group(segment(), gone.id, group.row, "c", taken).value().consumer;
            Member member(segment(), group, consumer, false);
            std::vector<Taken> room(2);
            Taking taking{room, 0, ~std::size_t{0}, 0, 1'000};
            take_new(member, taking);
        }
        static StreamOptions options() {
            StreamOptions options = tiny_options();
            options.producer_names = 2;
            return options;
        }
        Handle gone, next;
        std::uint32_t name = 0, consumer = 0;
        std::vector<Taken> again;
        std::unique_ptr<Reader> reader;
    };
    before_each_access<Dead>(
        [](Dead& d) {
            RecoveryReport report;
            repair(d.segment(), d.handle.visits, d.gone.id, 2'000, report);
        },
        [](Dead& d) {
            // Another is through with the repair, and the next owner has all of it.
            RecoveryReport report;
            repair(d.segment(), d.next.visits, d.gone.id, 2'000, report);
            take_producer_row(d.segment(), d.next.id);
            OwnerWord owner{};
            take_name(d.segment(), d.next.id, d.name, owner);
            d.reader = std::make_unique<Reader>(d.next, d.group, "c");
            d.again = d.reader->read(2);
        },
        [](Dead& d) {
            EXPECT_EQ(d.segment().producer(0).word.load(memory_order_seq_cst), d.next.id.word(OwnerState::live));
            EXPECT_EQ(d.segment().named(d.name).word.load(memory_order_seq_cst), d.next.id.word(OwnerState::live));
            ASSERT_EQ(d.again.size(), 2u);
            for (const Taken& taken : d.again) EXPECT_EQ(d.reader->ack(taken), Finish::done) << taken.sequence;
        });
}

}  // namespace
}  // namespace shmq::test
