// When a sleeper may sleep longer than a slice: once nothing has been added for a while.
#pragma once

#include "base/atomic.hpp"
#include "shmq/options.hpp"

namespace shmq::detail {

/// What one stream handle saw of the log's end. Safe for several threads: one may sleep a long time once more where
/// another has just seen the end move.
class Stillness {
public:
    static constexpr std::uint64_t begins_after_ms = 1'000;
    static constexpr int slices = 5;  // of a long sleep

    /// Whether the log's end stands where it was seen `begins_after_ms` ago. Asked before each sleep.
    [[nodiscard]] bool reigns(Sequence end, std::uint64_t now_ms) noexcept {
        // relaxed, acquire and release: the time is that of this end or of a later one.
        if (end_.load(memory_order_acquire) == end)
            return now_ms - since_ms_.load(memory_order_relaxed) >= begins_after_ms;
        since_ms_.store(now_ms, memory_order_relaxed);
        end_.store(end, memory_order_release);
        return false;
    }

private:
    Atomic<std::uint64_t> end_{0};  // 0: not seen yet
    Atomic<std::uint64_t> since_ms_{0};
};

}  // namespace shmq::detail
