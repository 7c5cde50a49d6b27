// Checks and prints.
#include "tools/shmq/demo_proof.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shmq/stream.hpp"
#include "tools/shmq/demo_evidence.hpp"
#include "tools/shmq/demo_print.hpp"
#include "tools/shmq/demo_signals.hpp"

namespace shmq::tools {

namespace {

/// Delay in order of size; changes the order of `delays`.
std::string percentiles(std::vector<std::uint64_t>& delays) {
    if (delays.empty()) return "none measured";
    const auto at = [&delays](double part) {
        const auto index = static_cast<std::size_t>(part * static_cast<double>(delays.size() - 1));
        std::nth_element(delays.begin(), delays.begin() + static_cast<std::ptrdiff_t>(index), delays.end());
        return duration_text(delays[index]);
    };
    return fmt::format("p50 {}, p99 {}, p99.9 {}", at(0.5), at(0.99), at(0.999));
}

/// Sequences as ranges, such as "5 to 9, 12"; the first few of them.
std::string ranges(std::vector<Sequence> sequences) {
    constexpr int most = 6;
    std::sort(sequences.begin(), sequences.end());
    sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
    std::string text;
    int shown_count = 0;
    for (std::size_t begin = 0; begin < sequences.size();) {
        std::size_t end = begin + 1;
        while (end < sequences.size() && sequences[end] == sequences[end - 1] + 1) ++end;
        if (shown_count++ == most) return text + ", ...";
        if (!text.empty()) text += ", ";
        text += grouped(sequences[begin]);
        if (end - begin > 1) text += " to " + grouped(sequences[end - 1]);
        begin = end;
    }
    return text;
}

std::vector<Sequence> sequences_of(const std::vector<Redelivery>& again) {
    std::vector<Sequence> sequences;
    for (const Redelivery& one : again) sequences.push_back(one.sequence);
    std::sort(sequences.begin(), sequences.end());
    sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
    return sequences;
}

/// The sequences of `all` that `part` has too, or has not; both sorted.
std::vector<Sequence> within(const std::vector<Sequence>& all, const std::vector<Sequence>& part, bool wanted) {
    std::vector<Sequence> result;
    for (const Sequence sequence : all) {
        if (std::binary_search(part.begin(), part.end(), sequence) == wanted) result.push_back(sequence);
    }
    return result;
}

class Proof {
public:
    Proof(const Plan& plan, const Records& records)
        : plan_(plan), records_(records), facts_(read_facts(plan)), audit_(read_audit(plan, records)),
          index_(read_index(plan, records, audit_)) {}

    bool run() {
        const auto kept_alive =
            Stream::open(plan_.stream);  // a demo started meanwhile sees that this one is not a leftover
        const bool inspected = show_inspect();
        say_sums();
        say_producers();
        say_delivered_twice();
        say_measured();
        say("\nproof\n");
        check_stream();
        check_audit();
        check_index();
        check_crash();
        check(inspected, "shmq-inspect showed its screen");
        say("\n{}\n", holds_ ? "the proof holds" : "THE PROOF FAILS");
        std::fflush(stdout);
        return holds_;
    }

private:
    void check(bool holds, const std::string& what) {
        say("  [{}] {}\n", holds ? " holds" : "FAILED", what);
        holds_ = holds_ && holds;
    }

    [[nodiscard]] const Fact* planned_kill_of(std::string_view group) const {
        for (const Fact& fact : facts_) {
            if (fact.kind == Fact::Kind::planned_kill && fact.worker.starts_with(group)) return &fact;
        }
        return nullptr;
    }

    [[nodiscard]] std::size_t deaths() const {
        return static_cast<std::size_t>(std::count_if(facts_.begin(), facts_.end(),
                                                      [](const Fact& fact) { return fact.kind == Fact::Kind::death; }));
    }

    void say_measured() {
        Deliveries& index = index_.deliveries;
        Deliveries& audit = audit_.deliveries;
        const std::uint64_t end_ns = std::max(index.last_hurried_ns, audit.last_hurried_ns);
        const std::uint64_t took_ns = end_ns > audit_.first_added_ns ? end_ns - audit_.first_added_ns : 1;
        const std::uint64_t hurried = plan_.total - producer_count * plan_.unhurried;
        const double per_second = static_cast<double>(hurried) * 1e9 / static_cast<double>(took_ns);
        const double bytes = static_cast<double>(plan_.total / records_.count() * records_.size()) * per_second /
                             static_cast<double>(plan_.total);
        say("\nmeasured\n");
        say("  {} entries in {}: {} entries/s, {}/s, each delivered to two groups and acked in both\n",
            grouped(hurried), duration_text(took_ns), grouped(static_cast<std::uint64_t>(per_second)),
            size_text(static_cast<std::uint64_t>(bytes)));
        if (plan_.least_time_ns != 0) say("  (the producers kept to a slow pace, because the input is small)\n");
        say("  delay from add to delivery, while the producers kept the ring as full as they could: an entry waits for "
            "all\n"
            "  before it, so this tells how long the ring is, not how fast the queue is\n");
        say("    index {}\n    audit {}\n", percentiles(index.hurried_ns), percentiles(audit.hurried_ns));
        say("  the same for the last {} entries, added one a millisecond by each producer\n",
            grouped(producer_count * plan_.unhurried));
        say("    index {}\n    audit {}\n", percentiles(index.unhurried_ns), percentiles(audit.unhurried_ns));
    }

    void say_delivered_twice() {
        say("\ndelivered twice, and why\n");
        const Fact* const kill = planned_kill_of(index_group);
        const std::vector<Sequence> again = sequences_of(index_.deliveries.again);
        std::vector<Sequence> others = again;
        if (kill != nullptr) {
            const std::vector<Sequence> caused = within(again, kill->held, true);
            std::vector<Sequence> worked = index_.deliveries.written_twice;
            std::sort(worked.begin(), worked.end());
            worked.erase(std::unique(worked.begin(), worked.end()), worked.end());
            say("  index: {} entries, {}: {} (pid {}) held them, not acked, when it got SIGKILL.\n"
                "         It had worked on {} of them already; those stand in two outputs and are counted once.\n",
                caused.size(), ranges(caused), kill->worker, kill->pid, within(kill->held, worked, true).size());
            others = within(again, kill->held, false);
            std::uint64_t first_ns = ~std::uint64_t{0};
            std::uint64_t last_ns = 0;
            for (const Redelivery& one : index_.deliveries.again) {
                if (!std::binary_search(kill->held.begin(), kill->held.end(), one.sequence)) continue;
                first_ns = std::min(first_ns, one.delivered_ns);
                last_ns = std::max(last_ns, one.delivered_ns);
            }
            if (last_ns != 0)
                say("         From the kill to the first of them delivered again: {}; to the last: {}.\n",
                    duration_text(first_ns - std::min(first_ns, kill->time_ns)),
                    duration_text(last_ns - std::min(last_ns, kill->time_ns)));
        }
        if (!others.empty())
            say("  index: {} entries, {}: held by consumers that died by another hand.\n", others.size(),
                ranges(others));
        const std::vector<Sequence> audit = sequences_of(audit_.deliveries.again);
        if (audit.empty())
            say("  audit: none.\n");
        else
            say("  audit: {} entries, {}: held by a consumer that died by another hand.\n", audit.size(),
                ranges(audit));
        for (const Fact& fact : facts_) {
            if (fact.kind == Fact::Kind::death) say("  died by another hand: {} (pid {})\n", fact.worker, fact.pid);
        }
    }

    void say_producers() {
        say("\nproducers\n");
        for (std::uint32_t producer = 0; producer < producer_count; ++producer) {
            for (const Incarnation& one : audit_.incarnations) {
                if (one.producer == producer)
                    say("  producer-{} as pid {}: from its entry {} on\n", producer + 1, one.pid,
                        grouped(one.first_number));
            }
        }
    }

    void say_sums() {
        const bool packages = records_.kind() == InputKind::packages;
        const std::uint64_t rounds = plan_.total / records_.count();
        std::vector<std::pair<std::string, Sum>> rows(index_.sums.begin(), index_.sums.end());
        std::stable_sort(rows.begin(), rows.end(),
                         [](const auto& a, const auto& b) { return a.second.amount > b.second.amount; });
        say("\nwhat group index computed: {} (once over the input; the demo went over it {} times)\n",
            packages ? "installed size per section" : "lines and bytes per first word", grouped(rounds));
        constexpr std::size_t most = 8;
        for (std::size_t row = 0; row < std::min(most, rows.size()); ++row) {
            const auto& [category, sum] = rows[row];
            say("  {:<24} {:>10} {} {:>14} {}\n", category.empty() ? "(none)" : shown(category),
                grouped(sum.entries / rounds), packages ? "packages" : "lines", grouped(sum.amount / rounds),
                packages ? "KiB" : "bytes");
        }
        if (rows.size() > most) say("  ... and {} more\n", rows.size() - most);
        if (packages)
            say("  check it: dpkg-query -W -f '${{Section}} ${{Installed-Size}}\\n' | awk '{{n[$1] += $2}} END {{for "
                "(s in n) "
                "print n[s], s}}' | sort -rn | head\n");
        else
            say("  check it: awk '{{n[substr($1, 1, {})]++}} END {{for (w in n) print n[w], w}}' {} | sort -rn | "
                "head\n",
                max_category, shown(plan_.input));
    }

    void check_stream() {
        const auto stream = Stream::open(plan_.stream, {.read_only = true});
        if (!stream) return check(false, "the stream can be opened: " + stream.error().message());
        const auto info = stream->info();
        check(info.has_value() && info->next == plan_.total + 1,
              fmt::format("the stream was given {} entries, no more and no fewer", grouped(plan_.total)));
        for (const std::string_view name : {index_group, audit_group}) {
            const auto group = stream->group(name);
            const bool done = group && group->lag == 0 && group->pending == 0 && group->retry == 0;
            check(done, fmt::format("group {}: every entry acked: lag {}, pending {}, retry {}", name,
                                    group ? group->lag : 0, group ? group->pending : 0, group ? group->retry : 0));
        }
    }

    void check_audit() {
        check(audit_.missing == 0 && audit_.foreign == 0,
              fmt::format("audit wrote every record: {} missing, {} foreign", grouped(audit_.missing),
                          grouped(audit_.foreign)));
        check(audit_.different == 0,
              fmt::format("byte for byte as in the input, keys too: {} different", grouped(audit_.different)));
        check(audit_.out_of_order == 0,
              fmt::format("in the order of the stream: {} out of order", grouped(audit_.out_of_order)));
        for (std::uint32_t producer = 0; producer < producer_count; ++producer) {
            check(audit_.misplaced[producer] == 0,
                  fmt::format("in the order producer-{} sent them, each of its {} once: {} misplaced", producer + 1,
                              grouped(plan_.count_of(producer)), grouped(audit_.misplaced[producer])));
        }
    }

    void check_index() {
        check(index_.missing == 0 && index_.foreign == 0 && index_.different == 0,
              fmt::format("index worked on every entry: {} missing, {} foreign, {} wrong", grouped(index_.missing),
                          grouped(index_.foreign), grouped(index_.different)));
        check(index_.sums == sums_of_input(plan_, records_),
              fmt::format("its {} sums equal those computed from the input without a queue", index_.sums.size()));
    }

    void check_crash() {
        const Fact* const kill = planned_kill_of(index_group);
        check(kill != nullptr, "an index consumer was killed while it held entries");
        if (kill != nullptr) {
            const std::vector<Sequence> again = sequences_of(index_.deliveries.again);
            check(within(kill->held, again, false).empty(),
                  fmt::format("all {} entries it held were delivered to another", kill->held.size()));
            if (deaths() == 0) {
                check(within(again, kill->held, false).empty() && audit_.deliveries.again.empty(),
                      "and no other entry was delivered twice");
            }
        }
        check(planned_kill_of("producer") != nullptr, "a producer was killed and started again");
    }

    /// False if it could not be run or found something wrong. Somebody may kill it, like any process of the demo.
    bool show_inspect() {
        constexpr int most_turns = 3;
        int status = 0;
        for (int turn = 0; turn < most_turns; ++turn) {
            status = run_inspect();
            if (!WIFSIGNALED(status)) break;
        }
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

    /// Its status as waitpid gives it.
    int run_inspect() {
        say("\nshmq-inspect show {}\n", plan_.stream);
        std::fflush(nullptr);
        const pid_t pid = ::fork();
        if (pid == 0) {
            release_signals(false);
            ::execl(plan_.inspect_path.c_str(), "shmq-inspect", "show", plan_.stream.c_str(),
                    static_cast<char*>(nullptr));
            complain("cannot run {}: {}", plan_.inspect_path, std::strerror(errno));
            ::_exit(127);
        }
        constexpr int not_run = 127 << 8;
        int status = 0;
        return pid > 0 && ::waitpid(pid, &status, 0) == pid ? status : not_run;
    }

    const Plan& plan_;
    const Records& records_;
    std::vector<Fact> facts_;
    AuditEvidence audit_;
    IndexEvidence index_;
    bool holds_ = true;
};

}  // namespace

bool prove(const Plan& plan, const Records& records) { return Proof(plan, records).run(); }

}  // namespace shmq::tools
