// What stands behind an open stream: the mapping, the attachment, and the waits on it.
//
// Shared by the Stream and everything made from it; the last of them unmaps and detaches. Called only by this room.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "api/poll_thread.hpp"
#include "api/stillness.hpp"
#include "api/wait_loop.hpp"
#include "base/error_detail.hpp"
#include "group/visit.hpp"
#include "layout/segment.hpp"
#include "log/audit.hpp"
#include "log/flight.hpp"
#include "log/sleep.hpp"
#include "os/clock.hpp"
#include "os/file.hpp"
#include "os/fork.hpp"
#include "os/map.hpp"
#include "recovery/scan.hpp"
#include "shmq/stream.hpp"

namespace shmq::detail {

class StreamCore {
public:
    /// Maps and, unless read-only, attaches.
    static Result<std::shared_ptr<StreamCore>> open(std::string_view name, const OpenOptions& options);
    StreamCore(std::string name, std::string path, const OpenOptions& options);
    StreamCore(const StreamCore&) = delete;
    StreamCore& operator=(const StreamCore&) = delete;
    ~StreamCore();

    [[nodiscard]] const Segment& segment() const noexcept { return segment_; }
    [[nodiscard]] const Geometry& geometry() const noexcept { return segment_.geometry(); }
    [[nodiscard]] Visits& visits() noexcept { return *visits_; }
    [[nodiscard]] AttachmentId id() const noexcept { return visits_->owner(); }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] bool read_only() const noexcept { return options_.read_only; }
    /// After so long a sleeper looks again by itself. Shorter where nobody wakes it, since it may not say that it
    /// sleeps.
    [[nodiscard]] Duration longest_sleep() const noexcept;
    /// The same for one bit, before each sleep: longer once the stream is still and the bit's group has finished all;
    /// of a group, no longer than until a delayed entry is due (DELAY).
    [[nodiscard]] Duration longest_sleep(unsigned bit) noexcept;
    /// Of one that slept longer than a slice and was given entries: whoever else sleeps there shall wake and take
    /// slices again, so that there is one to see it die.
    void hand_watch_on(unsigned bit) noexcept {
        if (bit < reader_bit) entries_came(segment_, sleeper_mask(bit), 1);  // of the others, all were woken
    }
    /// Raises the descriptors of poll_fd.
    [[nodiscard]] PollThread& poll_thread() noexcept { return poll_thread_; }
    /// The file is the one the segment was made in, so that locks tell about its owners.
    [[nodiscard]] bool at_home() const noexcept { return at_home_; }
    [[nodiscard]] bool removed() const noexcept;
    [[nodiscard]] std::uint64_t now_ms() const noexcept { return os::monotonic_coarse_ms(); }

    /// `forked` in a child of the process that opened it. relaxed: set by the only thread of the child.
    [[nodiscard]] Code usable() const noexcept {
        return forked_.load(memory_order_relaxed) != 0 ? Code::forked : Code::ok;
    }
    /// The same, and `not_allowed` for a read-only handle.
    [[nodiscard]] Result<void> writable() const noexcept;
    [[nodiscard]] Owner owner_of(const OwnerWord& word) const noexcept;
    RecoveryReport scan_now() noexcept { return scan(segment_, *visits_, probe_, now_ms()); }
    /// What the scan at opening found, once; safe for several threads.
    RecoveryReport take_opening_report() noexcept {
        return opening_told_.exchange(1, memory_order_relaxed) == 0 ? opening_report_ : RecoveryReport{};
    }
    /// Scans unless some process of the stream did within the last `ms`. A hint: two at once do no harm.
    void scan_if_due(std::uint64_t ms) noexcept;
    /// The same, as sleepers do it: once in half a slice, one of all.
    void scan_if_due() noexcept { scan_if_due(half_slice_ms()); }

    /// spin_until, then wait_in_slices on the futex of `bit`: between slices it scans for the dead.
    template <class Look>
    Waited wait(unsigned bit, Duration at_most, const std::stop_token& stop, Look look);
    /// The same for who has spun already.
    template <class Look>
    Waited wait_without_spin(unsigned bit, Duration at_most, const std::stop_token& stop, Look look);
    [[nodiscard]] Duration spin() const noexcept { return options_.spin; }

    /// Tells the flight recorder what this handle does.
    void note(Did what, std::optional<std::uint32_t> group = {}, std::uint64_t first = 0,
              std::uint64_t second = 0) const noexcept {
        shmq::note(segment_, id().row, what, group, first, second);
    }
    /// The same of what may be done again and again.
    void note_again(Did what, std::optional<std::uint32_t> group, std::uint64_t first) const noexcept {
        shmq::note_again(segment_, id().row, what, group, first);
    }
    /// Tells it, and the audit ring, what was changed; of a group that still is, its row is known.
    void changed(Did what, std::string_view group, std::optional<std::uint32_t> row = {}, std::uint64_t first = 0,
                 std::uint64_t second = 0) const noexcept {
        note(what, row, first, second);
        audit(segment_, auditor_of(segment_, id().row), what, group, first, second);
    }

private:
    static void in_forked_child(void* core) noexcept;
    Result<void> map_segment();
    Result<void> attach_here();
    struct Place;
    [[nodiscard]] std::uint64_t half_slice_ms() const noexcept {
        return static_cast<std::uint64_t>(options_.slice.count()) / 2'000'000;
    }
    /// Whether the last scan was so long ago; if so, one is taken to begin now.
    [[nodiscard]] bool is_scan_due(std::uint64_t ms) noexcept;
    /// As scan_if_due, but only the first entries of a great many; the rest follows as soon as somebody waits again.
    void scan_in_parts() noexcept;
    /// Whether nothing was added for some time, and nobody has anything of what the bit stands for.
    [[nodiscard]] bool is_still(unsigned bit) noexcept;
    void pause(Place& place, std::uint64_t deadline_ns) noexcept;
    void wake_for_stop(unsigned bit) noexcept;

    std::string name_;
    std::string path_;
    OpenOptions options_;
    os::Mapping mapping_;
    os::Descriptor lock_;   // nothing but the lock
    os::Descriptor probe_;  // never locks
    Segment segment_;
    std::optional<Visits> visits_;
    bool at_home_ = true;
    RecoveryReport opening_report_;  // written before the handle is anybody's
    Atomic<std::uint32_t> forked_{0};
    std::optional<os::ForkGuard> guard_;
    PollThread poll_thread_{*this};
    Stillness stillness_;
    Atomic<std::uint32_t> opening_told_{0};  // relaxed: only who was first matters
};

/// One bit of one stream, to sleep on.
struct StreamCore::Place {
    StreamCore& stream;
    unsigned bit;
    std::uint32_t seen = 0;
    bool slept_long = false;

    void announce() noexcept { seen = stream.read_only() ? 0 : announce_sleeper(stream.segment_, bit); }
    void pause(std::uint64_t deadline_ns) noexcept { stream.pause(*this, deadline_ns); }
    void wake_for_stop() noexcept { stream.wake_for_stop(bit); }
    [[nodiscard]] bool marked_removed() const noexcept { return is_removed(stream.segment_); }
    [[nodiscard]] bool removed() const noexcept { return stream.removed(); }
};

template <class Look>
Waited StreamCore::wait(unsigned bit, Duration at_most, const std::stop_token& stop, Look look) {
    if (spin_until(std::min(at_most, options_.spin), look)) return Waited::done;
    return wait_without_spin(bit, at_most, stop, look);
}

template <class Look>
Waited StreamCore::wait_without_spin(unsigned bit, Duration at_most, const std::stop_token& stop, Look look) {
    Place place{*this, bit};
    const Waited waited = wait_in_slices(place, at_most, stop, look);
    if (waited == Waited::done && place.slept_long) hand_watch_on(bit);
    return waited;
}

[[nodiscard]] inline Error no_group_error(const StreamCore& core, std::string_view group) noexcept {
    const auto size = static_cast<int>(group.size());
    return text_error(Code::no_group, 0, "stream %s has no group %.*s; `shmq group create %s %.*s` makes it",
                      core.name().c_str(), size, group.data(), core.name().c_str(), size, group.data());
}

}  // namespace shmq::detail
