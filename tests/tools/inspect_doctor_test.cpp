// What can be wrong with a stream, each made for real: `doctor` names it apart from all the others, says who it is, and
// what it says to type mends it. `check` says how bad it is by its exit code.
#include <cstddef>

#include "inspect_support.hpp"
#include "layout/rows.hpp"

namespace shmq::inspect_test {
namespace {

/// A process that is killed and collected with the test.
class Child {
public:
    Child(const Folder& folder, const std::string& line)
        : pid_(folder.start({"/bin/sh", "-c", "exec 2>/dev/null >/dev/null; " + line}, [] { ::setpgid(0, 0); })) {
        ::setpgid(pid_, pid_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::kill(-pid_, SIGKILL);
        ::kill(-pid_, SIGCONT);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_;
};

void make_jobs(const Folder& folder, int entries, Words options = {}) {
    options.insert(options.begin(), {"create", "jobs"});
    folder.shmq(options);
    folder.shmq({"group", "create", "jobs", "workers"});
    if (entries > 0) folder.add_numbers("jobs", entries);
}

/// What doctor finds by this word, null if it does not; `over` is between its two looks.
Json find(const Folder& folder, std::string_view word, const std::string& over = "10ms",
          const std::string& name = "jobs") {
    const Json streams = Json::parse(folder.inspect({"doctor", name, "--over", over, "--json"}).out).at("streams");
    EXPECT_EQ(streams.size(), 1u);
    return finding_of(streams.at(0), word);
}
/// As find, until it is found.
Json wait_for(const Folder& folder, std::string_view word, const std::string& over = "10ms") {
    Json found;
    wait_until([&] { return !(found = find(folder, word, over)).is_null(); });
    return found;
}
bool says(const Json& finding, const std::string& part) {
    return finding.at("text").get<std::string>().find(part) != std::string::npos;
}
std::string cure(const Json& finding, std::size_t which = 0) {
    return finding.at("cures").at(which).at("command").get<std::string>();
}
int check(const Folder& folder, const Words& more = {}) {
    Words words{"check", "jobs", "--over", "10ms"};
    words.insert(words.end(), more.begin(), more.end());
    return folder.inspect(words).code;
}

TEST(Doctor, finds_nothing_where_nothing_is_wrong) {
    const Folder folder;
    make_jobs(folder, 0);
    const Outcome outcome = folder.inspect({"doctor", "jobs", "--over", "10ms"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(outcome.says("nothing odd")) << outcome.out;
    EXPECT_EQ(check(folder), 0);
}

TEST(Doctor, a_consumer_that_died_and_is_not_recovered) {
    const Folder folder;
    make_jobs(folder, 3);
    Holder holder(folder, "jobs", "workers", "w", 3);
    const std::string pid = std::to_string(holder.pid());
    holder.end(SIGKILL);
    const Json found = find(folder, "dead_owner");
    ASSERT_TRUE(found.is_object());
    EXPECT_TRUE(says(found, "pid " + pid)) << found;
    EXPECT_EQ(check(folder), 1);
    EXPECT_EQ(folder.shell(cure(found)).code, 0);
    EXPECT_EQ(find(folder, "dead_owner"), nullptr);
}

TEST(Doctor, a_consumer_that_lives_and_is_stopped) {
    const Folder folder;
    make_jobs(folder, 3);
    const Holder holder(folder, "jobs", "workers", "w", 3);
    EXPECT_EQ(find(folder, "stopped_process"), nullptr);
    ::kill(holder.pid(), SIGSTOP);
    const Json found = wait_for(folder, "stopped_process");
    EXPECT_TRUE(says(found, std::to_string(holder.pid()))) << found;
    EXPECT_TRUE(says(found, "1 consumer")) << found;
    EXPECT_EQ(find(folder, "stuck_producer"), nullptr);
    EXPECT_EQ(find(folder, "dead_owner"), nullptr);
    EXPECT_EQ(folder.shell(cure(found)).code, 0);
    wait_until([&] { return find(folder, "stopped_process").is_null(); });
}

TEST(Doctor, a_producer_that_is_stuck) {
    const Folder folder;
    make_jobs(folder, 0);
    const Child producer(folder, "(echo one; sleep 1000) | exec '" SHMQ_TOOL "' add jobs --lines -");
    pid_t pid = 0;
    wait_until([&] {
        const Json attachments = folder.inspect_json({"attachments", "jobs"}).at("attachments");
        for (const Json& one : attachments)
            if (one.at("chunks") == 1) pid = one.at("pid");
        return pid != 0;
    });
    ::kill(pid, SIGSTOP);
    const Json found = wait_for(folder, "stuck_producer");
    EXPECT_TRUE(says(found, std::to_string(pid)) && says(found, "1 chunk")) << found;
    EXPECT_EQ(find(folder, "stopped_process"), nullptr);
}

TEST(Doctor, a_consumer_that_lives_and_is_slow) {
    const Folder folder;
    make_jobs(folder, 0);
    const Child consumer(folder, "exec '" SHMQ_TOOL "' read jobs --group workers --follow --exec 'sleep 0.02'");
    const Child producer(folder, "while echo word; do :; done | '" SHMQ_TOOL "' add jobs --lines - --quiet --wait 1h");
    const Json found = wait_for(folder, "slow_group", "200ms");
    EXPECT_TRUE(says(found, "`workers`") && says(found, "1 consumer")) << found;
}

TEST(Doctor, a_ring_that_will_be_full_soon_at_the_present_rate) {
    const Folder folder;
    make_jobs(folder, 0, {"--slots", "32768"});
    const Child producer(folder, "while echo word; do sleep 0.001; done | '" SHMQ_TOOL "' add jobs --lines - --quiet");
    const Json found = wait_for(folder, "ring_fills", "200ms");
    EXPECT_TRUE(says(found, "full in") && says(found, "`workers`") && says(found, "come in")) << found;
    EXPECT_EQ(find(folder, "ring_full"), nullptr);
    EXPECT_EQ(check(folder), 1);
}

TEST(Doctor, a_full_ring_and_by_whose_entry) {
    const Folder folder;
    make_jobs(folder, 64, {"--slots", "64"});
    const Holder holder(folder, "jobs", "workers", "w", 64);
    const Json found = find(folder, "ring_full");
    ASSERT_TRUE(found.is_object());
    EXPECT_TRUE(says(found, "entry 1") && says(found, "`w`") && says(found, std::to_string(holder.pid()))) << found;
    EXPECT_EQ(check(folder), 2);
}

TEST(Doctor, an_entry_that_killed_several) {
    const Folder folder;
    make_jobs(folder, 1);
    for (const char* name : {"first", "second"}) {
        Holder holder(folder, "jobs", "workers", name, 1);
        holder.end(SIGKILL);
        folder.shmq({"recover", "jobs"});
    }
    const Json found = find(folder, "poison_entry");
    ASSERT_TRUE(found.is_object());
    EXPECT_TRUE(says(found, "2 consumers died") && says(found, "entry 1")) << found;
    EXPECT_TRUE(folder.shell(cure(found, 0)).says("1"));
    EXPECT_EQ(folder.shell(cure(found, 1)).code, 0);
    EXPECT_EQ(find(folder, "poison_entry"), nullptr);
}

TEST(Doctor, a_group_that_nobody_reads) {
    const Folder folder;
    make_jobs(folder, 2);
    const Json found = find(folder, "unread_group");
    ASSERT_TRUE(found.is_object());
    EXPECT_TRUE(says(found, "`workers`")) << found;
    EXPECT_EQ(folder.shell(cure(found, 1)).code, 0);
    EXPECT_EQ(find(folder, "unread_group"), nullptr);
}

TEST(Doctor, a_full_table_of_stuck_entries) {
    const Folder folder;
    make_jobs(folder, 8, {"--slots", "8", "--parking", "1"});
    const Holder holder(folder, "jobs", "workers", "slow", 8);
    for (int entry = 2; entry <= 8; ++entry) folder.shmq({"ack", "jobs", "workers", std::to_string(entry)});
    EXPECT_EQ(find(folder, "parking_full"), nullptr);
    folder.shmq({"add", "jobs", "more", "--wait", "1m"});
    const Json found = find(folder, "parking_full");
    ASSERT_TRUE(found.is_object());
    EXPECT_TRUE(says(found, "1")) << found;
}

TEST(Doctor, a_stream_that_was_removed_while_in_use_and_what_a_crash_left) {
    const Folder folder;
    make_jobs(folder, 2);
    Holder holder(folder, "jobs", "workers", "w", 2);
    ::kill(holder.pid(), SIGSTOP);  // it would end with the stream
    remove_but_keep(folder, "jobs", "kept");
    EXPECT_EQ(find(folder, "removed", "10ms", "kept").at("level"), "warning");
    EXPECT_EQ(find(folder, "leftover", "10ms", "kept"), nullptr);
    EXPECT_EQ(find(folder, "no_stream").at("level"), "trouble");
    EXPECT_EQ(check(folder), 3);

    const Folder other;
    make_jobs(other, 2);
    Holder last(other, "jobs", "workers", "w", 2);
    EXPECT_EQ(find(other, "leftover"), nullptr);
    last.end(SIGKILL);
    EXPECT_EQ(find(other, "leftover").at("level"), "note");
}

TEST(Doctor, a_segment_of_another_version_and_a_damaged_one) {
    const Folder folder;
    make_jobs(folder, 2);
    const std::string sound = read_whole(folder.segment("jobs"));
    std::string other = sound;
    other[offsetof(Header, format_version)] = '\x7f';
    write_whole(folder.segment("jobs"), other);
    EXPECT_TRUE(find(folder, "wrong_version").is_object());
    EXPECT_EQ(folder.inspect({"doctor", "jobs"}).code, 2);
    EXPECT_EQ(check(folder), 2);
    std::string damaged = sound;
    std::fill_n(damaged.begin(), 64, '\x5a');
    write_whole(folder.segment("jobs"), damaged);
    EXPECT_TRUE(find(folder, "corrupt").is_object());
    EXPECT_EQ(find(folder, "wrong_version"), nullptr);
    EXPECT_EQ(check(folder), 2);
}

TEST(Doctor, without_a_name_looks_at_every_stream) {
    const Folder folder;
    make_jobs(folder, 1);
    folder.shmq({"create", "quiet"});
    const Json streams = folder.inspect_json({"doctor", "--over", "10ms"}).at("streams");
    ASSERT_EQ(streams.size(), 2u);
    EXPECT_EQ(streams[0].at("status"), 1);
    EXPECT_EQ(streams[1].at("status"), 0);
    const Outcome outcome = folder.inspect({"check", "--over", "10ms"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out.rfind("WARNING - jobs: nobody reads group `workers`", 0), 0u) << outcome.out;
    EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
    EXPECT_TRUE(outcome.says(" | lag=1 oldest="));
}

TEST(Check, is_critical_above_the_limits_that_were_given) {
    const Folder folder;
    make_jobs(folder, 5);
    const Child consumer(folder, "exec '" SHMQ_TOOL "' read jobs --group workers --follow --no-ack");
    wait_until([&] { return folder.inspect_json({"show", "jobs"}).at("groups")[0].at("pending") == 5; });
    EXPECT_EQ(check(folder, {"--age", "1h", "--lag", "0"}), 0);
    EXPECT_EQ(check(folder, {"--age", "1ns"}), 2);
    folder.shmq({"group", "create", "jobs", "second", "--from", "oldest"});
    EXPECT_EQ(check(folder, {"--lag", "5"}), 1) << "nobody reads it";
    EXPECT_EQ(check(folder, {"--lag", "4"}), 2);
    EXPECT_EQ(check(folder, {"--lag", "much"}), 3) << "wrong words are unknown, not fine";
}

}  // namespace
}  // namespace shmq::inspect_test
