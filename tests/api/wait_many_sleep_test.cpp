// One wait over many, asleep: on all its sources at once, and what ends it.
#include <errno.h>

#include <thread>

#include "api/core.hpp"
#include "api/many_streams.hpp"
#include "support/refuse_call.hpp"

namespace shmq::test {
namespace {

class WaitManyAsleep : public WaitMany {};

/// Asleep in the kernel on the stream's group, by the only proof there is: somebody there was woken.
void wake_sleeper_in_group(const std::string& path) {
    const auto core = must(detail::StreamCore::open(path, {}));
    const auto& word = wake_word(core->segment(), 0);
    while (os::futex_wake(word, 1) == 0) std::this_thread::yield();
}

TEST_F(WaitManyAsleep, sleeps_on_all_streams_at_once_or_in_turns_where_the_kernel_cannot) {
    make_three();
    for (const bool old_kernel : {false, true}) {
        Child child([&](Link&) {
            if (old_kernel) require(refuse_call(futex_waitv_call, ENOSYS));
            auto consumers = open_and_join_all();
            Waiter waiter;
            for (Consumer& consumer : consumers) waiter.add(consumer);
            ack(waiter.wait(up_to(1, forever)));
            return 0;
        });
        for (const std::size_t index : {2u, 0u, 1u}) wake_sleeper_in_group(path_of(index));
        add(streams_[1], 1);
        EXPECT_EQ(child.wait(), 0);
        EXPECT_EQ(must(streams_[1].group("g")).pending, 0u);
    }
}

TEST_F(WaitManyAsleep, is_woken_by_an_add_of_another_process_to_any_stream) {
    make_three(medium_options(64));
    for (const bool old_kernel : {false, true}) {
        Child child([&](Link& link) {
            if (old_kernel) require(refuse_call(futex_waitv_call, ENOSYS));
            auto consumers = open_and_join_all();
            Waiter waiter;
            for (Consumer& consumer : consumers) waiter.add(consumer);
            for (;;) {
                auto deliveries = waiter.wait(up_to(8, forever));
                require(deliveries && deliveries->size() == 1);
                const auto number = number_of((*deliveries)[0][0].payload());
                require(number && link.send(*number * 3 + (*deliveries)[0].source()));
                ack(deliveries);
                if (*number == 600) return 0;
            }
        });
        for (std::uint64_t number = 1; number <= 600; ++number) {
            const std::size_t index = number * 7 % 3;
            must(streams_[index].add(payload_of(number)));
            ASSERT_EQ(child.receive(), number * 3 + index);
        }
        EXPECT_EQ(child.wait(), 0);
    }
}

TEST_F(WaitManyAsleep, gets_all_that_a_killed_producer_added_and_what_a_killed_consumer_held) {
    make_three(medium_options(64));
    auto consumers = join_all();
    Waiter waiter;
    for (Consumer& consumer : consumers) waiter.add(consumer);
    Child producer([&](Link& link) {
        Stream own = must(Stream::open(path("a")));
        for (std::uint64_t number = 1;; ++number) {
            AddOptions patient = waiting(forever);
            must(own.add(payload_of(number), patient));
            if (number == 300) link.send();
        }
        return 0;
    });
    std::uint64_t next = 1;
    const auto read_all = [&](Duration wait) {
        while (auto deliveries = waiter.wait(up_to(5, wait))) {
            for (const Delivery& delivery : *deliveries)
                for (const Entry& entry : delivery) EXPECT_EQ(number_of(entry.payload()), next++);
            ack(deliveries);
            if (wait == forever && next > 300) return;
        }
    };
    read_all(forever);
    producer.kill();
    read_all(Duration{0});
    EXPECT_EQ(must(streams_[0].info()).next, next);

    add(streams_[1], 3);
    Child holder([&](Link& link) {
        Stream own = must(Stream::open(path("b")));
        Consumer consumer = must(own.consumer("g"));
        const Batch batch = must(consumer.read());
        link.send(batch.size());
        static_cast<void>(link.receive());
        return 0;
    });
    ASSERT_EQ(holder.receive(), 3u);
    EXPECT_EQ(letters(waiter.wait()), "empty");
    holder.kill();
    EXPECT_EQ(letters(waiter.wait(up_to(64, forever))), "bbb") << "the sleeper looked for the dead";
}

TEST_F(WaitManyAsleep, a_removed_stream_ends_the_sleep_also_if_its_file_was_taken_away_by_hand) {
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    for (Consumer& consumer : consumers) waiter.add(consumer);
    Child remover([&](Link&) {
        ::usleep(20'000);
        must(Stream::remove(path("c")));
        return 0;
    });
    EXPECT_EQ(letters(waiter.wait(up_to(64, forever))), "C");
    EXPECT_EQ(remover.wait(), 0);
    waiter.remove(2);
    Child unlinker([&](Link&) {
        ::usleep(20'000);
        return ::unlink(path("b").c_str());
    });
    const auto deliveries = must(waiter.wait(up_to(64, forever)));
    EXPECT_EQ(letters(deliveries), "B");
    EXPECT_EQ(deliveries[0].error().code(), Code::removed);
    EXPECT_EQ(unlinker.wait(), 0);
}

TEST_F(WaitManyAsleep, ends_by_its_stop_token_and_by_its_time) {
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    for (Consumer& consumer : consumers) waiter.add(consumer);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(code_of(waiter.wait(up_to(1, 70ms))), Code::empty);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 70ms);
    std::stop_source source;
    WaitOptions options = up_to(1, forever);
    options.stop = source.get_token();
    std::jthread stopper([&] {
        ::usleep(20'000);
        source.request_stop();
    });
    EXPECT_EQ(code_of(waiter.wait(options)), Code::stopped);
    EXPECT_EQ(code_of(waiter.wait(options)), Code::stopped);
    add(streams_[0], 1);
    EXPECT_EQ(letters(waiter.wait(options)), "a") << "what is there is given all the same";
}

TEST_F(WaitManyAsleep, a_stop_wakes_it_round_after_round) {
    // Each stop that does not wake costs a slice, 50 ms: so many of them end the test by its watchdog.
    constexpr int rounds = 8'000;
    make_three();
    auto consumers = join_all();
    Waiter waiter;
    for (Consumer& consumer : consumers) waiter.add(consumer);
    Atomic<std::uint32_t> begun(0);
    std::vector<std::stop_source> sources(rounds);
    std::jthread stopper([&] {
        for (std::uint32_t round = 0; round < rounds; ++round) {
            while (begun.load(memory_order_acquire) <= round) std::this_thread::yield();
            ::usleep(100);
            sources[round].request_stop();
        }
    });
    for (std::stop_source& source : sources) {
        begun.fetch_add(1, memory_order_release);
        WaitOptions options = up_to(1, forever);
        options.stop = source.get_token();
        ASSERT_EQ(code_of(waiter.wait(options)), Code::stopped);
    }
}

TEST_F(WaitManyAsleep, follows_a_stream_that_it_may_only_read) {
    make_three();
    OpenOptions reading;
    reading.read_only = true;
    Stream glass = must(Stream::open(path("a"), reading));
    Reader reader = must(glass.reader());
    auto consumers = join_all();
    Waiter waiter;
    waiter.add(reader);
    waiter.add(consumers[1]);
    for (const char* name : {"a", "b", "a"}) {
        Child adder([&](Link&) {
            Stream own = must(Stream::open(path(name)));
            ::usleep(10'000);
            must(own.add("x"));
            return 0;
        });
        const auto deliveries = waiter.wait(up_to(64, forever));
        EXPECT_EQ(letters(deliveries), name);
        ack(deliveries);
        EXPECT_EQ(adder.wait(), 0);
    }
}

TEST_F(WaitManyAsleep, passes_on_a_wake_that_it_may_have_taken_from_a_source_it_does_not_come_to) {
    make_three();
    auto consumers = join_all();
    const auto core = must(detail::StreamCore::open(path("b"), {}));
    const auto& low = wake_word(core->segment(), 0);
    Child waiting([&](Link&) {
        auto own = open_and_join_all();
        Waiter waiter;
        waiter.add(own[0], 1);
        waiter.add(own[1], 0);
        const auto deliveries = waiter.wait(up_to(1, forever));
        require(letters(deliveries) == "a");
        ack(deliveries);
        return 0;
    });
    wake_sleeper_in_group(path("b"));
    wake_sleeper_in_group(path("a"));
    const std::uint32_t before = low.load(memory_order_seq_cst);
    add(streams_[0], 1);
    EXPECT_EQ(waiting.wait(), 0);
    EXPECT_EQ(low.load(memory_order_seq_cst), before + 1) << "nobody added to that stream";
}

}  // namespace
}  // namespace shmq::test
