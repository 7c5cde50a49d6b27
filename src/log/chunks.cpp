// What a producer does with the chunks it holds; the search for free ones is in free_chunks.cpp.
#include "log/chunks.hpp"

#include <algorithm>

#include "base/error_detail.hpp"
#include "log/flight.hpp"
#include "log/free_chunks.hpp"
#include "log/publish.hpp"
#include "log/retention.hpp"

namespace shmq {

namespace {

void note_taken(const Segment& segment, AttachmentId owner, std::uint32_t chunk) noexcept {
    note(segment, owner.row, Did::took_chunk, std::nullopt, chunk, find_end(segment));
}

}  // namespace

Result<Room> ChunkHolder::reserve(std::uint64_t size) noexcept {
    const Geometry& g = segment_.geometry();
    if (size > g.chunk_size) return room_in_new_run(size);
    if (Room room; reserve_in_current(size, room)) return room;
    if (filling_ != most_holds) end_filling();
    return room_in_new_chunk(size);
}

ChunkHolder::Hold* ChunkHolder::free_hold() noexcept {
    const auto hold = std::find_if(holds_.begin(), holds_.end(), [](const Hold& h) { return h.count == 0; });
    return hold == holds_.end() ? nullptr : &*hold;
}

bool ChunkHolder::adopt(std::uint32_t chunk, std::uint64_t word, std::uint64_t size, Hold& hold) noexcept {
    ChunkRow& row = segment_.chunk(chunk);
    if (!row.word.compare_exchange(word, owner_.word(OwnerState::owned), memory_order_acq_rel, memory_order_relaxed))
        return false;
    // Only now the mark: before the exchange its last owner could still have moved it (ADOPT).
    hold = {chunk, 1, 0, true, row.fill.load(memory_order_acquire), 0};
    const std::uint64_t chunk_size = segment_.geometry().chunk_size;
    fence(memory_order_release);  // as in take_chunk, whose look at the trim point we have by the word (COPY)
    if (hold.fill <= chunk_size && hold.fill % segment_.geometry().unit() == 0 && chunk_size - hold.fill >= size)
        return true;
    seal(hold);  // less room than it seemed, or a damaged mark
    return false;
}

Result<Room> ChunkHolder::room_in_new_chunk(std::uint64_t size) noexcept {
    const Geometry& g = segment_.geometry();
    Hold* hold = free_hold();
    if (hold == nullptr) return Code::too_many_loans;
    // (1) there is none, or one whose entries are next to be finished, and the trim point can't be lifted over them:
    // full (2) an unfinished chunk with room: adopt it  (3) one whose entries are all below the trim point: take it.
    // Each turn that fails at (2) or (3) means that somebody else took a chunk; bounded by what a healthy segment can
    // need.
    for (std::uint32_t turn = 0; turn < 4 * g.chunks + 16; ++turn) {
        const Sequence trim = segment_.control().trim_point.load(memory_order_acquire);
        const ChunkChoice choice = choose_chunk(segment_, size, trim);
        if (choice.kind == ChunkChoice::Kind::none) return blocked_error(segment_, "chunk", {});  // (1)
        if (choice.kind == ChunkChoice::Kind::wait) {
            // Never above the end: the last sequence of a dead owner's chunk is only bounded by it.
            const Sequence wanted = std::min(choice.last + 1, find_end(segment_));
            const Lifted lifted = lift_for_room(segment_, wanted, wanted);
            if (lifted.trim <= choice.last) {  // (1)
                // seq_cst: as in Publisher::find_room (SLEEP).
                segment_.control().room_wanted.store(choice.last + 1, memory_order_seq_cst);
                return blocked_error(segment_, "chunk", lifted.blocked);
            }
        }
        if (choice.kind == ChunkChoice::Kind::adopt) {  // (2)
            if (!adopt(choice.chunk, choice.word, size, *hold)) continue;
        } else {  // (3)
            if (!take_chunk(segment_, choice.chunk, choice.word, owner_.word(OwnerState::owned))) continue;
            *hold = {choice.chunk, 1, 0, true, 0, 0};
        }
        filling_ = static_cast<unsigned>(hold - holds_.data());
        note_taken(segment_, owner_, choice.chunk);
        return carve(*hold, size);
    }
    return corrupt_error("chunk table", g.area(AreaKind::chunks).offset, 0);
}

Result<Room> ChunkHolder::room_in_new_run(std::uint64_t size) noexcept {
    const Geometry& g = segment_.geometry();
    const auto count = static_cast<std::uint32_t>((size + g.chunk_size - 1) / g.chunk_size);
    Hold* hold = free_hold();
    if (hold == nullptr) return Code::too_many_loans;
    for (std::uint32_t turn = 0; turn < 64; ++turn) {
        const Sequence trim = segment_.control().trim_point.load(memory_order_acquire);
        const Sequence end = find_end(segment_);
        const RunChoice choice = choose_run(segment_, count, trim, end);
        if (!choice.found) return blocked_error(segment_, "run of chunks", {});
        if (choice.limit > trim) {
            const Lifted lifted = lift_for_room(segment_, choice.limit, choice.limit);
            if (lifted.trim < choice.limit) {
                segment_.control().room_wanted.store(choice.limit, memory_order_seq_cst);  // as above
                return blocked_error(segment_, "run of chunks", lifted.blocked);
            }
        }
        // All or nothing: what was taken before a failure is given back.
        *hold = {choice.chunk, 0, 0, false, g.chunk_size, 0};
        for (; hold->count < count; ++hold->count) {
            const std::uint32_t chunk = choice.chunk + hold->count;
            const std::uint64_t word = segment_.chunk(chunk).word.load(memory_order_acquire);
            const OwnerState state = unpack_owner(word).state;
            if (state == OwnerState::owned || !take_chunk(segment_, chunk, word, owner_.word(OwnerState::owned))) break;
            // Full from the first moment, so that nobody adopts a part of a run whose owner died. relaxed: as in carve.
            segment_.chunk(chunk).fill.store(g.chunk_size, memory_order_relaxed);
        }
        if (hold->count == count) {
            compiler_fence();
            hold->open = 1;
            note_taken(segment_, owner_, choice.chunk);
            return Room{std::uint64_t{choice.chunk} * g.chunk_size, size, static_cast<unsigned>(hold - holds_.data())};
        }
        seal(*hold);
    }
    return full_error("run of chunks", {}, {}, 0);
}

void ChunkHolder::drop(const Room& room) noexcept {
    Hold& hold = holds_[room.hold];
    const std::uint64_t start = std::uint64_t{hold.chunk} * segment_.geometry().chunk_size;
    if (hold.filling && room.offset - start + room.size == hold.fill) {
        hold.fill -= room.size;
        segment_.chunk(hold.chunk).fill.store(hold.fill, memory_order_relaxed);  // nothing was published there
    }
    if (--hold.open == 0 && !hold.filling) seal(hold);
}

void ChunkHolder::end_filling() noexcept {
    Hold& hold = holds_[filling_];
    filling_ = most_holds;
    hold.filling = false;
    if (hold.open == 0) seal(hold);
}

void ChunkHolder::seal(Hold& hold) noexcept {
    release(hold, OwnerState::sealed);
    hold = {};
}

void ChunkHolder::release(const Hold& hold, OwnerState state) noexcept {
    for (std::uint32_t i = 0; i < hold.count; ++i) {
        ChunkRow& row = segment_.chunk(hold.chunk + i);
        raise_to(row.last, hold.last, memory_order_release);  // before the word (CHUNK)
        std::uint64_t mine = owner_.word(OwnerState::owned);
        // It can only fail on a damaged segment; the chunk is then somebody else's business.
        row.word.compare_exchange(mine, pack_owner({state, 0, 0}), memory_order_acq_rel, memory_order_relaxed);
    }
}

void ChunkHolder::close() noexcept {
    filling_ = most_holds;
    for (Hold& hold : holds_) {
        if (hold.count == 0) continue;
        release(hold, hold.filling ? OwnerState::unfinished : OwnerState::sealed);
        hold = {};
    }
}

}  // namespace shmq
