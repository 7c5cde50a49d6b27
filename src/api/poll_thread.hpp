// The descriptors of poll_fd, and the one helper thread of a stream handle that raises them.
//
// A descriptor is up, that is readable, from the moment there may be something to read until a read found nothing. That
// read arms it (arm_after_empty): it announces a sleeper, looks once more, and only if there is still nothing lowers
// the flag and leaves the futex word's value, as it was at the announcement, with the thread. The thread sleeps on the
// words of all that are armed and raises the flag of each whose word is no longer what it was.
//
// No wake-up is lost. A change before the second look is found by that look. One after it comes after the announcement,
// so its maker sees the sleeper's bit and moves the word on (SLEEP), or somebody else had taken the bit since and moved
// it on already: the thread sees that the word is not what it was left with, before it sleeps or because it is woken. A
// maker that dies or stops before it moves the word leaves it to the end of a slice, where the thread announces again
// and looks at the log itself, as every sleeper does. The thread never touches a flag that is not armed, so nobody
// lowers a flag that was raised for something newer.
//
// Who is not armed is not in the thread's sleep: a program that is busy with reading takes no wake-ups from others.
//
// Threads: the handles of a stream may belong to several. One mutex of this process holds the list and what is armed;
// the data path never comes here.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "group/deliver.hpp"
#include "os/event.hpp"
#include "os/futex.hpp"
#include "os/thread.hpp"

namespace shmq::detail {

class StreamCore;
class PollThread;

/// What a descriptor is raised for. Filled by who arms it.
struct Watch {
    unsigned bit = 0;        ///< of the sleepers word
    std::uint32_t seen = 0;  ///< the futex word before the last look; 0 for a read-only handle, which announces nothing
    GroupId group;           ///< of a consumer
    Sequence position = 0;   ///< of a reader; 0 for a consumer
    bool operator==(const Watch&) const = default;
};

/// One descriptor. Ends with its handle; in a forked child it is only closed.
class PollSource {
public:
    PollSource(StreamCore& stream, os::Event event) noexcept : stream_(stream), event_(std::move(event)) {}
    PollSource(const PollSource&) = delete;
    PollSource& operator=(const PollSource&) = delete;
    ~PollSource();

    [[nodiscard]] int descriptor() const noexcept { return event_.descriptor(); }

private:
    friend class PollThread;
    StreamCore& stream_;
    os::Event event_;
    bool registered_ = false;
    bool armed_ = false;  // this and below: under the thread's mutex
    Watch watch_;
    Sequence sweep_at_ = 0;
};

class PollThread {
public:
    explicit PollThread(StreamCore& stream) noexcept : stream_(stream) {}
    PollThread(const PollThread&) = delete;
    PollThread& operator=(const PollThread&) = delete;
    ~PollThread() = default;  // every source is gone by then, and with the last the thread

    /// A descriptor that is up. The first one starts the thread.
    Result<std::unique_ptr<PollSource>> add();
    /// Lowers the flag and leaves it to the thread to raise it. The caller announced `watch.seen` and looked after it.
    void arm(PollSource& source, const Watch& watch) noexcept;
    /// Lowers the flag for good: nothing will come.
    void retire(PollSource& source) noexcept;

private:
    friend class PollSource;
    void remove(PollSource& source) noexcept;
    void kick() noexcept;
    /// What the thread does next: end; sleep until somebody arms; sleep until an armed word moves on.
    enum class Next : std::uint8_t { end, idle, armed };
    void run() noexcept;
    Next collect(std::vector<os::WaitWord>& words, Duration& longest) noexcept;
    [[nodiscard]] bool watches_due(const PollSource& source) const noexcept;
    void look_for_all() noexcept;
    [[nodiscard]] bool may_read(PollSource& source) const noexcept;
    void raise(PollSource& source) noexcept;

    StreamCore& stream_;
    std::mutex life_;  // starting and ending the thread; taken before list_
    std::mutex list_;
    std::vector<PollSource*> sources_;
    bool ending_ = false;
    Atomic<std::uint32_t> kicks_{0};  // the thread's own futex word
    os::Thread thread_;
};

}  // namespace shmq::detail
