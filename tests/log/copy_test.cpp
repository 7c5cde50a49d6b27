// Copying without a pin: what was copied is whole, or it is said to be gone.
#include "log/copy.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "log/adding.hpp"
#include "log/trim.hpp"

namespace shmq {
namespace {

using test::Forge;

Copied copy(const Forge& forge, Sequence sequence, std::string& bytes) {
    test::StringTarget target;
    EntryFields header{};
    const Copied copied = copy_entry(forge.segment(), sequence, target, header);
    bytes = target.bytes;
    return copied;
}
Copied copy(const Forge& forge, Sequence sequence) {
    std::string bytes;
    return copy(forge, sequence, bytes);
}

TEST(Copy, gives_the_bytes_of_every_entry_that_is_kept) {
    const Forge forge;
    test::Adder adder(forge.segment());
    for (Sequence s = 1; s <= 5; ++s) ASSERT_TRUE(adder.add("entry " + std::to_string(s)));
    for (Sequence s = 1; s <= 5; ++s) {
        std::string bytes;
        EXPECT_EQ(copy(forge, s, bytes), Copied::done);
        EXPECT_EQ(bytes, "entry " + std::to_string(s));
    }
}

TEST(Copy, gives_key_and_payload_with_the_keys_padding) {
    const Forge forge;
    EntryHeader header{};
    header.kind = kind_data;
    header.key_size = 3;
    header.size = 4;
    forge.write_header(0, header);
    std::memcpy(forge.segment().payload() + 32, "keyaaaaaaaaaaaaaload", 20);
    ASSERT_TRUE(Publisher(forge.segment()).publish(0));
    std::string bytes;
    EXPECT_EQ(copy(forge, 1, bytes), Copied::done);
    EXPECT_EQ(bytes, "keyaaaaaaaaaaaaaload");
}

TEST(Copy, of_a_place_where_no_entry_can_stand_is_refused) {
    const Forge forge;
    test::StringTarget target;
    EntryFields header{};
    EXPECT_FALSE(copy_entry_at(forge.segment(), 0, target, header)) << "nothing was written there";
    forge.write_entry(0, "bytes");
    EXPECT_TRUE(copy_entry_at(forge.segment(), 0, target, header));
    EXPECT_EQ(target.bytes, "bytes");
}

TEST(Copy, of_what_was_not_added_is_not_yet) {
    const Forge forge;
    EXPECT_EQ(copy(forge, 1), Copied::not_yet);
    test::Adder adder(forge.segment());
    adder.add_many(3);
    EXPECT_EQ(copy(forge, 4), Copied::not_yet);
    EXPECT_EQ(copy(forge, 8), Copied::not_yet);
    EXPECT_EQ(copy(forge, 3 + 8), Copied::not_yet) << "a slot that holds the lap before";
    EXPECT_EQ(copy(forge, 3 + 8 * 100), Copied::not_yet);
}

TEST(Copy, of_what_the_trim_point_passed_is_gone_whether_overwritten_or_not) {
    const Forge forge;
    test::Adder adder(forge.segment());
    adder.add_many(5);
    lift_trim(forge.segment(), 3);
    EXPECT_EQ(copy(forge, 1), Copied::gone);
    EXPECT_EQ(copy(forge, 2), Copied::gone);
    EXPECT_EQ(copy(forge, 3), Copied::done);
    adder.add_many(8);
    EXPECT_EQ(copy(forge, 5), Copied::gone);
    EXPECT_EQ(copy(forge, 6), Copied::done);
}

TEST(Copy, of_a_kept_place_that_holds_no_entry_is_corrupt) {
    const Forge forge;
    const Geometry& g = forge.geometry();
    test::Adder adder(forge.segment());
    adder.add_many(2);
    EntryHeader header{};
    forge.write_header(unpack_slot(g, forge.segment().slot(1).load(memory_order_relaxed)).place, header);
    EXPECT_EQ(copy(forge, 1), Copied::corrupt);
    forge.segment().slot(2).store(pack_slot(g, g.slot_tag(2), low_mask(g.place_bits)), memory_order_relaxed);
    EXPECT_EQ(copy(forge, 2), Copied::corrupt);
    forge.segment().slot(2).store(pack_slot(g, g.slot_tag(2) + 1, 0), memory_order_relaxed);
    EXPECT_EQ(copy(forge, 2), Copied::corrupt) << "a later lap, but the trim point did not pass";
}

TEST(Copy, of_damaged_bytes_below_the_trim_point_is_gone_not_corrupt) {
    const Forge forge;
    test::Adder adder(forge.segment());
    adder.add_many(3);
    forge.write_header(0, EntryHeader{});
    lift_trim(forge.segment(), 2);
    EXPECT_EQ(copy(forge, 1), Copied::gone);
}

/// Lifts the trim point over the entry while it is being copied, as a producer may.
class TrimmingTarget final : public CopyTarget {
public:
    explicit TrimmingTarget(const Forge& forge) : forge_(forge) {}
    std::byte* room(std::size_t size) override {
        lift_trim(forge_.segment(), 2);
        bytes_.resize(size);
        return reinterpret_cast<std::byte*>(bytes_.data());
    }

private:
    const Forge& forge_;
    std::string bytes_;
};

TEST(Copy, during_which_the_trim_point_passed_is_gone) {
    const Forge forge;
    test::Adder adder(forge.segment());
    adder.add_many(2);
    TrimmingTarget target(forge);
    EntryFields header{};
    EXPECT_EQ(copy_entry(forge.segment(), 1, target, header), Copied::gone);
}

TEST(Copy, beside_a_producer_that_overwrites_is_whole_or_gone) {
    const Forge forge(test::options_with_slots(16));
    constexpr Sequence last = 30'000;
    std::thread producer([&] {
        test::Adder adder(forge.segment());
        for (Sequence s = 1; s <= last; ++s)
            ASSERT_TRUE(adder.add(std::string(20 + s % 80, static_cast<char>('a' + s % 26))));
    });
    std::uint64_t whole = 0;
    for (Sequence s = 1; s <= last;) {
        std::string bytes;
        const Copied copied = copy(forge, s, bytes);
        ASSERT_NE(copied, Copied::corrupt) << s;
        if (copied == Copied::done) {
            ASSERT_EQ(bytes, std::string(20 + s % 80, static_cast<char>('a' + s % 26))) << s;
            ++whole;
        }
        if (copied == Copied::gone) {
            s = std::max(s + 1, find_begin(forge.segment()));
        } else if (copied == Copied::done) {
            ++s;
        }
    }
    producer.join();
    EXPECT_GT(whole, 0u);
}

}  // namespace
}  // namespace shmq
