// What each kind of time stamp costs an add: one process adds to a stream without groups, which overwrites its oldest
// entries.
#include <string>

#include "support/processes.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr std::size_t payload_size = 64;  // bytes
constexpr std::uint64_t adds = 1'000'000;
constexpr std::uint64_t warm_up_adds = 400'000;  // once round the default payload, until which the kernel maps pages

/// Nanoseconds of an add.
double cost_of_add(shmq::TimeStamps time) {
    shmq::StreamOptions options;
    options.time = time;
    const ScratchStream scratch(options, false);
    auto stream = scratch.open();
    auto producer = value_of(stream.producer());
    const std::byte payload[payload_size] = {};
    for (std::uint64_t i = 0; i < warm_up_adds; ++i) value_of(producer.add(payload));
    const std::uint64_t start = now_ns();
    for (std::uint64_t i = 0; i < adds; ++i) value_of(producer.add(payload));
    return static_cast<double>(now_ns() - start) / static_cast<double>(adds);
}

void take_costs(Taking& taking) {
    pin_to(settings().core_of_first);
    double off = 0, coarse = 0, precise = 0;
    taking.in_turns(
        [&] { off = cost_of_add(shmq::TimeStamps::off); },
        [&] { coarse = cost_of_add(shmq::TimeStamps::coarse), precise = cost_of_add(shmq::TimeStamps::precise); });
    taking.took(off);
    taking.figure("add, off ns", off);
    taking.figure("add, coarse ns", coarse);
    taking.figure("add, precise ns", precise);
    taking.figure("coarse costs ns", coarse - off);
    taking.figure("precise costs ns", precise - off);
}

void add_measurements() { measure("time stamps", take_costs); }

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    return bench::run_measurements(argument_count, arguments, bench::add_measurements);
}
