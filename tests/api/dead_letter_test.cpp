// Dead letters: what failed too often moves to another stream, once, with where it came from and why.
#include <unistd.h>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class DeadLetter : public StreamTest {
protected:
    [[nodiscard]] std::string letters() const { return path("letters"); }
    [[nodiscard]] GroupOptions moving(std::uint32_t limit = 1) const {
        GroupOptions options;
        options.delivery_limit = limit;
        options.dead_letter = letters();
        return options;
    }
    /// A stream with the group "g", and the stream that its dead entries move to.
    [[nodiscard]] Stream create_both(std::uint32_t limit = 1, const StreamOptions& target = small_options()) const {
        must(Stream::create(letters(), target));
        Stream stream = create();
        must(stream.create_group("g", Position::oldest(), moving(limit)));
        return stream;
    }
    [[nodiscard]] Stream open_letters() const { return must(Stream::open(letters())); }
    [[nodiscard]] static Copies all_of(const Stream& stream) { return must(stream.range(1, ~Sequence{0})); }
    static std::string text(const Entry& letter, std::string_view field) {
        return std::string(text_of(letter.field(field).value()));
    }
    [[nodiscard]] static std::uint64_t dead(const Stream& stream) { return must(stream.group("g")).dead; }
    /// Makes every entry of "g" dead by nacks.
    static void nack_all(Stream& stream) {
        Consumer consumer = must(stream.consumer("g"));
        must(must(consumer.read()).nack());
    }
};

TEST_F(DeadLetter, of_an_entry_that_kills_its_consumers_arrives_once) {
    Stream stream = create_both(2);
    AddOptions with_key;
    with_key.key = bytes_of("customer 7");
    must(stream.add("poison", with_key));
    must(stream.add("good"));
    for (int i = 0; i < 2; ++i) {
        const int status = in_child([&] {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g"));
            const Batch batch = must(consumer.read(reading(1)));
            if (batch[0].text() == "poison") ::kill(::getpid(), SIGKILL);
            return 0;
        });
        ASSERT_EQ(status, -SIGKILL);
    }
    EXPECT_EQ(in_child([&] {
                  Stream own = must(Stream::open(path()));
                  Consumer consumer = must(own.consumer("g"));
                  const Batch batch = must(consumer.read());
                  return batch.size() == 1 && batch[0].text() == "good" ? 0 : 1;
              }),
              0);
    const Copies all = all_of(open_letters());
    ASSERT_EQ(all.size(), 1u);
    const Entry& letter = all[0];
    EXPECT_EQ(text(letter, "stream"), path());
    EXPECT_EQ(text(letter, "group"), "g");
    EXPECT_EQ(text(letter, "sequence"), "1");
    EXPECT_EQ(text(letter, "failures"), "0");
    EXPECT_EQ(text(letter, "deaths"), "2");
    EXPECT_EQ(text(letter, "reason"), "died");
    EXPECT_EQ(text(letter, "kind"), "bytes");
    EXPECT_EQ(text(letter, "payload"), "poison");
    EXPECT_EQ(text_of(letter.key()), "customer 7");
    EXPECT_EQ(dead(stream), 0u);
    EXPECT_EQ(must(stream.pending("g")).count, 1u) << "only what the last consumer gave back";
}

TEST_F(DeadLetter, of_fields_keeps_their_bytes_and_says_so) {
    Stream stream = create_both();
    must(stream.add_fields({{"file", "1.png"}, {"size", "7"}}));
    nack_all(stream);
    EXPECT_EQ(must(stream.move_dead("g")), 1u);
    const Copies all = all_of(open_letters());
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(text(all[0], "kind"), "fields");
    EXPECT_EQ(text(all[0], "reason"), "nacked");
    AddOptions again;
    again.fields = true;
    const Bytes payload = all[0].field("payload").value();
    const Sequence sequence = must(stream.add(payload, again));
    EXPECT_EQ(text(must(stream.range(sequence, sequence))[0], "file"), "1.png");
}

TEST_F(DeadLetter, says_that_a_claim_was_the_last_failure) {
    Stream stream = create_both(2);
    add(stream, 1);
    start_holder().kill();
    must(stream.recover());
    Consumer holder = must(stream.consumer("g"));
    const Batch held = must(holder.read());
    Consumer taker = must(stream.consumer("g"));
    EXPECT_EQ(code_of(taker.claim(ClaimOptions{})), Code::empty);
    EXPECT_EQ(must(stream.dead("g"))[0].reason, DeadReason::claimed);
    EXPECT_EQ(code_of(taker.read()), Code::empty);
    const Copies all = all_of(open_letters());
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(text(all[0], "reason"), "claimed");
    EXPECT_EQ(text(all[0], "failures"), "1");
    EXPECT_EQ(text(all[0], "deaths"), "1");
}

TEST_F(DeadLetter, is_sent_by_the_next_read_also_one_that_sleeps) {
    Stream stream = create_both();
    Child reader([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g"));
        link.send();
        const Batch batch = must(consumer.read(reading(1, forever)));
        return batch[0].text() == "end" ? 0 : 1;
    });
    ASSERT_TRUE(reader.receive());
    reader.stop();
    add(stream, 1);
    nack_all(stream);
    reader.resume();
    Stream target = open_letters();
    Reader letter = must(target.reader());
    EXPECT_EQ(text(must(letter.next(forever)), "sequence"), "1");
    must(stream.add("end"));
    EXPECT_EQ(reader.wait(), 0);
}

TEST_F(DeadLetter, is_sent_by_recover_and_by_an_operator) {
    Stream stream = create_both();
    add(stream, 1);
    nack_all(stream);
    EXPECT_EQ(must(stream.recover()).moved, 1u);
    add(stream, 3);
    nack_all(stream);
    EXPECT_EQ(must(stream.move_dead("g")), 3u);
    EXPECT_EQ(must(stream.move_dead("g")), 0u);
    EXPECT_EQ(all_of(open_letters()).size(), 4u);
}

TEST_F(DeadLetter, waits_in_the_group_while_the_target_is_full) {
    Stream stream = create_both();
    Stream target = open_letters();
    must(target.create_group("all"));
    while (target.add("x")) continue;
    add(stream, 2);
    nack_all(stream);
    EXPECT_EQ(code_of(stream.move_dead("g")), Code::full);
    Consumer consumer = must(stream.consumer("g"));
    EXPECT_EQ(code_of(consumer.read()), Code::empty);
    EXPECT_EQ(dead(stream), 2u);
    must(must(must(target.consumer("all")).read()).ack());
    EXPECT_EQ(must(stream.move_dead("g")), 2u);
    EXPECT_EQ(must(must(target.consumer("all")).read()).size(), 2u);
}

TEST_F(DeadLetter, that_is_too_large_stays_and_holds_up_no_other) {
    StreamOptions narrow = small_options();
    narrow.max_entry = 400;
    Stream stream = create_both(1, narrow);
    must(stream.add(payload_of(1, 1000)));
    must(stream.add(payload_of(2)));
    nack_all(stream);
    const auto moved = stream.move_dead("g");
    EXPECT_EQ(code_of(moved), Code::too_large);
    EXPECT_EQ(all_of(open_letters()).size(), 1u);
    const auto left = must(stream.dead("g"));
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].sequence, 1u);
    EXPECT_FALSE(left[0].moving);
    must(stream.requeue_dead("g", 1));
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
}

TEST_F(DeadLetter, goes_on_when_the_target_is_made_anew) {
    Stream stream = create_both();
    add(stream, 1);
    nack_all(stream);
    EXPECT_EQ(must(stream.move_dead("g")), 1u);
    must(Stream::remove(letters()));
    add(stream, 1);
    nack_all(stream);
    const auto moved = stream.move_dead("g");
    ASSERT_EQ(code_of(moved), Code::no_stream);
    EXPECT_TRUE(contains(moved.error().message(), "shmq create")) << moved.error().message();
    EXPECT_EQ(dead(stream), 1u);
    must(Stream::create(letters(), small_options()));
    EXPECT_EQ(must(stream.move_dead("g")), 1u);
    EXPECT_EQ(all_of(open_letters()).size(), 1u);
}

TEST_F(DeadLetter, of_several_groups_and_of_groups_made_anew_meet_in_one_target) {
    Stream stream = create_both();
    must(stream.create_group("h", Position::oldest(), moving()));
    add(stream, 1);
    nack_all(stream);
    must(must(must(stream.consumer("h")).read()).nack());
    EXPECT_EQ(must(stream.recover()).moved, 2u);
    must(stream.drop_group("g"));
    must(stream.create_group("g", Position::at(1), moving()));
    nack_all(stream);
    EXPECT_EQ(must(stream.move_dead("g")), 1u);
    must(stream.move_group("g", Position::at(1)));
    nack_all(stream);
    EXPECT_EQ(must(stream.move_dead("g")), 1u);
    EXPECT_EQ(all_of(open_letters()).size(), 4u);
    EXPECT_EQ(must(open_letters().producer_names()).size(), 2u);
}

TEST_F(DeadLetter, moves_in_a_crowd_are_one_for_each_entry) {
    Stream stream = create_both(1, medium_options());
    std::vector<Child> movers;
    for (int i = 0; i < 3; ++i)
        movers.emplace_back([&](Link&) {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g"));
            for (;;) {
                auto batch = consumer.read(reading(2, 1s));
                if (!batch) return batch.error() == Code::removed ? 0 : batch.error() == Code::empty ? -1 : 1;
                must(batch->nack());
            }
        });
    Stream target = open_letters();
    Reader reader = must(target.reader());
    std::vector<bool> seen(201);
    for (std::uint64_t i = 1; i <= 200; ++i) must(stream.add(payload_of(i), waiting(forever)));
    for (int i = 0; i < 200; ++i) {
        const Entry letter = must(reader.next(forever));
        const auto number = number_of(letter.field("payload").value());
        ASSERT_TRUE(number && !seen[*number]);
        seen[*number] = true;
    }
    EXPECT_EQ(must(stream.recover()).moved, 0u);
    EXPECT_EQ(all_of(target).size(), 200u);
    for (Child& mover : movers) mover.kill();
}

TEST_F(DeadLetter, to_a_stream_that_cannot_be_is_refused_when_the_group_is_made) {
    Stream stream = create();
    const auto missing = stream.create_group("g", Position::oldest(), moving());
    ASSERT_EQ(code_of(missing), Code::no_stream);
    EXPECT_TRUE(contains(missing.error().message(), "shmq create")) << missing.error().message();
    GroupOptions options = moving();
    options.dead_letter = path();
    EXPECT_EQ(code_of(stream.create_group("g", Position::oldest(), options)), Code::bad_option) << "itself";
    ASSERT_EQ(::link(path().c_str(), path("other").c_str()), 0);
    options.dead_letter = path("other");
    EXPECT_EQ(code_of(stream.create_group("g", Position::oldest(), options)), Code::bad_option) << "by another name";
    StreamOptions nameless = small_options();
    nameless.producer_names = 0;
    options.dead_letter = must(must(Stream::create(path("nameless"), nameless)).info()).path;
    if (must(must(Stream::open(path("nameless"))).info()).options.producer_names == 0) {
        EXPECT_EQ(code_of(stream.create_group("g", Position::oldest(), options)), Code::bad_option) << "no names";
    }
    must(Stream::create(letters(), small_options()));
    options = moving(0);
    EXPECT_EQ(code_of(stream.create_group("g", Position::oldest(), options)), Code::bad_option) << "nothing dies";
    options = moving();
    options.dead_letter = "/" + std::string(300, 'x');
    EXPECT_EQ(code_of(stream.create_group("g", Position::oldest(), options)), Code::bad_option) << "too long";
    EXPECT_EQ(code_of(stream.group("g")), Code::no_group);
    must(stream.create_group("plain"));
    EXPECT_EQ(code_of(stream.move_dead("plain")), Code::bad_option);
    EXPECT_EQ(code_of(stream.move_dead("g")), Code::no_group);
}

TEST_F(DeadLetter, is_sent_back_once_with_its_key_and_its_bytes) {
    Stream stream = create_both();
    AddOptions with_key;
    with_key.key = bytes_of("customer 7");
    must(stream.add("bytes", with_key));
    must(stream.add_fields({{"file", "1.png"}}));
    nack_all(stream);
    ASSERT_EQ(must(stream.move_dead("g")), 2u);
    EXPECT_EQ(must(stream.requeue_letters("g", letters())), 2u);
    EXPECT_EQ(must(stream.requeue_letters("g", letters())), 0u);
    EXPECT_EQ(all_of(open_letters()).size(), 2u);
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    ASSERT_EQ(batch.size(), 2u);
    EXPECT_EQ(batch[0].text(), "bytes");
    EXPECT_EQ(text_of(batch[0].key()), "customer 7");
    EXPECT_EQ(batch[0].deliveries(), 1u) << "counted anew";
    EXPECT_EQ(text(batch[1], "file"), "1.png");
    must(batch.nack());  // dead again: another letter
    ASSERT_EQ(must(stream.move_dead("g")), 2u);
    EXPECT_EQ(must(stream.requeue_letters("g", letters())), 2u);
}

TEST_F(DeadLetter, that_is_not_of_this_group_is_not_sent_back) {
    Stream stream = create_both();
    must(stream.create_group("h", Position::oldest(), moving()));
    Stream other = must(Stream::create(path("other"), small_options()));
    must(other.create_group("g", Position::oldest(), moving()));
    add(stream, 1);
    must(other.add("of the other"));
    Stream target = open_letters();
    must(target.add("no letter at all"));
    nack_all(stream);
    nack_all(other);
    ASSERT_EQ(must(stream.move_dead("g")), 1u);
    ASSERT_EQ(must(other.move_dead("g")), 1u);
    EXPECT_EQ(must(stream.requeue_letters("h", letters())), 0u);
    EXPECT_EQ(must(stream.requeue_letters("g", letters())), 1u);
    EXPECT_EQ(must(other.requeue_letters("g", letters())), 1u);
    EXPECT_EQ(must(other.range(2, 2))[0].text(), "of the other");
}

TEST_F(DeadLetter, is_sent_back_by_the_next_call_when_the_stream_was_full) {
    Stream stream = create_both();
    add(stream, 3);
    nack_all(stream);
    ASSERT_EQ(must(stream.move_dead("g")), 3u);
    must(stream.create_group("all", Position::newest()));
    while (stream.add("x")) continue;
    const auto ack = [&](std::size_t count) {
        for (const char* group : {"g", "all"}) must(must(must(stream.consumer(group)).read(reading(count))).ack());
    };
    ack(1);
    EXPECT_EQ(code_of(stream.requeue_letters("g", letters())), Code::full);
    ack(64);
    EXPECT_EQ(must(stream.requeue_letters("g", letters())), 2u) << "one had found room";
    EXPECT_EQ(must(must(stream.consumer("g")).read()).size(), 2u) << "the first was among the others";
}

TEST_F(DeadLetter, of_a_target_made_anew_is_sent_back_although_the_old_one_had_come_further) {
    Stream stream = create_both();
    for (int time = 0; time < 2; ++time) {
        add(stream, 4 - 2 * static_cast<std::uint64_t>(time));
        nack_all(stream);
        const std::uint64_t moved = must(stream.move_dead("g"));
        EXPECT_EQ(must(stream.requeue_letters("g", letters())), moved);
        must(must(must(stream.consumer("g")).read()).ack());
        must(Stream::remove(letters()));
        must(Stream::create(letters(), small_options()));
    }
    EXPECT_EQ(must(stream.requeue_letters("g", letters())), 0u);
    must(Stream::remove(letters()));
    EXPECT_EQ(code_of(stream.requeue_letters("g", letters())), Code::no_stream);
}

TEST_F(DeadLetter, loops_over_two_streams_are_refused) {
    Stream stream = create_both();
    Stream target = open_letters();
    GroupOptions back = moving();
    back.dead_letter = path();
    EXPECT_EQ(code_of(target.create_group("again", Position::oldest(), back)), Code::bad_option);
}

}  // namespace
}  // namespace shmq::test
