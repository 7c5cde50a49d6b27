// What changes the rate of shmq, and by how much: batches, groups, consumers, producers, order, keys, slots, processes,
// loans, the place of the file, readers that keep up, an onlooker; what a burst after idleness takes, and what a reader
// that waits costs.
//
// Entries of 64 bytes, one producer, one group, one consumer, reads of at most 64 entries and waiting calls, unless the
// measurement says otherwise. "of one" is the rate by that of the first of its measurement in the same round.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/load.hpp"
#include "support/processes.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"
#include "support/statistics.hpp"

namespace bench {

namespace {

constexpr std::uint64_t bytes_a_round = 1u << 30;  // of large payloads

struct Case {
    std::string name;
    Load load;
};

void take_cases(Taking& taking, const std::vector<Case>& cases) {
    std::vector<double> rates(cases.size());
    taking.in_turns(cases.size(), [&](std::size_t at) {
        const Load& load = cases[at].load;
        const std::uint64_t most = std::max<std::uint64_t>(bytes_a_round / load.size, 64);
        rates[at] = delivered_a_second(load, std::min(settings().entries / 4, most));
    });
    for (std::size_t i = 0; i < cases.size(); ++i) {
        taking.figure(cases[i].name + " M/s", rates[i] * 1e-6);
        if (i != 0) taking.figure(cases[i].name + " of one", rates[i] / rates[0]);
    }
    taking.took(1e9 / rates[0]);
}

void vary(const std::string& name, const std::vector<Case>& cases) {
    measure(name, [cases](Taking& taking) { take_cases(taking, cases); });
}

/// One case for each value, which `set` puts into the load. Their names sort as the values do.
template <class Value, class Set>
std::vector<Case> each(const std::vector<Value>& values, const std::string& unit, Set set) {
    std::vector<Case> cases;
    for (const Value value : values) {
        Load load;
        set(load, value);
        cases.push_back({sortable(value) + " " + unit, load});
    }
    return cases;
}

std::vector<Case> loans_and_copies() {
    std::vector<Case> cases;
    for (const std::size_t size : {std::size_t{1'024}, std::size_t{65'536}, std::size_t{1'048'576}})
        for (const bool loans : {false, true}) {
            Load load;
            load.size = size;
            load.loans = loans;
            load.batch = 4;
            load.payload = 64u << 20;
            cases.push_back({std::to_string(size / 1'024) + " KiB " + (loans ? "lent" : "copied"), load});
        }
    return cases;
}

std::vector<Case> orders() {
    std::vector<Case> cases;
    const struct {
        const char* name;
        shmq::Order order;
    } kinds[] = {{"none", shmq::Order::none}, {"by key", shmq::Order::by_key}, {"strict", shmq::Order::strict}};
    for (const auto& kind : kinds) {
        Load load;
        load.keys = 1'000;
        load.consumers = 2;
        load.order = kind.order;
        cases.push_back({kind.name, load});
    }
    return cases;
}

/// Readers that are faster than the producer: one that polls with a long pause, which spares the producer but is late
/// by as much, and ones that wait.
std::vector<Case> readers_that_keep_up() {
    std::vector<Case> cases;
    const struct {
        const char* name;
        bool waits;
        std::size_t batch;
    } kinds[] = {{"polled", false, 64}, {"waiting", true, 64}, {"waiting for one", true, 1}};
    for (const auto& kind : kinds) {
        Load load;
        load.gap = 4;
        load.waits = kind.waits;
        load.batch = kind.batch;
        cases.push_back({kind.name, load});
    }
    return cases;
}

std::vector<Case> places() {
    std::vector<Case> cases{{"/dev/shm", {}}, {"a file", {}}};
    const char* folder = std::getenv("TMPDIR");
    cases[1].load.folder = folder != nullptr ? folder : "/var/tmp";
    return cases;
}

/// From the first add after a pause to the ack of the last entry, while the reader sleeps; and of one entry alone.
void take_bursts(Taking& taking) {
    constexpr int bursts = 100;
    for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{1'000}}) {
        const ScratchStream scratch;
        Round round;
        round.start(settings().core_of_first, [&](Board& board) {
            auto stream = scratch.open();
            auto producer = value_of(stream.producer());
            std::vector<std::uint32_t> times;
            const std::byte payload[64] = {};
            line_up(board, 2);
            for (int burst = 0; burst < bursts; ++burst) {
                ::usleep(2'000);  // far longer than a reader spins
                const std::uint64_t start = now_ns();
                for (std::uint64_t i = 0; i < count; ++i) value_of(producer.add(payload));
                while (board.received.load(std::memory_order_acquire) < (static_cast<unsigned>(burst) + 1) * count)
                    pause_times(10);
                times.push_back(static_cast<std::uint32_t>(now_ns() - start));
            }
            board.figures[0] = percentiles_of(std::move(times)).p50 * 1e-3;
        });
        round.start(settings().core_of_second, [&](Board& board) {
            auto stream = scratch.open();
            auto consumer = value_of(stream.consumer(ScratchStream::group));
            shmq::ReadOptions read{.max_entries = 64};
            read.wait = std::chrono::seconds(10);
            line_up(board, 2);
            for (std::uint64_t got = 0; got < bursts * count;) {
                auto batch = value_of(consumer.read(read));
                got += batch.size();
                check(batch.ack());
                board.received.store(static_cast<std::uint32_t>(got), std::memory_order_release);
            }
        });
        round.finish();
        taking.figure(std::to_string(count) + " after idleness us", round.board().figures[0]);
        taking.took(round.board().figures[0] * 1e3);
    }
}

/// A `shmq-inspect show` that looks four times a second while it is let.
class Onlooker {
public:
    explicit Onlooker(const std::string& name) {
        // The programs lie in the folder bench of the build folder.
        const auto program =
            std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "shmq-inspect";
        pid_ = ::fork();
        if (pid_ != 0) return;
        const int nowhere = ::open("/dev/null", O_WRONLY);
        ::dup2(nowhere, STDOUT_FILENO);
        ::execl(program.c_str(), "shmq-inspect", "show", name.c_str(), "--json", "--watch", "250ms", nullptr);
        ::_exit(127);
    }
    Onlooker(const Onlooker&) = delete;
    Onlooker& operator=(const Onlooker&) = delete;
    ~Onlooker() {
        let(true);
        ::kill(pid_, SIGTERM);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        if (status != 0) std::fprintf(stderr, "shmq-inspect ended with status %d\n", status);
    }
    void let(bool look) const { ::kill(pid_, look ? SIGCONT : SIGSTOP); }

private:
    pid_t pid_;
};

/// A pair at full speed, by turns with an onlooker and without: neighbouring half seconds are compared, since the host
/// moves the processors about from one minute to another.
void take_watched(Taking& taking) {
    const int pairs = settings().entries >= 1'000'000 ? 10 : 1;  // of a short run one
    struct Shared {
        alignas(64) std::atomic<std::uint64_t> acked;
        alignas(64) std::atomic<bool> ends;
    };
    const ScratchStream scratch;
    const SharedBytes bytes(sizeof(Shared));
    auto& shared = *new (bytes.data()) Shared{};
    const Onlooker onlooker(scratch.name());
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        auto stream = scratch.open();
        auto producer = value_of(stream.producer());
        const std::byte payload[64] = {};
        line_up(board, 2);
        while (!shared.ends.load(std::memory_order_relaxed))
            static_cast<void>(producer.add(payload, {.wait = std::chrono::milliseconds(10)}));
    });
    round.start(settings().core_of_second, [&](Board& board) {
        auto stream = scratch.open();
        auto consumer = value_of(stream.consumer(ScratchStream::group));
        line_up(board, 2);
        for (std::uint64_t acked = 0; !shared.ends.load(std::memory_order_relaxed);) {
            auto batch = consumer.read({.max_entries = 64, .wait = std::chrono::milliseconds(10)});
            if (!batch) continue;
            acked += batch->size();
            check(batch->ack());
            shared.acked.store(acked, std::memory_order_relaxed);
        }
    });
    const auto rate = [&](bool watched) {
        onlooker.let(watched);
        const std::uint64_t start = now_ns(), before = shared.acked.load(std::memory_order_relaxed);
        ::usleep(500'000);
        const std::uint64_t count = shared.acked.load(std::memory_order_relaxed) - before;
        return static_cast<double>(count) * 1e9 / static_cast<double>(now_ns() - start);
    };
    rate(false);  // warm
    std::vector<double> alone, watched, ratios;
    for (int pair = 0; pair < pairs; ++pair) {
        const bool first = pair % 2 != 0;
        const double one = rate(first), other = rate(!first);
        alone.push_back(first ? other : one);
        watched.push_back(first ? one : other);
        ratios.push_back(watched.back() / alone.back());
    }
    shared.ends.store(true, std::memory_order_relaxed);
    round.finish();
    taking.figure("alone M/s", spread_of(alone).median * 1e-6);
    taking.figure("watched M/s", spread_of(watched).median * 1e-6);
    taking.figure("watched of alone", spread_of(ratios).median);
    taking.took(1e9 / spread_of(alone).median);
}

/// What this thread has used up so far.
struct Used {
    double seconds;  // of processor time
    long sleeps;     // times it gave the processor up by itself
};

Used used_by_this_thread() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return {seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_nvcsw};
}

/// The same for `work` alone.
template <class Work>
Used used_by(Work work) {
    const Used before = used_by_this_thread();
    work();
    const Used after = used_by_this_thread();
    return {after.seconds - before.seconds, after.sleeps - before.sleeps};
}

/// What a reader costs that waits where nothing comes, once the stream has been still for longer than a second, and
/// what a process costs that only sleeps and wakes as often.
void take_idleness(Taking& taking) {
    constexpr auto until_still = std::chrono::milliseconds(1'500);
    constexpr auto counted = std::chrono::milliseconds(3'000);
    constexpr double seconds = 3;
    const ScratchStream scratch;
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        auto stream = scratch.open();
        auto consumer = value_of(stream.consumer(ScratchStream::group));
        const auto wait = [&](shmq::Duration time) {
            shmq::ReadOptions read;
            read.wait = time;
            if (consumer.read(read)) throw std::runtime_error("something came where nothing was added");
        };
        line_up(board, 1);
        wait(until_still);
        const Used waiting = used_by([&] { wait(counted); });
        const Used sleeping = used_by([&] {
            for (long i = 0; i < waiting.sleeps; ++i) std::this_thread::sleep_for(counted / waiting.sleeps);
        });
        board.figures[0] = waiting.seconds / seconds;
        board.figures[1] = sleeping.seconds / seconds;
        board.figures[2] = static_cast<double>(waiting.sleeps) / seconds;
    });
    round.finish();
    taking.figure("of a processor %", round.board().figures[0] * 100);
    taking.figure("bare sleep of a processor %", round.board().figures[1] * 100);
    taking.figure("wakes a second", round.board().figures[2]);
    taking.took(round.board().figures[0] * 1e9);
}

constexpr Bar bars[] = {
    {"scale/groups", "4 groups of one", true, 0.8},
    {"scale/idle", "of a processor %", false, 0.1},
    {"scale/watched", "watched of alone", true, 0.98},
};

void add_measurements() {
    vary("scale/batch",
         each<std::size_t>({1, 4, 16, 64, 256}, "a read", [](Load& load, std::size_t value) { load.batch = value; }));
    vary("scale/groups",
         each<unsigned>({1, 2, 4, 8, 16}, "groups", [](Load& load, unsigned value) { load.groups = value; }));
    vary("scale/consumers",
         each<unsigned>({1, 2, 4, 8}, "consumers", [](Load& load, unsigned value) { load.consumers = value; }));
    vary("scale/producers",
         each<unsigned>({1, 2, 4, 8}, "producers", [](Load& load, unsigned value) { load.producers = value; }));
    vary("scale/processes", each<unsigned>({2, 4, 8, 16, 32}, "processes", [](Load& load, unsigned value) {
             load.producers = load.consumers = value / 2;
         }));
    vary("scale/slots", each<std::uint64_t>({1'024, 65'536, 1'048'576}, "slots", [](Load& load, std::uint64_t value) {
             load.slots = value;
             load.payload = value * 128;
         }));
    vary("scale/order", orders());
    vary("scale/loans", loans_and_copies());
    vary("scale/place", places());
    vary("scale/keeps up", readers_that_keep_up());
    measure("scale/watched", take_watched);
    measure("scale/burst", take_bursts);
    measure("scale/idle", take_idleness);
}

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    return bench::run_measurements(argument_count, arguments, bench::add_measurements, bench::bars);
}
