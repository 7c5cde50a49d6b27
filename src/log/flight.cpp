// Writing and reading events.
#include "log/flight.hpp"

#include "log/recorded.hpp"
#include "os/clock.hpp"

namespace shmq {

namespace {

void write(FlightRow::Event& event, RecordedWord word, std::uint64_t first, std::uint64_t second) noexcept {
    const std::uint64_t now_ns = os::realtime_coarse_ns();
    word.check = check_of({now_ns, first, second});
    write_recorded(event.word, word, [&] {  // relaxed: RECORD orders them
        event.time_ns.store(now_ns, memory_order_relaxed);
        event.first.store(first, memory_order_relaxed);
        event.second.store(second, memory_order_relaxed);
    });
}

bool records(const Segment& segment, std::uint32_t attachment) noexcept {
    return segment.geometry().recorders && attachment < segment.geometry().attachments;
}

/// The event that stands there, whole; nullopt if there is none, or somebody writes it.
std::optional<FlightEvent> read(const FlightRow::Event& event) noexcept {
    FlightEvent found;
    const auto word = read_recorded(event.word, [&] {  // relaxed: RECORD orders them
        found.time_ns = event.time_ns.load(memory_order_relaxed);
        found.first = event.first.load(memory_order_relaxed);
        found.second = event.second.load(memory_order_relaxed);
        return check_of({found.time_ns, found.first, found.second});
    });
    if (!word) return std::nullopt;
    found.number = word->number;
    found.what = word->what;
    found.group = word->group;
    return found;
}

}  // namespace

void note(const Segment& segment, std::uint32_t attachment, Did what, std::optional<std::uint32_t> group,
          std::uint64_t first, std::uint64_t second) noexcept {
    if (!records(segment, attachment)) return;
    FlightRow& row = segment.flight(attachment);
    // relaxed: one writer; if there are two, one of the events is lost.
    const std::uint64_t number = row.next.load(memory_order_relaxed);
    row.next.store(number + 1, memory_order_relaxed);
    write(row.events[number % flight_events], {static_cast<std::uint32_t>(number), 0, group, what}, first, second);
}

void note_again(const Segment& segment, std::uint32_t attachment, Did what, std::optional<std::uint32_t> group,
                std::uint64_t first) noexcept {
    if (!records(segment, attachment)) return;
    FlightRow& row = segment.flight(attachment);
    const std::uint64_t number = row.next.load(memory_order_relaxed) - 1;  // relaxed: as above
    FlightRow::Event& last = row.events[number % flight_events];
    const RecordedWord word = unpack_recorded(last.word.load(memory_order_relaxed));
    if (word.what != what || word.group != group || word.number != static_cast<std::uint32_t>(number))
        return note(segment, attachment, what, group, first, 1);
    write(last, word, first, last.second.load(memory_order_relaxed) + 1);
}

std::vector<FlightEvent> flight_of(const Segment& segment, std::uint32_t attachment) {
    std::vector<FlightEvent> events;
    if (!records(segment, attachment)) return events;
    const FlightRow& row = segment.flight(attachment);
    for (const FlightRow::Event& event : row.events) {
        const auto found = read(event);
        if (found) events.push_back(*found);
    }
    // relaxed: the order of the list hangs on it, and nothing else.
    sort_by_age(events, row.next.load(memory_order_relaxed));
    return events;
}

}  // namespace shmq
