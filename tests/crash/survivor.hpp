// The process that lives on beside the interrupted one, and what must hold afterwards.
//
// The oracle: nothing committed is lost or changed, the log is dense, every entry the group is concerned with was acked
// exactly once in the end, nothing stays pending, no chunk, pin, producer, attachment or consumer row stays taken, and
// everything goes on for several laps. Of a group that keeps an order also: what is finished of each line
// (key_order.hpp) is its beginning, and was finished in sequence order; nobody is given an entry behind what others
// hold.
#pragma once

#include <chrono>
#include <map>
#include <set>

#include "crash/operations.hpp"

namespace shmq::test {

class Survivor {
public:
    /// `order`: of group "work"; `holds`: it holds the first entries of it.
    Survivor(const std::string& path, const StreamOptions& options, Ring ring, Order order = Order::none,
             bool holds = false);

    /// Several laps of adding, reading and acking while the actor stands still; what it holds is claimed.
    void lap(Effect effect);
    /// The same after the group was moved to the end, which frees what the actor was about to be given.
    void move_and_lap(Effect effect);
    /// The same after the group was dropped and another of its name was made.
    void drop_make_and_lap(Effect effect);
    /// Claims the first entry that is in flight, reads what it may have behind it, and keeps both.
    void take_over();
    /// The longest that one add, read or claim of a lap took. None of them is asked to wait.
    [[nodiscard]] std::chrono::nanoseconds longest_call() const { return longest_call_; }
    /// Everything above. `may_be_acked`: entries the actor held, each acked by it or not. `acked`: those it surely
    /// acked.
    void check(Effect effect, const std::vector<Sequence>& may_be_acked, const std::vector<Sequence>& acked);

private:
    template <class Call>
    auto timed(Call call);
    [[nodiscard]] GroupOptions group_options() const;
    [[nodiscard]] int line_of_entry(Sequence sequence) const;
    bool add(std::size_t size);
    void finish(Batch& batch);
    void finish_what_is_held();
    void lap_moved(Effect effect);
    void check_log();
    void check_moved(Sequence start, Sequence next, const std::set<Sequence>& delivered,
                     const std::set<Sequence>& acked_by_actor);
    void check_finished_in_order(Sequence start, Sequence next, const std::set<Sequence>& delivered);
    void drain(Effect effect, std::set<Sequence> may_be_acked);
    void go_on();
    void check_rows();
    void check_groups();

    StreamOptions options_;
    Stream stream_;
    std::map<Sequence, std::uint64_t> known_;  // numbers of what was added here
    std::set<Sequence> acked_;                 // in group "work" since it was moved here, by us or surely by the actor
    std::map<int, Sequence> last_acked_;       // of each line (key_order.hpp), here
    Order order_;                              // of the group
    Consumer holder_;                          // one that got some entries before the actor came
    Batch held_;
    Consumer taker_;  // one that took over while the actor stood
    Batch claimed_;
    Batch behind_;
    std::uint64_t number_ = 1;
    std::chrono::nanoseconds longest_call_{0};
    Sequence start_ = 0;           // of the group, unless the actor moved it
    bool moved_ = false;           // by this process, while the actor stood
    bool helped_to_move_ = false;  // what was acked in a lap may be delivered again
};

}  // namespace shmq::test
