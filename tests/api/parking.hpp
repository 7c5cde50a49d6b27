// A ring of 64 slots that goes round while some entries stay unfinished.
#pragma once

#include "support/stream_test.hpp"

namespace shmq::test {

inline constexpr std::uint64_t slots = 64;

/// "slow" holds all that was added so far of group "g"; "fast" is there for the rest.
struct Stuck {
    Stream stream;
    Consumer slow;
    Consumer fast;
    Batch held;
};

class ParkingTest : public StreamTest {
protected:
    static StreamOptions parking_options(std::uint32_t cells = 64) {
        StreamOptions options = medium_options(slots);
        options.parking = cells;
        return options;
    }
    [[nodiscard]] Stuck get_stuck(std::uint64_t entries, const StreamOptions& options = parking_options()) const {
        Stuck stuck{create_with_group(options), {}, {}, {}};
        add(stuck.stream, entries);
        stuck.slow = must(stuck.stream.consumer("g", "slow"));
        stuck.fast = must(stuck.stream.consumer("g", "fast"));
        stuck.held = must(stuck.slow.read(reading(entries)));
        return stuck;
    }
    /// Adds entries and has another consumer ack what is new, for so many laps of the ring.
    static void go_round(Stream& stream, Consumer& fast, std::uint64_t laps) {
        for (std::uint64_t i = 0; i < laps * slots; ++i) {
            must(stream.add(payload_of(1'000'000 + i, 40 + i % 50)));
            Batch batch = must(fast.read());
            for (const Entry& entry : batch) ASSERT_TRUE(number_of(entry.payload()));
            must(batch.ack());
        }
    }
    static std::vector<PendingEntry> pending(const Stream& stream) { return must(stream.pending_entries("g")); }
};

}  // namespace shmq::test
