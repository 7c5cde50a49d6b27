// A forged segment with a producer, groups and consumers, as the rooms above use the room of groups.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "group/count.hpp"
#include "group/deliver.hpp"
#include "group/directory.hpp"
#include "group/finish.hpp"
#include "group/membership.hpp"
#include "group/pins.hpp"
#include "group/retry_index.hpp"
#include "log/adding.hpp"
#include "log/retention.hpp"

namespace shmq::test {

/// A handle that is attached, by default without the lock that a process of its own would hold.
struct Handle {
    Handle(const Segment& s, AttachmentId attached) : segment(s), id(attached), visits(segment, id) {}
    Handle(const Segment& s, std::uint32_t row, std::uint64_t incarnation = 1)
        : segment(s), id{row, incarnation}, visits(segment, id) {
        segment.attachment(row).word.store(id.word(OwnerState::live), memory_order_seq_cst);
    }
    Segment segment;
    AttachmentId id;
    Visits visits;
};

/// A consumer that takes into a room of its own.
class Reader {
public:
    Reader(Handle& handle, GroupId group, std::string_view name) : handle_(handle) {
        NameTaken taken{};
        auto joined = join_group(handle.segment, handle.id, group.row, name, taken);
        if (!joined) {
            ADD_FAILURE() << joined.error().message();
            return;
        }
        handle.visits.enter(group.row);
        inside_ = true;
        member_ = Member(handle.segment, group, joined->consumer, joined->came_back);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { leave(); }
    void leave() {
        if (!std::exchange(inside_, false)) return;
        leave_group(handle_.segment, handle_.id, member_.group.row, member_.consumer);
        handle_.visits.leave(member_.group.row);
    }

    /// One read as consumers do it: stale ones if asked for, retried ones, new ones.
    std::vector<Taken> read(std::size_t most, std::uint64_t now_ms = 1'000) {
        return gather(most, now_ms, [&](Taking& taking) {
            take_retry(member_, taking);
            if (!taking.is_full()) take_new(member_, taking);
        });
    }
    std::vector<Taken> read_new(std::size_t most, std::size_t max_bytes = ~std::size_t{0}) {
        return gather(
            most, 1'000, [&](Taking& taking) { take_new(member_, taking); }, max_bytes);
    }
    std::vector<Taken> claim(std::uint64_t idle_ms, std::uint64_t now_ms, std::size_t most = 64,
                             std::size_t max_bytes = ~std::size_t{0}) {
        return gather(
            most, now_ms, [&](Taking& taking) { refused_pin = !take_stale(member_, taking, idle_ms); }, max_bytes);
    }
    Finish ack(const Taken& taken) {
        return finish_entry(member_.segment, member_.group.row, taken.sequence, taken.record);
    }
    Finish nack(const Taken& taken, Ending ending = Ending::failed, std::uint64_t now_ms = 1'000) {
        return give_back(member_.segment, member_.group.row, taken.sequence, taken.record, ending, now_ms);
    }
    [[nodiscard]] Member& member() { return member_; }
    [[nodiscard]] std::uint32_t consumer() const { return member_.consumer; }
    bool refused_pin = false;

private:
    template <class Gather>
    std::vector<Taken> gather(std::size_t most, std::uint64_t now_ms, Gather gather_some,
                              std::size_t max_bytes = ~std::size_t{0}) {
        std::vector<Taken> room(most);
        Taking taking{room, 0, max_bytes, 0, now_ms};
        gather_some(taking);
        std::sort(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(taking.count),
                  [](const Taken& a, const Taken& b) { return a.sequence < b.sequence; });
        if (taking.count != 0) check_claims(member_, taking);
        room.resize(taking.count);
        return room;
    }
    Handle& handle_;
    Member member_;
    bool inside_ = false;
};

inline std::vector<Sequence> sequences_of(const std::vector<Taken>& taken) {
    std::vector<Sequence> sequences;
    for (const Taken& one : taken) sequences.push_back(one.sequence);
    return sequences;
}

/// A segment with one group from the oldest entry on, and one handle for producers and consumers.
struct GroupForge : Forge {
    explicit GroupForge(const StreamOptions& options = tiny_options(), const GroupOptions& group_options = {})
        : Forge(options), handle(segment(), 0), adder(segment(), handle.id) {
        auto made = create_group(segment(), handle.visits, "g", Position::oldest(), group_options);
        if (!made) {
            ADD_FAILURE() << made.error().message();
            return;
        }
        group = *made;
    }
    [[nodiscard]] PendingWord record(Sequence sequence) const {
        return unpack_pending(geometry(), segment().record(group.row, sequence).load(memory_order_seq_cst));
    }
    [[nodiscard]] DeliveryFacts facts(Sequence sequence, std::uint64_t now_ms) const {
        return clock_read(segment(), group.row, sequence, record(sequence), now_ms);
    }
    [[nodiscard]] unsigned pins_used() const {
        unsigned used = 0;
        for (std::uint32_t cell = 0; cell < geometry().pins; ++cell)
            used += (segment().pin(cell).load(memory_order_seq_cst) & 1) != 0;
        return used;
    }
    Handle handle;
    Adder adder;
    GroupId group;
};

inline GroupOptions in_order(Order order) {
    GroupOptions options;
    options.order = order;
    return options;
}
/// As tiny_options, with stripes for groups that keep the order of each key.
inline StreamOptions keyed_options() {
    StreamOptions options = tiny_options();
    options.key_stripes = 16;
    return options;
}
inline GroupOptions lossy() {
    GroupOptions options;
    options.retention = Retention::lossy;
    return options;
}

/// Uses the pin table up from cell `first` on, by pins of nobody here.
inline void fill_pins(const Segment& segment, std::uint32_t first = 0) {
    for (std::uint32_t cell = first; cell < segment.geometry().pins; ++cell)
        segment.pin(cell).store(pack_pin({true, 4'000, 9, 1, 0}), memory_order_seq_cst);
}

/// Makes a group required until it is late, and adds six entries to it that were stamped in 1970.
inline void make_late(GroupForge& forge) {
    GroupRow& row = forge.segment().group(forge.group.row);
    row.retention.store(static_cast<std::uint32_t>(Retention::until), memory_order_relaxed);
    row.demoted.store(undemoted_word(forge.group.incarnation), memory_order_relaxed);
    row.behind_ms = 1;
    forge.adder.add_many(6);
    const Geometry& g = forge.geometry();
    for (Sequence s = 1; s <= 6; ++s) {
        const std::uint64_t place = unpack_slot(g, forge.segment().slot(s).load(memory_order_relaxed)).place;
        const std::uint64_t time_ns = 1;
        std::memcpy(forge.segment().payload() + place * g.unit() + offsetof(EntryHeader, time_ns), &time_ns,
                    sizeof time_ns);
    }
}

/// A ring of 8 whose first entry is held by "slow", all others acked: what is parked when room is needed.
struct StuckForge : GroupForge {
    StuckForge() : slow(handle, group, "slow"), fast(handle, group, "fast") {
        adder.add_many(8);
        held = slow.read(1).at(0);
        for (const Taken& taken : fast.read(7)) fast.ack(taken);
    }
    Reader slow;
    Reader fast;
    Taken held;
};

}  // namespace shmq::test
