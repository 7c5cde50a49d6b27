// Consumers and readers with a descriptor for event loops: how it is made, and how a read that found nothing arms it.
// Why no wake-up is lost stands in poll_thread.hpp.
#include "api/consumer_core.hpp"
#include "api/reader_core.hpp"

namespace shmq::detail {

namespace {

Result<int> descriptor_of(StreamCore& stream, std::unique_ptr<PollSource>& source) {
    if (const Code code = stream.usable(); code != Code::ok) return code;
    if (!source) {
        auto made = stream.poll_thread().add();
        if (!made) return made.error();
        source = std::move(*made);
    }
    return source->descriptor();
}

/// Announces a sleeper, looks by `read`, and if that still answers `empty` arms with what `watch` says.
template <class Read, class WatchOf>
auto look_and_arm(StreamCore& stream, PollSource& source, Read read, WatchOf watch_of) -> decltype(read()) {
    for (;;) {  // each turn but the last finds the group moved, or the reader overtaken, since it announced itself
        Watch watch = watch_of();
        if (!stream.read_only()) watch.seen = announce_sleeper(stream.segment(), watch.bit);
        auto result = read();
        if (result || !(result.error() == Code::empty)) return result;
        if (stream.removed()) {  // by hand perhaps, without the mark that the read sees
            result = read();
            return result || !(result.error() == Code::empty) ? std::move(result) : Code::removed;
        }
        Watch now = watch_of();
        now.seen = watch.seen;
        if (now == watch) {
            stream.poll_thread().arm(source, watch);
            return result;
        }
    }
}

}  // namespace

Result<int> ConsumerCore::poll_fd() {
    if (const Code code = usable(); code != Code::ok) return code;
    return descriptor_of(*stream_, poll_);
}

Result<Batch> ConsumerCore::arm_after_empty(const ReadOptions& options) {
    ReadOptions at_once = options;
    at_once.wait = Duration{0};
    return look_and_arm(
        *stream_, *poll_, [&] { return read(at_once); },
        [&] {
            return Watch{row(), 0, member_.group, 0};
        });
}

Result<int> ReaderCore::poll_fd() { return descriptor_of(*stream_, poll_); }

Result<Entry> ReaderCore::arm_after_empty() {
    if (at_end()) {
        stream_->poll_thread().retire(*poll_);
        return Code::empty;
    }
    return look_and_arm(
        *stream_, *poll_, [&] { return next(Duration{0}, {}); },
        [&] {
            return Watch{reader_bit, 0, {}, position_};
        });
}

}  // namespace shmq::detail

namespace shmq {

Result<int> Consumer::poll_fd() { return core_ ? core_->poll_fd() : Result<int>(Code::closed); }
Result<int> Reader::poll_fd() { return core_ ? core_->poll_fd() : Result<int>(Code::closed); }

}  // namespace shmq
