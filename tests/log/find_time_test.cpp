// Finding by time: exact as far as the header promises, whatever the order of stamps and whatever is trimmed meanwhile.
#include "log/find_time.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "log/adding.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::Forge;

/// A stream whose entries have no bytes and the stamps given.
class Stamped {
public:
    explicit Stamped(std::uint64_t slots) : forge_(test::options_with_slots(slots)), publisher_(forge_.segment()) {}

    void add(std::uint64_t time_ns) {
        EntryHeader header{};
        header.kind = kind_data;
        header.time_ns = time_ns;
        const std::uint64_t place = stamps_.size() % forge_.geometry().slots;
        forge_.write_header(place, header);
        ASSERT_TRUE(publisher_.publish(place));
        stamps_.push_back(time_ns);
    }
    void add_all(const std::vector<std::uint64_t>& stamps) {
        for (const std::uint64_t stamp : stamps) add(stamp);
    }
    [[nodiscard]] const Forge& forge() const { return forge_; }
    [[nodiscard]] std::uint64_t stamp(Sequence s) const { return stamps_[s - 1]; }
    [[nodiscard]] Sequence end() const { return stamps_.size() + 1; }

    [[nodiscard]] Sequence from(std::uint64_t time_ns) const {
        Sequence found = 0;
        EXPECT_EQ(find_from_time(forge_.segment(), time_ns, found), Copied::done);
        return found;
    }
    [[nodiscard]] Sequence after(std::uint64_t time_ns) const {
        Sequence found = 0;
        EXPECT_EQ(find_after_time(forge_.segment(), time_ns, found), Copied::done);
        return found;
    }
    // The same by looking at every entry.
    [[nodiscard]] Sequence true_from(std::uint64_t time_ns) const {
        for (Sequence s = find_begin(forge_.segment()); s < end(); ++s)
            if (stamp(s) >= time_ns) return s;
        return end();
    }
    [[nodiscard]] Sequence true_after(std::uint64_t time_ns) const {
        for (Sequence s = end(); s > find_begin(forge_.segment()); --s)
            if (stamp(s - 1) <= time_ns) return s;
        return find_begin(forge_.segment());
    }

private:
    Forge forge_;
    Publisher publisher_;
    std::vector<std::uint64_t> stamps_;
};

TEST(FindTime, in_order_is_the_first_from_and_behind_the_last_up_to) {
    Stamped stream(16);
    EXPECT_EQ(stream.from(0), 1u);
    EXPECT_EQ(stream.after(~std::uint64_t{0}), 1u) << "nothing was added";
    stream.add_all({10, 20, 20, 30});
    EXPECT_EQ(stream.from(0), 1u);
    EXPECT_EQ(stream.from(10), 1u);
    EXPECT_EQ(stream.from(11), 2u);
    EXPECT_EQ(stream.from(20), 2u);
    EXPECT_EQ(stream.from(21), 4u);
    EXPECT_EQ(stream.from(31), 5u) << "none yet";
    EXPECT_EQ(stream.after(9), 1u) << "none";
    EXPECT_EQ(stream.after(10), 2u);
    EXPECT_EQ(stream.after(20), 4u);
    EXPECT_EQ(stream.after(29), 4u);
    EXPECT_EQ(stream.after(30), 5u);
    EXPECT_EQ(stream.after(~std::uint64_t{0}), 5u);
}

TEST(FindTime, in_a_ring_of_the_windows_size_is_exact_whatever_the_order) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Stamped stream(time_window);
    for (std::uint64_t i = 0; i < time_window + 500; ++i) stream.add(random() % 10'000);
    for (int turn = 0; turn < 300; ++turn) {
        const std::uint64_t time = random() % 10'002;
        ASSERT_EQ(stream.from(time), stream.true_from(time)) << time;
        ASSERT_EQ(stream.after(time), stream.true_after(time)) << time;
    }
}

TEST(FindTime, in_a_larger_ring_is_exact_if_nothing_stands_too_far_out_of_order) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Stamped stream(16'384);
    // A stamp less than the window behind or before its place: two of them are in order if they stand further apart.
    for (std::uint64_t i = 0; i < 16'384; ++i) stream.add(10'000 + i + random() % time_window);
    for (int turn = 0; turn < 300; ++turn) {
        const std::uint64_t time = 9'990 + random() % 21'000;
        ASSERT_EQ(stream.from(time), stream.true_from(time)) << time;
        ASSERT_EQ(stream.after(time), stream.true_after(time)) << time;
    }
}

TEST(FindTime, beyond_the_window_is_a_place_where_the_stamps_cross_the_time) {
    Stamped stream(16'384);
    for (std::uint64_t i = 0; i < 8'000; ++i) stream.add(20'000 + i);
    for (std::uint64_t i = 0; i < 8'000; ++i) stream.add(10'000 + i);  // the clock was set back
    const Sequence from = stream.from(15'000);
    EXPECT_TRUE(from == 1 || from == 8'001 + 5'000) << from;
    const Sequence after = stream.after(22'000);
    EXPECT_TRUE(after == 2'002 || after == stream.end()) << after;
}

TEST(FindTime, leaves_out_what_was_trimmed) {
    Stamped stream(16);
    stream.add_all({10, 20, 30, 40});
    lift_trim(stream.forge().segment(), 3);
    EXPECT_EQ(stream.from(0), 3u);
    EXPECT_EQ(stream.from(15), 3u);
    EXPECT_EQ(stream.from(35), 4u);
    EXPECT_EQ(stream.after(20), 3u) << "the first kept: an empty range";
    EXPECT_EQ(stream.after(30), 4u);
    lift_trim(stream.forge().segment(), 5);
    EXPECT_EQ(stream.from(0), 5u);
    EXPECT_EQ(stream.after(100), 5u);
}

TEST(FindTime, names_a_damaged_entry_it_looks_at) {
    Stamped stream(16);
    stream.add_all({10, 20, 30});
    stream.forge().write_header(1, EntryHeader{});
    Sequence found = 0;
    EXPECT_EQ(find_from_time(stream.forge().segment(), 30, found), Copied::corrupt);
    EXPECT_EQ(found, 2u);
    EXPECT_EQ(find_after_time(stream.forge().segment(), 10, found), Copied::corrupt);
    EXPECT_EQ(found, 2u);
}

TEST(FindTime, beside_a_producer_that_overwrites_finds_what_is_kept) {
    const Forge forge(test::options_with_slots(64));
    std::jthread producer([&](const std::stop_token& stop) {
        Publisher publisher(forge.segment());
        for (std::uint64_t i = 1; !stop.stop_requested(); ++i) {  // stamps are the sequences
            EntryHeader header{};
            header.kind = kind_data;
            header.time_ns = i;
            // 128 places for 64 slots: a place is written again only when its entry is trimmed.
            forge.write_header(i % 128, header);
            ASSERT_EQ(publisher.publish(i % 128).value(), i);
        }
    });
    while (find_begin(forge.segment()) < 100) std::this_thread::yield();  // it runs, and overwrites
    std::mt19937_64 random(1);
    for (int turn = 0; turn < 30'000; ++turn) {
        const Sequence end = find_end(forge.segment());
        const std::uint64_t time = end - random() % 80;
        Sequence from = 0;
        ASSERT_EQ(find_from_time(forge.segment(), time, from), Copied::done);
        ASSERT_GE(from, std::min(time, end));
        ASSERT_LE(from, std::max(time, find_begin(forge.segment())));
        Sequence after = 0;
        ASSERT_EQ(find_after_time(forge.segment(), time, after), Copied::done);
        ASSERT_GE(after, std::min(time + 1, end));
        ASSERT_LE(after, std::max(time + 1, find_begin(forge.segment())));
    }
}

}  // namespace
}  // namespace shmq
