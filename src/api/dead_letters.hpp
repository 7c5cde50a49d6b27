// Dead-letter streams: what is dead in a group moves to another stream, as a letter, exactly once.
//
// What the source keeps of a move is in group/dead_move.hpp. Here is the other half: the target is opened, and the
// letter is added under the next number of a producer whose name follows from the source's file and the group. Who
// finds a move half done asks the target whether that number was added, which it knows also when the letter is
// trimmed (docs/protocol.md, Dead letters).
//
// Opening a stream allocates and calls the kernel, so none of this is on the path of an entry: it is done by a read
// that was slow anyway and found the hint, by `recover`, and by an operator.
#pragma once

#include "api/core.hpp"
#include "group/delivery_clock.hpp"

namespace shmq::detail {

/// Checks the dead-letter stream of a group that is about to be made, and makes a relative path absolute. Errors:
/// `no_stream`; `bad_option` if it is the stream itself, would send letters back here, or has no names of producers;
/// those of opening.
Result<void> check_dead_letter(const StreamCore& source, GroupOptions& options);

/// What became of the dead entries of a group.
struct MoveReport {
    std::uint64_t moved = 0;
    Error why;  // of the first that stayed
};
/// Moves at most `most` entries. The caller is inside the group's row, as for the next two; its group is active and has
/// a dead-letter stream.
MoveReport move_dead(StreamCore& source, std::uint32_t group, std::size_t most = ~std::size_t{0});

/// Ends a move that a dead process left half done. Errors: `busy` if its process lives, and those of opening.
Result<void> settle_move(StreamCore& source, std::uint32_t group);

/// `move_dead` of every group; how many entries moved.
std::uint64_t move_all_dead(StreamCore& source);

/// Where a stream is, also for processes that stand in other folders.
std::string absolute_path(const StreamCore& stream);

/// The name of the producer that carries entries of a group out of the stream `from`: PREFIX.HASH.GROUP, cut to what a
/// name may be long. Another one for every segment that ever was.
std::string letter_producer(std::string_view prefix, const StreamCore& from, std::string_view group);

/// How the last delivery of a dead entry ended.
[[nodiscard]] DeadReason reason_of(const PendingWord& dead, const DeliveryFacts& facts) noexcept;

}  // namespace shmq::detail
