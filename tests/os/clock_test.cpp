// Clocks that go on, and agree between processes and time namespaces.
#include "os/clock.hpp"

#include <fcntl.h>
#include <sched.h>

#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr int clone_new_time = 0x00000080;  // CLONE_NEWTIME, which older headers do not have

TEST(Clock, never_goes_back) {
    std::uint64_t before = monotonic_ns();
    std::uint64_t before_ms = monotonic_coarse_ms();
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t now = monotonic_ns();
        const std::uint64_t now_ms = monotonic_coarse_ms();
        ASSERT_GE(now, before);
        ASSERT_GE(now_ms, before_ms);
        before = now;
        before_ms = now_ms;
    }
}

TEST(Clock, coarse_is_behind_precise_by_at_most_some_ticks) {
    const std::uint64_t coarse = realtime_coarse_ns();
    const std::uint64_t precise = realtime_ns();
    EXPECT_LE(coarse, precise + second) << "the two agree in what they count";
    EXPECT_GT(coarse, 1'600'000'000 * second) << "nanoseconds since 1970";
}

TEST(Clock, coarse_milliseconds_go_with_the_monotonic_clock) {
    const std::uint64_t start = monotonic_coarse_ms();
    ::usleep(50'000);
    EXPECT_GE(monotonic_coarse_ms() - start, 30u);
}

TEST(TimeNamespace, its_file_is_understood) {
    EXPECT_EQ(parse_monotonic_offset("monotonic           0         0\nboottime            0         0\n"), 0);
    EXPECT_EQ(parse_monotonic_offset("monotonic  172800  5\nboottime 604800 0\n"), 172'800'000'000'005);
    EXPECT_EQ(parse_monotonic_offset("boottime 1 0\nmonotonic -3 250000000\n"), -2'750'000'000);
    EXPECT_EQ(parse_monotonic_offset("monotonic 4 0"), 4'000'000'000);
    for (const char* text :
         {"", "\n", "monotonic", "monotonic x 0\n", "monotonic 1\n", "boottime 1 0\n", "monotonic 1 1000000000\n",
          "monotonic 1 -1\n", "monotonic 99999999999 0\n", "monotonic 999999999999999999999 0\n"})
        EXPECT_EQ(parse_monotonic_offset(text), 0) << text;
}

/// Moves this process's children into a time namespace `seconds` ahead; false if the kernel does not let us.
bool shift_children(int seconds) {
    if (::unshare(clone_new_time) != 0 && ::unshare(CLONE_NEWUSER | clone_new_time) != 0) return false;
    const Descriptor offsets(::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
    const std::string line = "monotonic " + std::to_string(seconds) + " 0";
    return ::write(offsets.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

TEST(TimeNamespace, processes_of_several_agree) {
    // Where no namespace can be made the child stays in ours, and has to agree as well.
    const std::uint64_t here = monotonic_coarse_ms();
    EXPECT_EQ(in_child([&] {
                  const bool shifted = shift_children(1000);
                  const std::int64_t expected =
                      shifted ? monotonic_offset_ns() + 1'000'000'000'000 : monotonic_offset_ns();
                  return in_child([&] {
                      // What a process that starts there computes; this one has the offset of its parent remembered.
                      const std::int64_t offset = monotonic_offset_ns();
                      if (offset != expected) return 1;
                      const std::uint64_t there = (monotonic_ns() - static_cast<std::uint64_t>(offset)) / 1'000'000;
                      return there >= here && there - here < 500'000 ? 0 : 2;
                  });
              }),
              0);
}

}  // namespace
}  // namespace shmq::os::test
