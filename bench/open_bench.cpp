// How long it takes to make a stream, to open it, to look for the dead where nobody died, and to hand on what a killed
// consumer held, as the segment grows: slots and payload of the default size, and 8 and 32 times as many.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/processes.hpp"
#include "support/report.hpp"
#include "support/scratch_stream.hpp"
#include "support/settings.hpp"

namespace bench {

namespace {

constexpr std::uint64_t held_entries = 10'000;
constexpr int opens = 100;

/// A process that takes `held_entries` and kills itself.
void leave_a_dead_consumer(const ScratchStream& scratch) {
    const pid_t process = fork();
    if (process < 0) throw std::runtime_error("fork");
    if (process == 0) {
        auto stream = scratch.open();
        auto consumer = stream.consumer(ScratchStream::group, "dead");
        std::vector<shmq::Batch> batches;
        for (std::uint64_t held = 0; consumer && held < held_entries; held += batches.back().size()) {
            auto batch = consumer->read({.max_entries = 1'000});
            if (!batch) break;
            batches.push_back(std::move(*batch));
        }
        raise(SIGKILL);
    }
    waitpid(process, nullptr, 0);
}

template <class Work>
double microseconds_of(Work work) {
    const std::uint64_t start = now_ns();
    work();
    return static_cast<double>(now_ns() - start) / 1e3;
}

shmq::StreamOptions times_as_large(std::uint64_t times) {
    shmq::StreamOptions options;
    options.slots *= times;
    options.payload *= times;
    return options;
}

void take_times(Taking& taking, const shmq::StreamOptions& options) {
    {
        const ScratchStream scratch(options);
        {
            auto stream = scratch.open();
            for (std::uint64_t i = 0; i < held_entries; ++i) value_of(stream.add("held by somebody who dies"));
        }
        leave_a_dead_consumer(scratch);
        // An open looks for the dead too, so this is the whole time from the death on.
        shmq::Stream stream;
        taking.figure("open after a death us", microseconds_of([&] { stream = scratch.open(); }));
        const auto summary = value_of(stream.pending(ScratchStream::group));
        if (summary.count != held_entries)
            throw std::runtime_error("the dead consumer held " + std::to_string(summary.count) + " entries");
    }
    {
        const ScratchStream scratch(options);
        const double opening = microseconds_of([&] {
            for (int i = 0; i < opens; ++i) static_cast<void>(scratch.open());
        });
        taking.figure("open and close us", opening / opens);
        auto stream = scratch.open();
        const double looking = microseconds_of([&] {
            for (int i = 0; i < opens; ++i) value_of(stream.recover());
        });
        taking.figure("recover, nobody died us", looking / opens);
    }
    const double making = microseconds_of([&] { const ScratchStream scratch(options, false); });
    taking.figure("create and remove us", making);
    taking.took(making * 1e3);
}

void add_measurements() {
    for (const std::uint64_t times : {1u, 8u, 32u})
        measure("open/" + sortable(times) + " times the default size",
                [times](Taking& taking) { take_times(taking, times_as_large(times)); });
}

}  // namespace

}  // namespace bench

int main(int argument_count, char** arguments) {
    return bench::run_measurements(argument_count, arguments, bench::add_measurements);
}
