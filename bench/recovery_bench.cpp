// From the SIGKILL of a consumer that holds entries to their redelivery at a peer that was blocked: with the default
// slice and with the shortest, for 1, 1,000 and 100,000 entries, and for a victim with much memory, which the kernel
// takes away before the lock falls. Also what one look at whether somebody lives costs.
//
// The times of all rounds are gathered, and their percentiles are figures of the last one.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/processes.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"
#include "support/statistics.hpp"

namespace bench {

namespace {

using namespace std::chrono_literals;

struct Case {
    const char* name;
    std::uint64_t held;  // entries
    std::chrono::milliseconds slice;
    std::size_t mapped;  // bytes of the victim's memory besides
    int deaths;          // in each round
};

constexpr Case cases[] = {
    {"recovery/1 held, slice 50 ms", 1, 50ms, 0, 112},
    {"recovery/1 held, slice 1 ms", 1, 1ms, 0, 112},
    {"recovery/1,000 held, slice 1 ms", 1'000, 1ms, 0, 40},
    {"recovery/100,000 held, slice 50 ms", 100'000, 50ms, 0, 8},
    {"recovery/100,000 held, slice 1 ms", 100'000, 1ms, 0, 8},
    {"recovery/1 held, slice 1 ms, 256 MiB mapped", 1, 1ms, std::size_t{256} << 20, 24},
};

shmq::StreamOptions options() {
    shmq::StreamOptions options;
    options.slots = 131'072;
    return options;
}

/// What the three tell each other.
struct Stage {
    std::atomic<std::uint64_t> held;      // by the victim of this turn
    std::atomic<std::uint64_t> turn;      // the reader reads in it
    std::atomic<std::uint64_t> first_ns;  // when the reader was given the first entry
    std::atomic<std::uint64_t> finished;  // the turn whose entries are all acked
};

void wait_until(const std::atomic<std::uint64_t>& word, std::uint64_t value) {
    while (word.load() != value) std::this_thread::sleep_for(20us);
}

/// Adds the entries, takes them, and waits for its death.
void hold(const ScratchStream& scratch, const Case& of, Stage& stage) {
    auto stream = scratch.open();
    for (std::uint64_t i = 0; i < of.held; ++i) value_of(stream.add("held"));
    auto consumer = value_of(stream.consumer(ScratchStream::group, "victim"));
    std::vector<shmq::Batch> batches;
    for (std::uint64_t held = 0; held < of.held; held += batches.back().size())
        batches.push_back(value_of(consumer.read({.max_entries = 4'096})));
    if (of.mapped != 0) {
        void* const memory = ::mmap(nullptr, of.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::runtime_error("mmap");
        std::memset(memory, 1, of.mapped);
    }
    stage.held.store(of.held);
    for (;;) ::pause();
}

/// In each turn: blocked until the entries of a dead one come, all of which it acks.
void take_over(const ScratchStream& scratch, const Case& of, Stage& stage) {
    auto stream = scratch.open({.slice = of.slice});
    auto consumer = value_of(stream.consumer(ScratchStream::group, "peer"));
    for (std::uint64_t turn = 1; turn <= static_cast<std::uint64_t>(of.deaths); ++turn) {
        wait_until(stage.turn, turn);
        for (std::uint64_t acked = 0; acked < of.held;) {
            auto batch = value_of(consumer.read({.max_entries = 4'096, .wait = shmq::forever}));
            if (acked == 0) stage.first_ns.store(now_ns());
            acked += batch.size();
            check(batch.ack());
        }
        stage.finished.store(turn);
    }
}

/// A forked process; its end is the caller's business.
template <class Work>
pid_t start(const Work& work) {
    const pid_t process = ::fork();
    if (process < 0) throw std::runtime_error("fork");
    if (process != 0) return process;
    try {
        work();
        ::_exit(0);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "recovery_bench: %s\n", error.what());
        ::_exit(1);
    }
}

/// Microseconds from each SIGKILL.
struct Times {
    std::vector<std::uint32_t> gone;         // until the kernel had torn the victim down
    std::vector<std::uint32_t> redelivered;  // until the peer was given the first entry
};

void take_deaths(const Case& of, Times& times) {
    const ScratchStream scratch(options());
    const SharedBytes bytes(4096);
    auto& stage = *new (bytes.data()) Stage{};
    const pid_t peer = start([&] { take_over(scratch, of, stage); });
    for (int death = 1; death <= of.deaths; ++death) {
        const pid_t victim = start([&] { hold(scratch, of, stage); });
        wait_until(stage.held, of.held);
        stage.held.store(0);
        stage.turn.store(static_cast<std::uint64_t>(death));
        // At any moment of the peer's slices.
        std::this_thread::sleep_for(5ms + std::chrono::microseconds(now_ns() / 64 % 50'000));
        const std::uint64_t killed_ns = now_ns();
        ::kill(victim, SIGKILL);
        ::waitpid(victim, nullptr, 0);
        times.gone.push_back(static_cast<std::uint32_t>((now_ns() - killed_ns) / 1'000));
        wait_until(stage.finished, static_cast<std::uint64_t>(death));
        times.redelivered.push_back(static_cast<std::uint32_t>((stage.first_ns.load() - killed_ns) / 1'000));
    }
    int status = 0;
    ::waitpid(peer, &status, 0);
    if (status != 0) throw std::runtime_error("the peer failed");
}

/// Of one look at an attachment that lives: a scan looks at each.
void take_look(Taking& taking) {
    constexpr int others = 100;
    constexpr int scans = 1'000;
    const ScratchStream scratch;
    std::vector<shmq::Stream> streams;
    for (int i = 0; i < others; ++i) streams.push_back(scratch.open());
    auto stream = scratch.open();
    const auto scan_ns = [&] {
        const std::uint64_t begin = now_ns();
        for (int i = 0; i < scans; ++i) value_of(stream.recover());
        return static_cast<double>(now_ns() - begin) / scans;
    };
    const double with_others = scan_ns();
    streams.clear();
    const double alone = scan_ns();
    taking.figure("look at a living one ns", (with_others - alone) / others);
    taking.figure("scan, 100 live us", with_others / 1e3);
    taking.took(with_others);
}

void add_measurements() {
    for (const Case& of : cases) {
        const auto times = std::make_shared<Times>();
        measure(of.name, [&of, times](Taking& taking) {
            take_deaths(of, *times);
            if (taking.round() + 1 != settings().rounds) return;
            const Percentiles found = percentiles_of(times->redelivered);
            taking.figure("victim gone, p50 ms", percentiles_of(times->gone).p50 / 1e3);
            taking.figure("p50 ms", found.p50 / 1e3);
            taking.figure("p99 ms", found.p99 / 1e3);
            taking.figure("p99.9 ms", found.p999 / 1e3);
            taking.figure("deaths", static_cast<double>(times->redelivered.size()));
            taking.took(found.p50 * 1e3);
        });
    }
    measure("recovery/look", take_look);
}

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    return bench::run_measurements(argument_count, arguments, bench::add_measurements);
}
