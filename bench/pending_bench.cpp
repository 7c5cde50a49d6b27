// What add, read and ack cost one process while 10, 10,000 and 1,000,000 entries are pending: it must not grow with
// them.
//
// Another consumer of the same group holds the pending entries in open batches; entries go by in turns of 64.
#include <string>
#include <vector>

#include "support/processes.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr std::size_t payload_size = 64;  // bytes
constexpr std::size_t turn_entries = 64;
constexpr std::uint64_t turns =
    2'000;  // 128,000 entries: with a million pending they leave an eighth of the slots free
constexpr std::size_t largest_batch = 4'096;

shmq::StreamOptions large_stream() {
    shmq::StreamOptions options;
    options.slots = 1u << 21;
    options.payload = 256u << 20;  // bytes
    options.groups = 1;
    return options;
}

/// Leaves `count` entries pending in batches of `holder`.
std::vector<shmq::Batch> hold(shmq::Producer& producer, shmq::Consumer& holder, std::uint64_t count) {
    const std::byte payload[payload_size] = {};
    for (std::uint64_t i = 0; i < count; ++i) value_of(producer.add(payload));
    std::vector<shmq::Batch> batches;
    for (std::uint64_t held = 0; held < count; held += batches.back().size())
        batches.push_back(value_of(holder.read({.max_entries = std::min<std::size_t>(largest_batch, count - held)})));
    return batches;
}

struct Costs {
    double add = 0, read = 0, ack = 0;  // ns an entry
    [[nodiscard]] double all() const { return add + read + ack; }
};

Costs costs_with(std::uint64_t pending) {
    const ScratchStream scratch(large_stream());
    auto stream = scratch.open();
    auto producer = value_of(stream.producer());
    auto holder = value_of(stream.consumer(ScratchStream::group, "holder"));
    auto consumer = value_of(stream.consumer(ScratchStream::group, "reader"));
    const auto held = hold(producer, holder, pending);
    const std::byte payload[payload_size] = {};
    std::uint64_t adding = 0, reading = 0, acking = 0;  // ns
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
        const std::uint64_t start = now_ns();
        for (std::size_t i = 0; i < turn_entries; ++i) value_of(producer.add(payload));
        const std::uint64_t added = now_ns();
        auto batch = value_of(consumer.read({.max_entries = turn_entries}));
        const std::uint64_t read = now_ns();
        check(batch.ack());
        const std::uint64_t acked = now_ns();
        adding += added - start;
        reading += read - added;
        acking += acked - read;
    }
    if (value_of(stream.group(ScratchStream::group)).pending != pending)
        throw std::runtime_error("another number is pending than was left");
    const auto each = [](std::uint64_t ns) {
        return static_cast<double>(ns) / static_cast<double>(turns * turn_entries);
    };
    return {each(adding), each(reading), each(acking)};
}

void take_costs(Taking& taking) {
    pin_to(settings().core_of_first);
    constexpr std::uint64_t numbers[] = {10, 10'000, 1'000'000};
    Costs costs[std::size(numbers)];
    taking.in_turns(std::size(numbers), [&](std::size_t at) { costs[at] = costs_with(numbers[at]); });
    for (std::size_t i = 0; i < std::size(numbers); ++i) {
        const std::string name = sortable(numbers[i]) + " pending, ";
        taking.figure(name + "add ns", costs[i].add);
        taking.figure(name + "read ns", costs[i].read);
        taking.figure(name + "ack ns", costs[i].ack);
    }
    taking.figure("all three with 1,000,000 by 10", costs[2].all() / costs[0].all());
    taking.took(costs[0].all());
}

constexpr Bar bars[] = {{"pending", "all three with 1,000,000 by 10", false, 1.1}};

void add_measurements() { measure("pending", take_costs); }

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    return bench::run_measurements(argument_count, arguments, bench::add_measurements, bench::bars);
}
