// What others do between two accesses of one who repairs, ends a delivery, or takes a cell or chunks: no mark, hint,
// row or cell may be missing at any of them.
#include "crash/interruption.hpp"
#include "group/dead_move.hpp"
#include "group/delays.hpp"
#include "group/grouping.hpp"
#include "group/parked.hpp"
#include "group/parking.hpp"
#include "log/find_bytes.hpp"
#include "recovery/file_forge.hpp"

namespace shmq::test {
namespace {

constexpr std::uint64_t now = 1'000;

/// An entry held by "a", and how its delivery may end.
struct Held : GroupForge {
    explicit Held(PendingState state) : other(segment(), 1), reader(handle, group, "a"), ends_in(state) {
        GroupRow& row = segment().group(group.row);
        std::strcpy(row.dead_letter, "letters");
        if (state == PendingState::dead) row.delivery_limit = 1;
        adder.add_many(2);
        held = reader.read(1).at(0);
    }
    void end() {
        const auto delay = ends_in == PendingState::delayed ? std::optional<std::uint32_t>(500) : 0;
        give_back(segment(), group.row, 1, held.record, Ending::failed, now, delay);
    }
    /// What leads readers and movers to the entry once its delivery has ended.
    [[nodiscard]] bool is_pointed_at() const {
        if (record(1).state != ends_in) return record(1).state == PendingState::delivered;
        if (ends_in == PendingState::retry) return is_marked_retry(segment(), group.row, 1);
        if (ends_in == PendingState::delayed) return due_hint(segment(), group.row) != 0;
        return dead_waits(segment(), group.row);
    }
    /// Takes the hint away, and looks what it leads to. Whether the entry was there.
    bool look() {
        const Visit visit(other.visits, group.row);
        if (ends_in == PendingState::dead) return !dead_to_move(segment(), group.row, 8).empty();
        ripen(segment(), group.row, now + 500);
        return record(1).state == PendingState::retry;
    }
    Handle other;
    Reader reader;
    Taken held;
    PendingState ends_in;
    bool found = false;
};
template <PendingState state>
struct HeldUntil : Held {
    HeldUntil() : Held(state) {}
};

template <PendingState state>
void expect_found_after_a_death() {
    using World = HeldUntil<state>;
    before_each_access<World>([](World& held) { held.end(); }, [](World& held) { held.found = held.is_pointed_at(); },
                              [](World& held) { EXPECT_TRUE(held.found) << "a death here would lose it"; });
}

TEST(InterruptedEnd, of_a_delivery_leaves_the_entry_found_at_any_moment) {
    expect_found_after_a_death<PendingState::retry>();
    expect_found_after_a_death<PendingState::delayed>();
    expect_found_after_a_death<PendingState::dead>();
}

template <PendingState state>
void expect_found_after_a_look() {
    using World = HeldUntil<state>;
    before_each_access<World>([](World& held) { held.end(); }, [](World& held) { held.found = held.look(); },
                              [](World& held) { EXPECT_TRUE(held.found || held.is_pointed_at()); });
}

TEST(InterruptedEnd, of_a_delivery_puts_back_the_hint_that_another_takes_away_meanwhile) {
    expect_found_after_a_look<PendingState::delayed>();
    expect_found_after_a_look<PendingState::dead>();
}

/// A ring whose first entry is stuck, and a second producer.
struct Stuck : StuckForge {
    Stuck() : other(segment(), 1) {}
    Handle other;
    Taken next;
};

TEST(InterruptedParking, two_who_park_the_same_entry_lose_it_to_nobody) {
    before_each_access<Stuck>([](Stuck& s) { park_for_room(s.segment(), s.handle.visits); },
                              [](Stuck& s) { park_for_room(s.segment(), s.other.visits); },
                              [](Stuck& s) {
                                  EXPECT_TRUE(is_parked(s.segment(), s.group, 1));
                                  EXPECT_EQ(s.slow.ack(s.held), Finish::done);
                                  EXPECT_GE(find_begin(s.segment()), 2u);
                              });
}

TEST(InterruptedParking, an_entry_of_the_next_lap_is_not_parked_for_the_one_that_stood_there) {
    before_each_access<Stuck>([](Stuck& s) { park_for_room(s.segment(), s.handle.visits); },
                              [](Stuck& s) {
                                  EXPECT_EQ(s.slow.ack(s.held), Finish::done);
                                  s.adder.add_many(1);
                                  s.next = s.fast.read(1).at(0);
                              },
                              [](Stuck& s) {
                                  EXPECT_EQ(s.next.sequence, 9u);
                                  EXPECT_FALSE(find_pending(s.segment(), s.group.row, 1));
                                  EXPECT_EQ(s.record(9).state, PendingState::delivered);
                                  EXPECT_EQ(s.fast.ack(s.next), Finish::done);
                              });
}

/// Its cell is tentative still, since its maker was stopped.
struct Tentative : Stuck {
    Tentative() {
        EXPECT_TRUE(park_for_room(segment(), handle.visits));
        cell().store(pack_cell({CellState::tentative, handle.id.row, 0}), memory_order_seq_cst);
        record = segment().record(group.row, 1).load(memory_order_seq_cst);
    }
    [[nodiscard]] Word& cell() const { return segment().parking(0).word; }
    std::uint64_t record = 0;
    static constexpr CellWord anew{CellState::tentative, 1, 1};
};

TEST(InterruptedParking, who_settles_a_cell_late_leaves_alone_who_uses_it_anew) {
    before_each_access<Tentative>(
        [](Tentative& t) { settle_parked(t.segment(), t.group.row, 1, t.record); },
        [](Tentative& t) { t.cell().store(pack_cell(Tentative::anew), memory_order_seq_cst); },
        [](Tentative& t) { EXPECT_EQ(unpack_cell(t.cell().load(memory_order_seq_cst)), Tentative::anew); });
}

TEST(InterruptedParking, a_cell_that_becomes_live_and_loses_its_name_while_it_is_looked_at_is_seen) {
    struct Looked : Tentative {
        ParkedEntry entry{};
        bool shown = false;
    };
    before_each_access<Looked>([](Looked& t) { t.shown = look_at_cell(t.segment(), 0, t.entry); },
                               [](Looked& t) {
                                   settle_parked(t.segment(), t.group.row, 1, t.record);
                                   forge_record(t.segment(), t.group.row, 9,
                                                PendingState::acked);  // in the place of the one that named it
                               },
                               [](Looked& t) { EXPECT_TRUE(t.shown); });
}

/// A process that died: it filled a chunk and had joined as "named", and held an entry. Two repair what it left, and
/// what is freed has a new owner at once.
struct TwoRepair : GroupForge {
    TwoRepair() : other(segment(), 1), dead(segment(), 5, 3), last(segment(), dead.id) {
        EXPECT_TRUE(last.add("x"));
        NameTaken taken{};
        row = join_group(segment(), dead.id, group.row, "named", taken)->consumer;
    }
    void repair_by(Handle& who) {
        RecoveryReport report;
        repair(segment(), who.visits, dead.id, 2'000, report);
    }
    void use_anew() {
        repair_by(other);
        NameTaken taken{};
        EXPECT_TRUE(join_group(segment(), other.id, group.row, "named", taken));
        next.emplace(segment(), other.id);
        EXPECT_TRUE(next->add("y"));
    }
    Handle other, dead;
    Adder last;
    std::optional<Adder> next;
    std::uint32_t row = 0;
};

TEST(InterruptedRepair, takes_nothing_from_the_next_owner_of_what_another_freed) {
    before_each_access<TwoRepair>(
        [](TwoRepair& two) { two.repair_by(two.handle); }, [](TwoRepair& two) { two.use_anew(); },
        [](TwoRepair& two) {
            const std::uint64_t chunk = two.segment().chunk(0).word.load(memory_order_seq_cst);
            EXPECT_EQ(unpack_owner(chunk), unpack_owner(two.other.id.word(OwnerState::owned)));
            const std::uint64_t row = two.segment().consumer(two.group.row, two.row).word.load(memory_order_seq_cst);
            EXPECT_EQ(unpack_owner(row), unpack_owner(two.other.id.word(OwnerState::live)));
        });
}

/// A row that its owner left half attached, one who scans, and one who comes.
struct LeftAttaching {
    LeftAttaching() : scanner(forge.path()), comes(forge.path()) {
        scanner.segment().attachment(row).word.store(AttachmentId{row, 6}.word(OwnerState::attaching),
                                                     memory_order_seq_cst);
    }
    static constexpr std::uint32_t row = 1;
    FileForge forge;
    Attached scanner;
    Opened comes;
    std::optional<AttachmentId> id;
};

TEST(InterruptedScan, resets_no_row_that_has_a_new_owner_meanwhile) {
    before_each_access<LeftAttaching>(
        [](LeftAttaching& left) { left.scanner.scan_now(); },
        [](LeftAttaching& left) { left.id = left.comes.attach_here().value(); },
        [](LeftAttaching& left) {
            const auto word = left.scanner.segment().attachment(left.id->row).word.load(memory_order_seq_cst);
            EXPECT_EQ(word, left.id->word(OwnerState::live));
            EXPECT_EQ(left.id->row, LeftAttaching::row);
        });
}

/// Two producers that want entries of several chunks each.
struct TwoRuns : Forge {
    static StreamOptions options() {
        StreamOptions options = tiny_options();
        options.max_entry = 1024;
        return options;
    }
    TwoRuns() : Forge(options()), first(segment(), somebody(1)), second(segment(), somebody(2)) {}
    ChunkHolder first, second;
    std::optional<Room> one, two;
};

TEST(InterruptedChunks, two_who_take_runs_at_once_take_different_ones) {
    const auto reserve = [](ChunkHolder& holder, std::optional<Room>& room) {
        if (auto reserved = holder.reserve(1024)) room = *reserved;
    };
    before_each_access<TwoRuns>(
        [&](TwoRuns& runs) { reserve(runs.first, runs.one); }, [&](TwoRuns& runs) { reserve(runs.second, runs.two); },
        [](TwoRuns& runs) {
            ASSERT_TRUE(runs.one || runs.two);
            if (!runs.one || !runs.two) return;
            EXPECT_TRUE(runs.one->offset + 1024 <= runs.two->offset || runs.two->offset + 1024 <= runs.one->offset);
        });
}

/// Entries that are overwritten by the next ones.
struct Overtaken : Forge {
    Overtaken() : adder(segment()) { adder.add_many(6); }
    Adder adder;
    Copied copied{};
};

TEST(InterruptedLog, a_search_that_is_overtaken_by_laps_finds_no_damage) {
    before_each_access<Overtaken>(
        [](Overtaken& o) {
            Sequence found = 0;
            o.copied = find_newest_bytes(o.segment(), 1'000, found);
        },
        [](Overtaken& o) { o.adder.add_many(12); }, [](Overtaken& o) { EXPECT_EQ(o.copied, Copied::done); });
}

struct Lapped : Forge {
    Lapped() { publish_many(segment(), 6); }
    Sequence end = 0;
};

TEST(InterruptedLog, the_end_is_never_below_what_it_was) {
    for (const Sequence hint : {Sequence{1}, Sequence{7}})
        before_each_access<Lapped>(
            [&](Lapped& lapped) {
                lapped.control().tail.store(hint, memory_order_relaxed);
                lapped.end = find_end(lapped.segment());
            },
            [](Lapped& lapped) {
                publish_many(lapped.segment(), 5);
                EXPECT_EQ(lapped.control().trim_point.load(memory_order_relaxed), 4u);
            },
            [](Lapped& lapped) { EXPECT_GE(lapped.end, 7u); });
}

}  // namespace
}  // namespace shmq::test
