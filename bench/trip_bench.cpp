// How long 64 bytes take from one process to another and back, both polling, beside one bare cache line there and back
// in the same round: no queue between two processes can be faster than that.
//
// A trip is: add to the one stream, the other side reads it, adds its bytes to the other stream and then acks, as one
// who must not lose a request does; read the reply. In `waiting` both sides call read with a wait instead of polling:
// it spins as OpenOptions::spin says, then sleeps.
#include <cstring>
#include <string>
#include <vector>

#include "support/bare_ring.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"
#include "support/statistics.hpp"

namespace bench {

namespace {

constexpr std::size_t payload_size = 64;  // bytes
constexpr std::uint64_t warm_up_trips = 10'000;

/// Calls `trip` with the number of each trip and puts percentiles of their nanoseconds on the board.
template <class Trip>
void time_trips(Board& board, Trip trip) {
    std::vector<std::uint32_t> times;
    times.reserve(settings().trips);
    line_up(board, 2);
    for (std::uint64_t number = 1; number <= settings().trips + warm_up_trips; ++number) {
        const std::uint64_t start = now_ns();
        trip(number);
        const std::uint64_t took = now_ns() - start;
        if (number > warm_up_trips) times.push_back(static_cast<std::uint32_t>(took));
    }
    write_on(board, percentiles_of(std::move(times)));
}

template <class Answer>
void answer_trips(Board& board, Answer answer) {
    line_up(board, 2);
    for (std::uint64_t number = 1; number <= settings().trips + warm_up_trips; ++number) answer(number);
}

/// One cache line, written in turns.
Percentiles line_trips() {
    const SharedBytes bytes(4096);
    auto& line = *new (bytes.data()) std::atomic<std::uint64_t>(0);
    const auto wait_for = [&](std::uint64_t value) {
        while (line.load(std::memory_order_acquire) != value) pause_times(1);
    };
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        time_trips(board, [&](std::uint64_t number) {
            line.store(2 * number - 1, std::memory_order_release);
            wait_for(2 * number);
        });
    });
    round.start(settings().core_of_second, [&](Board& board) {
        answer_trips(board, [&](std::uint64_t number) {
            wait_for(2 * number - 1);
            line.store(2 * number, std::memory_order_release);
        });
    });
    round.finish();
    return percentiles_on(round.board());
}

/// What goes to and fro: every word of it is the number of the trip.
void fill(std::uint64_t number, std::byte (&payload)[payload_size]) {
    std::uint64_t words[payload_size / 8];
    for (std::uint64_t& word : words) word = number;
    std::memcpy(payload, words, sizeof words);
}

/// Reads every word of what came.
void check_payload(std::uint64_t number, std::span<const std::byte> payload) {
    std::uint64_t words[payload_size / 8];
    std::memcpy(words, payload.data(), sizeof words);
    std::uint64_t sum = 0;
    for (const std::uint64_t word : words) sum += word;
    if (sum != number * (payload_size / 8)) throw std::runtime_error("another entry came than was sent");
}

/// Two bare rings.
Percentiles bare_trips() {
    const SharedBareRing there, back;
    const auto receive = [](BareConsumer& consumer, std::uint64_t number) {
        const auto use = [number](std::span<const std::byte> got) { check_payload(number, got); };
        while (consumer.read_and_ack(1, use) == 0) pause_times(1);
    };
    const auto work = [&](Board& board, bool first) {
        BareProducer producer(first ? *there : *back);
        BareConsumer consumer(first ? *back : *there);
        std::byte payload[payload_size];
        const auto send = [&](std::uint64_t number) {
            fill(number, payload);
            if (!producer.add(payload)) throw std::logic_error("the ring is full with one entry in it");
        };
        if (first)
            time_trips(board, [&](std::uint64_t number) { send(number), receive(consumer, number); });
        else
            answer_trips(board, [&](std::uint64_t number) { receive(consumer, number), send(number); });
    };
    Round round;
    round.start(settings().core_of_first, [&](Board& board) { work(board, true); });
    round.start(settings().core_of_second, [&](Board& board) { work(board, false); });
    round.finish();
    return percentiles_on(round.board());
}

/// One side of the trips over two streams.
class Side {
public:
    Side(const ScratchStream& to, const ScratchStream& from, shmq::Duration wait)
        : to_(to.open()), from_(from.open()), producer_(value_of(to_.producer())),
          consumer_(value_of(from_.consumer(ScratchStream::group))) {
        read_.max_entries = 1;
        read_.wait = wait;
    }
    /// Adds, and then acks what was received last.
    void send(std::uint64_t number) {
        fill(number, payload_);
        value_of(producer_.add(payload_));
        if (!received_.empty()) check(received_.ack());
        received_.close();
    }
    void receive(std::uint64_t number) {
        for (;;) {
            auto batch = consumer_.read(read_);
            if (batch) {
                check_payload(number, (*batch)[0].payload());
                received_ = std::move(*batch);
                break;
            }
            if (batch.error() != shmq::Code::empty) throw_error(batch.error());
            pause_times(1);
        }
    }

private:
    shmq::Stream to_, from_;
    shmq::Producer producer_;
    shmq::Consumer consumer_;
    shmq::Batch received_;  // before its consumer goes
    shmq::ReadOptions read_;
    std::byte payload_[payload_size] = {};
};

Percentiles shmq_trips(shmq::Duration wait) {
    const ScratchStream there, back;
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        Side side(there, back, wait);
        time_trips(board, [&](std::uint64_t number) { side.send(number), side.receive(number); });
    });
    round.start(settings().core_of_second, [&](Board& board) {
        Side side(back, there, wait);
        answer_trips(board, [&](std::uint64_t number) { side.receive(number), side.send(number); });
    });
    round.finish();
    return percentiles_on(round.board());
}

void show(Taking& taking, const std::string& who, const Percentiles& found) {
    taking.figure(who + " p50 ns", found.p50);
    taking.figure(who + " p99 ns", found.p99);
    taking.figure(who + " p99.9 ns", found.p999);
    taking.figure(who + " p99.99 ns", found.p9999);
}

void take_trips(Taking& taking, shmq::Duration wait) {
    Percentiles line, bare, shmq;
    taking.in_turns([&] { line = line_trips(); }, [&] { shmq = shmq_trips(wait); });
    bare = bare_trips();
    taking.took(shmq.p50);
    show(taking, "shmq", shmq);
    show(taking, "line", line);
    taking.figure("bare ring p50 ns", bare.p50);
    taking.figure("shmq / line p50", shmq.p50 / line.p50);
    taking.figure("shmq / bare ring p50", shmq.p50 / bare.p50);
}

void add_measurements() {
    measure("trip/polling", [](Taking& taking) { take_trips(taking, shmq::Duration{0}); });
    measure("trip/waiting", [](Taking& taking) { take_trips(taking, std::chrono::seconds(1)); });
}

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    return bench::run_measurements(argument_count, arguments, bench::add_measurements);
}
