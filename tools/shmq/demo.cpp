// The keeper: prepares everything, starts the director, and starts it again if somebody kills it.
#include "tools/shmq/demo.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "tools/shmq/demo_audit.hpp"
#include "tools/shmq/demo_director.hpp"
#include "tools/shmq/demo_folder.hpp"
#include "tools/shmq/demo_print.hpp"
#include "tools/shmq/demo_records.hpp"
#include "tools/shmq/demo_setup.hpp"
#include "tools/shmq/demo_signals.hpp"

namespace shmq::tools {

namespace {

constexpr int exit_usage = 64;
constexpr int exit_no_input = 66;
constexpr int exit_cannot_create = 73;

constexpr std::uint64_t default_records = 2'000'000;
constexpr std::uint64_t most_records = 1'000'000'000;  // a record's number fits 32 bits
constexpr std::uint64_t unhurried_most = 5'000;        // entries of each producer added one a millisecond
constexpr std::uint64_t unhurried_part = 32;           // and at most one entry in so many
constexpr std::uint64_t small_input = 200'000;         // entries; fewer would be over before anybody could be killed
constexpr std::uint64_t small_input_time_ns = 3'000'000'000;

std::optional<Records> read_records(const DemoOptions& options, const std::string& input) {
    auto bytes = read_whole_file(input);
    if (!bytes) {
        complain("{}: {}; any text file will do: shmq demo --input FILE", input, std::strerror(errno));
        return std::nullopt;
    }
    Records records(std::move(*bytes), options.input.empty() ? InputKind::packages : InputKind::lines);
    if (records.count() == 0) {
        complain("{} has no records", input);
        return std::nullopt;
    }
    if (records.count() > most_records) {
        complain("{} has {} records, more than {}", input, grouped(records.count()), grouped(most_records));
        return std::nullopt;
    }
    return records;
}

/// Everything of the plan but the folder.
Plan make_plan(const DemoOptions& options, const std::string& input, const Records& records) {
    Plan plan;
    plan.stream = fmt::format("shmq-demo-{}", ::getpid());
    plan.inspect_path = options.tool_path.substr(0, options.tool_path.rfind('/') + 1) + "shmq-inspect";
    plan.input = input;
    const std::uint64_t wanted = options.records == 0 ? default_records : options.records;
    const std::uint64_t rounds = std::max<std::uint64_t>(1, (wanted + records.count() - 1) / records.count());
    plan.total = rounds * records.count();
    plan.unhurried = std::min(unhurried_most, plan.total / unhurried_part);
    if (plan.total < small_input) plan.least_time_ns = small_input_time_ns;
    plan.started_ns = now_ns();
    return plan;
}

std::uint64_t size_of_outputs(const Plan& plan, const Records& records) {
    constexpr std::uint64_t reserve = 64u << 20;
    return plan.total * (sizeof(IndexResult) + sizeof(AuditHead)) + records.size() + reserve;
}

/// Waits for the director and for workers it may have left. A signal that asks for the end is passed on to it.
int wait_for(pid_t director) {
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, WNOHANG);
        if (ended == director) return status;
        if (ended > 0) continue;
        const int signal = take_signal(1'000);
        if (signal != 0 && signal != SIGCHLD) ::kill(director, signal);
    }
}

/// A dead director's workers die with it; they are this process's children then (PR_SET_CHILD_SUBREAPER).
void wait_for_orphans() {
    int status = 0;
    while (::waitpid(-1, &status, 0) > 0 || errno == EINTR) {}
}

int keep(const Plan& plan, const Records& records) {
    constexpr int most_directors = 100;
    for (int count = 0; count < most_directors; ++count) {
        std::fflush(nullptr);
        const pid_t director = ::fork();
        if (director < 0) return complain("cannot start a process: {}", std::strerror(errno)), 1;
        if (director == 0) {
            ::prctl(PR_SET_NAME, "shmq-director");
            const int status = Director(plan, records).run();
            tidy_up(plan);
            std::fflush(nullptr);
            ::_exit(status);
        }
        const int status = wait_for(director);
        wait_for_orphans();
        if (WIFEXITED(status)) return WEXITSTATUS(status);
        append_fact(plan, {Fact::Kind::death, "director", director, now_ns(), {}});
        say("\n  * the director (pid {}) died by signal {}; another one takes over\n", director, WTERMSIG(status));
    }
    return complain("too many directors died"), 1;
}

}  // namespace

int run_demo(const DemoOptions& options) {
    if (options.records > most_records)
        return complain("{} records are more than {}", grouped(options.records), grouped(most_records)), exit_usage;
    const std::string input = options.input.empty() ? std::string(package_database) : options.input;
    const auto records = read_records(options, input);
    if (!records) return exit_no_input;
    Plan plan = make_plan(options, input, *records);
    say("shmq demo: {} {} of {}, {} times over: {} entries\n", grouped(records->count()),
        records->kind() == InputKind::packages ? "packages" : "lines", shown(input),
        grouped(plan.total / records->count()), grouped(plan.total));
    hold_signals();
    remove_leftovers();
    if (!make_folder(plan, size_of_outputs(plan, *records))) return exit_cannot_create;
    if (!make_stream(plan, *records)) return tidy_up(plan), exit_cannot_create;
    say("  outputs in {} until the end\n", plan.folder);
    say("  look at it meanwhile, in another terminal: {} show {}\n", plan.inspect_path, plan.stream);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const int status = keep(plan, *records);
    tidy_up(plan);
    return status;
}

}  // namespace shmq::tools
