// Producers with a name: what has a number is added once, whoever tries it again.
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

AddOptions numbered(std::uint64_t number) {
    AddOptions options;
    options.number = number;
    return options;
}

class NamedProducer : public StreamTest {
protected:
    static void expect_last(const Producer& producer, std::uint64_t number, Sequence sequence) {
        EXPECT_EQ(producer.last_number(), number);
        EXPECT_EQ(producer.last_sequence(), sequence);
    }
    static std::uint64_t added(const Stream& stream) { return must(stream.info()).next - 1; }
};

TEST_F(NamedProducer, numbers_go_on_by_themselves) {
    Stream stream = create();
    Producer feed = must(stream.producer("feed"));
    EXPECT_EQ(feed.name(), "feed");
    expect_last(feed, 0, 0);
    EXPECT_EQ(must(feed.add("a")), 1u);
    must(stream.add("of nobody"));
    EXPECT_EQ(must(feed.add("b")), 3u);
    expect_last(feed, 2, 3);
    EXPECT_EQ(texts_of(must(stream.range(1, 9))), (std::vector<std::string>{"a", "of nobody", "b"}));
}

TEST_F(NamedProducer, the_last_number_again_adds_nothing_and_gives_its_sequence) {
    Stream stream = create();
    Producer feed = must(stream.producer("feed"));
    must(stream.add("x"));
    EXPECT_EQ(must(feed.add("a", numbered(7))), 2u);
    EXPECT_EQ(must(feed.add("a", numbered(7))), 2u);
    EXPECT_EQ(added(stream), 2u);
    EXPECT_EQ(must(feed.add("b", numbered(9))), 3u);
    const auto lower = feed.add("a", numbered(7));
    EXPECT_EQ(code_of(lower), Code::duplicate);
    EXPECT_EQ(lower.error().number(), 9u);
    EXPECT_TRUE(contains(lower.error().message(), "sequence 3")) << lower.error().message();
    EXPECT_EQ(added(stream), 3u);
    expect_last(feed, 9, 3);
}

TEST_F(NamedProducer, a_name_comes_back_with_its_number_also_when_the_entry_is_long_gone) {
    Stream stream = create();
    {
        Producer feed = must(stream.producer("feed"));
        must(feed.add("a", numbered(5)));
    }
    add(stream, 50);  // three laps
    EXPECT_GT(must(stream.info()).first, 1u);
    Stream other = open();
    Producer feed = must(other.producer("feed"));
    expect_last(feed, 5, 1);
    EXPECT_EQ(must(feed.add("a", numbered(5))), 1u);
    EXPECT_EQ(added(stream), 51u);
    EXPECT_EQ(must(feed.add("b")), 52u);
    expect_last(feed, 6, 52);
}

TEST_F(NamedProducer, names_count_apart) {
    Stream stream = create();
    Producer a = must(stream.producer("a"));
    Producer b = must(stream.producer("b"));
    EXPECT_EQ(must(a.add("1", numbered(1))), 1u);
    EXPECT_EQ(must(b.add("1", numbered(1))), 2u);
    EXPECT_EQ(must(a.add("1", numbered(1))), 1u);
    EXPECT_EQ(must(b.add("1", numbered(1))), 2u);
}

TEST_F(NamedProducer, a_living_owner_is_named_and_a_dead_one_is_followed) {
    Stream stream = create();
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        Producer feed = must(own.producer("feed"));
        must(feed.add("a", numbered(3)));
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_TRUE(child.receive());
    const auto refused = stream.producer("feed");
    EXPECT_EQ(code_of(refused), Code::busy);
    EXPECT_EQ(refused.error().number(), static_cast<std::uint64_t>(child.pid()));
    EXPECT_TRUE(contains(refused.error().message(), "feed")) << refused.error().message();
    auto names = must(stream.producer_names());
    ASSERT_EQ(names.size(), 1u);
    EXPECT_EQ(names[0].owner, Owner::alive);
    EXPECT_EQ(names[0].pid, child.pid());
    child.kill();
    EXPECT_EQ(must(stream.producer_names())[0].owner, Owner::dead);
    Producer feed = must(stream.producer("feed"));
    expect_last(feed, 3, 1);
    EXPECT_EQ(code_of(stream.producer("feed")), Code::busy) << "of this very process";
    feed.close();
    names = must(stream.producer_names());
    EXPECT_EQ(names[0].name, "feed");
    EXPECT_EQ(names[0].last_number, 3u);
    EXPECT_EQ(names[0].last_sequence, 1u);
    EXPECT_EQ(names[0].owner, Owner::none);
    EXPECT_EQ(names[0].pid, 0);
    must(stream.producer("feed"));
}

TEST_F(NamedProducer, a_scan_frees_the_name_of_the_dead) {
    Stream stream = create();
    ASSERT_EQ(in_child([&] {
                  Stream own = must(Stream::open(path()));
                  Producer feed = must(own.producer("feed"));
                  must(feed.add("a"));
                  return ::kill(::getpid(), SIGKILL);
              }),
              -SIGKILL);
    must(stream.recover());
    EXPECT_EQ(must(stream.producer_names())[0].owner, Owner::none);
}

TEST_F(NamedProducer, a_batch_that_is_tried_again_goes_on_where_it_ended) {
    Stream stream = create();
    must(stream.create_group("g"));
    Producer feed = must(stream.producer("feed"));
    const std::vector<std::string> texts = {"1", "2", "3", "4", "5"};
    std::vector<Bytes> all;
    for (const std::string& text : texts) all.push_back(bytes_of(text));
    AddedBatch first = must(feed.add(std::span(all).first(3), numbered(10)));
    EXPECT_EQ(first.count, 3u);
    EXPECT_EQ(first.skipped, 0u);
    expect_last(feed, 12, 3);
    AddedBatch again = must(feed.add(all, numbered(10)));
    EXPECT_EQ(again.count, 2u);
    EXPECT_EQ(again.skipped, 3u);
    EXPECT_EQ(again.first, 4u);
    again = must(feed.add(all, numbered(10)));
    EXPECT_EQ(again.count, 0u);
    EXPECT_EQ(again.skipped, 5u);
    EXPECT_EQ(texts_of(must(stream.range(1, 99))), texts);
    EXPECT_EQ(must(feed.add(all)).count, 5u);
    expect_last(feed, 19, 10);
}

TEST_F(NamedProducer, a_loan_gets_its_number_at_commit) {
    Stream stream = create();
    Producer feed = must(stream.producer("feed"));
    Loan late = must(feed.loan(10));
    Loan early = must(feed.loan(10));
    EXPECT_EQ(must(early.commit()), 1u);
    EXPECT_EQ(must(late.commit()), 2u);
    expect_last(feed, 2, 2);
    Loan same = must(feed.loan(10, numbered(2)));
    EXPECT_EQ(must(same.commit()), 2u);
    Loan lower = must(feed.loan(10, numbered(1)));
    EXPECT_EQ(code_of(lower.commit()), Code::duplicate);
    EXPECT_EQ(added(stream), 2u);
    feed.close();
    expect_last(must(stream.producer("feed")), 2, 2);
}

TEST_F(NamedProducer, what_found_no_room_has_used_no_number) {
    Stream stream = create_with_group();
    Producer feed = must(stream.producer("feed"));
    std::uint64_t count = 0;
    while (feed.add("x")) ++count;
    EXPECT_EQ(count, 16u);
    EXPECT_EQ(code_of(feed.add("y", numbered(100))), Code::full);
    expect_last(feed, 16, 16);
    EXPECT_EQ(must(stream.producer_names())[0].last_number, 16u);
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
    EXPECT_EQ(must(feed.add("y", numbered(17))), 17u);
}

TEST_F(NamedProducer, bad_numbers_and_names_are_refused) {
    Stream stream = create();
    Producer plain = must(stream.producer());
    EXPECT_EQ(code_of(plain.add("a", numbered(1))), Code::bad_option);
    must(plain.add("a"));
    EXPECT_EQ(code_of(plain.add("a", numbered(1))), Code::bad_option) << "also when it is warm";
    EXPECT_EQ(code_of(stream.add("a", numbered(1))), Code::bad_option);
    EXPECT_EQ(added(stream), 1u);
    EXPECT_EQ(plain.name(), "");
    expect_last(plain, 0, 0);
    EXPECT_EQ(code_of(stream.producer("")), Code::bad_name);
    EXPECT_EQ(code_of(stream.producer("a b")), Code::bad_name);
    Producer feed = must(stream.producer("feed"));
    constexpr std::uint64_t highest = ~std::uint64_t{0} >> 1;
    EXPECT_EQ(code_of(feed.add("a", numbered(highest + 1))), Code::bad_option);
    must(feed.add("a", numbered(highest)));
    EXPECT_EQ(code_of(feed.add("b")), Code::bad_option);
    feed.close();
    EXPECT_EQ(code_of(feed.add("c", numbered(3))), Code::closed);
}

TEST_F(NamedProducer, there_are_as_many_names_as_the_stream_was_made_for) {
    StreamOptions options = small_options();
    options.producer_names = 2;
    Stream stream = create(options);
    EXPECT_EQ(must(stream.info()).options.producer_names, 2u);
    must(stream.producer("a"));
    must(stream.producer("b"));
    const auto third = stream.producer("c");
    EXPECT_EQ(code_of(third), Code::too_many_names);
    EXPECT_EQ(third.error().number(), 2u);
    must(stream.producer("a"));
}

TEST_F(NamedProducer, who_only_looks_sees_the_numbers) {
    Stream stream = create();
    Producer feed = must(stream.producer("feed"));
    must(feed.add("a", numbered(4)));
    OpenOptions options;
    options.read_only = true;
    Stream reader = must(Stream::open(path(), options));
    const auto names = must(reader.producer_names());
    ASSERT_EQ(names.size(), 1u);
    EXPECT_EQ(names[0].last_number, 4u);
    EXPECT_EQ(code_of(reader.producer("feed")), Code::not_allowed);
}

}  // namespace
}  // namespace shmq::test
