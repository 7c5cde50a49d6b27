// The helper thread: what it sleeps on, what it raises, and what it looks at itself. See poll_thread.hpp for why.
#include "api/poll_thread.hpp"

#include "api/core.hpp"
#include "group/delays.hpp"
#include "group/retry_index.hpp"
#include "log/publish.hpp"

namespace shmq::detail {

namespace {

constexpr std::uint64_t records_per_look = 16'384;  // swept by each look for a consumer

}  // namespace

PollSource::~PollSource() {
    // In a child of fork() there is no thread, and it may have held the mutex.
    if (registered_ && stream_.usable() == Code::ok) stream_.poll_thread().remove(*this);
}

Result<std::unique_ptr<PollSource>> PollThread::add() {
    auto event = os::Event::make();
    if (!event) return event.error();
    auto source = std::make_unique<PollSource>(stream_, std::move(*event));
    const std::scoped_lock life(life_);
    if (!thread_.running()) {
        ending_ = false;
        const auto work = [](void* self) noexcept { static_cast<PollThread*>(self)->run(); };
        if (auto started = thread_.start("shmq-poll", work, this); !started) return started.error();
    }
    const std::scoped_lock lock(list_);
    sources_.push_back(source.get());
    source->registered_ = true;
    return source;
}

void PollThread::remove(PollSource& source) noexcept {
    const std::scoped_lock life(life_);
    {
        const std::scoped_lock lock(list_);
        std::erase(sources_, &source);
        if (!sources_.empty()) return;
        ending_ = true;
    }
    kick();
    thread_.join();
}

void PollThread::arm(PollSource& source, const Watch& watch) noexcept {
    {
        const std::scoped_lock lock(list_);
        if (source.armed_ && source.watch_ == watch) return;
        source.event_.lower();
        source.watch_ = watch;
        source.armed_ = true;
    }
    kick();
}

void PollThread::retire(PollSource& source) noexcept {
    const std::scoped_lock lock(list_);
    source.armed_ = false;
    source.event_.lower();
}

void PollThread::kick() noexcept {
    kicks_.fetch_add(1, memory_order_release);
    os::futex_wake(kicks_, 1);
}

void PollThread::raise(PollSource& source) noexcept {
    source.armed_ = false;
    source.event_.raise();
}

/// Raises what has changed, and fills in what the thread sleeps on.
PollThread::Next PollThread::collect(std::vector<os::WaitWord>& words, Duration& longest) noexcept {
    words.clear();
    longest = stream_.longest_sleep();
    // acquire, and before the list: what was armed or taken away before a kick is seen, a later kick changes the word.
    words.push_back({&kicks_, kicks_.load(memory_order_acquire)});
    const std::scoped_lock lock(list_);
    if (ending_) return Next::end;
    Next next = Next::idle;
    std::uint64_t bits = 0;
    for (PollSource* source : sources_) {
        if (!source->armed_) continue;
        if (stream_.read_only()) {
            next = Next::armed;  // nobody moves a word on for it: it lives by its slices
            continue;
        }
        const Atomic<std::uint32_t>& word = wake_word(stream_.segment(), source->watch_.bit);
        if (word.load(memory_order_acquire) != source->watch_.seen) {
            raise(*source);
            continue;
        }
        if (watches_due(*source)) {
            raise(*source);
            continue;
        }
        longest = std::min(longest, stream_.longest_sleep(source->watch_.bit));
        const std::uint64_t mask = sleeper_mask(source->watch_.bit);
        if ((bits & mask) == 0) words.push_back({&word, source->watch_.seen});
        bits |= mask;
        next = Next::armed;
    }
    return next;
}

/// Whether a delayed entry of the source's group may be due (DELAY).
bool PollThread::watches_due(const PollSource& source) const noexcept {
    return source.watch_.position == 0 &&
           is_due(due_hint(stream_.segment(), source.watch_.group.row), stream_.now_ms());
}

/// Whether a read of the source would find something, or an error worth knowing. For a consumer also what any waiting
/// one does by the way: it marks retry entries that a death left unmarked.
bool PollThread::may_read(PollSource& source) const noexcept {
    const Segment& segment = stream_.segment();
    const Watch& watch = source.watch_;
    if (watch.position != 0)
        return segment.published(watch.position, memory_order_acquire) || find_begin(segment) > watch.position;
    if (!is_active(segment, watch.group)) return true;
    Member member(segment, watch.group, 0, false);  // nobody's: it only sweeps
    member.sweep_at = source.sweep_at_;
    sweep(member, records_per_look, stream_.now_ms());
    source.sweep_at_ = member.sweep_at;
    return any_retry(segment, watch.group.row) || watches_due(source) ||
           segment.published(find_cursor(segment, watch.group.row), memory_order_acquire);
}

/// At the end of a slice: announces again, since a waker that died may have taken the bit with it, and looks.
void PollThread::look_for_all() noexcept {
    const bool removed = stream_.removed();
    const std::scoped_lock lock(list_);
    for (PollSource* source : sources_) {
        if (!source->armed_) continue;
        const Watch& watch = source->watch_;
        const bool moved = !stream_.read_only() && announce_sleeper(stream_.segment(), watch.bit) != watch.seen;
        if (moved || removed || may_read(*source)) raise(*source);
    }
}

void PollThread::run() noexcept {
    const auto slice = static_cast<std::uint64_t>(stream_.longest_sleep().count());
    std::vector<os::WaitWord> words;
    std::uint64_t look_at_ns = 0;
    bool was_idle = true;
    for (;;) {                // ends with the last descriptor
        Duration longest{0};  // until something delayed is due, at most a slice
        const Next next = collect(words, longest);
        if (next == Next::end) return;
        if (next == Next::idle) {
            os::futex_wait_any(words, forever);
            was_idle = true;
            continue;
        }
        const std::uint64_t now = os::monotonic_ns();
        if (std::exchange(was_idle, false)) look_at_ns = now + slice;
        if (now < look_at_ns) {
            os::futex_wait_any(words, std::min(longest, Duration{static_cast<std::int64_t>(look_at_ns - now)}));
            continue;
        }
        if (!stream_.read_only()) stream_.scan_if_due();
        look_for_all();
        look_at_ns = now + slice;
    }
}

}  // namespace shmq::detail
