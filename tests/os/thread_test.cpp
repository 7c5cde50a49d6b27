// A helper thread runs what it is given, under its name, and takes no signal from the program.
#include "os/thread.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

namespace shmq::os::test {
namespace {

struct Seen {
    std::string name;
    bool blocks_all = true;
};

void look(void* context) noexcept {
    auto& seen = *static_cast<Seen*>(context);
    char name[16] = "";
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    // Named by its maker, perhaps later than it begins.
    while (std::string(name) != "shmq-look") ::pthread_getname_np(::pthread_self(), name, sizeof name);
    seen.name = name;
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGCHLD, SIGALRM, SIGUSR1})
        if (::sigismember(&blocked, signal) != 1) seen.blocks_all = false;
}

TEST(Thread, runs_its_work_under_its_name_with_every_signal_blocked) {
    Thread thread;
    Seen seen;
    EXPECT_FALSE(thread.running());
    ASSERT_TRUE(thread.start("shmq-look", look, &seen));
    EXPECT_TRUE(thread.running());
    thread.join();
    EXPECT_FALSE(thread.running());
    EXPECT_EQ(seen.name, "shmq-look");
    EXPECT_TRUE(seen.blocks_all);
}

TEST(Thread, leaves_the_makers_signals_as_they_were) {
    sigset_t before, after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    Thread thread;
    Seen seen;
    ASSERT_TRUE(thread.start("shmq-look", look, &seen));
    thread.join();
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (int signal = 1; signal < 32; ++signal)
        EXPECT_EQ(::sigismember(&before, signal), ::sigismember(&after, signal));
}

TEST(Thread, may_be_started_again_after_it_was_joined) {
    Thread thread;
    Seen seen;
    for (int turn = 0; turn < 3; ++turn) {
        ASSERT_TRUE(thread.start("shmq-look", look, &seen));
        thread.join();
        thread.join();  // nothing to do
    }
}

}  // namespace
}  // namespace shmq::os::test
