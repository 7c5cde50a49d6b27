// The processes of one round of a measurement: forked before anything is opened, each pinned to a processor, started
// together.
//
// The parent sleeps in waitpid while they work, so that it takes no time from them. They write what they measured on a
// board, a page that all of them share. A process that ends badly ends the others of its round.
#pragma once

#include <emmintrin.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/statistics.hpp"

namespace bench {

/// Nanoseconds of the monotonic clock.
inline std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

inline void pause_times(std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) _mm_pause();
}

/// Bytes that processes forked later share: zeroed, private to this process and its children.
class SharedBytes {
public:
    explicit SharedBytes(std::size_t size);
    SharedBytes(const SharedBytes&) = delete;
    SharedBytes& operator=(const SharedBytes&) = delete;
    ~SharedBytes();
    [[nodiscard]] std::byte* data() const noexcept { return data_; }

private:
    std::byte* data_;
    std::size_t size_;
};

/// What the processes of a round tell each other and their parent.
struct Board {
    alignas(64) std::atomic<std::uint32_t> waiting;  // processes that are ready
    alignas(64) std::atomic<std::uint32_t> started;
    alignas(64) std::atomic<std::uint32_t> received;  // all of it: who sent may go, with what it buffered
    alignas(64) double figures[8];                    // what was measured; the meaning is the benchmark's
    char failure[240];
};

/// Percentiles as the first figures of a board, and read from there.
inline void write_on(Board& board, const Percentiles& found) {
    board.figures[0] = found.p50;
    board.figures[1] = found.p99;
    board.figures[2] = found.p999;
    board.figures[3] = found.p9999;
}
inline Percentiles percentiles_on(const Board& board) {
    return {board.figures[0], board.figures[1], board.figures[2], board.figures[3]};
}

/// Pins the calling process to one processor. Throws if the kernel refuses.
void pin_to(int core);

class Round {
public:
    using Work = std::function<void(Board&)>;

    Round();
    Round(const Round&) = delete;
    Round& operator=(const Round&) = delete;
    ~Round();

    /// Forks a process that is pinned to `core` and does `work`, which calls `line_up` once it has opened everything.
    void start(int core, const Work& work);
    /// Waits for all; throws what the first that failed said.
    void finish();
    [[nodiscard]] const Board& board() const noexcept { return *board_; }

private:
    void end_all() noexcept;

    SharedBytes page_;
    Board* board_;
    std::vector<pid_t> processes_;
};

/// Called by each of a round's `processes` once it is ready; returns when all are.
void line_up(Board& board, std::uint32_t processes);

}  // namespace bench
