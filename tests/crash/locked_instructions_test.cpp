// How many locked instructions an entry costs while nobody interferes: one to add it, one to deliver it, one to ack it.
//
// Every locked instruction of the library is an exchange that comes through base/atomic.hpp (loads and stores are plain
// moves on x86-64, but for sequentially consistent stores, which no step below makes: they are counted too). The hook
// counts them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

#include "base/atomic.hpp"
#include "shmq/shmq.hpp"

namespace shmq {

namespace {

std::uint64_t exchanges = 0;

void count_exchanges(Access access, const volatile void*) noexcept {
    if (access == Access::exchange) ++exchanges;
}

/// Exchanges made by `work`.
template <class Work>
std::uint64_t exchanges_of(Work work) {
    exchanges = 0;
    access_hook = &count_exchanges;
    work();
    access_hook = nullptr;
    return exchanges;
}

/// A stream with a group, and a producer and a consumer that have each done something already.
class LockedInstructions : public testing::Test {
protected:
    static constexpr std::uint64_t entries = 500;  // of 96 bytes: less than one chunk of the default geometry

    LockedInstructions() : name_("/tmp/shmq-locked-" + std::to_string(getpid()) + ".shmq") {
        static_cast<void>(Stream::remove(name_));
        stream_ = std::move(*Stream::create(name_));
        GroupOptions group;
        group.histograms = true;  // its counters take none
        EXPECT_TRUE(stream_.create_group("g", Position::oldest(), group));
        producer_ = std::move(*stream_.producer());
        consumer_ = std::move(*stream_.consumer("g", "c"));
        add();
        auto batch = consumer_.read();
        EXPECT_TRUE(batch && batch->ack());
    }
    ~LockedInstructions() override { static_cast<void>(Stream::remove(name_)); }

    void add() { ASSERT_TRUE(producer_.add(payload_)); }
    void add_all() {
        for (std::uint64_t i = 0; i < entries; ++i) add();
    }

    std::string name_;
    Stream stream_;
    Producer producer_;
    Consumer consumer_;
    std::array<std::byte, 64> payload_{};
};

TEST_F(LockedInstructions, an_add_makes_one) {
    EXPECT_EQ(exchanges_of([&] { add_all(); }), entries);
}

TEST_F(LockedInstructions, an_add_with_a_number_makes_one) {
    producer_ = std::move(*stream_.producer("feed"));
    add();
    EXPECT_EQ(exchanges_of([&] { add_all(); }), entries);
}

TEST_F(LockedInstructions, a_loan_makes_one) {
    const auto count = exchanges_of([&] {
        auto loan = producer_.loan(64);
        ASSERT_TRUE(loan && loan->commit());
    });
    EXPECT_EQ(count, 1u);
}

TEST_F(LockedInstructions, delivering_makes_one_and_acking_a_batch_one_an_entry) {
    add_all();
    for (std::uint64_t left = entries; left > 0;) {
        Batch batch;
        const auto reading = exchanges_of([&] { batch = std::move(*consumer_.read({.max_entries = 64})); });
        EXPECT_EQ(reading, batch.size());
        const auto acking = exchanges_of([&] { ASSERT_TRUE(batch.ack()); });
        EXPECT_EQ(acking, batch.size());
        left -= batch.size();
    }
}

TEST_F(LockedInstructions, acking_one_by_one_makes_one_an_entry) {
    add_all();
    auto batch = std::move(*consumer_.read({.max_entries = 64}));
    const auto acking = exchanges_of([&] {
        for (const Entry& entry : batch) ASSERT_TRUE(batch.ack(entry.sequence()));
    });
    EXPECT_EQ(acking, 64u);
}

TEST_F(LockedInstructions, a_read_that_finds_nothing_makes_none) {
    EXPECT_EQ(exchanges_of([&] { EXPECT_EQ(consumer_.read().error().code(), Code::empty); }), 0u);
}

TEST_F(LockedInstructions, going_round_the_ring_costs_an_entry_less_than_a_tenth_more) {
    constexpr std::uint64_t rounds = 400;  // 204,800 entries through 65,536 slots: chunks and the trim point move on
    const auto count = exchanges_of([&] {
        for (std::uint64_t round = 0; round < rounds; ++round) {
            for (int i = 0; i < 512; ++i) add();
            for (int i = 0; i < 8; ++i) {
                auto batch = consumer_.read({.max_entries = 64});
                ASSERT_TRUE(batch && batch->ack());
            }
        }
    });
    EXPECT_GE(count, 3 * 512 * rounds);
    EXPECT_LT(count, 3 * 512 * rounds + 512 * rounds / 10);
}

}  // namespace

}  // namespace shmq
