// Counts the delays of one consumer in the segment, if its group keeps histograms (group/histograms.hpp).
//
// One clock is read a read and one an ack, the monotonic one: coarse with coarse time stamps or none, precise with
// precise ones. The wall clock that stamps are made with is taken to run beside it, and is compared anew whenever the
// kernel's tick came; so a clock that is set is seen a tick late.
#pragma once

#include <span>

#include "group/deliver.hpp"
#include "group/histograms.hpp"
#include "os/clock.hpp"
#include "shmq/entry.hpp"

namespace shmq::detail {

class LatencyKeeper {
public:
    void start(const Member& member) noexcept {
        row_ = histograms_of(member.segment, member.group.row, member.consumer);
        time_ = member.segment.geometry().time;
    }
    void stop() noexcept { row_ = nullptr; }
    /// All that is asked where histograms are switched off.
    [[nodiscard]] bool keeps() const noexcept { return row_ != nullptr; }

    /// Counts those of a batch that were delivered for the first time; the moment to give to `acked`. Only if `keeps`.
    [[nodiscard]] std::uint64_t delivered(std::span<const Taken> taken, std::span<const Entry> entries,
                                          std::uint64_t now_ms) noexcept {
        const std::uint64_t moment = time_ == TimeStamps::precise ? os::monotonic_ns() : now_ms * 1'000'000;
        if (time_ == TimeStamps::off) return moment;
        if (now_ms != tick_ms_) [[unlikely]] {
            tick_ms_ = now_ms;
            ahead_ns_ = (time_ == TimeStamps::precise ? os::realtime_ns() : os::realtime_coarse_ns()) - moment;
        }
        count_delivered(taken, entries, moment + ahead_ns_);
        return moment;
    }
    /// Counts acks of entries that were delivered at `moment`. Only if `keeps`.
    [[gnu::noinline]] void acked(std::uint64_t moment, std::uint64_t count) noexcept {
        const std::uint64_t now =
            time_ == TimeStamps::precise ? os::monotonic_ns() : os::monotonic_coarse_ms() * 1'000'000;
        count_delay(row_->delivered_to_acked, now > moment ? now - moment : 0, count);
    }

private:
    void count_delivered(std::span<const Taken> taken, std::span<const Entry> entries, std::uint64_t now_ns) noexcept {
        std::uint64_t stamp = 0;
        std::uint64_t count = 0;  // entries one after the other that bear `stamp`: with coarse ones, most of a batch
        const auto put = [&] {
            if (count != 0) count_delay(row_->added_to_delivered, now_ns > stamp ? now_ns - stamp : 0, count);
        };
        for (std::size_t i = 0; i < taken.size(); ++i) {
            if (taken[i].taken_over) continue;
            const std::uint64_t time = entries[i].time_ns();
            if (time == stamp) {
                ++count;
                continue;
            }
            put();
            stamp = time;
            count = 1;
        }
        put();
    }

    HistogramRow* row_ = nullptr;  // ours alone while we own the consumer row
    TimeStamps time_ = TimeStamps::off;
    std::uint64_t tick_ms_ = ~std::uint64_t{0};
    std::uint64_t ahead_ns_ = 0;  // by how much the wall clock is ahead of the monotonic one
};

}  // namespace shmq::detail
