// Where nothing has been added for a second and all is finished, sleepers sleep longer; one of them goes back to slices
// as soon as another was given something.
#include "api/stillness.hpp"

#include <thread>

#include "api/core.hpp"
#include "shmq/wait_many.hpp"
#include "support/asleep.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

using detail::Stillness;
using namespace std::chrono_literals;

TEST(Stillness, reigns_once_the_end_stood_still_for_a_second) {
    Stillness stillness;
    EXPECT_FALSE(stillness.reigns(7, 5'000)) << "it has only just looked";
    EXPECT_FALSE(stillness.reigns(7, 5'999));
    EXPECT_TRUE(stillness.reigns(7, 6'000));
    EXPECT_TRUE(stillness.reigns(7, 60'000));
    EXPECT_FALSE(stillness.reigns(8, 60'001));
    EXPECT_FALSE(stillness.reigns(8, 61'000));
    EXPECT_TRUE(stillness.reigns(8, 61'001));
}

class StillStream : public StreamTest {
protected:
    /// Waits until stillness reigns by what the handle `core` saw. It has seen the end before, or sees it now.
    static void wait_until_still(detail::StreamCore& core) {
        while (core.longest_sleep(reader_bit) == core.longest_sleep()) ::usleep(500);
    }
};

TEST_F(StillStream, is_slept_on_for_longer_while_its_group_has_finished_all) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    add(stream, 2);
    Batch batch = must(consumer.read(reading(1)));
    must(batch.ack());
    const auto core = must(detail::StreamCore::open(path(), {}));
    const Duration slice = OpenOptions().slice;
    EXPECT_EQ(core->longest_sleep(0), slice);
    wait_until_still(*core);
    EXPECT_EQ(core->longest_sleep(reader_bit), slice * Stillness::slices) << "readers wait for new entries only";
    EXPECT_EQ(core->longest_sleep(0), slice) << "an entry was never delivered";
    batch = must(consumer.read());
    EXPECT_EQ(core->longest_sleep(0), slice) << "its consumer may die";
    must(batch.ack());
    EXPECT_EQ(core->longest_sleep(0), slice * Stillness::slices);
    EXPECT_EQ(core->longest_sleep(room_bit), slice) << "who waits for room waits for others";
    add(stream, 1);
    EXPECT_EQ(core->longest_sleep(0), slice);
    EXPECT_EQ(core->longest_sleep(reader_bit), slice);
}

/// Two processes sleep for long; one is given the only entry, and the other must not sleep on while it has it.
class WatchHandedOn : public StillStream, public ::testing::WithParamInterface<bool> {
protected:
    [[nodiscard]] Child start_sleeper() const {
        return Child([this](Link& link) {
            OpenOptions options;
            options.slice = 100ms;  // long sleeps of half a second
            Stream own = must(Stream::open(path(), options));
            Consumer consumer = must(own.consumer("g"));
            Waiter waiter;
            if (!GetParam()) {
                const Batch batch = must(consumer.read(reading(1, forever)));
                return tell_and_wait(link);
            }
            waiter.add(consumer);
            WaitOptions waiting;
            waiting.wait = forever;
            require(must(waiter.wait(waiting)).size() == 1);
            return tell_and_wait(link);
        });
    }

private:
    static int tell_and_wait(Link& link) {
        link.send();
        static_cast<void>(link.receive());
        return 0;
    }
};

TEST_P(WatchHandedOn, by_who_was_given_an_entry_after_a_long_sleep) {
    Stream stream = create_with_group();
    const auto core = must(detail::StreamCore::open(path(), {}));
    const auto& word = wake_word(core->segment(), 0);
    Child sleepers[] = {start_sleeper(), start_sleeper()};
    for (const Child& sleeper : sleepers) wait_until_asleep(sleeper.pid(), path());
    wait_until_still(*core);  // which looked later than they did: whatever sleep they begin from here on is a long one
    for (const Child& sleeper : sleepers) {
        const std::uint64_t sleeps = sleeps_of(sleeper.pid());
        while (sleeps_of(sleeper.pid()) == sleeps) ::usleep(500);
    }
    const std::uint32_t before = word.load(memory_order_seq_cst);
    add(stream, 1);
    while (must(stream.group("g")).pending == 0) std::this_thread::yield();
    while (word.load(memory_order_seq_cst) == before + 1) std::this_thread::yield();  // the watchdog ends it
    EXPECT_EQ(word.load(memory_order_seq_cst), before + 2) << "one wake by the add, one by who was given the entry";
    add(stream, 1);  // for the other
    for (Child& sleeper : sleepers) {
        EXPECT_TRUE(sleeper.receive());
        sleeper.send();
        EXPECT_EQ(sleeper.wait(), 0);
    }
}

INSTANTIATE_TEST_SUITE_P(, WatchHandedOn, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "by_a_waiter" : "by_a_consumer"; });

}  // namespace
}  // namespace shmq::test
