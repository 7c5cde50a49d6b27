// Creating, opening, closing and removing a stream is mostly system calls: a process is killed as it enters, and as it
// leaves, each of them.
#include <sys/ptrace.h>

#include "crash/survivor.hpp"

namespace shmq::test {
namespace {

/// Runs `work` in a process of its own that is killed at the `at`-th stop, counted from 1, at the border of a system
/// call. Minus SIGKILL; 0 if it ended before.
int killed_at_call(std::uint64_t at, const std::function<void()>& work) {
    Child child([&](Link&) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        work();
        return 0;
    });
    bool stopped = child.wait_until_stopped();
    for (std::uint64_t stops = 0; stopped && stops < at; ++stops) {
        ::ptrace(PTRACE_SYSCALL, child.pid(), nullptr, nullptr);
        stopped = child.wait_until_stopped();
    }
    if (stopped) ::kill(child.pid(), SIGKILL);
    return child.wait();
}

/// Points 1, 2, 3 ... until the work runs through. `before` makes what it works on, `after` looks at what is left.
template <class Before, class Work, class After>
void kill_at_every_call(const char* what, Before before, Work work, After after) {
    std::uint64_t at = 1;
    for (int status = -SIGKILL; status != 0; ++at) {
        SCOPED_TRACE(std::string(what) + ", border of a system call " + std::to_string(at));
        Folder folder;
        auto there = before(folder / "s");
        status = killed_at_call(at, [&] { work(folder / "s"); });
        EXPECT_TRUE(status == 0 || status == -SIGKILL) << status;
        after(folder, there, status == 0);
        if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(at, 5u);
    std::printf("%-16s killed at %llu borders of system calls\n", what, static_cast<unsigned long long>(at - 2));
}

Survivor survivor_of(const std::string& path) { return {path, small_options(), Ring::middle}; }
void check(Folder&, Survivor& survivor, bool) { survivor.check(Effect::none, {}, {}); }
int nothing(const std::string&) { return 0; }

TEST(KilledAtSystemCall, of_create_leaves_nothing_or_a_whole_stream) {
    bool was_seen = false;
    kill_at_every_call(
        "create", nothing, [](const std::string& path) { static_cast<void>(Stream::create(path, small_options())); },
        [&](Folder& folder, int, bool finished) {
            auto stream = Stream::open(folder / "s");
            EXPECT_TRUE(stream || code_of(stream) == Code::no_stream) << stream.error().message();
            EXPECT_EQ(folder.count(), stream ? 1u : 0u);
            EXPECT_TRUE(stream || !was_seen) << "there after an earlier call, not after a later one";
            EXPECT_TRUE(stream || !finished);
            was_seen = static_cast<bool>(stream);
            if (!stream) stream = must(Stream::create(folder / "s", small_options()));
            EXPECT_TRUE(stream->add("x"));
        });
    EXPECT_TRUE(was_seen);
}

TEST(KilledAtSystemCall, of_open_leaves_nothing_held) {
    kill_at_every_call(
        "open", survivor_of, [](const std::string& path) { static_cast<void>(Stream::open(path)); }, check);
}

TEST(KilledAtSystemCall, of_all_a_short_life_does_leaves_nothing_held) {
    kill_at_every_call(
        "a short life", survivor_of,
        [](const std::string& path) {
            Stream stream = must(Stream::open(path));
            Producer producer = must(stream.producer("feed"));
            static_cast<void>(producer.add(payload_of(1'000'000, 60)));
            Consumer consumer = must(stream.consumer("work", "victim"));
            Batch batch = must(consumer.read(reading(3, 1ms)));
            static_cast<void>(batch.nack());
            batch.close();
            consumer.close();
            static_cast<void>(stream.create_group("fresh"));
            static_cast<void>(stream.drop_group("fresh"));
            producer.close();
        },
        check);
}

TEST(KilledAtSystemCall, of_remove_leaves_it_whole_or_gone_for_newcomers_and_readable_for_those_who_have_it) {
    kill_at_every_call(
        "remove",
        [](const std::string& path) {
            Stream stream = must(Stream::create(path, small_options()));
            must(stream.create_group("work"));
            must(stream.add("x"));
            return stream;
        },
        [](const std::string& path) { static_cast<void>(Stream::remove(path)); },
        [](Folder& folder, Stream& stream, bool finished) {
            EXPECT_EQ(code_of(Stream::open(folder / "s")), folder.count() == 1 ? Code::ok : Code::no_stream);
            EXPECT_TRUE(folder.count() == 0 || !finished);
            Consumer consumer = must(stream.consumer("work"));
            EXPECT_TRUE(must(consumer.read()).ack());
            const bool there = folder.count() == 1;
            EXPECT_EQ(code_of(consumer.read(reading(1, 1ms))), there ? Code::empty : Code::removed);
            // At the latest since that wait.
            EXPECT_EQ(code_of(stream.add("y")), there ? Code::ok : Code::removed);
        });
}

}  // namespace
}  // namespace shmq::test
