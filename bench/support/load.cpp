// The processes of a load.
#include "support/load.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include "peers/shape.hpp"
#include "support/processes.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr unsigned most_groups = 24;
constexpr std::uint64_t least_chunk = 16'384;  // bytes; a small ring has fewer chunks, not smaller ones

/// What the processes of a load tell each other; shared, zeroed.
struct Counts {
    struct alignas(64) OfGroup {
        std::atomic<std::uint64_t> acked;
        std::atomic<std::uint64_t> started_ns;  // when it had passed what is not counted
        std::atomic<std::uint64_t> ended_ns;
    };
    OfGroup groups[most_groups];
};

std::string group_name(unsigned group) { return "group-" + std::to_string(group); }

void produce(const Load& load, const ScratchStream& scratch, unsigned who, std::uint64_t each) {
    auto stream = scratch.open();
    auto producer = value_of(stream.producer());
    std::vector<std::byte> bytes(load.size);
    std::vector<std::string> keys(load.keys);
    for (std::uint32_t key = 0; key < load.keys; ++key) keys[key] = "key-" + std::to_string(key);
    shmq::AddOptions options;
    options.wait = std::chrono::minutes(1);
    for (std::uint64_t count = 0; count < each; ++count) {
        pause_times(load.gap);
        if (load.keys != 0) options.key = shmq::bytes_of(keys[count % load.keys]);
        if (load.loans) {
            auto loan = value_of(producer.loan(load.size, options));
            fill(number_of(who, count), loan.bytes());
            value_of(loan.commit());
        } else {
            fill(number_of(who, count), bytes);
            value_of(producer.add(bytes, options));
        }
    }
}

/// Sums the words of each payload; with one consumer in the group also that the numbers come in their order.
void consume(const Load& load, const ScratchStream& scratch, unsigned group, Counts& counts, std::uint64_t total,
             std::uint64_t uncounted) {
    auto stream = scratch.open();
    auto consumer = value_of(stream.consumer(group_name(group)));
    Counts::OfGroup& own = counts.groups[group];
    Checker checker(load.size, load.producers);
    shmq::ReadOptions read{.max_entries = load.batch};
    // Whoever is not given the last entry looks whether all are acked.
    if (load.waits) read.wait = std::chrono::milliseconds(20);
    while (own.acked.load(std::memory_order_relaxed) < total) {
        auto batch = consumer.read(read);
        if (!batch && batch.error() != shmq::Code::empty) throw_error(batch.error());
        if (!batch) {
            if (!load.waits) pause_times(settings().pauses);
            continue;
        }
        for (const shmq::Entry& entry : *batch) {
            if (load.consumers == 1)
                checker(entry.payload());
            else
                Checker::check_alone(entry.payload(), load.size);
        }
        const std::size_t count = batch->size();
        check(batch->ack());
        const std::uint64_t acked = own.acked.fetch_add(count, std::memory_order_relaxed) + count;
        if (acked >= uncounted && acked - count < uncounted) own.started_ns.store(now_ns(), std::memory_order_relaxed);
        if (acked == total) own.ended_ns.store(now_ns(), std::memory_order_relaxed);
    }
}

}  // namespace

double delivered_a_second(const Load& load, std::uint64_t entries) {
    shmq::StreamOptions options;
    options.slots = load.slots;
    options.payload = load.payload;
    options.producers = load.producers;
    options.chunks =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(load.payload / least_chunk, 2 * load.producers + 6, 256));
    options.max_entry = load.size > 65'536 ? load.size : 0;
    options.groups = std::max(load.groups, 1u);
    options.key_stripes = load.order == shmq::Order::by_key ? options.key_stripes : 0;
    options.histograms = false;
    const ScratchStream scratch(options, false, load.folder);
    shmq::GroupOptions group_options;
    group_options.order = load.order;
    for (unsigned group = 0; group < load.groups; ++group)
        check(scratch.open().create_group(group_name(group), shmq::Position::oldest(), group_options));
    const std::uint64_t each = entries / load.producers;
    const std::uint64_t total = each * load.producers;
    const std::uint64_t lap = std::min(load.slots, load.payload / (load.size + 32));
    const std::uint64_t uncounted = std::max<std::uint64_t>(1, std::min(lap, total / 8));
    const SharedBytes bytes(sizeof(Counts));
    auto& counts = *new (bytes.data()) Counts{};
    const unsigned processes = load.producers + load.groups * load.consumers;
    Round round;
    const auto start = [&](int core, const std::function<void()>& work) {
        round.start(core, [processes, work](Board& board) {
            line_up(board, processes);
            work();
        });
    };
    const int cores[] = {settings().core_of_first, settings().core_of_second};
    for (unsigned who = 0; who < load.producers; ++who)
        start(cores[who % 2], [&, who] { produce(load, scratch, who, each); });
    unsigned reader = load.producers;
    for (unsigned group = 0; group < load.groups; ++group)
        for (unsigned consumer = 0; consumer < load.consumers; ++consumer, ++reader)
            start(cores[reader % 2], [&, group] { consume(load, scratch, group, counts, total, uncounted); });
    round.finish();
    std::uint64_t first = ~std::uint64_t{0}, last = 0;
    for (unsigned group = 0; group < load.groups; ++group) {
        first = std::min(first, counts.groups[group].started_ns.load());
        last = std::max(last, counts.groups[group].ended_ns.load());
    }
    return static_cast<double>(load.groups * (total - uncounted)) * 1e9 / static_cast<double>(last - first);
}

}  // namespace bench
