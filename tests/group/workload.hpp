// Producers and consumers of one group that do everything at random - ack, nack, release, forget, claim - and a ledger
// in shared memory of what came of each entry, for threads and for processes alike.
#pragma once

#include <sys/mman.h>

#include <array>
#include <map>
#include <random>

#include "group/grouping.hpp"
#include "os/clock.hpp"

namespace shmq::test {

/// What the workers saw, by sequence. Zeroed shared memory.
class Ledger {
public:
    static constexpr Sequence most = 1'000'000;
    struct Bytes {
        Atomic<std::uint64_t> acked;       // entries
        Atomic<std::uint64_t> twice;       // acked again
        Atomic<std::uint64_t> damaged;     // other bytes than were added, or bytes that changed under their reader
        Atomic<std::uint64_t> refused;     // answers that must not come
        Atomic<std::uint64_t> fenced;      // late words of former owners
        Atomic<std::uint64_t> taken_over;  // entries seen by a second consumer
        Atomic<std::uint64_t> total;       // entries there will be; 0: not known yet
        std::array<Atomic<std::uint64_t>, most> entry;  // producer + 1 and number, once acked
    };

    Ledger()
        : bytes_(static_cast<Bytes*>(
              ::mmap(nullptr, sizeof(Bytes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;
    ~Ledger() { ::munmap(bytes_, sizeof(Bytes)); }
    Bytes* operator->() const { return bytes_; }

    static void count(Atomic<std::uint64_t>& what) { what.fetch_add(1, memory_order_seq_cst); }
    void ack(Sequence sequence, std::uint64_t label) const {
        if (sequence >= most || bytes_->entry[sequence].exchange(label, memory_order_seq_cst) != 0)
            return count(bytes_->twice);
        count(bytes_->acked);
    }
    /// After kills: whoever died between an ack and its line here left a gap, `kills` at most. Every producer's numbers
    /// are dense and in its order as far as they are known; nothing was acked twice, or seen with other bytes.
    void expect_sound(std::uint64_t total, std::uint64_t kills) const {
        EXPECT_EQ(bytes_->twice.load(memory_order_seq_cst), 0u);
        EXPECT_EQ(bytes_->damaged.load(memory_order_seq_cst), 0u);
        EXPECT_EQ(bytes_->refused.load(memory_order_seq_cst), 0u);
        EXPECT_GE(bytes_->acked.load(memory_order_seq_cst) + kills, total);
        std::map<std::uint64_t, std::uint64_t> next;
        std::uint64_t gaps = 0;
        for (Sequence s = 1; s <= total; ++s) {
            const std::uint64_t label = bytes_->entry[s].load(memory_order_seq_cst);
            if (label == 0) {
                ++gaps;
                continue;
            }
            std::uint64_t& expected = next[label >> 32];
            ASSERT_GE(label & 0xffff'ffff, expected) << "of producer " << (label >> 32) << " at sequence " << s;
            ASSERT_LE(label & 0xffff'ffff, expected + gaps) << "of producer " << (label >> 32) << " at sequence " << s;
            expected = (label & 0xffff'ffff) + 1;
        }
        EXPECT_LE(gaps, kills);
    }
    /// Every sequence from 1 to the sum of `counts` acked once, each producer's numbers dense and in its order.
    void expect_complete(const std::vector<std::uint64_t>& counts) const {
        EXPECT_EQ(bytes_->twice.load(memory_order_seq_cst), 0u);
        EXPECT_EQ(bytes_->damaged.load(memory_order_seq_cst), 0u);
        EXPECT_EQ(bytes_->refused.load(memory_order_seq_cst), 0u);
        std::vector<std::uint64_t> next(counts.size());
        std::uint64_t total = 0;
        for (const std::uint64_t count : counts) total += count;
        for (Sequence s = 1; s <= total; ++s) {
            const std::uint64_t label = bytes_->entry[s].load(memory_order_seq_cst);
            ASSERT_NE(label, 0u) << "sequence " << s << " was never acked";
            const std::uint64_t producer = (label >> 32) - 1;
            ASSERT_LT(producer, counts.size());
            ASSERT_EQ(label & 0xffff'ffff, next[producer]++) << "of producer " << producer << " at sequence " << s;
        }
        EXPECT_EQ(next, counts);
    }

private:
    Bytes* bytes_;
};

/// The payload of a producer's entry: its label, then bytes that follow from it; of many sizes.
inline std::string payload_of(std::uint64_t label) {
    std::string payload(8 + label % 89, static_cast<char>('a' + label % 23));
    std::memcpy(payload.data(), &label, sizeof label);
    return payload;
}

/// Adds `count` entries, waiting for room as long as it takes.
inline void produce(const Segment& segment, AttachmentId me, std::uint32_t producer, std::uint64_t count,
                    const Ledger& ledger) {
    Adder adder(segment, me);
    for (std::uint64_t number = 0; number < count;) {
        const auto added = adder.add(payload_of((std::uint64_t{producer} + 1) << 32 | number));
        if (added)
            ++number;
        else if (added.error().code() == Code::full)
            sched_yield();
        else
            return Ledger::count(ledger->refused);
    }
    adder.chunks().close();
}

/// The label of an entry whose bytes are whole; 0 otherwise.
inline std::uint64_t label_at(const Segment& segment, std::uint64_t place) {
    const auto at = entry_at(segment, place);
    if (!at || at->header.size < 8) return 0;
    const std::byte* const bytes = segment.payload() + at->payload_offset;
    std::uint64_t label = 0;
    std::memcpy(&label, bytes, sizeof label);
    const std::string expected = payload_of(label);
    return expected.size() == at->header.size && std::memcmp(expected.data(), bytes, expected.size()) == 0 ? label : 0;
}

/// One batch: looks at all entries, then ends each at random, and looks again at those it did not ack itself: their
/// views must stand until it closes the batch, whoever took them meanwhile.
inline void work_on(Reader& reader, const std::vector<Taken>& batch, std::mt19937_64& random, const Ledger& ledger) {
    const Segment& segment = reader.member().segment;
    std::vector<std::uint64_t> labels;
    for (const Taken& taken : batch) {
        labels.push_back(label_at(segment, taken.place));
        if (labels.back() == 0) Ledger::count(ledger->damaged);
        if (taken.taken_over) Ledger::count(ledger->taken_over);
    }
    if (random() % 8 == 0) sched_yield();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto choice = random() % 16;
        if (choice < 10 && label_at(segment, batch[i].place) != labels[i]) Ledger::count(ledger->damaged);
        Finish finish = Finish::done;
        if (choice < 10) finish = reader.ack(batch[i]);
        if (choice < 10 && finish == Finish::done) ledger.ack(batch[i].sequence, labels[i]);
        if (choice >= 10 && choice < 13) finish = reader.nack(batch[i], Ending::failed, os::monotonic_coarse_ms());
        if (choice >= 13 && choice < 15) finish = reader.nack(batch[i], Ending::released, os::monotonic_coarse_ms());
        // 15: forgotten; somebody will claim it.
        if (finish == Finish::fenced) Ledger::count(ledger->fenced);
        if (finish == Finish::not_pending) Ledger::count(ledger->refused);
        if (finish == Finish::fenced && label_at(segment, batch[i].place) != labels[i]) Ledger::count(ledger->damaged);
    }
    after_finishing(segment, reader.member().group.row);
    if (segment.consumer(reader.member().group.row, reader.consumer()).pinned.exchange(0, memory_order_seq_cst) != 0)
        free_pins(segment, reader.member().group.row, reader.consumer(), [](ChunkSpan) { return false; });
}

/// Reads, claims and ends entries until all that were added are finished and `ledger->total` is known.
inline void consume_all(Reader& reader, const Ledger& ledger, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const Segment& segment = reader.member().segment;
    for (;;) {
        const std::uint64_t now = os::monotonic_coarse_ms();
        auto batch =
            random() % 4 == 0 ? reader.claim(random() % 4, now, random() % 4 + 1) : reader.read(random() % 6 + 1, now);
        if (!batch.empty()) {
            work_on(reader, batch, random, ledger);
            continue;
        }
        sweep(reader.member(), 16, 1'000);
        sched_yield();
        const std::uint64_t total = ledger->total.load(memory_order_seq_cst);
        if (total == 0 || find_cursor(segment, reader.member().group.row) <= total) continue;
        const GroupCounts counts = count_group(segment, reader.member().group.row);
        if (counts.delivered + counts.retry == 0) return;
    }
}

/// Reads, claims and ends entries until `total` are acked by all together.
inline void consume(Reader& reader, std::uint64_t total, const Ledger& ledger, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (ledger->acked.load(memory_order_seq_cst) < total) {
        const std::uint64_t now = os::monotonic_coarse_ms();
        auto batch =
            random() % 4 == 0 ? reader.claim(random() % 4, now, random() % 4 + 1) : reader.read(random() % 6 + 1, now);
        if (batch.empty()) {
            sweep(reader.member(), 16, 1'000);
            sched_yield();
            continue;
        }
        work_on(reader, batch, random, ledger);
    }
}

}  // namespace shmq::test
