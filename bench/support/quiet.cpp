// The loop of additions, and what is made of it.
#include "support/quiet.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>

#include "support/processes.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr int first_looks = 20;
constexpr int most_looks = 4;
constexpr double least_share = 0.9;

/// Additions a nanosecond, of which a core does several at once: about a quarter of a millisecond.
double additions() {
    constexpr std::uint64_t turns = 200'000;
    std::uint64_t a = 0, b = 0, c = 0, d = 0, e = 0;
    const std::uint64_t start = now_ns();
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
        a += 1, b += 3, c += 5, d += 7, e += 9;
        asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));  // none is left out, or made one of several
    }
    return 5.0 * turns / static_cast<double>(now_ns() - start);
}

/// The same of one processor, by a process that is pinned to it.
double speed_of(int core) {
    Round round;
    round.start(core, [](Board& board) {
        double sum = 0;
        for (int look = 0; look < 4; ++look) sum += additions();
        board.figures[0] = sum;
    });
    round.finish();
    return round.board().figures[0];
}

/// One after the other, so that two threads of one core do not disturb each other.
class Speeds {
public:
    Speeds() {
        for (int look = 0; look < first_looks; ++look) static_cast<void>(are_high());
    }
    bool are_high() {
        const bool first = is_high(first_, settings().core_of_first);
        return is_high(second_, settings().core_of_second) && first;
    }
    /// The same, waited for: others come and go.
    bool become_high() {
        for (int look = 0; look < most_looks; ++look) {
            if (are_high()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }

private:
    static bool is_high(double& highest, int core) {
        const double speed = speed_of(core);
        highest = std::max(highest, speed);
        return speed >= least_share * highest;
    }

    double first_ = 0;
    double second_ = 0;
};

}  // namespace

bool measure_undisturbed(int most_runs, const std::function<void()>& measure) {
    static Speeds speeds;
    for (int run = 0; run < most_runs; ++run) {
        const bool before = most_runs == 1 ? speeds.are_high() : speeds.become_high();
        measure();
        if (speeds.are_high() && before) return true;
    }
    return false;
}

}  // namespace bench
