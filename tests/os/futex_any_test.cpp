// Sleeping on several words: all at once, and in turns where the kernel refuses futex_waitv.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <new>

#include "os/clock.hpp"
#include "os/futex.hpp"
#include "os/map.hpp"
#include "os/scratch.hpp"
#include "support/refuse_call.hpp"

namespace shmq::os::test {
namespace {

using namespace std::chrono_literals;
using shmq::test::futex_waitv_call;
using shmq::test::refuse_call;
using Word = Atomic<std::uint32_t>;

constexpr std::uint64_t size = 4096;

/// How the kernel answers the call: as it is; as a kernel before 5.16; as a container that forbids it.
enum class Kernel { new_one, old_one, forbids };

class FutexAny : public ::testing::TestWithParam<Kernel> {
protected:
    [[nodiscard]] Mapping map() const {
        return Mapping::map(open_segment(scratch_.path("s"), true).value(), size, true).value();
    }
    static Word& word(const Mapping& mapping, std::size_t index) {
        return *std::launder(reinterpret_cast<Word*>(mapping.data() + 64 * index));
    }
    /// Words 0 to count - 1 of a mapping, all expected to be 0.
    static std::vector<WaitWord> words(const Mapping& mapping, std::size_t count) {
        std::vector<WaitWord> all;
        for (std::size_t i = 0; i < count; ++i) all.push_back({&word(mapping, i), 0});
        return all;
    }
    /// The exit status of `work` in a process whose kernel answers so, with a mapping of its own.
    [[nodiscard]] int on_this_kernel(const std::function<int(const Mapping&)>& work) const {
        return in_child([&] {
            if (GetParam() == Kernel::old_one && !refuse_call(futex_waitv_call, ENOSYS)) return 97;
            if (GetParam() == Kernel::forbids && !refuse_call(futex_waitv_call, EPERM)) return 97;
            return work(map());
        });
    }

    Scratch scratch_;
    Descriptor file_ = make_file(scratch_.path("s"), size);
    Mapping mapping_ = map();
};

TEST_P(FutexAny, is_woken_by_each_of_its_words_from_another_process) {
    for (std::size_t index = 0; index < 3; ++index) {
        Child sleeper([&] {
            return on_this_kernel(
                [](const Mapping& own) { return futex_wait_any(words(own, 3), forever) == Woken::woken ? 0 : 1; });
        });
        while (futex_wake(word(mapping_, index), 1) == 0) ::usleep(100);
        EXPECT_EQ(sleeper.exit_status(), 0) << "word " << index;
    }
}

TEST_P(FutexAny, looks_at_every_word_before_it_sleeps) {
    word(mapping_, 2).store(1, memory_order_relaxed);
    for (const Duration at_most : {Duration(0), forever})
        EXPECT_EQ(on_this_kernel([&](const Mapping& own) {
                      return futex_wait_any(words(own, 3), at_most) == Woken::changed ? 0 : 1;
                  }),
                  0);
}

TEST_P(FutexAny, ends_by_its_time_and_not_before) {
    EXPECT_EQ(on_this_kernel([](const Mapping& own) {
                  const std::uint64_t start = monotonic_ns();
                  if (futex_wait_any(words(own, 3), 20ms) != Woken::timeout) return 1;
                  if (monotonic_ns() - start < 20'000'000) return 2;
                  return futex_wait_any(words(own, 3), -5s) == Woken::timeout ? 0 : 3;
              }),
              0);
}

TEST_P(FutexAny, a_signal_interrupts) {
    EXPECT_EQ(on_this_kernel([](const Mapping& own) {
                  struct sigaction action {};
                  action.sa_handler = [](int) {};
                  ::sigaction(SIGALRM, &action, nullptr);
                  itimerval timer{};
                  timer.it_value.tv_usec = timer.it_interval.tv_usec = 20'500;  // again, should it come too early
                  ::setitimer(ITIMER_REAL, &timer, nullptr);
                  return futex_wait_any(words(own, 2), forever) == Woken::interrupted ? 0 : 1;
              }),
              0);
}

TEST_P(FutexAny, leaves_errno_alone) {
    EXPECT_EQ(on_this_kernel([](const Mapping& own) {
                  errno = 77;
                  static_cast<void>(futex_wait_any(words(own, 3), 1ms));
                  return errno == 77 ? 0 : 1;
              }),
              0);
}

INSTANTIATE_TEST_SUITE_P(Kernels, FutexAny, ::testing::Values(Kernel::new_one, Kernel::old_one, Kernel::forbids));

TEST(FutexAnyOfKernel, sleeps_by_futex_waitv_wherever_the_kernel_has_it) {
    // A waitv of no words: EINVAL where it exists.
    const bool has = ::syscall(futex_waitv_call, nullptr, 0, 0, nullptr, 0) != 0 && errno == EINVAL;
    EXPECT_EQ(in_child([&] {
                  if (!refuse_call(SYS_futex, ENOSYS)) return 97;
                  const Word word(0);
                  const WaitWord one{&word, 0};
                  // Without futex_waitv it comes to futex, which fails at once.
                  return futex_wait_any({&one, 1}, 5ms) == (has ? Woken::timeout : Woken::changed) ? 0 : 1;
              }),
              0);
}

class FutexMany : public FutexAny {};

TEST_P(FutexMany, more_words_than_the_kernel_takes_at_once_are_slept_on_in_turns) {
    std::vector<WaitWord> many;
    for (int i = 0; i < 200; ++i) many.push_back({&word(mapping_, 0), 0});
    EXPECT_EQ(futex_wait_any(many, 5ms), Woken::timeout);
    many.push_back({&word(mapping_, 1), 0});
    Child changer([&] {
        const Mapping own = map();
        ::usleep(5'000);
        word(own, 1).store(1, memory_order_release);
        return 0;
    });
    EXPECT_EQ(futex_wait_any(many, forever), Woken::changed) << "seen by the look between two turns";
    EXPECT_EQ(changer.exit_status(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kernels, FutexMany, ::testing::Values(Kernel::new_one));

}  // namespace
}  // namespace shmq::os::test
