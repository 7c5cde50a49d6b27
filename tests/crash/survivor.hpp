// The process that lives on beside the interrupted one, and what must hold afterwards.
//
// The oracle: nothing committed is lost or changed, the log is dense, every entry the group is concerned with was acked
// exactly once in the end, nothing stays pending, no chunk, pin, producer, attachment or consumer row stays taken, and
// everything goes on for several laps.
#pragma once

#include <map>
#include <set>

#include "crash/operations.hpp"

namespace shmq::test {

class Survivor {
public:
    Survivor(const std::string& path, const StreamOptions& options, Ring ring);

    /// Several laps of adding, reading and acking while the actor stands still; what it holds is claimed.
    void lap(Effect effect);
    /// The same after the group was moved to the end, which frees what the actor was about to be given.
    void move_and_lap();
    /// The same after the group was dropped and another of its name was made.
    void drop_make_and_lap();
    /// Everything above. `may_be_acked`: entries the actor held, each acked by it or not. `acked`: those it surely
    /// acked.
    void check(Effect effect, const std::vector<Sequence>& may_be_acked, const std::vector<Sequence>& acked);

private:
    bool add(std::size_t size);
    void finish(const Batch& batch_entries, Batch& batch);
    void check_log();
    void drain(Effect effect, std::set<Sequence> may_be_acked);
    void go_on();
    void check_rows();
    void check_groups();

    StreamOptions options_;
    Stream stream_;
    std::map<Sequence, std::uint64_t> known_;  // numbers of what was added here
    std::set<Sequence> acked_;                 // in group "work", by this process or surely by the actor
    std::uint64_t number_ = 1;
    bool moved_under_way_ = false;  // what was acked may be delivered again
};

}  // namespace shmq::test
