// The flight recorder and the audit ring: what is kept, in which order, and that a spoilt event is not shown.
#include <gtest/gtest.h>

#include <cstring>

#include "log/adding.hpp"
#include "log/audit.hpp"
#include "log/chunks.hpp"
#include "log/flight.hpp"
#include "log/recorded.hpp"

namespace shmq::test {
namespace {

std::vector<std::uint64_t> firsts(const std::vector<FlightEvent>& events) {
    std::vector<std::uint64_t> numbers;
    for (const FlightEvent& event : events) numbers.push_back(event.first);
    return numbers;
}

std::vector<std::byte> copy_of(const Forge& forge) {
    return {forge.bytes(), forge.bytes() + forge.geometry().segment_size};
}

TEST(Flight, keeps_what_was_done_in_its_order_with_group_and_numbers) {
    Forge forge;
    const Segment& segment = forge.segment();
    EXPECT_TRUE(flight_of(segment, 1).empty());
    note(segment, 1, Did::opened, std::nullopt, 4301, 77);
    note(segment, 1, Did::was_fenced, 0, 12);
    note(segment, 2, Did::closed, std::nullopt);
    const auto events = flight_of(segment, 1);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].what, Did::opened);
    EXPECT_FALSE(events[0].group);
    EXPECT_EQ(events[0].first, 4301u);
    EXPECT_EQ(events[0].second, 77u);
    EXPECT_GT(events[0].time_ns, 0u);
    EXPECT_EQ(events[1].what, Did::was_fenced);
    EXPECT_EQ(events[1].group, 0u);
    EXPECT_EQ(flight_of(segment, 2).size(), 1u);
}

TEST(Flight, keeps_the_newest_also_where_its_numbers_go_round) {
    for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{0xffff'fff0}}) {
        Forge forge;
        const Segment& segment = forge.segment();
        segment.flight(0).next.store(start, memory_order_relaxed);
        for (std::uint64_t i = 0; i < flight_events + 9; ++i) note(segment, 0, Did::took_chunk, std::nullopt, i);
        const auto kept = firsts(flight_of(segment, 0));
        ASSERT_EQ(kept.size(), flight_events) << start;
        for (std::uint64_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], i + 9) << start;
    }
}

TEST(Flight, counts_on_in_the_event_before_and_in_none_of_a_round_before) {
    Forge forge;
    const Segment& segment = forge.segment();
    for (std::uint64_t i = 0; i < flight_events; ++i) note(segment, 0, Did::waits_to_read, 1, i, 1);
    note_again(segment, 0, Did::waits_to_read, 1, 77);
    EXPECT_EQ(flight_of(segment, 0).back().second, 2u);
    Word& next = segment.flight(0).next;
    next.store(next.load(memory_order_relaxed) + 1, memory_order_relaxed);  // its writer died before it wrote
    note_again(segment, 0, Did::waits_to_read, 1, 78);
    const auto events = flight_of(segment, 0);
    EXPECT_EQ(events.back().first, 78u);
    EXPECT_EQ(events.back().second, 1u) << "begun anew";
}

TEST(Audit, ends_with_its_last_row) {
    Forge forge;
    const Segment& segment = forge.segment();
    audit(segment, {1, "x"}, Did::acked_for, "g", 12);
    std::memcpy(static_cast<void*>(&segment.audit(audit_rows)), &segment.audit(0), sizeof(AuditRow));
    EXPECT_EQ(audits_of(segment).size(), 1u);
}

TEST(Flight, counts_on_in_an_event_of_the_same_kind_and_group_alone) {
    Forge forge;
    const Segment& segment = forge.segment();
    note(segment, 0, Did::waits_to_read, 1, 5, 1);
    note_again(segment, 0, Did::found_full, 1, 5);
    note_again(segment, 0, Did::found_full, 2, 5);
    note_again(segment, 0, Did::found_full, 2, 6);
    const auto events = flight_of(segment, 0);
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[1].second, 1u);
    EXPECT_EQ(events[2].second, 2u);
}

TEST(Flight, of_a_stream_without_recorders_is_written_nowhere) {
    StreamOptions options = tiny_options();
    options.recorders = false;
    Forge forge(options);
    const auto before = copy_of(forge);
    note(forge.segment(), 0, Did::opened, std::nullopt);
    note_again(forge.segment(), 0, Did::opened, std::nullopt, 1);
    EXPECT_TRUE(flight_of(forge.segment(), 0).empty());
    EXPECT_EQ(copy_of(forge), before);
}

TEST(Flight, knows_no_event_beyond_the_last_kind) {
    const auto last = static_cast<std::uint8_t>(static_cast<unsigned>(Did::count) - 1);
    for (const unsigned more : {0u, 1u}) {
        const std::uint64_t word = std::uint64_t{1} << 32 | (last + more);
        EXPECT_EQ(unpack_recorded(word).what, more == 0 ? static_cast<Did>(last) : Did::none);
    }
}

TEST(Flight, of_a_handle_that_the_stream_has_no_row_for_is_empty) {
    Forge forge;
    const Segment& segment = forge.segment();
    note(segment, 0, Did::opened, std::nullopt);
    const std::uint32_t none = forge.geometry().attachments;
    const std::uint64_t from = segment.offset_of(&segment.flight(0)), to = segment.offset_of(&segment.flight(none));
    std::memcpy(forge.bytes() + to, forge.bytes() + from, sizeof(FlightRow));  // whatever lies there
    EXPECT_TRUE(flight_of(segment, none).empty());
}

TEST(Flight, tells_of_each_chunk_that_a_producer_takes_adopts_or_takes_with_its_neighbours) {
    Forge forge;
    const Segment& segment = forge.segment();
    const auto chunk_of = [&](const Result<Room>& room) { return room.value().offset / forge.geometry().chunk_size; };
    ChunkHolder first(segment, somebody(1, 1)), next(segment, somebody(2, 1)), large(segment, somebody(3, 1));
    const std::uint64_t taken = chunk_of(first.reserve(64));
    first.close();
    const std::uint64_t adopted = chunk_of(next.reserve(64));
    const std::uint64_t run = chunk_of(large.reserve(forge.geometry().chunk_size + 1));
    EXPECT_EQ(adopted, taken);
    EXPECT_EQ(firsts(flight_of(segment, 1)), std::vector{taken});
    EXPECT_EQ(firsts(flight_of(segment, 2)), std::vector{adopted});
    EXPECT_EQ(firsts(flight_of(segment, 3)), std::vector{run});
}

TEST(Flight, what_is_done_again_and_again_is_one_event) {
    Forge forge;
    const Segment& segment = forge.segment();
    for (std::uint64_t i = 1; i <= 5; ++i) note_again(segment, 0, Did::waits_to_read, 1, 100 + i);
    note_again(segment, 0, Did::waits_to_read, 2, 7);
    note_again(segment, 0, Did::found_full, std::nullopt, 8);
    note_again(segment, 0, Did::found_full, std::nullopt, 9);
    const auto events = flight_of(segment, 0);
    EXPECT_EQ(firsts(events), (std::vector<std::uint64_t>{105, 7, 9}));
    EXPECT_EQ(events[0].second, 5u);
    EXPECT_EQ(events[1].second, 1u);
    EXPECT_EQ(events[2].second, 2u);
}

TEST(Flight, an_event_that_is_being_written_or_was_spoilt_is_not_shown) {
    Forge forge;
    const Segment& segment = forge.segment();
    for (std::uint64_t i = 0; i < 3; ++i) note(segment, 0, Did::took_chunk, std::nullopt, i);
    FlightRow& row = segment.flight(0);
    row.events[0].word.store(0, memory_order_relaxed);   // its writer died
    row.events[1].first.store(9, memory_order_relaxed);  // another writer, an hour late
    EXPECT_EQ(firsts(flight_of(segment, 0)), (std::vector<std::uint64_t>{2}));
    row.events[2].word.store(row.events[2].word.load(memory_order_relaxed) | 0xff, memory_order_relaxed);
    EXPECT_TRUE(flight_of(segment, 0).empty()) << "nobody does 255";
}

TEST(Flight, without_recorders_or_a_row_nothing_is_written) {
    StreamOptions options = tiny_options();
    options.recorders = false;
    Forge forge(options);
    EXPECT_EQ(forge.geometry().area(AreaKind::flight_recorder).count, 0u);
    const auto before = copy_of(forge);
    note(forge.segment(), 0, Did::closed, std::nullopt);
    note_again(forge.segment(), 0, Did::found_full, std::nullopt, 1);
    audit(forge.segment(), {1, "x"}, Did::removed, {});
    EXPECT_EQ(copy_of(forge), before);
    EXPECT_TRUE(flight_of(forge.segment(), 0).empty());
    EXPECT_TRUE(audits_of(forge.segment()).empty());
    Forge with;
    const auto bytes = copy_of(with);
    note(with.segment(), with.geometry().attachments, Did::closed, std::nullopt);
    EXPECT_EQ(copy_of(with), bytes);
}

TEST(Audit, keeps_who_changed_what_and_cuts_what_has_no_room) {
    Forge forge;
    const Segment& segment = forge.segment();
    audit(segment, {4301, "shmq-inspect"}, Did::acked_for, "workers", 12);
    audit(segment, {4302, "a-command-longer-than-it-may-be"}, Did::trimmed, std::string(80, 'g'), 5, 4);
    audit(segment, {4303, {}}, Did::removed, {});
    const auto entries = audits_of(segment);
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[2].command + entries[2].group, "");
    EXPECT_EQ(entries[0].pid, 4301);
    EXPECT_EQ(entries[0].command, "shmq-inspect");
    EXPECT_EQ(entries[0].what, Did::acked_for);
    EXPECT_EQ(entries[0].group, "workers");
    EXPECT_EQ(entries[0].first, 12u);
    EXPECT_EQ(entries[1].command, "a-command-longer");
    EXPECT_EQ(entries[1].group, std::string(64, 'g'));
    EXPECT_EQ(entries[1].second, 4u);
    EXPECT_GE(entries[1].time_ns, entries[0].time_ns);
}

TEST(Audit, keeps_the_newest_and_none_that_is_spoilt) {
    Forge forge;
    const Segment& segment = forge.segment();
    segment.control().audits.store(0xffff'ffc0, memory_order_relaxed);
    for (std::uint64_t i = 0; i < audit_rows + 20; ++i) audit(segment, {1, "x"}, Did::acked_for, "g", i);
    auto entries = audits_of(segment);
    ASSERT_EQ(entries.size(), audit_rows);
    for (std::uint64_t i = 0; i < audit_rows; ++i) EXPECT_EQ(entries[i].first, i + 20);
    segment.audit(3).group[1].store(7, memory_order_relaxed);
    EXPECT_EQ(audits_of(segment).size(), audit_rows - 1);
    segment.audit(4).pid.store(7, memory_order_relaxed);
    segment.audit(5).command[0].store(7, memory_order_relaxed);
    segment.audit(6).word.store(0, memory_order_relaxed);
    EXPECT_EQ(audits_of(segment).size(), audit_rows - 4);
}

TEST(Audit, tells_the_process_of_an_attachment_row) {
    Forge forge;
    AttachmentRow& row = forge.segment().attachment(2);
    row.pid.store(99, memory_order_relaxed);
    std::memcpy(row.command, "sixteen-bytes-xy", sizeof row.command);
    const Auditor who = auditor_of(forge.segment(), 2);
    EXPECT_EQ(who.pid, 99);
    EXPECT_EQ(who.command, "sixteen-bytes-xy");
}

}  // namespace
}  // namespace shmq::test
