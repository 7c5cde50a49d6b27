// The director of the demo: starts the workers, kills two of them in the middle, starts again whoever else dies, shows
// the progress, and lets the proof speak when all have done their part.
//
// It holds no handle while it forks: it opens the stream, read-only, only for a look. What it did on purpose it writes
// to the facts file before it does it, so another director can take over; its workers die with it, which is one more
// death for them to survive.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/shmq/demo_folder.hpp"
#include "tools/shmq/demo_records.hpp"

namespace shmq::tools {

class Director {
public:
    Director(const Plan& plan, const Records& records);
    /// Returns the exit status of the demo. The caller holds the signals (demo_signals).
    int run();

private:
    enum class Work : std::uint8_t { producer, index, audit };
    struct Worker {
        Work work;
        std::uint32_t number;   // from 1 on
        std::string name;       // such as "index-2"
        pid_t pid = 0;          // 0 if it does not run
        bool finished = false;  // ended with success, or was killed on purpose and is not needed any more
    };
    struct Look {
        std::uint64_t added = 0;
        std::uint64_t index_lag = 0;
        std::uint64_t audit_lag = 0;
    };

    void start(Worker& worker);
    [[noreturn]] void be(const Worker& worker, pid_t director);
    bool reap();
    bool look(Look& result);
    bool kill_as_planned(std::uint64_t added);
    bool kill_index_consumer();
    void kill_producer(Worker& worker);
    std::vector<Sequence> held_by(const std::string& consumer);
    void tell_unhurried(std::uint64_t added);
    void show_progress(const Look& now, bool last);
    void show_workers() const;
    void note(const std::string& line);
    void stop_all();
    [[nodiscard]] bool all_finished() const;

    const Plan& plan_;
    const Records& records_;
    std::vector<Worker> workers_;
    bool index_killed_ = false;
    bool producer_killed_ = false;
    bool unhurried_told_ = false;
    bool terminal_;
    std::uint64_t deaths_ = 0;    // not on purpose
    std::uint64_t shown_ns_ = 0;  // when progress was last shown
    std::uint64_t shown_added_ = 0;
    std::uint64_t next_victim_ = 0;
};

}  // namespace shmq::tools
