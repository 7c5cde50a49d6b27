// Groups with a dead-letter stream: what is stuck leaves the ring, and what is dead moves from there as well.
#include "api/parking.hpp"

namespace shmq::test {
namespace {

class ParkedDead : public ParkingTest {
protected:
    /// The stream "s" whose group "g" moves its dead entries to "letters".
    [[nodiscard]] Stream create_both(GroupOptions options = {}) const {
        must(Stream::create(path("letters"), medium_options(slots)));
        Stream stream = create(parking_options());
        options.delivery_limit = options.delivery_limit == 0 ? 1 : options.delivery_limit;
        options.dead_letter = path("letters");
        must(stream.create_group("g", Position::oldest(), options));
        return stream;
    }
    /// Field `name` of each letter.
    [[nodiscard]] std::vector<std::string> letters(std::string_view name) const {
        const Stream target = must(Stream::open(path("letters")));
        const Copies all = must(target.range(1, ~Sequence{0}));
        std::vector<std::string> values;
        for (std::size_t i = 0; i < all.size(); ++i) values.emplace_back(text_of(all[i].field(name).value()));
        return values;
    }
    [[nodiscard]] static std::uint64_t parked(const Stream& stream) { return must(stream.info()).parked; }
};
using Texts = std::vector<std::string>;

TEST_F(ParkedDead, moves_once_and_whole_with_its_counts) {
    GroupOptions options;
    options.delivery_limit = 2;
    Stream stream = create_both(options);
    AddOptions add;
    add.key = bytes_of("customer 7");
    must(stream.add("poison", add));
    must(stream.add("also"));
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read());
    must(stuck.nack(1));
    must(stuck.nack(2));
    stuck = must(slow.read());
    go_round(stream, fast, 100);
    EXPECT_EQ(parked(stream), 2u);
    must(stuck.nack(1));
    must(stuck.nack(2));
    EXPECT_EQ(must(stream.group("g")).dead, 2u);
    go_round(stream, fast, 1);  // whose first read moves them
    EXPECT_EQ(letters("sequence"), (Texts{"1", "2"}));
    EXPECT_EQ(letters("payload"), (Texts{"poison", "also"}));
    EXPECT_EQ(letters("failures"), (Texts{"2", "2"}));
    EXPECT_EQ(letters("reason"), (Texts{"nacked", "nacked"}));
    const Copies all = must(must(Stream::open(path("letters"))).range(1, ~Sequence{0}));
    EXPECT_EQ(text_of(all[0].key()), "customer 7");
    EXPECT_EQ(parked(stream), 0u);
    EXPECT_EQ(must(stream.pending("g")).count, 0u);
    EXPECT_EQ(must(stream.move_dead("g")), 0u);
}

TEST_F(ParkedDead, that_waited_for_its_target_left_the_ring_dead) {
    Stream stream = create_both();
    add(stream, 3);
    must(Stream::remove(path("letters")));
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    must(must(slow.read()).nack());
    go_round(stream, fast, 3);
    EXPECT_EQ(parked(stream), 3u);
    EXPECT_EQ(must(stream.group("g")).dead, 3u);
    EXPECT_EQ(code_of(stream.move_dead("g")), Code::no_stream);
    must(Stream::create(path("letters"), medium_options(slots)));
    must(stream.requeue_dead("g", 2));
    EXPECT_EQ(must(stream.move_dead("g")), 2u);
    EXPECT_EQ(letters("sequence"), (Texts{"1", "3"}));
    Batch again = must(fast.read());
    EXPECT_EQ(sequences_of(again.entries()), from_to(2, 2));
    must(again.ack());
    EXPECT_EQ(parked(stream), 0u);
}

TEST_F(ParkedDead, by_a_claim_or_by_deaths_moves_too) {
    Stream stream = create_both();
    add(stream, 2);
    Consumer slow = must(stream.consumer("g", "slow"));
    Batch stuck = must(slow.read(reading(1)));
    Child holder = start_holder();
    Consumer fast = must(stream.consumer("g", "fast"));
    go_round(stream, fast, 2);
    EXPECT_EQ(parked(stream), 2u);
    holder.kill();
    must(stream.recover());
    EXPECT_EQ(letters("reason"), (Texts{"died"}));
    EXPECT_EQ(code_of(fast.claim({})), Code::empty) << "it takes nothing: the entry is dead now";
    EXPECT_EQ(code_of(fast.read()), Code::empty);
    EXPECT_EQ(letters("reason"), (Texts{"died", "claimed"}));
    EXPECT_EQ(code_of(stuck.ack()), Code::fenced);
    EXPECT_EQ(number_of(stuck[0].payload()), 1u) << "its view is kept";
    EXPECT_EQ(parked(stream), 0u);
}

TEST_F(ParkedDead, lets_the_later_ones_of_its_key_go_on) {
    GroupOptions options;
    options.order = Order::by_key;
    Stream stream = create_both(options);
    AddOptions add;
    add.key = bytes_of("key");
    for (int i = 0; i < 3; ++i) must(stream.add("x", add));
    Consumer slow = must(stream.consumer("g", "slow")), fast = must(stream.consumer("g", "fast"));
    Batch stuck = must(slow.read(reading(2)));
    EXPECT_EQ(code_of(fast.read()), Code::empty);
    go_round(stream, fast, 3);
    EXPECT_EQ(parked(stream), 3u);
    must(stuck.nack(1));
    EXPECT_FALSE(stuck.holds(2));
    Batch rest = must(fast.read(reading(2)));
    EXPECT_EQ(sequences_of(rest.entries()), from_to(2, 3));
    EXPECT_EQ(letters("sequence"), (Texts{"1"}));
    must(rest.ack());
    EXPECT_EQ(parked(stream), 0u);
}

}  // namespace
}  // namespace shmq::test
