// Commands that change a stream: nothing without --write, what they would do with --dry-run, and what they do.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// Five entries; "worker" holds the first three of the group.
struct Worked {
    Folder folder;
    explicit Worked(Words group_options = {}) {
        folder.shmq({"create", "jobs"});
        group_options.insert(group_options.begin(), {"group", "create", "jobs", "workers"});
        folder.shmq(group_options);
        folder.add_numbers("jobs", 5);
    }
    [[nodiscard]] Json pending() const { return folder.inspect_json({"pending", "jobs", "workers"}); }
    [[nodiscard]] Json group() const { return folder.inspect_json({"groups", "jobs"}).at("groups").at(0); }
    /// What a command says it would do; fails the test if it did something to the group.
    [[nodiscard]] Outcome tried(Words words) const {
        const Json before = group();
        words.emplace_back("--dry-run");
        Outcome outcome = folder.inspect(std::move(words));
        for (const char* same : {"next", "pending", "retry", "floor", "dead"})
            EXPECT_EQ(group().at(same), before.at(same)) << same;
        return outcome;
    }
    /// Does it.
    [[nodiscard]] Outcome did(Words words) const {
        words.emplace_back("--write");
        return folder.inspect(std::move(words));
    }
};

TEST(InspectChange, without_a_word_whether_to_do_it_is_refused) {
    const Worked worked;
    for (const Words& words : {Words{"rm", "jobs"}, Words{"rm", "jobs", "--write", "--dry-run"}}) {
        const Outcome outcome = worked.folder.inspect(words);
        EXPECT_EQ(outcome.code, 64);
        EXPECT_NE(outcome.error.find("exactly one of --write and --dry-run"), std::string::npos) << outcome.error;
    }
    EXPECT_EQ(worked.folder.shmq({"list"}), "jobs\n");
}

TEST(InspectChange, ack_finishes_what_somebody_holds_and_tells_what_is_not_pending) {
    const Worked worked;
    const Holder holder(worked.folder, "jobs", "workers", "worker", 5);
    const Outcome tried = worked.tried({"ack", "jobs", "workers", "2", "9"});
    EXPECT_EQ(tried.code, 1);
    EXPECT_TRUE(tried.says("would   finish entry 2 of group workers, held by worker (alive) for ")) << tried.out;
    EXPECT_TRUE(tried.says("cannot  finish entry 9 of group workers: not_pending")) << tried.out;
    const Outcome did = worked.did({"ack", "jobs", "workers", "2", "9"});
    EXPECT_NE(did.code, 0);
    EXPECT_TRUE(did.says("done    finish entry 2 of group workers, held by worker")) << did.out;
    EXPECT_TRUE(did.says("failed  finish entry 9")) << did.out;
    EXPECT_EQ(worked.pending().at("count"), 4);
    const Json json = worked.did({"ack", "jobs", "workers", "3", "--json"}).json();
    EXPECT_EQ(json.at("schema"), 1);
    EXPECT_EQ(json.at("dry_run"), false);
    EXPECT_EQ(json.at("changes").at(0).at("done"), true);
}

TEST(InspectChange, retry_gives_back_what_is_held_and_what_is_dead) {
    const Worked worked({"--delivery-limit", "1"});
    {
        const Holder holder(worked.folder, "jobs", "workers", "worker", 5);
        EXPECT_EQ(worked.did({"retry", "jobs", "workers", "4"}).code, 0);
        const Json entry = worked.pending().at("entries").at(3);
        EXPECT_EQ(entry.at("sequence"), 4);
        EXPECT_EQ(entry.at("dead"), true) << "a nack counts, and one failure is the limit";
    }
    const Outcome tried = worked.tried({"retry", "jobs", "workers", "4"});
    EXPECT_TRUE(tried.says("would   give back entry 4 of group workers for retry, dead after 1 delivery")) << tried.out;
    EXPECT_EQ(worked.did({"retry", "jobs", "workers", "4"}).code, 0);
    EXPECT_EQ(worked.pending().at("entries").at(3).at("dead"), false);
}

TEST(InspectChange, dead_ends_the_delivery_of_what_somebody_holds_and_of_what_waits) {
    const Worked worked;
    const Holder holder(worked.folder, "jobs", "workers", "worker", 5);
    ::kill(holder.pid(), SIGSTOP);
    worked.folder.shmq({"nack", "jobs", "workers", "5"});
    EXPECT_TRUE(
        worked.tried({"dead", "jobs", "workers", "2"}).says("would   make entry 2 of group workers dead, held by"));
    EXPECT_EQ(worked.did({"dead", "jobs", "workers", "2", "5"}).code, 0);
    EXPECT_EQ(worked.group().at("dead"), 2);
    EXPECT_EQ(worked.did({"dead", "jobs", "workers", "9"}).code, 64) << "there is no such entry";
    EXPECT_EQ(worked.folder.run({SHMQ_TOOL, "read", "jobs", "--group", "workers"}).code, 1)
        << "nothing is left to read";
    EXPECT_EQ(worked.did({"retry", "jobs", "workers", "5"}).code, 0);
    EXPECT_EQ(worked.folder.shmq({"read", "jobs", "--group", "workers"}), "5\n");
}

TEST(InspectChange, claim_takes_from_the_living_what_they_hold_too_long) {
    const Worked worked;
    const Holder holder(worked.folder, "jobs", "workers", "worker", 5);
    ::kill(holder.pid(), SIGSTOP);  // or it would be given them again
    EXPECT_EQ(worked.tried({"claim", "jobs", "workers"}).code, 64) << "how long is not said";
    EXPECT_TRUE(worked.tried({"claim", "jobs", "workers", "--idle", "1h"}).says("nothing to change"));
    const Outcome tried = worked.tried({"claim", "jobs", "workers", "--idle", "0", "--count", "2"});
    EXPECT_TRUE(tried.says("would   take 2 entries of group workers from who holds them, for retry")) << tried.out;
    EXPECT_TRUE(tried.says("1: held by worker (alive)")) << tried.out;
    const Outcome did = worked.did({"claim", "jobs", "workers", "--idle", "0", "--count", "2"});
    EXPECT_EQ(did.code, 0) << did.error;
    EXPECT_EQ(worked.group().at("retry"), 2);
    EXPECT_EQ(worked.pending().at("entries").at(0).at("consumer"), nullptr);
    EXPECT_EQ(worked.pending().at("entries").at(2).at("consumer"), "worker");
}

TEST(InspectChange, trim_says_how_far_groups_let_it) {
    const Worked worked;
    EXPECT_EQ(worked.folder.shell("shmq read jobs --group workers --count 2 >/dev/null").code, 0);
    const Outcome tried = worked.tried({"trim", "jobs", "--keep", "0"});
    EXPECT_TRUE(tried.says("would   give up 2 entries, the first kept is 3; group workers still needs 3")) << tried.out;
    EXPECT_TRUE(worked.tried({"trim", "jobs", "--before", "2"}).says("give up 1 entry, the first kept is 2"));
    EXPECT_EQ(worked.tried({"trim", "jobs"}).code, 64);
    EXPECT_EQ(worked.tried({"trim", "jobs", "--keep", "1", "--before", "2"}).code, 64);
    const Outcome did = worked.did({"trim", "jobs", "--keep", "0"});
    EXPECT_TRUE(did.says("2 entries given up, the first kept is 3")) << did.out;
    EXPECT_EQ(worked.folder.inspect_json({"show", "jobs"}).at("entries").at("first"), 3);
}

TEST(InspectChange, set_cursor_and_drop_group_say_what_is_forgotten) {
    const Worked worked;
    const Holder holder(worked.folder, "jobs", "workers", "worker", 5);
    const Outcome tried = worked.tried({"set-cursor", "jobs", "workers", "2"});
    EXPECT_TRUE(tried.says("would   have group workers go on at 2 instead of 6, and forget 5 pending")) << tried.out;
    EXPECT_EQ(worked.did({"set-cursor", "jobs", "workers", "2"}).code, 0);
    EXPECT_EQ(worked.group().at("next"), 2);
    EXPECT_EQ(worked.group().at("pending"), 0);
    EXPECT_TRUE(worked.tried({"drop-group", "jobs", "workers"})
                    .says("would   drop group workers with 0 pending, 4 never delivered, "));
    EXPECT_EQ(worked.did({"drop-group", "jobs", "workers"}).code, 0);
    EXPECT_EQ(worked.folder.shmq({"group", "list", "jobs"}), "");
    EXPECT_EQ(worked.folder.inspect({"drop-group", "jobs", "workers", "--dry-run"}).code, 66);
}

TEST(InspectChange, recover_and_reap_hand_on_what_the_dead_held) {
    const Worked worked;
    Holder holder(worked.folder, "jobs", "workers", "worker", 5);
    EXPECT_TRUE(worked.tried({"recover", "jobs"}).says("nothing to change"));
    const std::string pid = std::to_string(holder.pid());
    holder.end(SIGKILL);
    for (const Words& words : {Words{"recover", "jobs"}, Words{"reap"}})
        EXPECT_TRUE(worked.tried(words).says("would   hand on what dead processes held in jobs: " + pid + " shmq "));
    const Outcome did = worked.did({"reap"});
    EXPECT_TRUE(did.says(": 5 entries handed to retry")) << did.out;
    EXPECT_EQ(worked.group().at("retry"), 5);
}

TEST(InspectChange, rm_removes_a_stream_and_leaves_other_files_alone) {
    const Worked worked;
    EXPECT_TRUE(worked.folder.inspect({"rm", "jobs", "--dry-run"}).says("would   remove stream jobs: 5 entries kept"));
    EXPECT_EQ(worked.did({"rm", "jobs"}).code, 0);
    EXPECT_EQ(worked.folder.shmq({"list"}), "");
    EXPECT_EQ(worked.did({"rm", "jobs"}).code, 66);
    write_whole(worked.folder.segment("text"), std::string(8'192, 'x'));
    const Outcome refused = worked.did({"rm", "text"});
    EXPECT_EQ(refused.code, 2);
    EXPECT_TRUE(refused.says("failed  remove stream text: corrupt")) << refused.out;
    EXPECT_TRUE(std::filesystem::exists(worked.folder.segment("text")));
}

}  // namespace
}  // namespace shmq::inspect_test
