// Publishing: density from any hint, laps, sleepers between load and exchange, a full ring.
#include "log/publish.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "log/adding.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::Forge;

std::vector<Sequence> strange_hints(Sequence end) {
    return {0,           1,       end - 1,    end,       end + 1,           end + 7,
            end + 8,     end + 9, end + 1000, end << 20, ~Sequence{0} >> 1, ~Sequence{0} - 1,
            ~Sequence{0}};
}

TEST(Publish, gives_dense_sequences_from_the_first_one_on) {
    for (const Sequence first : {Sequence{1}, Sequence{8}, (Sequence{1} << 32) - 3, Sequence{1} << 62}) {
        StreamOptions options = test::tiny_options();
        options.first_sequence = first;
        const Forge forge(options);
        Publisher publisher(forge.segment());
        for (Sequence s = first; s < first + 50; ++s) EXPECT_EQ(*publisher.publish(s % 16), s);
        EXPECT_EQ(find_end(forge.segment()), first + 50);
    }
}

TEST(Publish, puts_the_place_in_the_slot) {
    const Forge forge;
    Publisher publisher(forge.segment());
    const Sequence s = *publisher.publish(11);
    EXPECT_EQ(unpack_slot(forge.geometry(), forge.segment().slot(s).load(memory_order_acquire)).place, 11u);
}

TEST(Publish, from_any_hint_takes_the_next_sequence_and_no_other) {
    for (const std::uint64_t before : {0u, 1u, 5u, 8u, 9u, 30u})
        for (const Sequence hint : strange_hints(before + 1)) {
            const Forge forge;
            test::publish_many(forge.segment(), before);
            forge.control().tail.store(hint, memory_order_relaxed);
            Publisher fresh(forge.segment());
            const auto sequence = fresh.publish(0);
            ASSERT_TRUE(sequence) << sequence.error().message();
            EXPECT_EQ(*sequence, before + 1) << "hint " << hint;
            EXPECT_EQ(find_end(forge.segment()), before + 2);
        }
}

TEST(Publish, at_a_hint_beside_the_end_publishes_nothing_that_is_not_dense) {
    for (const std::uint64_t before : {0u, 1u, 5u, 8u, 9u, 30u})
        for (const Sequence hint : strange_hints(before + 1)) {
            const Forge forge;
            test::publish_many(forge.segment(), before);
            forge.control().tail.store(hint, memory_order_relaxed);
            Publisher fresh(forge.segment());
            const Sequence given = fresh.publish_at_hint(0);
            EXPECT_TRUE(given == 0 || given == before + 1) << given << " at hint " << hint;
            EXPECT_EQ(find_end(forge.segment()), before + 1 + (given != 0));
        }
}

TEST(Publish, from_a_hint_that_is_spoiled_before_every_add_stays_dense) {
    const Forge forge;
    Publisher publisher(forge.segment());
    std::mt19937_64 random(11);
    for (Sequence s = 1; s < 2'000; ++s) {
        forge.control().tail.store(random() % 3 == 0 ? random() : random() % (s + 20), memory_order_relaxed);
        ASSERT_EQ(*publisher.publish(0), s);
    }
}

TEST(Publish, from_a_low_hint_does_not_go_to_an_earlier_turn_of_the_tags) {
    // 2^tag_bits laps after sequence 5 its slot would look free again to whoever began there.
    const Geometry g = test::planned(test::tiny_options());
    ASSERT_LT(g.tag_bits + g.slot_bits, 62u);
    StreamOptions options = test::tiny_options();
    options.first_sequence = (Sequence{1} << (g.tag_bits + g.slot_bits)) + 5;
    const Forge forge(options);
    for (const Sequence hint : {Sequence{1}, Sequence{5}, Sequence{6}, Sequence{8}}) {
        forge.control().tail.store(hint, memory_order_relaxed);
        Publisher publisher(forge.segment());
        EXPECT_GE(*publisher.publish(0), options.first_sequence) << "hint " << hint;
    }
}

TEST(Publish, behind_others_walks_on_to_the_end) {
    const Forge forge;
    Publisher slow(forge.segment()), fast(forge.segment());
    EXPECT_EQ(*slow.publish(0), 1u);
    for (Sequence s = 2; s < 40; ++s) EXPECT_EQ(*fast.publish(0), s);
    EXPECT_EQ(*slow.publish(0), 40u);
    EXPECT_EQ(*fast.publish(0), 41u);
}

TEST(Publish, goes_on_where_the_tags_begin_again) {
    const Geometry g = test::planned(test::tiny_options());
    StreamOptions options = test::tiny_options();
    options.first_sequence = (low_mask(g.tag_bits) << g.slot_bits) - 20;
    const Forge forge(options);
    const Sequence first = options.first_sequence;
    Publisher publisher(forge.segment());
    std::uint64_t lowest_tag = ~std::uint64_t{0};
    for (Sequence s = first; s < first + 60; ++s) {
        ASSERT_EQ(*publisher.publish(0), s);
        ASSERT_EQ(find_end(forge.segment()), s + 1);
        lowest_tag = std::min(lowest_tag, g.slot_tag(s));
    }
    EXPECT_LT(lowest_tag, 3u) << "the tags did go round";
}

TEST(Publish, of_one_who_slept_between_load_and_exchange_fails_even_laps_later) {
    const Forge forge;
    const Geometry& g = forge.geometry();
    test::publish_many(forge.segment(), 2);
    // What a producer had loaded for sequence 3, and what it will try to store, whenever it goes on.
    const std::uint64_t loaded = forge.segment().slot(3).load(memory_order_relaxed);
    for (int lap = 0; lap < 20; ++lap) {
        test::publish_many(forge.segment(), g.slots);
        std::uint64_t expected = loaded;
        EXPECT_FALSE(forge.segment().slot(3).compare_exchange(expected, pack_slot(g, g.slot_tag(3), 7),
                                                              memory_order_seq_cst, memory_order_relaxed));
    }
    EXPECT_EQ(find_end(forge.segment()), 3 + 20 * g.slots);
}

TEST(Publish, into_a_full_ring_says_which_group_and_consumer_hold_which_entry) {
    const Forge forge;
    test::forge_group(forge.segment(), 0, "orders", 1);
    set_row_name(forge.segment().consumer(0, 2).name, "worker");
    Publisher publisher(forge.segment());
    for (Sequence s = 1; s <= 8; ++s) ASSERT_EQ(*publisher.publish(0), s);
    test::forge_record(forge.segment(), 0, 1, PendingState::acked);
    test::forge_record(forge.segment(), 0, 2, PendingState::delivered, 2);
    EXPECT_EQ(*publisher.publish(0), 9u) << "the room of entry 1";
    const auto full = publisher.publish(0);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code(), Code::full);
    EXPECT_EQ(full.error().number(), 2u);
    const std::string text = full.error().message();
    EXPECT_NE(text.find("group orders"), std::string::npos) << text;
    EXPECT_NE(text.find("entry 2"), std::string::npos) << text;
    EXPECT_NE(text.find("consumer worker"), std::string::npos) << text;
    EXPECT_EQ(forge.control().room_wanted.load(memory_order_seq_cst), 3u) << "the wish that the next ack sees";
    EXPECT_EQ(find_end(forge.segment()), 10u) << "nothing was published";
    test::forge_record(forge.segment(), 0, 2, PendingState::acked);
    EXPECT_EQ(*publisher.publish(0), 10u);
}

TEST(Publish, into_a_full_ring_names_an_unnamed_consumer_and_an_entry_that_nobody_holds) {
    const Forge forge;
    test::forge_group(forge.segment(), 1, "audit", 1);
    Publisher publisher(forge.segment());
    for (Sequence s = 1; s <= 8; ++s) ASSERT_EQ(*publisher.publish(0), s);
    EXPECT_NE(publisher.publish(0).error().message().find("group audit still needs entry 1, which nobody holds"),
              std::string::npos);
    test::forge_record(forge.segment(), 1, 1, PendingState::delivered, 0);
    EXPECT_NE(publisher.publish(0).error().message().find("(anonymous)"), std::string::npos);
}

TEST(Publish, without_groups_overwrites_the_oldest) {
    const Forge forge;
    Publisher publisher(forge.segment());
    for (Sequence s = 1; s <= 100; ++s) {
        ASSERT_EQ(*publisher.publish(0), s);
        ASSERT_GE(find_begin(forge.segment()) + forge.geometry().slots, s + 1);
        ASSERT_LE(find_begin(forge.segment()), s);
    }
}

TEST(Publish, into_a_slot_of_a_tag_that_cannot_be_says_corrupt_and_where) {
    const Forge forge;
    const Geometry& g = forge.geometry();
    test::publish_many(forge.segment(), 2);
    Word& slot = forge.segment().slot(3);
    slot.store(pack_slot(g, 99, 0), memory_order_relaxed);
    Publisher publisher(forge.segment());
    const auto damaged = publisher.publish(0);
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code(), Code::corrupt);
    EXPECT_EQ(damaged.error().number(), forge.segment().offset_of(&slot));
}

TEST(Publish, in_a_segment_of_garbage_always_comes_back) {
    std::mt19937_64 random(5);
    for (int round = 0; round < 300; ++round) {
        const Forge forge;
        const Geometry& g = forge.geometry();
        test::publish_many(forge.segment(), random() % 20);
        if (round % 3 == 0) forge.control().trim_point.store(random() >> random() % 64, memory_order_relaxed);
        if (round % 3 == 1) forge.control().directory.store(random(), memory_order_relaxed);
        for (std::uint64_t i = 0; i < g.slots; ++i)
            if (random() % 4 == 0) forge.segment().slot(i).store(random() >> random() % 64, memory_order_relaxed);
        forge.control().tail.store(random() >> random() % 64, memory_order_relaxed);
        Publisher publisher(forge.segment());
        for (int i = 0; i < 20; ++i) static_cast<void>(publisher.publish(0));
        static_cast<void>(find_end(forge.segment()));
    }
}

TEST(Publish, by_many_threads_is_dense_and_gives_each_sequence_once) {
    const Forge forge(test::options_with_slots(16));
    constexpr std::uint64_t each = 20'000;
    std::vector<std::vector<Sequence>> given(3);
    std::vector<std::thread> threads;
    for (auto& mine : given)
        threads.emplace_back([&] {
            Publisher publisher(forge.segment());
            for (std::uint64_t i = 0; i < each; ++i) {
                const auto sequence = publisher.publish(0);
                if (!sequence) return ADD_FAILURE() << sequence.error().message(), void();
                mine.push_back(*sequence);
            }
        });
    for (std::thread& thread : threads) thread.join();
    std::vector<bool> seen(given.size() * each + 1);
    for (const auto& mine : given) {
        Sequence before = 0;
        for (const Sequence s : mine) {
            ASSERT_GT(s, before) << "a producer's own entries are in its order";
            ASSERT_LT(s, seen.size());
            ASSERT_FALSE(seen[s]) << s << " twice";
            seen[s] = true;
            before = s;
        }
    }
    EXPECT_EQ(find_end(forge.segment()), seen.size()) << "dense";
}

TEST(FindEnd, from_any_hint_is_the_first_unpublished_sequence) {
    for (const std::uint64_t count : {0u, 1u, 7u, 8u, 9u, 100u}) {
        const Forge forge;
        test::publish_many(forge.segment(), count);
        for (const Sequence hint : strange_hints(count + 1)) {
            forge.control().tail.store(hint, memory_order_relaxed);
            EXPECT_EQ(find_end(forge.segment()), count + 1) << "hint " << hint;
        }
    }
}

TEST(FindEnd, beside_producers_never_goes_back_nor_beyond_what_was_added) {
    const Forge forge(test::options_with_slots(16));
    Atomic<std::uint64_t> added(0);
    std::thread producer([&] {
        Publisher publisher(forge.segment());
        for (int i = 0; i < 50'000; ++i) {
            added.fetch_add(1, memory_order_seq_cst);  // counted before, so that the end can't be above it + 1
            ASSERT_TRUE(publisher.publish(0));
        }
    });
    std::mt19937_64 random(2);
    for (Sequence before = 0; before < 50'001;) {
        if (random() % 8 == 0) forge.control().tail.store(random() % 60'000, memory_order_relaxed);
        const Sequence end = find_end(forge.segment());
        ASSERT_GE(end, before);
        ASSERT_LE(end, added.load(memory_order_seq_cst) + 1);
        before = end;
    }
    producer.join();
}

}  // namespace
}  // namespace shmq
