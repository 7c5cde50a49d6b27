// Chunks: taking, filling, sealing, adopting, runs, and what is left behind by those who go.
#include "log/chunks.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "log/adding.hpp"
#include "log/free_chunks.hpp"

namespace shmq {
namespace {

using test::Forge;
using test::somebody;

OwnerWord owner_of(const Forge& forge, std::uint32_t chunk) {
    return unpack_owner(forge.segment().chunk(chunk).word.load(memory_order_acquire));
}
Sequence last_of(const Forge& forge, std::uint32_t chunk) {
    return forge.segment().chunk(chunk).last.load(memory_order_acquire);
}
std::uint64_t fill_of(const Forge& forge, std::uint32_t chunk) {
    return forge.segment().chunk(chunk).fill.load(memory_order_acquire);
}
std::uint32_t chunk_of(const Forge& forge, const Room& room) {
    return static_cast<std::uint32_t>(room.offset / forge.geometry().chunk_size);
}
unsigned count_of(const Forge& forge, OwnerState state) {
    unsigned count = 0;
    for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk)
        count += owner_of(forge, chunk).state == state;
    return count;
}
void pin(const Forge& forge, std::uint32_t chunk, std::uint32_t count = 1) {
    forge.segment().pin(5).store(pack_pin({true, 1, chunk, count, 1}), memory_order_seq_cst);
}

TEST(Chunks, a_first_room_takes_the_lowest_chunk_in_the_owners_name) {
    const Forge forge;
    ChunkHolder holder(forge.segment(), somebody(4, 9));
    const Room room = *holder.reserve(64);
    EXPECT_EQ(room.offset, 0u);
    EXPECT_EQ(owner_of(forge, 0), (OwnerWord{OwnerState::owned, 4, 9}));
    EXPECT_EQ(fill_of(forge, 0), 64u) << "the mark stands before the bytes do";
}

TEST(Chunks, rooms_follow_each_other_and_never_overlap) {
    const Forge forge;
    ChunkHolder holder(forge.segment(), somebody());
    for (std::uint64_t i = 0; i < 8; ++i) {
        const Room room = *holder.reserve(64);
        EXPECT_EQ(room.offset, i * 64);
        holder.settle(room, i + 1);
    }
    EXPECT_EQ(chunk_of(forge, *holder.reserve(64)), 1u) << "512 bytes are full";
}

TEST(Chunks, a_full_one_is_sealed_with_its_highest_sequence) {
    const Forge forge;
    ChunkHolder holder(forge.segment(), somebody());
    const Room low = *holder.reserve(256), high = *holder.reserve(256);
    holder.settle(high, 9);
    holder.settle(low, 5);
    EXPECT_EQ(owner_of(forge, 0).state, OwnerState::owned) << "it may be filled on until there is no room";
    ASSERT_TRUE(holder.reserve(64));
    EXPECT_EQ(owner_of(forge, 0), (OwnerWord{OwnerState::sealed, 0, 0}));
    EXPECT_EQ(last_of(forge, 0), 9u);
}

TEST(Chunks, an_open_loan_keeps_its_chunk_owned_until_it_is_settled_or_dropped) {
    for (const bool settles : {true, false}) {
        const Forge forge;
        ChunkHolder holder(forge.segment(), somebody());
        const Room loan = *holder.reserve(256);
        holder.settle(*holder.reserve(256), 3);
        const Room next = *holder.reserve(512);
        EXPECT_EQ(chunk_of(forge, next), 1u);
        EXPECT_EQ(owner_of(forge, 0).state, OwnerState::owned) << "the loan is open";
        if (settles)
            holder.settle(loan, 7);
        else
            holder.drop(loan);
        EXPECT_EQ(owner_of(forge, 0).state, OwnerState::sealed);
        EXPECT_EQ(last_of(forge, 0), settles ? 7u : 3u);
    }
}

TEST(Chunks, two_open_loans_keep_their_chunk_until_the_second_is_settled_or_dropped) {
    for (const bool settles : {true, false}) {
        const Forge forge;
        ChunkHolder holder(forge.segment(), somebody());
        const Room first = *holder.reserve(256), second = *holder.reserve(256);
        ASSERT_TRUE(holder.reserve(512));
        if (settles)
            holder.settle(second, 2);
        else
            holder.drop(second);
        EXPECT_EQ(owner_of(forge, 0).state, OwnerState::owned) << "its owner may write there still";
        holder.settle(first, 9);
        EXPECT_EQ(owner_of(forge, 0).state, OwnerState::sealed);
        EXPECT_EQ(last_of(forge, 0), 9u);
    }
}

TEST(Chunks, more_loans_than_may_be_held_are_refused_and_one_settled_makes_room) {
    const Forge forge;
    ChunkHolder holder(forge.segment(), somebody());
    std::vector<Room> loans;
    for (unsigned i = 0; i < ChunkHolder::most_holds; ++i) loans.push_back(*holder.reserve(512));
    const auto refused = holder.reserve(512);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::too_many_loans);
    holder.settle(loans[1], 1);
    EXPECT_TRUE(holder.reserve(512));
}

TEST(Chunks, room_dropped_last_is_used_again_and_room_dropped_earlier_is_not) {
    const Forge forge;
    ChunkHolder holder(forge.segment(), somebody());
    const Room first = *holder.reserve(64), second = *holder.reserve(64);
    holder.drop(second);
    EXPECT_EQ(fill_of(forge, 0), 64u);
    const Room third = *holder.reserve(96);
    EXPECT_EQ(third.offset, second.offset);
    holder.drop(first);
    EXPECT_EQ(fill_of(forge, 0), 160u) << "bytes of a later room stand above it";
}

TEST(Chunks, one_left_unfinished_is_adopted_at_its_fill_mark) {
    const Forge forge;
    test::publish_many(forge.segment(), 1);
    ChunkHolder first(forge.segment(), somebody(1, 1));
    first.settle(*first.reserve(96), 1);
    first.close();
    EXPECT_EQ(owner_of(forge, 0), (OwnerWord{OwnerState::unfinished, 0, 0}));
    EXPECT_EQ(last_of(forge, 0), 1u);
    ChunkHolder second(forge.segment(), somebody(2, 5));
    const Room room = *second.reserve(64);
    EXPECT_EQ(room.offset, 96u);
    EXPECT_EQ(owner_of(forge, 0), (OwnerWord{OwnerState::owned, 2, 5}));
    second.close();
    EXPECT_EQ(last_of(forge, 0), 1u) << "never lower than it was";
}

TEST(Chunks, a_thousand_short_producers_fill_no_more_than_one_would) {
    StreamOptions options = test::options_with_slots(1024);
    const Forge forge(options);
    for (unsigned i = 0; i < 1'000; ++i) {
        test::Adder adder(forge.segment(), somebody(1, i));
        const auto sequence = adder.add("x");
        ASSERT_TRUE(sequence) << i << ": " << sequence.error().message();
        adder.chunks().close();
    }
    const std::uint64_t needed = 1'000 * forge.geometry().room_for(1, 0);
    EXPECT_LE(forge.geometry().chunks - count_of(forge, OwnerState::free), needed / forge.geometry().chunk_size + 1);
    EXPECT_EQ(find_begin(forge.segment()), 1u) << "nothing had to go";
}

TEST(Chunks, one_with_a_damaged_mark_is_sealed_and_left) {
    for (const std::uint64_t mark :
         {std::uint64_t{513}, std::uint64_t{33}, ~std::uint64_t{0}, ~std::uint64_t{0} - 31}) {
        const Forge forge;
        test::publish_many(forge.segment(), 3);
        forge.segment().chunk(0).word.store(pack_owner({OwnerState::unfinished, 0, 0}), memory_order_relaxed);
        forge.segment().chunk(0).last.store(3, memory_order_relaxed);
        forge.segment().chunk(0).fill.store(mark, memory_order_relaxed);
        ChunkHolder holder(forge.segment(), somebody());
        const auto room = holder.reserve(64);
        ASSERT_TRUE(room) << mark;
        EXPECT_NE(chunk_of(forge, *room), 0u) << mark;
        EXPECT_EQ(room->offset % 32, 0u);
        EXPECT_LE(room->offset + 64, forge.geometry().payload) << mark;
        EXPECT_NE(owner_of(forge, 0).state, OwnerState::owned) << "others take it when its entries are trimmed";
    }
}

TEST(Chunks, one_of_a_living_owner_is_never_taken) {
    const Forge forge;
    for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk)
        forge.segment().chunk(chunk).word.store(somebody(6, 6).word(OwnerState::owned), memory_order_relaxed);
    ChunkHolder holder(forge.segment(), somebody());
    const auto none = holder.reserve(64);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), Code::full);
    EXPECT_NE(none.error().message().find("producers and loans hold them"), std::string::npos)
        << none.error().message();
}

TEST(Chunks, one_is_reused_only_after_the_trim_point_passed_its_last_entry) {
    const Forge forge;
    test::Adder adder(forge.segment());
    test::forge_group(forge.segment(), 0, "g", 1);
    const std::string large(400, 'x');  // one a chunk
    for (Sequence s = 1; s <= 8; ++s) {
        const auto added = adder.add(large);
        if (added) continue;
        // Full: it must be the first entry that holds it, and the ack of that one alone makes room.
        EXPECT_EQ(added.error().code(), Code::full);
        EXPECT_EQ(added.error().number(), 1u);
        EXPECT_NE(added.error().message().find("chunk"), std::string::npos);
        test::forge_record(forge.segment(), 0, 1, PendingState::acked);
        EXPECT_TRUE(adder.add(large));
        EXPECT_EQ(find_begin(forge.segment()), 2u);
        return;
    }
    FAIL() << "never full";
}

TEST(Chunks, a_pinned_one_is_left_out_even_when_the_trim_point_has_passed) {
    const Forge forge;
    test::Adder adder(forge.segment());
    pin(forge, 2);
    std::set<std::uint32_t> used;
    for (int i = 0; i < 60; ++i) {
        const Room room = *adder.chunks().reserve(512);
        used.insert(chunk_of(forge, room));
        adder.chunks().settle(room, *adder.publisher().publish(room.offset / 32));
    }
    EXPECT_EQ(used.count(2), 0u);
    EXPECT_GE(used.size(), 3u);
    forge.segment().pin(5).store(0, memory_order_seq_cst);
    for (int i = 0; i < 60; ++i) {
        const Room room = *adder.chunks().reserve(512);
        used.insert(chunk_of(forge, room));
        adder.chunks().settle(room, *adder.publisher().publish(room.offset / 32));
    }
    EXPECT_EQ(used.count(2), 1u) << "freed";
}

TEST(Chunks, last_only_grows) {
    const Forge forge;
    forge.segment().chunk(0).last.store(5, memory_order_relaxed);
    forge.control().trim_point.store(6, memory_order_relaxed);
    ChunkHolder holder(forge.segment(), somebody());
    ASSERT_EQ(chunk_of(forge, *holder.reserve(64)), 0u);
    holder.close();
    EXPECT_EQ(last_of(forge, 0), 5u);
}

TEST(TakeChunk, that_went_round_since_it_was_looked_at_is_put_back) {
    const Forge forge;
    ChunkRow& row = forge.segment().chunk(3);
    const std::uint64_t sealed = pack_owner({OwnerState::sealed, 0, 0});
    row.word.store(sealed, memory_order_relaxed);
    forge.control().trim_point.store(10, memory_order_relaxed);
    // Looked at when its last was 4; taken, filled up to 12 and sealed by somebody since, with the same word.
    row.last.store(12, memory_order_relaxed);
    EXPECT_FALSE(take_chunk(forge.segment(), 3, sealed, somebody().word(OwnerState::owned)));
    EXPECT_EQ(row.word.load(memory_order_relaxed), sealed);
    row.last.store(9, memory_order_relaxed);
    pin(forge, 3);
    EXPECT_FALSE(take_chunk(forge.segment(), 3, sealed, somebody().word(OwnerState::owned))) << "pinned meanwhile";
    forge.segment().pin(5).store(0, memory_order_seq_cst);
    EXPECT_TRUE(take_chunk(forge.segment(), 3, sealed, somebody().word(OwnerState::owned)));
    EXPECT_FALSE(take_chunk(forge.segment(), 3, sealed, somebody(2).word(OwnerState::owned))) << "owned by now";
}

TEST(Runs, take_neighbours_at_the_high_end) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;  // three chunks
    const Forge forge(options);
    ASSERT_EQ(forge.geometry().longest_run, 3u);
    ChunkHolder holder(forge.segment(), somebody());
    const Room room = *holder.reserve(forge.geometry().room_for(1'400, 0));
    EXPECT_EQ(chunk_of(forge, room), 5u);
    for (std::uint32_t chunk = 5; chunk < 8; ++chunk) {
        EXPECT_EQ(owner_of(forge, chunk).state, OwnerState::owned);
        EXPECT_EQ(fill_of(forge, chunk), 512u) << "nobody adopts a part of it";
    }
    holder.settle(room, 4);
    for (std::uint32_t chunk = 5; chunk < 8; ++chunk) {
        EXPECT_EQ(owner_of(forge, chunk).state, OwnerState::sealed);
        EXPECT_EQ(last_of(forge, chunk), 4u);
    }
}

TEST(Runs, have_chunks_that_singles_never_take) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;
    const Forge forge(options);
    EXPECT_EQ(single_chunks(forge.geometry()), 5u);
    for (unsigned i = 0; i < 2; ++i) {
        ChunkHolder holder(forge.segment(), somebody(i));
        for (int loans = 0; loans < 4; ++loans)
            if (const auto room = holder.reserve(512)) {
                EXPECT_LT(chunk_of(forge, *room), 5u);
            }
    }
    ChunkHolder other(forge.segment(), somebody(7));
    EXPECT_TRUE(other.reserve(1'440)) << "however long the others sit on their chunks";
}

TEST(Runs, are_taken_whole_or_not_at_all) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;
    const Forge forge(options);
    for (const std::uint32_t chunk : {1u, 4u, 6u})  // no three neighbours are free
        forge.segment().chunk(chunk).word.store(somebody(6, 6).word(OwnerState::owned), memory_order_relaxed);
    ChunkHolder holder(forge.segment(), somebody());
    const auto none = holder.reserve(1'440);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), Code::full);
    for (std::uint32_t chunk = 0; chunk < 8; ++chunk)
        EXPECT_NE(owner_of(forge, chunk), (OwnerWord{OwnerState::owned, somebody().row, somebody().incarnation}))
            << chunk;
    forge.segment().chunk(6).word.store(0, memory_order_relaxed);
    EXPECT_EQ(chunk_of(forge, *holder.reserve(1'440)), 5u);
}

TEST(Runs, leave_out_pinned_chunks) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;
    const Forge forge(options);
    pin(forge, 6, 2);
    ChunkHolder holder(forge.segment(), somebody());
    EXPECT_EQ(chunk_of(forge, *holder.reserve(1'440)), 3u);
}

TEST(Runs, lift_the_trim_point_no_further_than_they_need) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;
    const Forge forge(options);
    test::publish_many(forge.segment(), 8);
    const std::uint64_t sealed = pack_owner({OwnerState::sealed, 0, 0});
    for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {  // entry n + 1 stands in chunk n
        forge.segment().chunk(chunk).word.store(sealed, memory_order_relaxed);
        forge.segment().chunk(chunk).last.store(chunk + 1, memory_order_relaxed);
    }
    ChunkHolder holder(forge.segment(), somebody());
    const Room room = *holder.reserve(1'440);
    EXPECT_EQ(chunk_of(forge, room), 0u) << "the oldest three";
    EXPECT_EQ(find_begin(forge.segment()), 4u);
}

TEST(Runs, that_a_group_holds_up_say_which_entry) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;
    const Forge forge(options);
    test::publish_many(forge.segment(), 8);
    test::forge_group(forge.segment(), 0, "g", 1);
    for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
        forge.segment().chunk(chunk).word.store(pack_owner({OwnerState::sealed, 0, 0}), memory_order_relaxed);
        forge.segment().chunk(chunk).last.store(chunk + 1, memory_order_relaxed);
    }
    test::forge_record(forge.segment(), 0, 1, PendingState::acked);
    ChunkHolder holder(forge.segment(), somebody());
    const auto full = holder.reserve(1'440);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code(), Code::full);
    EXPECT_EQ(full.error().number(), 2u);
    EXPECT_GE(forge.control().room_wanted.load(memory_order_relaxed), 4u);
}

TEST(Runs, of_a_producer_that_closes_with_an_open_loan_are_free_again) {
    StreamOptions options = test::tiny_options();
    options.max_entry = 1'400;
    const Forge forge(options);
    ChunkHolder holder(forge.segment(), somebody());
    ASSERT_TRUE(holder.reserve(1'440));
    holder.close();
    EXPECT_EQ(count_of(forge, OwnerState::owned), 0u);
    EXPECT_EQ(count_of(forge, OwnerState::unfinished), 0u) << "nothing of a run is filled on";
    ChunkHolder next(forge.segment(), somebody(2));
    EXPECT_EQ(chunk_of(forge, *next.reserve(1'440)), 5u);
}

TEST(Chunks, of_a_damaged_table_give_an_error_and_an_end) {
    for (unsigned state = 0; state < 8; ++state)
        for (const Sequence last : {Sequence{0}, Sequence{5}, ~Sequence{0} - 1, ~Sequence{0}}) {
            const Forge forge;
            test::publish_many(forge.segment(), 5);
            for (std::uint32_t chunk = 0; chunk < forge.geometry().chunks; ++chunk) {
                forge.segment().chunk(chunk).word.store(pack_owner({static_cast<OwnerState>(state), 4000, 77}),
                                                        memory_order_relaxed);
                forge.segment().chunk(chunk).last.store(last, memory_order_relaxed);
                forge.segment().chunk(chunk).fill.store(last, memory_order_relaxed);
            }
            ChunkHolder holder(forge.segment(), somebody());
            const auto room = holder.reserve(64);
            if (room) {
                EXPECT_LE(room->offset + 64, forge.geometry().payload);
            }
        }
}

}  // namespace
}  // namespace shmq
