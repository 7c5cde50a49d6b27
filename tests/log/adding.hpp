// Adding entries to a forged segment as a producer does: reserve, fill, publish, settle. Also the state of records as
// groups leave it, without the room of groups.
#pragma once

#include <string>

#include "layout/forge.hpp"
#include "log/chunks.hpp"
#include "log/copy.hpp"
#include "log/publish.hpp"

namespace shmq::test {

/// One producer of a forged segment.
class Adder {
public:
    explicit Adder(const Segment& segment, AttachmentId owner = somebody())
        : segment_(segment), chunks_(segment, owner), publisher_(segment) {}

    /// Adds one entry; its sequence, or why there is no room.
    Result<Sequence> add(std::string_view payload, std::string_view key = {}) {
        const Geometry& g = segment_.geometry();
        auto room = chunks_.reserve(g.room_for(payload.size(), key.size()));
        if (!room) return room.error();
        EntryHeader header{};
        header.size = static_cast<std::uint32_t>(payload.size());
        header.kind = kind_data;
        header.key_size = static_cast<decltype(header.key_size)>(key.size());
        std::byte* const to = segment_.payload() + room->offset;
        std::memcpy(to, &header, sizeof header);
        if (!key.empty()) std::memcpy(to + sizeof header, key.data(), key.size());
        std::memcpy(to + sizeof header + round_up(key.size(), key_alignment), payload.data(), payload.size());
        auto sequence = publisher_.publish(room->offset >> g.unit_bits);
        if (sequence)
            chunks_.settle(*room, *sequence);
        else
            chunks_.drop(*room);
        return sequence;
    }
    void add_many(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto sequence = add(std::to_string(i));
            ASSERT_TRUE(sequence) << sequence.error().message();
        }
    }
    [[nodiscard]] ChunkHolder& chunks() { return chunks_; }
    [[nodiscard]] Publisher& publisher() { return publisher_; }

private:
    Segment segment_;
    ChunkHolder chunks_;
    Publisher publisher_;
};

/// Publishes `count` entries without bytes, straight through the slots.
inline void publish_many(const Segment& segment, std::uint64_t count) {
    Publisher publisher(segment);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto sequence = publisher.publish(0);
        ASSERT_TRUE(sequence) << sequence.error().message();
    }
}

/// A group row that is active from `start` on with nothing delivered, as its maker leaves it.
inline void forge_group(const Segment& segment, std::uint32_t row, std::string_view name, Sequence start) {
    const Geometry& g = segment.geometry();
    GroupRow& group = segment.group(row);
    group.word.store(group_word(GroupState::active, 1), memory_order_relaxed);
    group.start.store(start, memory_order_relaxed);
    set_row_name(group.name, name);
    for (Sequence s = start; s < start + g.slots; ++s)
        segment.record(row, s).store(
            pack_pending(g, {(g.record_tag(s) - 1) & low_mask(g.record_tag_bits), 0, 0, PendingState::acked}),
            memory_order_relaxed);
    const std::uint64_t directory = segment.control().directory.load(memory_order_relaxed);
    const std::uint32_t active = active_groups(directory) | std::uint32_t{1} << row;
    segment.control().directory.store(next_directory(directory, active), memory_order_seq_cst);
}

/// The record of an entry of a group, as if a consumer had it or had finished it.
inline void forge_record(const Segment& segment, std::uint32_t row, Sequence sequence, PendingState state,
                         std::uint32_t consumer = 0, std::uint32_t handover = 1) {
    const Geometry& g = segment.geometry();
    segment.record(row, sequence)
        .store(pack_pending(g, {g.record_tag(sequence), consumer + 1, handover, state}), memory_order_seq_cst);
}

/// Copies an entry's payload into a string.
class StringTarget final : public CopyTarget {
public:
    std::byte* room(std::size_t size) override {
        bytes.assign(size, '\0');
        return reinterpret_cast<std::byte*>(bytes.data());
    }
    std::string bytes;
};

}  // namespace shmq::test
