// What processes did last, from the recorders of a stream: also of one that was killed, and of a copied file.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// The events of that kind, in their order.
std::vector<Json> events_of(const Json& answer, std::string_view what) {
    std::vector<Json> found;
    for (const Json& event : answer.at("events"))
        if (event.at("what") == what) found.push_back(event);
    return found;
}

struct Jobs {
    Folder folder;
    Jobs() {
        folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB"});
        folder.shmq({"group", "create", "jobs", "workers"});
    }
};

TEST(InspectTrace, tells_what_a_process_did_that_was_killed) {
    const Jobs jobs;
    jobs.folder.add_numbers("jobs", 5);
    Holder holder(jobs.folder, "jobs", "workers", "worker", 5);
    const std::string pid = std::to_string(holder.pid());
    const auto trace = [&] { return jobs.folder.inspect_json({"trace", "jobs", pid}); };
    wait_until([&] { return !events_of(trace(), "waits_to_read").empty(); });
    holder.end(SIGKILL);
    const Json answer = trace();
    EXPECT_EQ(answer.at("schema"), 1);
    EXPECT_EQ(answer.at("recorders"), true);
    EXPECT_EQ(answer.at("events").at(0).at("what"), "opened");
    EXPECT_EQ(answer.at("events").at(0).at("pid"), std::stoi(pid));
    ASSERT_EQ(events_of(answer, "joined").size(), 1u);
    EXPECT_EQ(events_of(answer, "joined")[0].at("group"), "workers");
    EXPECT_EQ(events_of(answer, "waits_to_read")[0].at("next"), 6);
    EXPECT_TRUE(events_of(answer, "closed").empty()) << "it was killed";
    const Outcome screen = jobs.folder.inspect({"trace", "jobs", pid});
    for (const char* words :
         {"opened the stream", "joined group workers", "had nothing to read from 6 on of group workers"})
        EXPECT_TRUE(screen.says(words)) << screen.out;
    EXPECT_TRUE(jobs.folder.inspect({"trace", jobs.folder.copy_of("jobs"), pid}).says("joined group workers"));

    jobs.folder.shmq({"recover", "jobs"});
    const Json all = jobs.folder.inspect_json({"trace", "jobs"});
    ASSERT_EQ(events_of(all, "recovered").size(), 1u);
    EXPECT_EQ(events_of(all, "recovered")[0].at("pid"), std::stoi(pid)) << "the number of the dead";
    EXPECT_EQ(events_of(all, "recovered")[0].at("entries"), 5);
    EXPECT_EQ(trace().at("events").size(), answer.at("events").size()) << "what the dead did stays";
}

TEST(InspectTrace, tells_of_what_failed_came_too_late_and_found_no_room) {
    const Jobs jobs;
    jobs.folder.add_numbers("jobs", 1);
    static_cast<void>(jobs.folder.shell("shmq read jobs --group workers --exec 'cat >/dev/null; exit 1'"));
    static_cast<void>(jobs.folder.shell(
        "shmq read jobs --group workers --exec 'shmq claim jobs workers --idle 0 --consumer thief >/dev/null'"));
    const Outcome screen = jobs.folder.inspect({"trace", "jobs"});
    for (const char* words :
         {"gave back 1 entry of group workers as failed, 1 the first",
          "took over 1 entry of group workers, 1 the first",
          "came too late for entry 1 of group workers, which was handed on", "began to fill chunk 0"})
        EXPECT_TRUE(screen.says(words)) << words << "\n" << screen.out;
    for (int i = 0; i < 2; ++i) static_cast<void>(jobs.folder.shell("seq 200 | shmq add jobs --lines - --quiet"));
    EXPECT_TRUE(jobs.folder.inspect({"trace", "jobs"}).says("found no room, ")) << "the group reads nothing";
}

TEST(InspectAudit, tells_who_changed_what) {
    const Jobs jobs;
    jobs.folder.add_numbers("jobs", 5);
    {
        const Holder holder(jobs.folder, "jobs", "workers", "worker", 5);
        ::kill(holder.pid(), SIGSTOP);
        jobs.folder.shmq({"nack", "jobs", "workers", "2"});
        EXPECT_EQ(jobs.folder.inspect({"ack", "jobs", "workers", "1", "--write"}).code, 0);
        EXPECT_EQ(jobs.folder.inspect({"trim", "jobs", "--keep", "0", "--write"}).code, 0);
        EXPECT_EQ(jobs.folder.inspect({"claim", "jobs", "workers", "--idle", "0", "--write"}).code, 0);
        EXPECT_EQ(jobs.folder.inspect({"set-cursor", "jobs", "workers", "4", "--write"}).code, 0);
        EXPECT_EQ(jobs.folder.inspect({"drop-group", "jobs", "workers", "--dry-run"}).code, 0);
    }
    const Json answer = jobs.folder.inspect_json({"audit", "jobs"});
    std::vector<std::string> what;
    const Json events = answer.at("events");
    for (const Json& event : events) what.push_back(event.at("what"));
    EXPECT_EQ(what, (std::vector<std::string>{"made_group", "gave_back_for", "acked_for", "trimmed", "took_over",
                                              "moved_group"}));
    EXPECT_EQ(events[1].at("command"), "shmq");
    EXPECT_EQ(events[2].at("command"), "shmq-inspect");
    EXPECT_EQ(events[2].at("group"), "workers");
    EXPECT_EQ(events[2].at("sequence"), 1);
    const Outcome screen = jobs.folder.inspect({"audit", "jobs"});
    EXPECT_TRUE(screen.says("acked entry 1 of group workers as an operator")) << screen.out;
    EXPECT_TRUE(screen.says("trimmed 1 entry, 2 the oldest kept")) << screen.out;

    remove_but_keep(jobs.folder, "jobs", "gone");
    EXPECT_TRUE(jobs.folder.inspect({"audit", "gone"}).says("removed the stream"));
}

TEST(InspectTrace, says_so_where_there_are_no_recorders) {
    const Folder folder;
    folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB", "--no-recorders"});
    EXPECT_TRUE(folder.inspect({"trace", "jobs"}).says("the stream was made without recorders"));
    EXPECT_EQ(folder.inspect_json({"audit", "jobs"}).at("recorders"), false);
    EXPECT_EQ(folder.inspect({"trace", "jobs", "0"}).code, 64);
    EXPECT_EQ(folder.inspect({"trace", "nothing"}).code, 66);
}

}  // namespace
}  // namespace shmq::inspect_test
