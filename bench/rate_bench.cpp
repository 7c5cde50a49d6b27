// How many 64-byte entries a second go from one producer process to one group consumer process that sums each payload
// and acks each entry, beside a bare ring that does the same work in the same round.
//
// Not counted is what comes before the ring and the payload were gone round once: until then the kernel maps pages.
#include <cstring>
#include <string>

#include "support/bare_ring.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr std::size_t payload_size = 64;            // bytes
constexpr std::uint64_t warm_up_entries = 400'000;  // the default payload of 32 MiB holds 349,525 of 96 bytes

struct RateCase {
    std::size_t batch;
    shmq::TimeStamps time;
    bool histograms = false;
};

/// The payload of entry `number`: every word of it is the number, so that a wrong or torn entry changes the sum.
void fill(std::uint64_t number, std::byte (&payload)[payload_size]) {
    std::uint64_t words[payload_size / 8];
    for (std::uint64_t& word : words) word = number;
    std::memcpy(payload, words, sizeof words);
}

std::uint64_t sum_of(std::span<const std::byte> payload) {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at + 8 <= payload.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, payload.data() + at, sizeof word);
        sum += word;
    }
    return sum;
}

/// `add` one payload; false means no room.
template <class Add>
void produce(Board& board, std::uint64_t total, Add add) {
    line_up(board, 2);
    std::byte payload[payload_size];
    for (std::uint64_t number = 0; number < total; ++number) {
        fill(number, payload);
        while (!add(std::span<const std::byte>(payload))) pause_times(settings().pauses);
    }
}

/// `read(sum)` reads, sums and acks a batch; 0 means nothing was there. The figure is million entries a second.
template <class Read>
void consume(Board& board, std::uint64_t total, Read read) {
    line_up(board, 2);
    std::uint64_t got = 0, sum = 0, start = 0, counted_from = 0;
    while (got < total) {
        const std::size_t count = read(sum);
        if (count == 0) {
            pause_times(settings().pauses);
            continue;
        }
        got += count;
        if (start == 0 && got >= warm_up_entries) {
            start = now_ns();
            counted_from = got;
        }
    }
    const std::uint64_t took = now_ns() - start;
    if (sum != payload_size / 8 * (total * (total - 1) / 2))
        throw std::runtime_error("the sum of the payloads is wrong");
    board.figures[0] = static_cast<double>(got - counted_from) * 1e3 / static_cast<double>(took);
}

double shmq_rate(const RateCase& how, std::uint64_t total) {
    shmq::StreamOptions options;
    options.time = how.time;
    const ScratchStream scratch(options, false);
    shmq::GroupOptions group;
    group.histograms = how.histograms;
    check(scratch.open().create_group(ScratchStream::group, shmq::Position::oldest(), group));
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        auto stream = scratch.open();
        auto producer = value_of(stream.producer());
        produce(board, total, [&](std::span<const std::byte> payload) {
            const auto added = producer.add(payload);
            if (!added && added.error() != shmq::Code::full) throw_error(added.error());
            return added.has_value();
        });
    });
    round.start(settings().core_of_second, [&](Board& board) {
        auto stream = scratch.open();
        auto consumer = value_of(stream.consumer(ScratchStream::group));
        const shmq::ReadOptions read{.max_entries = how.batch};
        consume(board, total, [&](std::uint64_t& sum) -> std::size_t {
            auto batch = consumer.read(read);
            if (!batch) {
                if (batch.error() != shmq::Code::empty) throw_error(batch.error());
                return 0;
            }
            for (const shmq::Entry& entry : *batch) sum += sum_of(entry.payload());
            check(batch->ack());
            return batch->size();
        });
    });
    round.finish();
    return round.board().figures[0];
}

double bare_rate(const RateCase& how, std::uint64_t total) {
    const SharedBareRing ring;
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        BareProducer producer(*ring);
        produce(board, total, [&](std::span<const std::byte> payload) { return producer.add(payload); });
    });
    round.start(settings().core_of_second, [&](Board& board) {
        BareConsumer consumer(*ring);
        consume(board, total, [&](std::uint64_t& sum) {
            return consumer.read_and_ack(how.batch,
                                         [&](std::span<const std::byte> payload) { sum += sum_of(payload); });
        });
    });
    round.finish();
    return round.board().figures[0];
}

void take_rate(Taking& taking, const RateCase& how) {
    const std::uint64_t total = settings().entries + warm_up_entries;
    double shmq = 0, bare = 0;
    taking.in_turns([&] { shmq = shmq_rate(how, total); }, [&] { bare = bare_rate(how, total); });
    taking.took(1e3 / shmq);
    taking.figure("shmq M/s", shmq);
    taking.figure("bare ring M/s", bare);
    taking.figure("shmq / bare ring", shmq / bare);
}

/// What histograms of delays cost: the same with them and without, in one round.
void take_histogram_cost(Taking& taking, RateCase how) {
    const std::uint64_t total = settings().entries + warm_up_entries;
    double with = 0, without = 0;
    const auto rate = [&](bool histograms) {
        how.histograms = histograms;
        return shmq_rate(how, total);
    };
    taking.in_turns([&] { with = rate(true); }, [&] { without = rate(false); });
    taking.took(1e3 / with);
    taking.figure("with histograms M/s", with);
    taking.figure("without M/s", without);
    taking.figure("more ns an entry", 1e3 / with - 1e3 / without);
    taking.figure("with / without", with / without);
}

void add_measurements() {
    const auto add = [](const std::string& name, RateCase how) {
        measure(name, [how](Taking& taking) { take_rate(taking, how); });
    };
    add("rate/batches of 64", {64, shmq::TimeStamps::coarse});
    add("rate/batches of 64, no time", {64, shmq::TimeStamps::off});
    add("rate/one at a time", {1, shmq::TimeStamps::coarse});
    const auto add_cost = [](const std::string& name, RateCase how) {
        measure(name, [how](Taking& taking) { take_histogram_cost(taking, how); });
    };
    add_cost("histograms/batches of 64", {64, shmq::TimeStamps::coarse});
    add_cost("histograms/one at a time", {1, shmq::TimeStamps::coarse});
    add_cost("histograms/one at a time, precise time", {1, shmq::TimeStamps::precise});
}

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    return bench::run_measurements(argument_count, arguments, bench::add_measurements);
}
