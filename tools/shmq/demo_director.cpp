// Starting, looking after and killing the workers.
#include "tools/shmq/demo_director.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shmq/stream.hpp"
#include "tools/shmq/demo_print.hpp"
#include "tools/shmq/demo_proof.hpp"
#include "tools/shmq/demo_signals.hpp"
#include "tools/shmq/demo_workers.hpp"

namespace shmq::tools {

namespace {

constexpr std::uint64_t most_deaths = 1'000;  // by another hand; beyond it something is wrong
constexpr std::uint64_t index_kill_percent = 30;
constexpr std::uint64_t producer_kill_percent = 55;
constexpr std::uint64_t tick_ms = 20;
constexpr std::uint64_t hurried_tick_ms = 1;  // while a consumer is to be caught with entries in its hands

}  // namespace

Director::Director(const Plan& plan, const Records& records)
    : plan_(plan), records_(records), terminal_(::isatty(STDOUT_FILENO) == 1) {
    for (std::uint32_t number = 1; number <= producer_count; ++number)
        workers_.push_back({Work::producer, number, fmt::format("producer-{}", number)});
    for (std::uint32_t number = 1; number <= index_consumer_count; ++number)
        workers_.push_back({Work::index, number, fmt::format("{}-{}", index_group, number)});
    workers_.push_back({Work::audit, 1, fmt::format("{}-1", audit_group)});

    for (const Fact& fact : read_facts(plan_)) {
        if (fact.kind != Fact::Kind::planned_kill) continue;
        for (Worker& worker : workers_) {
            if (worker.name != fact.worker) continue;
            (worker.work == Work::index ? index_killed_ : producer_killed_) = true;
            if (worker.work == Work::index) worker.finished = true;
        }
    }
}

int Director::run() {
    for (Worker& worker : workers_) {
        if (!worker.finished) start(worker);
    }
    show_workers();
    shown_ns_ = now_ns();
    Look now;
    while (!all_finished()) {
        const bool hurried = !index_killed_ && now.added * 100 >= plan_.total * index_kill_percent;
        const int signal = take_signal(hurried ? hurried_tick_ms : tick_ms);
        if (signal != 0 && signal != SIGCHLD) {
            stop_all();
            note(fmt::format("ended by signal {}; the stream and the outputs are removed", signal));
            return 128 + signal;
        }
        if (!reap() || !look(now) || !kill_as_planned(now.added)) {
            stop_all();
            return 1;
        }
        tell_unhurried(now.added);
        show_progress(now, false);
    }
    show_progress(now, true);
    return prove(plan_, records_) ? 0 : 1;
}

void Director::start(Worker& worker) {
    std::fflush(nullptr);
    const pid_t director = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) be(worker, director);
    if (pid < 0) {
        note(fmt::format("cannot start {}: {}", worker.name, std::strerror(errno)));
        return;  // tried again at the next look
    }
    worker.pid = pid;
}

void Director::be(const Worker& worker, pid_t director) {
    die_with(director);
    release_signals(true);
    ::prctl(PR_SET_NAME, worker.name.c_str());
    int status = 1;
    switch (worker.work) {
        case Work::producer: status = run_producer(plan_, records_, worker.number - 1); break;
        case Work::index: status = run_index_consumer(plan_, records_.kind(), worker.name); break;
        case Work::audit: status = run_audit_consumer(plan_, worker.name); break;
    }
    std::fflush(nullptr);
    ::_exit(status);
}

/// Sees who ended and starts again who died by a signal. False if one gave up, or too many died.
bool Director::reap() {
    for (Worker& worker : workers_) {
        if (worker.finished) continue;
        int status = 0;
        if (worker.pid != 0 && ::waitpid(worker.pid, &status, WNOHANG) != worker.pid) continue;
        if (worker.pid != 0 && WIFEXITED(status)) {
            if (WEXITSTATUS(status) != 0) return note(fmt::format("{} gave up", worker.name)), false;
            worker.finished = true;
            worker.pid = 0;
            continue;
        }
        if (worker.pid != 0) {
            if (++deaths_ > most_deaths) return note("too many workers died"), false;
            const pid_t dead = worker.pid;
            append_fact(plan_, {Fact::Kind::death, worker.name, dead, now_ns(), {}});
            start(worker);
            note(fmt::format("{} (pid {}) died by signal {}; started again as pid {}", worker.name, dead,
                             WTERMSIG(status), worker.pid));
        } else {
            start(worker);
        }
    }
    return true;
}

bool Director::look(Look& result) {
    const auto stream = Stream::open(plan_.stream, {.read_only = true});
    if (!stream) return note(stream.error().message()), false;
    const auto info = stream->info();
    if (!info) return note(info.error().message()), false;
    const auto index = stream->group(index_group);
    if (!index) return note(index.error().message()), false;
    const auto audit = stream->group(audit_group);
    if (!audit) return note(audit.error().message()), false;
    result = {info->next - 1, index->lag + index->pending + index->retry, audit->lag + audit->pending + audit->retry};
    return true;
}

bool Director::kill_as_planned(std::uint64_t added) {
    if (!producer_killed_ && added * 100 >= plan_.total * producer_kill_percent) {
        const auto victim = std::find_if(workers_.rbegin(), workers_.rend(), [](const Worker& worker) {
            return worker.work == Work::producer && worker.pid != 0;
        });
        if (victim != workers_.rend()) kill_producer(*victim);
    }
    return index_killed_ || added * 100 < plan_.total * index_kill_percent || kill_index_consumer();
}

/// Kills an index consumer that holds entries. It is stopped first, so that what it holds cannot change between the
/// look and the kill; one that holds nothing goes on, and the next one is tried at the next tick.
bool Director::kill_index_consumer() {
    std::vector<Worker*> candidates;
    for (Worker& worker : workers_) {
        if (worker.work == Work::index && worker.pid != 0) candidates.push_back(&worker);
    }
    if (candidates.empty()) return true;
    Worker& victim = *candidates[next_victim_++ % candidates.size()];
    ::kill(victim.pid, SIGSTOP);
    int status = 0;
    if (::waitpid(victim.pid, &status, WUNTRACED) != victim.pid) return true;
    if (!WIFSTOPPED(status)) {  // it died of something else in this moment: treated like any death
        append_fact(plan_, {Fact::Kind::death, victim.name, victim.pid, now_ns(), {}});
        victim.pid = 0;
        return ++deaths_ <= most_deaths;
    }
    const std::vector<Sequence> held = held_by(victim.name);
    if (held.empty()) {
        ::kill(victim.pid, SIGCONT);
        return true;
    }
    if (!append_fact(plan_, {Fact::Kind::planned_kill, victim.name, victim.pid, now_ns(), held}))
        return note(fmt::format("cannot write the facts: {}", std::strerror(errno))), false;
    ::kill(victim.pid, SIGKILL);
    ::waitpid(victim.pid, &status, 0);
    note(fmt::format("SIGKILL to {} (pid {}), which holds {} entries, {} to {}, delivered and not acked; it stays dead",
                     victim.name, victim.pid, held.size(), grouped(held.front()), grouped(held.back())));
    victim.pid = 0;
    victim.finished = true;
    index_killed_ = true;
    return true;
}

void Director::kill_producer(Worker& worker) {
    const pid_t dead = worker.pid;
    append_fact(plan_, {Fact::Kind::planned_kill, worker.name, dead, now_ns(), {}});
    ::kill(dead, SIGKILL);
    int status = 0;
    ::waitpid(dead, &status, 0);
    worker.pid = 0;
    producer_killed_ = true;
    start(worker);
    note(fmt::format("SIGKILL to {} (pid {}); started again as pid {}", worker.name, dead, worker.pid));
}

std::vector<Sequence> Director::held_by(const std::string& consumer) {
    std::vector<Sequence> held;
    const auto stream = Stream::open(plan_.stream, {.read_only = true});
    if (!stream) return held;
    const auto entries = stream->pending_entries(index_group, {.consumer = consumer});
    if (!entries) return held;
    for (const PendingEntry& entry : *entries) {
        if (!entry.retry) held.push_back(entry.sequence);
    }
    std::sort(held.begin(), held.end());
    return held;
}

bool Director::all_finished() const {
    return std::all_of(workers_.begin(), workers_.end(), [](const Worker& worker) { return worker.finished; });
}

void Director::stop_all() {
    for (Worker& worker : workers_) {
        if (worker.pid == 0) continue;
        ::kill(worker.pid, SIGKILL);
        int status = 0;
        ::waitpid(worker.pid, &status, 0);
        worker.pid = 0;
    }
    if (terminal_) say("\n");
}

/// A line of its own, also on a terminal where the progress stands in the last line.
void Director::note(const std::string& line) {
    say("{}  * {}\n", terminal_ ? "\r\x1b[K" : "", line);
    std::fflush(stdout);
}

void Director::show_workers() const {
    say("  processes: director {}", ::getpid());
    for (const Worker& worker : workers_) {
        if (worker.pid != 0) say(", {} {}", worker.name, worker.pid);
    }
    say("\n  (kill -9 any of them, as often as you like: the proof at the end must hold all the same)\n");
    std::fflush(stdout);
}

/// Says once why it becomes slow near the end.
void Director::tell_unhurried(std::uint64_t added) {
    const std::uint64_t unhurried = producer_count * plan_.unhurried;
    if (unhurried_told_ || added + unhurried < plan_.total) return;
    unhurried_told_ = true;
    note(fmt::format("the last {} entries are added one a millisecond by each producer, to measure the delay",
                     grouped(unhurried)));
}

void Director::show_progress(const Look& now, bool last) {
    const std::uint64_t time = now_ns();
    const std::uint64_t passed = time > shown_ns_ ? time - shown_ns_ : 0;
    if (!last && passed < (terminal_ ? 200'000'000u : 1'000'000'000u)) return;
    const double rate = static_cast<double>(now.added - std::min(shown_added_, now.added)) * 1e9 /
                        static_cast<double>(std::max<std::uint64_t>(passed, 1));
    const std::string line =
        fmt::format("  {:3}%  added {} of {}, {}/s; to be finished: index {}, audit {}", now.added * 100 / plan_.total,
                    grouped(now.added), grouped(plan_.total), grouped(static_cast<std::uint64_t>(rate)),
                    grouped(now.index_lag), grouped(now.audit_lag));
    say("{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ && !last ? "" : "\n");
    std::fflush(stdout);
    shown_ns_ = time;
    shown_added_ = now.added;
}

}  // namespace shmq::tools
