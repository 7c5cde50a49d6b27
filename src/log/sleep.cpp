// The slow halves of sleeping and waking; the fast half is one load in sleep.hpp.
#include "log/sleep.hpp"

#include <bit>

namespace shmq {

namespace {

constexpr unsigned everyone = ~0u >> 1;

}  // namespace

Atomic<std::uint32_t>& wake_word(const Segment& segment, unsigned bit) noexcept {
    if (bit == reader_bit) return segment.control().reader_wake;
    if (bit == room_bit) return segment.control().room_wake;
    return segment.group(bit).wake;
}

std::uint32_t announce_sleeper(const Segment& segment, unsigned bit) noexcept {
    const std::uint32_t seen = wake_word(segment, bit).load(memory_order_acquire);
    segment.control().sleepers.fetch_or(sleeper_mask(bit), memory_order_seq_cst);
    // The look that follows is of acquire loads and weaker, which could be made before the bit is seen (SLEEP).
    fence(memory_order_seq_cst);
    return seen;
}

os::Woken sleep(const Segment& segment, unsigned bit, std::uint32_t seen, Duration at_most) noexcept {
    return os::futex_wait(wake_word(segment, bit), seen, at_most);
}

void wake_sleepers(const Segment& segment, std::uint64_t mask, unsigned count) noexcept {
    Word& sleepers = segment.control().sleepers;
    std::uint64_t taken = sleepers.fetch_and(~mask, memory_order_seq_cst) & mask;
    const std::uint64_t known =
        low_mask(segment.geometry().group_rows) | sleeper_mask(reader_bit) | sleeper_mask(room_bit);
    for (taken &= known; taken != 0; taken &= taken - 1) {
        const auto bit = static_cast<unsigned>(std::countr_zero(taken));
        Atomic<std::uint32_t>& word = wake_word(segment, bit);
        word.fetch_add(1, memory_order_release);
        // Of a strict group the one whose turn it is must wake, whichever of the sleepers that is.
        const bool all = bit == reader_bit ||
                         (bit < reader_bit && (options_word(segment.group(bit)) & option_order) == strict_order);
        const int wanted = static_cast<int>(all ? everyone : count);
        if (os::futex_wake(word, wanted) == wanted)
            sleepers.fetch_or(sleeper_mask(bit), memory_order_seq_cst);  // there may be more of them
    }
}

void mark_removed(const Segment& segment) noexcept {
    segment.control().sleepers.fetch_or(removed_mark, memory_order_seq_cst);
    wake_sleepers(segment, low_mask(room_bit + 1), everyone);
}

}  // namespace shmq
