// Which entries a handler is through with, small enough to be stored with what it did. A value: it knows nothing of
// shared memory, and needs nothing else of shmq.
//
// Delivery is at least once: a consumer that is killed between the effect and the ack has the entry delivered again.
// Who keeps a FinishedSet *in the same transaction or file* as the effect asks it first, and passes over what is done:
//
//     if (!finished.contains(entry.sequence())) {
//         apply(entry, state);
//         finished.insert(entry.sequence());
//         store(state, finished.encode());      // both or neither: a transaction, or a file that is renamed
//     }
//     batch->ack(entry.sequence());
//
// One set belongs to one effect and one group (sequences are of one stream); examples/stock.cpp is a whole program.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "shmq/options.hpp"
#include "shmq/status.hpp"

namespace shmq {

/// A set of sequences: all below a floor, and runs of sequences above it. Whatever order they come in, runs that touch
/// are joined, and one that touches the floor lifts it. With entries taken in order it is the floor alone; an entry
/// that is retried, or delayed, or another consumer's, leaves a gap, which costs one run until it comes.
///
/// Size: 16 bytes for each run, in memory and encoded (and 24 bytes more encoded). Costs: `contains` and `insert` look
/// a run up by halving; `insert` may move the runs behind it. Threads: as a std::vector: several may read at once, one
/// alone may change. Copied and moved like one.
class FinishedSet {
public:
    /// Sequences from `first` to `last`, both included.
    struct Run {
        Sequence first = 0;
        Sequence last = 0;
        bool operator==(const Run&) const = default;
    };

    /// Nothing is finished.
    FinishedSet() noexcept = default;
    /// Everything below `floor` is: for a group that begins there, so that what it never sees leaves no gap.
    explicit FinishedSet(Sequence floor) noexcept : floor_(floor != 0 ? floor : 1) {}

    /// Sequences are never 0, which counts as finished.
    [[nodiscard]] bool contains(Sequence sequence) const noexcept;
    /// False if it was there already. Throws std::bad_alloc, and changes nothing then. The highest sequence there can
    /// be, 2^64 - 1, is never given to an entry and is not taken: false.
    bool insert(Sequence sequence);
    /// Everything below `floor` is finished from now on, such as what was trimmed, or what is known not to come: closes
    /// gaps that nobody will fill.
    void raise_floor(Sequence floor) noexcept;

    /// All below it are finished, it is not.
    [[nodiscard]] Sequence floor() const noexcept { return floor_; }
    /// What is finished above the floor: ascending, with a gap before each.
    [[nodiscard]] std::span<const Run> runs() const noexcept { return runs_; }

    /// As bytes, the same on every machine: a magic number, the floor, the runs, a checksum.
    [[nodiscard]] std::vector<std::byte> encode() const;
    /// From the bytes of `encode`. `corrupt` if they are anything else, also cut short or changed; the number is the
    /// byte at which the first part stands that cannot stand there.
    [[nodiscard]] static Result<FinishedSet> parse(Bytes bytes);

    bool operator==(const FinishedSet&) const = default;

private:
    Sequence floor_ = 1;
    std::vector<Run> runs_;
};

}  // namespace shmq
