// Guards are told of every fork, in the child, and of none once they are gone.
#include "os/fork.hpp"

#include <thread>

#include "base/atomic.hpp"
#include "os/lock.hpp"
#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

void count(void* context) noexcept { ++*static_cast<int*>(context); }
void close_it(void* context) noexcept { static_cast<Descriptor*>(context)->close(); }

TEST(ForkGuard, is_told_in_the_child_and_not_in_the_parent) {
    int forks = 0;
    const ForkGuard guard(count, &forks);
    EXPECT_TRUE(guard.armed());
    EXPECT_EQ(in_child([&] { return forks; }), 1);
    EXPECT_EQ(forks, 0);
    EXPECT_EQ(in_child([&] { return in_child([&] { return forks; }); }), 2) << "a child's child is one more fork";
}

TEST(ForkGuard, each_of_several_is_told_once_whatever_order_they_end_in) {
    int forks[3] = {};
    std::unique_ptr<ForkGuard> guards[3];
    for (int i = 0; i < 3; ++i) guards[i] = std::make_unique<ForkGuard>(count, &forks[i]);
    const auto told = [&] { return in_child([&] { return forks[0] + 10 * forks[1] + 100 * forks[2]; }); };
    EXPECT_EQ(told(), 111);
    guards[1].reset();
    EXPECT_EQ(told(), 101);
    guards[2].reset();
    EXPECT_EQ(told(), 1);
    guards[1] = std::make_unique<ForkGuard>(count, &forks[1]);
    guards[0].reset();
    EXPECT_EQ(told(), 10);
    guards[1].reset();
    EXPECT_EQ(told(), 0);
}

TEST(ForkGuard, a_child_may_make_and_end_guards) {
    int forks = 0;
    auto guard = std::make_unique<ForkGuard>(count, &forks);
    EXPECT_EQ(in_child([&] {
                  guard.reset();
                  int own = 0;
                  const ForkGuard another(count, &own);
                  return in_child([&] { return own + 10 * forks; });
              }),
              11);
}

TEST(ForkGuard, closing_the_locking_descriptor_lets_the_parents_death_be_seen) {
    const Scratch scratch;
    const Descriptor file = make_file(scratch.path("s"), 4096);
    int to_parent[2] = {-1, -1};
    ASSERT_EQ(::pipe2(to_parent, O_CLOEXEC), 0);
    Child holder([&] {
        Descriptor owner;
        const ForkGuard guard(close_it, &owner);
        owner = reopen(file, scratch.path("s"), true).value();
        if (!try_lock_byte(owner, 1).value()) return 1;
        const pid_t orphan = ::fork();
        if (orphan == 0) {
            for (;;) ::pause();
        }
        if (::write(to_parent[1], &orphan, sizeof(orphan)) != sizeof(orphan)) return 2;
        for (;;) ::pause();
        return 0;
    });
    pid_t orphan = -1;
    ASSERT_EQ(::read(to_parent[0], &orphan, sizeof(orphan)), static_cast<ssize_t>(sizeof(orphan)));
    EXPECT_TRUE(byte_is_locked(file, 1).value());
    holder.kill();
    while (byte_is_locked(file, 1).value()) ::usleep(1000);  // a watchdog ends the test if it stays locked
    EXPECT_EQ(::kill(orphan, 0), 0) << "the child lives on and holds nothing";
    ::kill(orphan, SIGKILL);
    ::close(to_parent[0]);
    ::close(to_parent[1]);
}

TEST(ForkGuard, forks_while_threads_make_and_end_guards_are_whole) {
    Atomic<std::uint32_t> stop(0);
    int forks = 0;
    const ForkGuard guard(count, &forks);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            int own = 0;
            while (stop.load(memory_order_relaxed) == 0) const ForkGuard another(count, &own);
        });
    for (int i = 0; i < 100; ++i) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            const ForkGuard another(count, &forks);  // the registry's mutex is free here
            ::_exit(forks == 1 ? 0 : 1);
        }
        int status = -1;
        ASSERT_EQ(::waitpid(pid, &status, 0), pid);
        EXPECT_EQ(status, 0);
    }
    stop.store(1, memory_order_relaxed);
    for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace shmq::os::test
