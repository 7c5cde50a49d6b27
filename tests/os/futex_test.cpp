// Sleeping and waking, between processes that map one file at different addresses.
#include "os/futex.hpp"

#include <signal.h>
#include <sys/time.h>

#include <new>

#include "os/clock.hpp"
#include "os/map.hpp"
#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

using namespace std::chrono_literals;
using Word = Atomic<std::uint32_t>;

constexpr std::uint64_t size = 4096;
constexpr std::size_t offset = 128;

class Futex : public ::testing::Test {
protected:
    [[nodiscard]] Mapping map(bool writable = true) const {
        return Mapping::map(open_segment(scratch_.path("s"), writable).value(), size, writable).value();
    }
    static Word& word(const Mapping& mapping) {
        return *std::launder(reinterpret_cast<Word*>(mapping.data() + offset));
    }

    Scratch scratch_;
    Descriptor file_ = make_file(scratch_.path("s"), size);
    Mapping mapping_ = map();
    Word& word_ = *new (mapping_.data() + offset) Word(7);
};

/// Wakes until somebody was asleep there; a watchdog ends the test if nobody ever is.
void wake_one(const Word& word) {
    while (futex_wake(word, 1) == 0) ::usleep(1000);
}

TEST_F(Futex, a_word_that_has_changed_is_not_slept_on) {
    EXPECT_EQ(futex_wait(word_, 8, 100s), Woken::changed);
    word_.store(9, memory_order_relaxed);
    EXPECT_EQ(futex_wait(word_, 7, 100s), Woken::changed);
}

TEST_F(Futex, timeout_comes_not_before_its_time) {
    const std::uint64_t start = monotonic_ns();
    EXPECT_EQ(futex_wait(word_, 7, 20ms), Woken::timeout);
    EXPECT_GE(monotonic_ns() - start, 20'000'000u);
    EXPECT_EQ(futex_wait(word_, 7, 0ms), Woken::timeout);
    EXPECT_EQ(futex_wait(word_, 7, -5s), Woken::timeout);
}

TEST_F(Futex, waking_nobody_wakes_none) { EXPECT_EQ(futex_wake(word_, 10), 0); }

TEST_F(Futex, wakes_another_process) {
    Child sleeper([&] {
        const Mapping own = map();
        return futex_wait(word(own), 7, forever) == Woken::woken ? 0 : 1;
    });
    wake_one(word_);
    EXPECT_EQ(sleeper.exit_status(), 0);
}

TEST_F(Futex, wakes_a_process_that_may_only_read) {
    Child sleeper([&] {
        const Mapping own = map(false);
        return futex_wait(word(own), 7, forever) == Woken::woken ? 0 : 1;
    });
    wake_one(word_);
    EXPECT_EQ(sleeper.exit_status(), 0);
}

TEST_F(Futex, wakes_no_more_than_asked_and_says_how_many) {
    constexpr int sleepers = 3;
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < sleepers; ++i)
        children.push_back(std::make_unique<Child>([&] {
            const Mapping own = map();
            for (;;) {
                const Woken woken = futex_wait(word(own), 7, forever);
                if (woken == Woken::woken) return 0;
                if (woken == Woken::changed) return 1;
            }
        }));
    wake_one(word_);
    int woken = 1;
    while (woken < sleepers) {
        const int now = futex_wake(word_, sleepers);
        EXPECT_LE(now, sleepers - woken);
        woken += now;
        ::usleep(1000);
    }
    for (const std::unique_ptr<Child>& child : children) EXPECT_EQ(child->exit_status(), 0);
}

TEST_F(Futex, a_signal_interrupts) {
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGALRM, &action, &before), 0);
    itimerval timer{};
    timer.it_value.tv_usec = 20'000;
    timer.it_interval.tv_usec = 20'000;  // again, should the first come before it sleeps
    ASSERT_EQ(::setitimer(ITIMER_REAL, &timer, nullptr), 0);
    EXPECT_EQ(futex_wait(word_, 7, forever), Woken::interrupted);
    timer = itimerval{};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
    ::sigaction(SIGALRM, &before, nullptr);
}

TEST_F(Futex, leaves_errno_alone) {
    errno = 77;
    EXPECT_EQ(futex_wait(word_, 8, 1s), Woken::changed);
    EXPECT_EQ(futex_wake(word_, 1), 0);
    EXPECT_EQ(errno, 77);
}

}  // namespace
}  // namespace shmq::os::test
