// The chunks one producer fills: taking, filling, sealing, leaving to the next.
//
// A chunk goes free -> owned -> sealed -> (once the trim point passed its last entry) owned ...; an owner that closes
// or is found dead leaves it unfinished, and the next producer adopts it at its fill mark. A chunk word changes only by
// compare-and-swap, and an owned one only by its owner, or by the scanner once that owner is proven dead. Before a
// chunk leaves its owner, `last` is raised to the highest sequence in it (synchronisation CHUNK); taking it back checks
// `last` again after the exchange, so that a chunk that went round in between is put back.
//
// Singles are taken from the low end; the highest `longest_run` chunks are kept for runs, so that an entry larger than
// a chunk always finds its place however long idle producers sit on theirs.
#pragma once

#include <algorithm>
#include <array>

#include "layout/segment.hpp"

namespace shmq {

/// Room for one entry, private until it is published.
struct Room {
    std::uint64_t offset = 0;  // in the payload area; a multiple of the unit
    std::uint64_t size = 0;    // bytes
    unsigned hold = 0;         // which of the holder's chunks
};

/// The chunks of one producer. One thread at a time.
class ChunkHolder {
public:
    /// Chunks, or runs, held at a time; open loans keep more than the one being filled.
    static constexpr unsigned most_holds = 4;

    ChunkHolder(const Segment& segment, AttachmentId owner) noexcept : segment_(segment), owner_(owner) {}

    /// Room for `size` bytes, from the geometry's room_for, at most longest_run chunks. Errors: `full` with who holds
    /// the chunks, `too_many_loans`, `corrupt`.
    Result<Room> reserve(std::uint64_t size) noexcept;
    /// Room in the chunk being filled, inline; false if there is none.
    bool reserve_in_current(std::uint64_t size, Room& room) noexcept {
        if (filling_ == most_holds || segment_.geometry().chunk_size - holds_[filling_].fill < size) return false;
        room = carve(holds_[filling_], size);
        return true;
    }
    /// The room now holds the published entry `sequence`.
    void settle(const Room& room, Sequence sequence) noexcept {
        Hold& hold = holds_[room.hold];
        hold.last = std::max(hold.last, sequence);
        if (--hold.open == 0 && !hold.filling) seal(hold);
    }
    /// Nothing was published there. Room reserved last is used again.
    void drop(const Room& room) noexcept;
    /// Leaves what is held to the next producer. What was reserved and neither settled nor dropped is forgotten.
    void close() noexcept;

private:
    struct Hold {
        std::uint32_t chunk = 0;
        std::uint32_t count = 0;  // 0: nothing held here
        std::uint32_t open = 0;   // rooms reserved, neither settled nor dropped
        bool filling = false;     // the one single that new entries go to
        std::uint64_t fill = 0;   // bytes used
        Sequence last = 0;        // highest sequence settled
    };

    Hold* free_hold() noexcept;
    Result<Room> room_in_new_chunk(std::uint64_t size) noexcept;
    Result<Room> room_in_new_run(std::uint64_t size) noexcept;
    Room carve(Hold& hold, std::uint64_t size) noexcept {
        const Room room{hold.chunk * segment_.geometry().chunk_size + hold.fill, size,
                        static_cast<unsigned>(&hold - holds_.data())};
        hold.fill += size;
        ++hold.open;
        // The mark moves before the bytes are written: only our own death can come between, so the compiler's order is
        // enough. relaxed: an adopter reads it after it has acquired the chunk's word.
        segment_.chunk(hold.chunk).fill.store(hold.fill, memory_order_relaxed);
        compiler_fence();
        return room;
    }
    void end_filling() noexcept;
    void seal(Hold& hold) noexcept;
    void release(const Hold& hold, OwnerState state) noexcept;
    bool adopt(std::uint32_t chunk, std::uint64_t word, std::uint64_t size, Hold& hold) noexcept;

    Segment segment_;
    AttachmentId owner_;
    std::array<Hold, most_holds> holds_{};
    unsigned filling_ = most_holds;  // index of the hold being filled; most_holds: none
};

}  // namespace shmq
