// Two searches over one halving: a bound from below and one from above.
#include "log/find_time.hpp"

#include <algorithm>

#include "log/publish.hpp"

namespace shmq {

namespace {

/// What one look at an entry says. An entry that was trimmed meanwhile counts as before every time, like all below it.
enum class Look : std::uint8_t { before, from_there, corrupt };

template <class IsFrom>
Look look_at(const Segment& segment, Sequence sequence, IsFrom is_from) noexcept {
    EntryFields header;
    switch (copy_header(segment, sequence, header)) {
        case Copied::done: return is_from(header.time_ns) ? Look::from_there : Look::before;
        case Copied::gone: return Look::before;
        case Copied::not_yet: return Look::from_there;  // not below the end that was found; a reader waits there
        case Copied::corrupt: break;
    }
    return Look::corrupt;
}

/// Halves [begin, end) down to a place whose left neighbour is before and that is itself from there on.
template <class IsFrom>
Copied halve(const Segment& segment, Sequence begin, Sequence end, IsFrom is_from, Sequence& found) noexcept {
    while (begin < end) {
        const Sequence middle = begin + (end - begin) / 2;
        switch (look_at(segment, middle, is_from)) {
            case Look::before: begin = middle + 1; break;
            case Look::from_there: end = middle; break;
            case Look::corrupt: return found = middle, Copied::corrupt;
        }
    }
    found = begin;
    return Copied::done;
}

}  // namespace

Copied find_from_time(const Segment& segment, std::uint64_t time_ns, Sequence& found) noexcept {
    const auto is_from = [time_ns](std::uint64_t stamp) { return stamp >= time_ns; };
    const Sequence begin = find_begin(segment);
    const Sequence end = std::max(begin, find_end(segment));
    if (halve(segment, begin, end, is_from, found) != Copied::done) return Copied::corrupt;
    // Back to an earlier one that was overtaken by the neighbour.
    const Sequence crossing = found;
    for (Sequence s = crossing - std::min(time_window, crossing - begin); s < crossing; ++s) {
        const Look look = look_at(segment, s, is_from);
        if (look == Look::before) continue;
        found = s;
        return look == Look::corrupt ? Copied::corrupt : Copied::done;
    }
    found = std::max(found, find_begin(segment));
    return Copied::done;
}

Copied find_after_time(const Segment& segment, std::uint64_t time_ns, Sequence& found) noexcept {
    const auto is_later = [time_ns](std::uint64_t stamp) { return stamp > time_ns; };
    const Sequence begin = find_begin(segment);
    const Sequence end = std::max(begin, find_end(segment));
    if (halve(segment, begin, end, is_later, found) != Copied::done) return Copied::corrupt;
    // Ahead to a later one that was overtaken by its left neighbours.
    const Sequence crossing = found;
    for (Sequence s = crossing + std::min(time_window, end - crossing); s > crossing; --s) {
        const Look look = look_at(segment, s - 1, is_later);
        if (look == Look::from_there) continue;
        found = look == Look::corrupt ? s - 1 : s;
        return look == Look::corrupt ? Copied::corrupt : Copied::done;
    }
    return Copied::done;
}

}  // namespace shmq
