// Producers: how many at a time, what short-lived ones cost, several at once, and loans.
#include <map>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Producers : public StreamTest {};

TEST_F(Producers, one_more_than_allowed_is_refused_and_closing_one_makes_room) {
    Stream stream = create();
    std::vector<Producer> producers;
    for (int i = 0; i < 3; ++i) {
        producers.push_back(must(stream.producer()));
        must(producers.back().add("x"));
    }
    Producer fourth = must(stream.producer());
    EXPECT_EQ(code_of(fourth.add("x")), Code::too_many_producers);
    producers[1].close();
    producers[1].close();
    EXPECT_EQ(code_of(producers[1].add("x")), Code::closed);
    EXPECT_TRUE(fourth.add("x"));
}

TEST_F(Producers, a_killed_one_makes_room_for_the_next) {
    Stream stream = create();
    for (int turn = 0; turn < 10; ++turn) {
        Child child([&](Link& link) {
            Stream own = must(Stream::open(path()));
            std::vector<Producer> producers;
            for (int i = 0; i < 3; ++i) {
                producers.push_back(must(own.producer()));
                must(producers.back().add("x"));
            }
            link.send();
            static_cast<void>(link.receive());
            return 0;
        });
        ASSERT_TRUE(child.receive());
        EXPECT_EQ(code_of(must(stream.producer()).add("x")), Code::too_many_producers);
        child.kill();
        EXPECT_TRUE(must(stream.producer()).add("x"));
    }
}

TEST_F(Producers, thousands_of_short_lived_processes_use_the_chunks_of_one) {
    constexpr std::uint64_t count = 2000;
    StreamOptions options = medium_options(2048);
    options.payload = 256 * 1024;  // 64 chunks of 4 KiB; all entries of one producer take 32 of them
    Stream stream = must(Stream::create(path(), options));
    must(stream.create_group("g"));
    for (std::uint64_t i = 1; i <= count; ++i) {
        const int status = in_child([&] {
            Stream own = must(Stream::open(path()));
            must(own.add(payload_of(i, 32)));
            if (i % 2 == 0) own.close();
            return 0;  // every second one ends without closing
        });
        ASSERT_EQ(status, 0);
    }
    must(stream.recover());
    const StreamInfo info = must(stream.info());
    EXPECT_EQ(info.next, count + 1);
    EXPECT_LE(info.chunks_sealed + info.chunks_unfinished + info.chunks_owned, count * 64 / 4096 + 2);
    EXPECT_EQ(info.attachments, 1u);
    EXPECT_EQ(info.producers, 0u);
    const Copies copies = must(stream.range(1, count));
    ASSERT_EQ(copies.size(), count);
    for (const Entry& entry : copies) ASSERT_EQ(number_of(entry.payload()), entry.sequence());
}

TEST_F(Producers, several_processes_make_one_dense_order_that_keeps_each_ones_own) {
    constexpr std::uint64_t each = 3000;
    StreamOptions options = medium_options(4096 * 4);
    Stream stream = must(Stream::create(path(), options));
    std::vector<Child> children;
    for (std::uint64_t writer = 1; writer <= 4; ++writer)
        children.emplace_back([&, writer](Link& link) {
            Stream own = must(Stream::open(path()));
            static_cast<void>(link.receive());
            for (std::uint64_t i = 0; i < each; ++i) must(own.add(payload_of(writer << 32 | i, 8 + i % 100)));
            return 0;
        });
    for (const Child& child : children) child.send();
    for (Child& child : children) ASSERT_EQ(child.wait(), 0);
    const Copies copies = must(stream.range(1, 4 * each));
    ASSERT_EQ(copies.size(), 4 * each);
    std::map<std::uint64_t, std::uint64_t> next;
    for (std::size_t i = 0; i < copies.size(); ++i) {
        ASSERT_EQ(copies[i].sequence(), i + 1);
        const auto number = number_of(copies[i].payload());
        ASSERT_TRUE(number);
        ASSERT_EQ(next[*number >> 32]++, *number & 0xffff'ffff);
    }
}

class Loans : public StreamTest {
protected:
    static void fill(const Loan& loan, std::uint64_t number) {
        const std::string payload = payload_of(number, loan.bytes().size());
        std::memcpy(loan.bytes().data(), payload.data(), payload.size());
    }
};

TEST_F(Loans, several_are_committed_in_any_order_and_dropped_ones_never_happened) {
    Stream stream = create();
    Loan first = must(stream.loan(40));
    Loan second = must(stream.loan(300));
    Loan third = must(stream.loan(24));
    fill(first, 1);
    fill(second, 2);
    fill(third, 3);
    EXPECT_EQ(must(third.commit()), 1u);
    { const Loan dropped = std::move(second); }
    EXPECT_EQ(must(first.commit()), 2u);
    const Copies copies = must(stream.range(1, 9));
    ASSERT_EQ(copies.size(), 2u);
    EXPECT_EQ(number_of(copies[0].payload()), 3u);
    EXPECT_EQ(number_of(copies[1].payload()), 1u);
    EXPECT_EQ(code_of(first.commit()), Code::closed);
}

TEST_F(Loans, less_than_asked_may_be_committed_and_more_may_not) {
    Stream stream = create();
    AddOptions options;
    options.key = bytes_of("key");
    Loan loan = must(stream.loan(500, options));
    EXPECT_EQ(loan.bytes().size(), 500u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(loan.bytes().data()) % 16, 0u);
    std::memcpy(loan.bytes().data(), "short", 5);
    EXPECT_EQ(code_of(loan.commit(501)), Code::too_large);
    EXPECT_EQ(must(loan.commit(5)), 1u);
    const Copies copies = must(stream.range(1, 1));
    EXPECT_EQ(copies[0].text(), "short");
    EXPECT_EQ(text_of(copies[0].key()), "key");
    EXPECT_EQ(must(must(stream.loan(0)).commit()), 2u);
    EXPECT_EQ(must(must(stream.loan(100)).commit(0)), 3u);
    EXPECT_EQ(code_of(stream.loan(3001)), Code::too_large);
}

TEST_F(Loans, of_several_chunks_are_bounded_and_given_back) {
    Stream stream = create();
    std::vector<Loan> loans;
    Result<Loan> loan = Code::closed;
    while ((loan = stream.loan(2500))) loans.push_back(std::move(*loan));
    EXPECT_TRUE(loan.error().code() == Code::too_many_loans || loan.error().code() == Code::full)
        << loan.error().message();
    EXPECT_GE(loans.size(), 2u);
    for (std::size_t i = 0; i < loans.size(); ++i) fill(loans[i], i);
    for (std::size_t i = loans.size(); i-- > 0;) EXPECT_TRUE(loans[i].commit());
    loans.clear();
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(must(stream.loan(2500)).commit()) << i;
    stream.close();
    EXPECT_EQ(must(open().info()).chunks_owned, 0u);
}

TEST_F(Loans, that_hold_all_chunks_a_producer_may_hold_are_too_many) {
    Stream stream = create();
    std::vector<Loan> loans;
    Result<Loan> loan = Code::closed;
    while ((loan = stream.loan(600))) loans.push_back(std::move(*loan));
    EXPECT_EQ(loan.error().code(), Code::too_many_loans) << loan.error().message();
    loans.pop_back();
    loans.clear();
    EXPECT_TRUE(stream.loan(600));
}

TEST_F(Loans, a_full_ring_leaves_the_loan_to_be_committed_later) {
    Stream stream = create_with_group();
    Loan loan = must(stream.loan(64));
    fill(loan, 7);
    add(stream, 16);
    EXPECT_EQ(code_of(loan.commit()), Code::full);
    must(stream.trim_keep(16));
    Consumer consumer = must(stream.consumer("g"));
    must(must(consumer.read()).ack());
    EXPECT_EQ(must(loan.commit()), 17u);
    EXPECT_EQ(number_of(must(consumer.read())[0].payload()), 7u);
}

TEST_F(Loans, end_with_their_producer_whichever_is_destroyed_first) {
    Stream stream = create();
    Loan survivor;
    {
        Producer producer = must(stream.producer());
        survivor = must(producer.loan(10));
    }
    EXPECT_EQ(code_of(survivor.commit()), Code::closed);
}

}  // namespace
}  // namespace shmq::test
