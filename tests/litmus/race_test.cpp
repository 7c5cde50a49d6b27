// The room's own functions, raced against each other on a forged segment: after each round the outcome that must not be
// is looked for. That this machine and these threads would show it is what the first test is about.
#include "litmus/race.hpp"

#include "group/closing.hpp"
#include "group/dead_move.hpp"
#include "group/delays.hpp"
#include "group/grouping.hpp"
#include "log/sleep.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::GroupForge;
using test::Handle;
using test::race;
using test::Reader;

constexpr std::uint32_t short_rounds = 40'000;  // of some hundred nanoseconds
constexpr std::uint32_t long_rounds = 10'000;   // in which groups are made

TEST(Race, shows_store_buffering_where_the_orders_allow_it) {
    struct alignas(cache_line) Line {
        Atomic<std::uint64_t> word{0};
    };
    Line x, y;
    std::uint64_t saw_y = 0, saw_x = 0;
    std::uint32_t both_missed = 0;
    race(
        "(control)", "nothing", short_rounds,
        [&] {
            x.word.store(0, memory_order_seq_cst);
            y.word.store(0, memory_order_seq_cst);
        },
        [&] {
            x.word.store(1, memory_order_release);
            saw_y = y.word.load(memory_order_acquire);
        },
        [&] {
            y.word.store(1, memory_order_release);
            saw_x = x.word.load(memory_order_acquire);
        },
        [&] { both_missed += saw_x == 0 && saw_y == 0 ? 1u : 0u; });
    if (both_missed == 0)
        std::printf("(control) this machine showed no store buffering at all: these races say little here\n");
    else
        std::printf("(control) both missed in %u rounds\n", both_missed);
}

TEST(Race, of_a_publisher_and_a_sleeper_one_sees_the_other) {
    const test::Forge forge;
    const Segment& segment = forge.segment();
    Publisher publisher(segment);
    Sequence next = 1;
    bool looked = false;
    race(
        "SLEEP", "an entry is published, and who sleeps neither woken nor told", short_rounds,
        [&] { forge.control().sleepers.store(0, memory_order_seq_cst); },
        [&] {
            EXPECT_TRUE(publisher.publish(0));
            entries_came(segment, sleeper_mask(reader_bit), 1);
        },
        [&] {
            announce_sleeper(segment, reader_bit);
            looked = segment.published(next, memory_order_acquire);
        },
        [&] {
            const bool asleep = forge.control().sleepers.load(memory_order_seq_cst) != 0;
            EXPECT_TRUE(looked || !asleep) << "at " << next;
            ++next;
        });
}

TEST(Race, what_is_published_is_read_whole) {
    const test::Forge forge;
    test::Adder adder(forge.segment());
    std::uint64_t number = 0;
    std::uint64_t read = 0;
    race(
        "PUBLISH", "an entry is seen published, and not its bytes", short_rounds, [&] { read = ++number; },
        [&] {
            EXPECT_TRUE(adder.add({reinterpret_cast<const char*>(&number), sizeof number}));
        },
        [&] {
            const Segment& segment = forge.segment();
            const Sequence sequence = number;
            if (!segment.published(sequence, memory_order_acquire)) return;
            const SlotWord slot = unpack_slot(forge.geometry(), segment.slot(sequence).load(memory_order_acquire));
            const auto at = entry_at(segment, slot.place);
            read = 0;
            if (at && at->header.size == sizeof read)
                std::memcpy(&read, segment.payload() + at->payload_offset, sizeof read);
        },
        [&] { EXPECT_EQ(read, number); });
}

TEST(Race, a_group_never_starts_below_the_trim_point) {
    const test::Forge forge;
    const Segment& segment = forge.segment();
    Handle handle(segment, 0);
    Publisher publisher(segment);
    Result<GroupId> made = Code::empty;
    Sequence wanted = 1;
    race(
        "TRIM", "the trim point passes a group's start", long_rounds,
        [&] {
            EXPECT_TRUE(publisher.publish(0));
            wanted = find_begin(segment) + 1;
        },
        [&] { lift_trim(segment, wanted); },
        [&] { made = create_group(segment, handle.visits, "g", Position::oldest(), {}); },
        [&] {
            ASSERT_TRUE(made) << made.error().message();
            EXPECT_LE(find_begin(segment), start_of(segment.group(made->row), memory_order_seq_cst));
            EXPECT_TRUE(drop_group(segment, handle.visits, "g"));
            lift_trim(segment, wanted);
        });
}

TEST(Race, a_claim_that_stands_in_a_group_that_is_dropped_is_pinned) {
    GroupForge forge;
    const Segment& segment = forge.segment();
    Handle dropper(segment, 1);
    std::optional<Reader> reader;
    std::vector<Taken> taken;
    race(
        "DROP", "a claim stands, and what it looks at is not pinned", long_rounds,
        [&] {
            ASSERT_TRUE(forge.adder.add("x"));
            reader.emplace(forge.handle, forge.group, "c");
        },
        [&] { taken = reader->read_new(1); }, [&] { EXPECT_TRUE(drop_group(segment, dropper.visits, "g")); },
        [&] {
            EXPECT_GE(forge.pins_used(), taken.size()) << "one too many, of a claim that is void, its consumer frees";
            reader.reset();
            const auto made = create_group(segment, dropper.visits, "g", Position::newest(), {});
            ASSERT_TRUE(made) << made.error().message();
            forge.group = *made;
        });
}

TEST(Race, no_row_is_prepared_anew_while_somebody_is_inside_who_saw_its_group) {
    GroupForge forge;
    const Segment& segment = forge.segment();
    Handle maker(segment, 1);
    bool saw = false;
    Result<GroupId> made = Code::empty;
    race(
        "VISIT", "a visitor saw its group active, and is inside another's", long_rounds, [] {},
        [&] {
            forge.handle.visits.enter(forge.group.row);
            saw = is_active(segment, forge.group);
        },
        [&] {
            EXPECT_TRUE(drop_group(segment, maker.visits, "g"));
            made = create_group(segment, maker.visits, "g", Position::newest(), {});
        },
        [&] {
            ASSERT_TRUE(made) << made.error().message();
            EXPECT_FALSE(saw && made->row == forge.group.row);
            forge.handle.visits.leave(forge.group.row);
            forge.group = *made;
        });
}

TEST(Race, of_two_who_join_under_one_name_one_is_refused) {
    GroupForge forge;
    const Segment& segment = forge.segment();
    Handle other(segment, 1);
    NameTaken taken{}, other_taken{};
    Result<Joined> one = Code::empty, two = Code::empty;
    race(
        "JOIN", "two own one name", short_rounds, [] {},
        [&] { one = join_group(segment, forge.handle.id, forge.group.row, "c", taken); },
        [&] { two = join_group(segment, other.id, forge.group.row, "c", other_taken); },
        [&] {
            EXPECT_FALSE(one && two);
            if (one) leave_group(segment, forge.handle.id, forge.group.row, one->consumer);
            if (two) leave_group(segment, other.id, forge.group.row, two->consumer);
            // Forgotten: or else the name would be known, and one exchange decide.
            for (std::uint32_t row = 0; row < forge.geometry().consumers; ++row)
                segment.consumer(forge.group.row, row).word.store(0, memory_order_seq_cst);
        });
}

TEST(Race, a_delayed_entry_has_a_hint_whoever_took_it_away) {
    GroupForge forge;
    const Segment& segment = forge.segment();
    Reader reader(forge.handle, forge.group, "c");
    std::vector<Taken> taken;
    race(
        "DELAY", "an entry is delayed, and nobody knows when it is due", short_rounds,
        [&] {
            ASSERT_TRUE(forge.adder.add("x"));
            taken = reader.read(1);
            ASSERT_EQ(taken.size(), 1u);
            lower_due(segment, forge.group.row, 1'500, 1'000);
        },
        [&] {
            EXPECT_EQ(
                give_back(segment, forge.group.row, taken[0].sequence, taken[0].record, Ending::failed, 1'600, 400),
                Finish::done);
        },
        [&] { ripen(segment, forge.group.row, 1'600); },
        [&] {
            const bool delayed = forge.record(taken[0].sequence).state == PendingState::delayed;
            EXPECT_TRUE(!delayed || due_hint(segment, forge.group.row) != 0);
            ripen(segment, forge.group.row, 9'000);
            taken = reader.read(1, 9'000);
            ASSERT_EQ(taken.size(), 1u);
            EXPECT_EQ(reader.ack(taken[0]), Finish::done);
            segment.group(forge.group.row).due.store(0, memory_order_seq_cst);
        });
}

TEST(Race, a_dead_entry_has_a_hint_or_its_mover_saw_it) {
    GroupOptions options;
    options.delivery_limit = 1;
    options.dead_letter = "letters";
    GroupForge forge(test::tiny_options(), options);
    const Segment& segment = forge.segment();
    Reader reader(forge.handle, forge.group, "c");
    std::vector<Taken> taken;
    std::vector<Sequence> dead;
    race(
        "LETTER", "an entry is dead, no mover saw it, and no hint tells", short_rounds,
        [&] {
            ASSERT_TRUE(forge.adder.add("x"));
            taken = reader.read(1);
            ASSERT_EQ(taken.size(), 1u);
        },
        [&] { EXPECT_EQ(reader.nack(taken[0]), Finish::done); },
        [&] { dead = dead_to_move(segment, forge.group.row, 4); },
        [&] {
            EXPECT_EQ(forge.record(taken[0].sequence).state, PendingState::dead);
            EXPECT_TRUE(!dead.empty() || dead_waits(segment, forge.group.row));
            EXPECT_TRUE(operator_ack(segment, forge.group.row, taken[0].sequence));
        });
}

}  // namespace
}  // namespace shmq
