// As late_test.cpp, of rows, chunks and repairs: who has them since keeps them.
#include <chrono>
#include <memory>

#include "crash/interruption.hpp"
#include "group/delays.hpp"
#include "group/group_options.hpp"
#include "group/group_row.hpp"
#include "group/grouping.hpp"
#include "log/free_chunks.hpp"
#include "log/named.hpp"
#include "log/producer_row.hpp"
#include "log/retention.hpp"
#include "recovery/file_forge.hpp"

namespace shmq::test {
namespace {

TEST(LateRows, a_row_that_another_group_is_prepared_in_meanwhile_is_the_others) {
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

TEST(LateRows, who_helps_to_make_a_group_that_is_dropped_meanwhile_does_not_bring_it_back) {
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

TEST(LateRows, a_name_whose_row_another_name_was_given_meanwhile_is_joined_once) {
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

TEST(LateRows, a_chunk_that_two_want_is_filled_by_one) {
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

TEST(LateRows, a_run_of_chunks_of_which_another_takes_one_meanwhile_is_taken_elsewhere) {
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

TEST(LateRows, a_chunk_that_is_another_owners_by_damage_is_left_to_it) {
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

TEST(LateRows, an_attachment_whose_row_was_reset_before_its_lock_stood_takes_another) {
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

TEST(LateRows, a_row_that_another_attaches_in_meanwhile_is_the_others) {
    const FileForge forge;
    // Free, or left by one who died while he attached, so that both would reset it.
    for (const bool left : {false, true})
        for (std::uint64_t at = 1;; ++at) {
            SCOPED_TRACE("before access " + std::to_string(at));
            Opened opened(forge.path()), other(forge.path());
            Word& first = opened.segment().attachment(0).word;
            const std::uint64_t incarnation = unpack_owner(first.load(memory_order_seq_cst)).incarnation;
            if (left) first.store(AttachmentId{0, incarnation}.word(OwnerState::attaching), memory_order_seq_cst);
            AttachmentId mine{}, others{};
            const auto inside = [&]() -> Word& { return opened.segment().attachment(others.row).inside; };
            const bool came = interrupt([&] { mine = opened.attach_here().value(); }, std::nullopt, at,
                                        [&] {
                                            others = other.attach_here().value();
                                            inside().store(1, memory_order_seq_cst);
                                        });
            const auto word_of = [&](AttachmentId id) {
                return opened.segment().attachment(id.row).word.load(memory_order_seq_cst);
            };
            EXPECT_EQ(word_of(mine), mine.word(OwnerState::live));
            detach(opened.segment(), mine);
            if (!came) break;
            EXPECT_NE(mine.row, others.row);
            EXPECT_EQ(word_of(others), others.word(OwnerState::live));
            EXPECT_EQ(inside().load(memory_order_seq_cst), 1u);
            detach(other.segment(), others);
        }
}

void repair_once(const GroupForge& forge, Handle& scanner, const Handle& dead) {
    RecoveryReport report;
    repair(forge.segment(), scanner.visits, dead.id, 2'000, report);
}

TEST(LateRows, a_repair_takes_nothing_from_whoever_has_the_rows_since) {
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
        [](Dead& d) { repair_once(d, d.handle, d.gone); },
        [](Dead& d) {
            // Another is through with the repair, and the next owner has all of it.
            repair_once(d, d.next, d.gone);
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

TEST(LateRows, a_row_that_a_dead_maker_left_and_another_makes_a_group_in_meanwhile_stays_the_others) {
    struct HalfMade : GroupForge {
        HalfMade() : gone(segment(), 5, 3), next(segment(), 6, 1) {
            row = prepare_row(segment(), gone.visits, "x", 1, {}).value().row;
        }
        Handle gone, next;
        std::uint32_t row = 0;
        Result<GroupId> theirs = Code::busy;
    };
    before_each_access<HalfMade>([](HalfMade& h) { repair_once(h, h.handle, h.gone); },
                                 [](HalfMade& h) {
                                     repair_once(h, h.next, h.gone);
                                     h.theirs = create_group(h.segment(), h.next.visits, "y", Position::oldest());
                                 },
                                 [](HalfMade& h) {
                                     ASSERT_TRUE(h.theirs);
                                     EXPECT_EQ(h.theirs->row, h.row);
                                     EXPECT_EQ(find_group(h.segment(), h.handle.visits, "y"), *h.theirs);
                                     EXPECT_TRUE(is_active(h.segment(), *h.theirs));
                                 });
}

TEST(LateRows, a_cell_that_somebody_reserved_since_its_repair_stays_his) {
    struct Cells : StuckForge {
        Cells() : gone(segment(), 5, 3), next(segment(), 6, 1) {
            control().parked.store(2, memory_order_seq_cst);
            cell().store(pack_cell({CellState::tentative, gone.id.row, 4}), memory_order_seq_cst);
        }
        [[nodiscard]] Word& cell() const { return segment().parking(1).word; }
        [[nodiscard]] std::uint64_t reserved() const { return pack_cell({CellState::tentative, next.id.row, 5}); }
        Handle gone, next;
    };
    before_each_access<Cells>([](Cells& c) { repair_once(c, c.handle, c.gone); },
                              [](Cells& c) {
                                  repair_once(c, c.next, c.gone);
                                  c.cell().store(c.reserved(), memory_order_seq_cst);
                              },
                              [](Cells& c) { EXPECT_EQ(c.cell().load(memory_order_seq_cst), c.reserved()); });
}

/// A group that is late: its entries were added in 1970, and the first alone is acked. "r" holds the second.
struct Behind : GroupForge {
    Behind() : other(segment(), 1), reader(std::make_unique<Reader>(other, group, "r")) {
        make_late(*this);
        held = reader->read_new(2);
        EXPECT_EQ(reader->ack(held.at(0)), Finish::done);
    }
    [[nodiscard]] GroupRow& row() const { return segment().group(group.row); }
    Handle other;
    std::unique_ptr<Reader> reader;
    std::vector<Taken> held;
    Lifted lifted{};
};

TEST(LateRows, a_group_that_finished_what_was_in_the_way_meanwhile_is_not_demoted_for_it) {
    before_each_access<Behind>([](Behind& b) { b.lifted = lift_for_room(b.segment(), 3, 3); },
                               [](Behind& b) { b.reader->ack(b.held[1]); },
                               [](Behind& b) {
                                   EXPECT_EQ(b.lifted.trim, 3u);
                                   const Sequence demoted = demoted_at(b.row());
                                   EXPECT_TRUE(demoted == 0 || demoted == 2) << demoted;
                               });
}

TEST(LateRows, what_is_trimmed_while_a_group_is_looked_at_is_room_all_the_same) {
    before_each_access<Behind>([](Behind& b) { b.lifted = lift_for_room(b.segment(), 3, 3); },
                               [](Behind& b) {
                                   b.reader->ack(b.held[1]);
                                   EXPECT_EQ(lift_trim(b.segment(), 3).trim, 3u);
                               },
                               [](Behind& b) { EXPECT_EQ(b.lifted.trim, 3u); });
}

TEST(LateRows, the_group_that_is_made_in_its_row_meanwhile_is_not_demoted) {
    GroupId made{};
    before_each_access<Behind>(
        [](Behind& b) { b.lifted = lift_for_room(b.segment(), 3, 3); },
        [&](Behind& b) {
            b.reader->leave();
            GroupOptions options;
            options.retention = Retention::until;
            options.behind = std::chrono::milliseconds(most_delay_ms);
            EXPECT_TRUE(drop_group(b.segment(), b.other.visits, "g"));
            made = create_group(b.segment(), b.other.visits, "g", Position::newest(), options).value();
        },
        [&](Behind& b) {
            ASSERT_EQ(made.row, b.group.row);
            EXPECT_EQ(b.row().demoted.load(memory_order_seq_cst), undemoted_word(made.incarnation));
        });
}

}  // namespace
}  // namespace shmq::test
