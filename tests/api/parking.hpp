// A ring of 64 slots that goes round while some entries stay unfinished.
#pragma once

#include "support/stream_test.hpp"

namespace shmq::test {

inline constexpr std::uint64_t slots = 64;

class ParkingTest : public StreamTest {
protected:
    static StreamOptions parking_options(std::uint32_t cells = 64) {
        StreamOptions options = medium_options(slots);
        options.parking = cells;
        return options;
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
