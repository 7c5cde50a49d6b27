// What the processes of the kill loop did, kept where no kill can tear it: shared memory of its own, beside the stream.
//
// A *life* is one run of a worker from its start to its end, with a number of its own. An entry is told apart by the
// life that added it and a number within that, from 1 on; a producer with a name goes on with its numbers over all its
// lives, and counts as one life.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>

namespace shmq::test {

inline constexpr std::uint32_t named_life = 1;
inline constexpr std::uint32_t groups_in_loop = 2;

enum class Phase : std::uint32_t {
    running,   ///< everybody works
    draining,  ///< producers end; consumers go on
    ending     ///< consumers end when nothing is left
};

/// One entry, as its bytes say.
struct Content {
    std::uint32_t life;
    std::uint64_t number;
};
[[nodiscard]] inline std::uint64_t pack(const Content& content) noexcept {
    return std::uint64_t{content.life} << 40 | content.number;
}
[[nodiscard]] inline Content unpack(std::uint64_t packed) noexcept {
    return {static_cast<std::uint32_t>(packed >> 40), packed & ((std::uint64_t{1} << 40) - 1)};
}

/// Threads and processes: all members may be used by all at once. Made before the workers are forked.
class Ledger {
public:
    /// Of entries and of lives; memory is taken as it is touched.
    static constexpr std::uint64_t most_entries = std::uint64_t{1} << 24;
    static constexpr std::uint64_t most_lives = std::uint64_t{1} << 17;

    Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;
    ~Ledger();

    [[nodiscard]] Phase phase() const noexcept { return shared_->phase.load(); }
    void enter(Phase phase) noexcept { shared_->phase.store(phase); }
    [[nodiscard]] std::uint32_t begin_life() noexcept { return shared_->next_life.fetch_add(1); }
    /// Told before the signal is sent.
    void will_be_killed(std::uint32_t life) noexcept { life_of(life).killed.store(true); }

    void begin_add(std::uint32_t life, std::uint64_t number) noexcept { life_of(life).begun.store(number); }
    void end_add(std::uint32_t life, std::uint64_t number) noexcept { life_of(life).added.store(number); }

    /// A consumer of `life` was given the entry: nobody who lives, and did not give it back, may have got it before.
    void delivered(std::uint32_t life, std::uint32_t group, std::uint64_t sequence, std::uint64_t content);
    void will_nack(std::uint32_t group, std::uint64_t sequence) noexcept;
    void will_ack(std::uint32_t life, std::uint32_t group, std::uint64_t sequence) noexcept;
    void acked(std::uint32_t group, std::uint64_t sequence);

    /// Something that must not be. Printed, and counted.
    void violate(const std::string& what) noexcept;
    [[nodiscard]] std::uint64_t violations() const noexcept { return shared_->violations.load(); }
    /// Entries that were delivered a second time, since a death had them in its hands.
    [[nodiscard]] std::uint64_t redelivered() const noexcept { return shared_->redelivered.load(); }

    /// At rest: every entry in [1, next) was delivered and acked in each group, and each life's entries stand in the
    /// order of their numbers, with none missing and none twice.
    void check(std::uint64_t next);

private:
    struct Life {
        std::atomic<std::uint64_t> begun;
        std::atomic<std::uint64_t> added;
        std::atomic<bool> killed;
    };
    struct InGroup {
        std::atomic<std::uint32_t> holder;   // the life it was delivered to last; 0: none, or it gave it back
        std::atomic<std::uint32_t> acker;    // the life that is about to ack it, or did
        std::atomic<std::uint32_t> acks;     // told to have succeeded
        std::atomic<std::uint32_t> padding;  // a power of two for all of it
    };
    struct Shared {
        std::atomic<Phase> phase;
        std::atomic<std::uint32_t> next_life;
        std::atomic<std::uint64_t> violations;
        std::atomic<std::uint64_t> redelivered;
        Life lives[most_lives];
        std::atomic<std::uint64_t> contents[most_entries];
        InGroup entries[groups_in_loop][most_entries];
    };

    [[nodiscard]] Life& life_of(std::uint32_t life) const noexcept { return shared_->lives[life % most_lives]; }
    [[nodiscard]] InGroup& entry(std::uint32_t group, std::uint64_t sequence) const noexcept {
        return shared_->entries[group][sequence % most_entries];
    }
    void check_lives(std::uint64_t next);

    Shared* shared_;
};

}  // namespace shmq::test
