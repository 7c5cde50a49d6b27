// Bare exchanges between two processes.
#include "support/limits.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "peers/shape.hpp"
#include "support/processes.hpp"
#include "support/settings.hpp"
#include "support/statistics.hpp"

namespace bench {

namespace {

using Word = std::atomic<std::uint32_t>;

void wait_polling(Word& word, std::uint32_t value) {
    while (word.load(std::memory_order_acquire) != value) pause_times(1);
}
void set_polling(Word& word, std::uint32_t value) { word.store(value, std::memory_order_release); }

void wait_asleep(Word& word, std::uint32_t value) {
    for (;;) {
        const std::uint32_t seen = word.load(std::memory_order_acquire);
        if (seen == value) return;
        syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
}
void set_and_wake(Word& word, std::uint32_t value) {
    word.store(value, std::memory_order_release);
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

/// One word, written in turns; p50 of the trips.
template <class Wait, class Set>
double word_trips(std::uint32_t trips, Wait wait, Set set) {
    const SharedBytes bytes(4096);
    auto& word = *new (bytes.data()) Word(0);
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        std::vector<std::uint32_t> times;
        times.reserve(trips);
        line_up(board, 2);
        for (std::uint32_t number = 1; number <= trips; ++number) {
            const std::uint64_t start = now_ns();
            set(word, 2 * number - 1);
            wait(word, 2 * number);
            times.push_back(static_cast<std::uint32_t>(now_ns() - start));
        }
        board.figures[0] = percentiles_of(std::move(times)).p50;
    });
    round.start(settings().core_of_second, [&](Board& board) {
        line_up(board, 2);
        for (std::uint32_t number = 1; number <= trips; ++number) {
            wait(word, 2 * number - 1);
            set(word, 2 * number);
        }
    });
    round.finish();
    return round.board().figures[0];
}

double stream_blocks(std::size_t size, double seconds) {
    constexpr std::size_t ring_size = 64u << 20;  // as shmq's at these sizes
    const std::uint64_t slots = ring_size / size;
    const SharedBytes bytes(ring_size + 4096);
    struct Counters {
        alignas(64) std::atomic<std::uint64_t> filled;
        alignas(64) std::atomic<std::uint64_t> used;
    };
    auto& counters = *new (bytes.data() + ring_size) Counters{};
    const auto block = [&](std::uint64_t number) { return bytes.data() + number % slots * size; };
    const auto total = static_cast<std::uint64_t>(seconds * 4e9 / static_cast<double>(size)) + slots;
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        line_up(board, 2);
        for (std::uint64_t number = 0; number < total; ++number) {
            while (number - counters.used.load(std::memory_order_acquire) >= slots) pause_times(1);
            fill(number, {block(number), size});
            counters.filled.store(number + 1, std::memory_order_release);
        }
    });
    round.start(settings().core_of_second, [&](Board& board) {
        Checker checker(size);
        line_up(board, 2);
        std::uint64_t start = 0;
        for (std::uint64_t number = 0; number < total; ++number) {
            if (number == slots) start = now_ns();
            while (counters.filled.load(std::memory_order_acquire) == number) pause_times(1);
            checker({block(number), size});
            counters.used.store(number + 1, std::memory_order_release);
        }
        board.figures[0] = static_cast<double>(total - slots) * 1e9 / static_cast<double>(now_ns() - start);
    });
    round.finish();
    return round.board().figures[0];
}

}  // namespace

double probe_line() { return word_trips(4'000, wait_polling, set_polling); }
double line_trip(double seconds) {
    return word_trips(static_cast<std::uint32_t>(seconds * 4e6), wait_polling, set_polling);
}
double futex_trip(double seconds) {
    return word_trips(static_cast<std::uint32_t>(seconds * 1e5), wait_asleep, set_and_wake);
}
double stream_64k(double seconds) { return stream_blocks(65'536, seconds); }
double stream_1m(double seconds) { return stream_blocks(1'048'576, seconds); }

}  // namespace bench
