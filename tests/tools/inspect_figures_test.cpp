// The commands of shmq-inspect that give figures: rate, memory, layout, verify, metrics; and explain, --watch and the
// choices of entries.
#include <cstddef>

#include "inspect_support.hpp"
#include "layout/rows.hpp"

namespace shmq::inspect_test {
namespace {

void make_jobs(const Folder& folder, int entries) {
    folder.shmq({"create", "jobs", "--slots", "256"});
    folder.shmq({"group", "create", "jobs", "workers"});
    folder.add_numbers("jobs", entries);
}

TEST(InspectRate, tells_what_came_in_and_what_was_finished_between_the_looks) {
    const Folder folder;
    folder.shmq({"create", "jobs"});
    folder.shmq({"group", "create", "jobs", "workers"});
    const Json still = folder.inspect_json({"rate", "jobs", "--over", "10ms"});
    EXPECT_EQ(still.at("added"), 0.0);
    EXPECT_EQ(still.at("full_in_s"), nullptr);
    // So slowly that the ring is not full before somebody looks.
    const pid_t writer =
        folder.start({"/bin/sh", "-c",
                      "while sleep 0.001; do echo word; done | '" SHMQ_TOOL "' add jobs --lines - --quiet --wait 1h"},
                     [] {
                         Folder::redirect("/dev/null", STDERR_FILENO);
                         ::setpgid(0, 0);
                     });
    ::setpgid(writer, writer);
    Json busy;
    wait_until([&] { return (busy = folder.inspect_json({"rate", "jobs", "--over", "50ms"})).at("added") != 0.0; });
    EXPECT_GT(busy.at("groups")[0].at("lag_grows"), 0.0);
    EXPECT_EQ(busy.at("groups")[0].at("finished"), 0.0);
    ::kill(-writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
}

TEST(InspectMemory, the_parts_are_the_file) {
    const Folder folder;
    make_jobs(folder, 3);
    const Json memory = folder.inspect_json({"memory", "jobs"});
    std::uint64_t sum = 0;
    for (const auto& [part, size] : memory.at("parts").items()) sum += size.get<std::uint64_t>();
    EXPECT_EQ(sum, memory.at("total"));
    EXPECT_EQ(sum, std::filesystem::file_size(folder.segment("jobs")));
    EXPECT_TRUE(folder.inspect({"memory", "jobs"}).says("unfinished"));
}

TEST(InspectLayout, a_stranger_finds_the_words_where_it_says) {
    const Folder folder;
    make_jobs(folder, 3);
    const std::string bytes = read_whole(folder.segment("jobs"));
    std::uint64_t end = 0;
    const Json areas = folder.inspect_json({"layout", "jobs"}).at("areas");
    for (const Json& area : areas) {
        const std::uint64_t offset = area.at("offset");
        EXPECT_GE(offset, end) << "in the order of the file";
        end = offset + area.at("rows").get<std::uint64_t>() * area.at("each").get<std::uint64_t>();
        if (area.at("area") != "groups") continue;
        EXPECT_EQ(std::string(bytes.data() + offset + offsetof(GroupRow, name)), "workers");
    }
    EXPECT_LE(end, bytes.size());
}

TEST(InspectVerify, a_sound_stream_is_sound_living_copied_and_with_a_dead_owner) {
    const Folder folder;
    make_jobs(folder, 40);
    Holder holder(folder, "jobs", "workers", "w", 40);
    for (const bool alive : {true, false}) {
        if (!alive) holder.end(SIGKILL);
        for (const std::string& name : {std::string("jobs"), folder.copy_of("jobs")}) {
            const Json found = folder.inspect_json({"verify", name, "--deep"});
            EXPECT_EQ(found.at("count"), 0) << found;
            EXPECT_EQ(found.at("entries_read"), 40);
        }
    }
}

TEST(InspectVerify, names_the_place_of_what_is_damaged) {
    const Folder folder;
    make_jobs(folder, 40);
    const Json areas = folder.inspect_json({"layout", "jobs"}).at("areas");
    const std::string sound = read_whole(folder.segment("jobs"));
    const auto damaged = [&](const std::string& area, std::uint64_t at, std::uint64_t word) {
        for (const Json& one : areas) {
            if (one.at("area") != area) continue;
            std::string bytes = sound;
            std::memcpy(bytes.data() + one.at("offset").get<std::uint64_t>() + at, &word, sizeof word);
            write_whole(folder.file("out/damaged"), bytes);
        }
        const Outcome outcome = folder.inspect({"verify", folder.file("out/damaged"), "--json"});
        EXPECT_EQ(outcome.code, 2) << area;
        const Json problems = outcome.json().at("problems");
        return problems.empty() ? std::string() : problems[0].at("place").get<std::string>();
    };
    EXPECT_EQ(damaged("slots", 8 * 7, 0), "slot of entry 7");
    EXPECT_EQ(damaged("chunks", 64 * 3, 7), "chunk 3");
    EXPECT_EQ(damaged("attachments", 64 * 5, 7), "attachment 5");
    EXPECT_EQ(damaged("records", 8 * 9, ~std::uint64_t{0} >> 1), "record of entry 9 in group `workers`");
    EXPECT_EQ(damaged("pins", 8 * 11, 1 | std::uint64_t{60'000} << 16 | std::uint64_t{9} << 32), "pin 11");
}

TEST(InspectMetrics, is_openmetrics_text_to_standard_output_or_a_file) {
    const Folder folder;
    make_jobs(folder, 7);
    folder.shmq({"read", "jobs", "--group", "workers", "--count", "3"});
    const Outcome outcome = folder.inspect({"metrics"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(outcome.says("\nshmq_lag_entries{stream=\"jobs\",group=\"workers\"} 4\n")) << outcome.out;
    EXPECT_TRUE(outcome.says("\nshmq_added_entries_total{stream=\"jobs\"} 7\n"));
    EXPECT_TRUE(outcome.says("\nshmq_delivered_entries_total{stream=\"jobs\",group=\"workers\"} 3\n"));
    EXPECT_TRUE(outcome.says("\nshmq_up{stream=\"jobs\"} 1\n"));
    EXPECT_EQ(outcome.out.rfind("# TYPE shmq_lag_entries gauge\n", 0), 0u) << "lag comes first";
    EXPECT_EQ(outcome.out.substr(outcome.out.size() - 6), "# EOF\n");
    write_whole(folder.segment("broken"), "no stream");
    EXPECT_TRUE(folder.inspect({"metrics"}).says("\nshmq_up{stream=\"broken\"} 0\n"));
    const std::string file = folder.file("out/shmq.prom");
    EXPECT_EQ(folder.inspect({"metrics", "jobs", "--output", file}).code, 0);
    EXPECT_NE(read_whole(file).find("shmq_lag_entries"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(file + ".new"));
    EXPECT_EQ(folder.inspect({"metrics", "jobs", "--output", folder.file("none/shmq.prom")}).code, 66);
}

TEST(InspectExplain, every_word_of_errors_and_findings_has_a_paragraph) {
    const Folder folder;
    const Outcome unknown = folder.inspect({"explain", "nonsense"});
    EXPECT_EQ(unknown.code, 64);
    for (const char* word : {"full", "fenced", "corrupt", "dead_owner", "poison_entry", "ring_fills", "stuck_producer",
                             "leftover", "producers_nearly_used_up"}) {
        EXPECT_NE(unknown.error.find(word), std::string::npos) << word;
        const Outcome outcome = folder.inspect({"explain", word});
        EXPECT_EQ(outcome.code, 0) << word;
        EXPECT_EQ(outcome.out.find('|'), std::string::npos) << "no marks of the table: " << outcome.out;
    }
    EXPECT_EQ(folder.inspect_json({"explain", "full"}).at("exit status"), "75");
    EXPECT_TRUE(folder.inspect({"explain", "fenced"}).says("what to do"));
}

TEST(InspectEntries, are_chosen_by_their_number_and_their_words) {
    const Folder folder;
    make_jobs(folder, 30);
    const auto sequences = [&](Words words) {
        words.insert(words.begin(), {"entries", "jobs"});
        std::vector<int> found;
        const Json entries = folder.inspect_json(words).at("entries");
        for (const Json& entry : entries) found.push_back(entry.at("sequence"));
        return found;
    };
    EXPECT_EQ(sequences({"--last", "3"}), (std::vector<int>{28, 29, 30}));
    EXPECT_EQ(sequences({"1", "10", "--last", "2"}), (std::vector<int>{9, 10}));
    EXPECT_EQ(sequences({"--grep", "^2.$", "--last", "5"}), (std::vector<int>{26, 27, 28, 29}));
    EXPECT_EQ(folder.inspect({"entries", "jobs", "--grep", "never"}).code, 1);
    EXPECT_EQ(folder.inspect({"entries", "jobs", "--grep", "("}).code, 64);
    EXPECT_TRUE(folder.inspect({"entries", "jobs", "30", "--hex"}).says("33 30"));
}

TEST(InspectWatch, goes_on_until_it_is_told_to_end) {
    const Folder folder;
    make_jobs(folder, 1);
    const std::string out = folder.file("out/watched");
    const pid_t watcher =
        folder.start({SHMQ_INSPECT, "list", "--json", "--watch", "1ms"}, [&] { Folder::redirect(out, STDOUT_FILENO); });
    wait_until([&] { return count_lines(out) >= 5; });
    ::kill(watcher, SIGINT);
    int status = -1;
    ::waitpid(watcher, &status, 0);
    EXPECT_EQ(code_of(status), 0);
    EXPECT_EQ(folder.inspect({"list", "--watch", "0s"}).code, 64);
}

}  // namespace
}  // namespace shmq::inspect_test
