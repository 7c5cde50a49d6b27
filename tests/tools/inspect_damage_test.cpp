// Files that are damaged, cut short, no segments, or not for us: a word and an exit status, never a crash, never an
// endless run.
#include <grp.h>

#include <cstddef>
#include <cstring>
#include <random>

#include "inspect_support.hpp"
#include "layout/rows.hpp"

namespace shmq::inspect_test {
namespace {

// A small stream with entries, a group and pending entries of a dead consumer; the copy can be broken at will.
std::string make_copy(const Folder& folder) {
    folder.shmq({"create", "orders", "--slots", "64", "--payload", "64KiB", "--chunks", "16", "--producers", "2",
                 "--groups", "2", "--consumers", "4"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 40);
    Holder holder(folder, "orders", "index", "worker", 40);
    holder.end(SIGKILL);
    return folder.copy_of("orders");
}

std::vector<Words> looks_at(const std::string& copy) {
    return {{"show", copy}, {"groups", copy}, {"pending", copy, "index"}, {"attachments", copy}, {"entries", copy}};
}

TEST(InspectDamage, a_file_cut_short_is_damaged) {
    const Folder folder;
    const std::string copy = make_copy(folder);
    const std::string whole = read_whole(copy);
    for (const std::size_t size :
         {whole.size() - 1, whole.size() / 2, std::size_t{4096}, std::size_t{100}, std::size_t{0}}) {
        write_whole(copy, whole.substr(0, size));
        for (const Words& words : looks_at(copy)) {
            const Outcome outcome = folder.inspect(words);
            EXPECT_EQ(outcome.code, 2) << words.front() << " at " << size << outcome.error;
            EXPECT_NE(outcome.error, "");
        }
    }
}

TEST(InspectDamage, a_scribbled_header_is_damaged_and_json_says_so) {
    const Folder folder;
    const std::string copy = make_copy(folder);
    std::string bytes = read_whole(copy);
    std::fill_n(bytes.begin(), 256, '\x5a');
    write_whole(copy, bytes);
    EXPECT_EQ(folder.inspect({"show", copy}).code, 2);
    const Outcome outcome = folder.inspect({"show", copy, "--json"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.json().at("schema"), 1);
    EXPECT_EQ(outcome.json().at("error").at("word"), "corrupt");
}

TEST(InspectDamage, a_trim_point_that_cannot_be_is_damaged) {
    const Folder folder;
    const std::string copy = make_copy(folder);
    const std::string whole = read_whole(copy);
    constexpr std::size_t place = sizeof(Header) + offsetof(Control, trim_point);
    for (const std::uint64_t trim_point : {~std::uint64_t{0}, std::uint64_t{1} << 63 | 1, std::uint64_t{0}}) {
        std::string bytes = whole;
        std::memcpy(bytes.data() + place, &trim_point, sizeof trim_point);
        write_whole(copy, bytes);
        for (const Words& words : looks_at(copy)) {
            const Outcome outcome = folder.inspect(words);
            EXPECT_EQ(outcome.code, 2) << words.front() << " of " << trim_point;
            EXPECT_NE(outcome.error.find("trim point"), std::string::npos) << outcome.error;
        }
    }
}

TEST(InspectDamage, a_text_file_is_no_segment) {
    const Folder folder;
    write_whole(folder.file("out/text"), std::string(100'000, 'x'));
    EXPECT_EQ(folder.inspect({"show", folder.file("out/text")}).code, 2);
}

TEST(InspectDamage, list_shows_the_others_and_says_which_is_damaged) {
    const Folder folder;
    folder.shmq({"create", "good"});
    write_whole(folder.segment("bad"), "not a segment");
    const Outcome screen = folder.inspect({"list"});
    EXPECT_EQ(screen.code, 2);
    EXPECT_TRUE(screen.says("good") && screen.says("bad") && screen.says("corrupt")) << screen.out;
    const Json streams = folder.inspect({"list", "--json"}).json().at("streams");
    ASSERT_EQ(streams.size(), 2u);
    EXPECT_EQ(streams[0].at("error").at("word"), "corrupt");
    EXPECT_EQ(streams[1].at("name"), "good");
}

// Scribbles over the copy behind its header, in one place or in many, and looks at it in every way.
void scribble_and_look(const Folder& folder, const std::string& copy, const std::string& whole,
                       std::mt19937_64& random) {
    constexpr std::size_t header_size = 4096;
    std::string bytes = whole;
    const std::size_t places = std::size_t{1} << (random() % 10);
    for (std::size_t place = 0; place < places; ++place) {
        const std::size_t at = header_size + random() % (bytes.size() - header_size);
        const std::size_t count = std::min<std::size_t>(1 + random() % 16, bytes.size() - at);
        const bool ones = random() % 4 == 0;
        for (std::size_t index = 0; index < count; ++index)
            bytes[at + index] = ones ? '\xff' : static_cast<char>(random());
    }
    write_whole(copy, bytes);
    for (const Words& words : looks_at(copy)) {
        const Outcome outcome = folder.inspect(words);
        const bool ended_well = outcome.code == 0 || outcome.code == 1 || outcome.code == 2 || outcome.code == 66;
        ASSERT_TRUE(ended_well) << words.front() << ": " << outcome.code << " " << outcome.error;
        EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
        EXPECT_TRUE(outcome.code != 2 || !outcome.error.empty());
    }
    ASSERT_TRUE(read_whole(copy) == bytes) << "looking wrote";
}

TEST(InspectDamage, scribbled_tables_end_in_a_word_or_an_answer) {
    const Folder folder;
    const std::string copy = make_copy(folder);
    const std::string whole = read_whole(copy);
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 60 && !HasFatalFailure(); ++round) scribble_and_look(folder, copy, whole, random);
}

TEST(InspectDamage, a_file_that_becomes_shorter_while_it_is_looked_at_is_damaged) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.add_numbers("orders", 20'000);  // more than a pipe takes
    const std::string copy = folder.copy_of("orders");
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const std::string error = folder.file("out/error");
    const pid_t pid = folder.start({SHMQ_INSPECT, "entries", copy}, [&] {
        Folder::redirect(error, STDERR_FILENO);
        ::dup2(ends[1], STDOUT_FILENO);
    });
    ::close(ends[1]);
    char byte = 0;
    ASSERT_EQ(::read(ends[0], &byte, 1), 1);  // it has mapped the file and waits for us to take more
    std::filesystem::resize_file(copy, 4096);
    std::string rest(1 << 16, '\0');
    while (::read(ends[0], rest.data(), rest.size()) > 0) {}
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(code_of(status), 2);
    EXPECT_NE(read_whole(error).find("corrupt"), std::string::npos);
}

TEST(InspectMissing, stream_or_group_is_66) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    EXPECT_EQ(folder.inspect({"show", "nothing"}).code, 66);
    EXPECT_EQ(folder.inspect({"show", folder.file("nothing")}).code, 66);
    EXPECT_EQ(folder.inspect({"pending", "orders", "nobody"}).code, 66);
    EXPECT_EQ(folder.inspect({"pending", "orders", "nobody", "--json"}).json().at("error").at("word"), "no_group");
}

// As somebody without rights to the file: root becomes nobody, since permission bits do not stop root.
TEST(InspectPermission, missing_is_77) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(folder.segment("orders"), std::filesystem::perms::none);
    const int program = ::open(SHMQ_INSPECT, O_RDONLY | O_CLOEXEC);
    ASSERT_GE(program, 0);
    for (const bool json : {false, true}) {
        Words words{SHMQ_INSPECT, "show", "orders"};
        if (json) words.emplace_back("--json");
        const Outcome outcome = folder.run(words, [&] {
            constexpr id_t nobody = 65534;
            if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0))
                ::_exit(126);
            std::vector<char*> pointers;
            for (std::string& word : words) pointers.push_back(word.data());
            pointers.push_back(nullptr);
            ::fexecve(program, pointers.data(), environ);  // by its descriptor: its folder may be closed to nobody
        });
        EXPECT_EQ(outcome.code, 77) << outcome.error;
        EXPECT_NE(outcome.error, "");
        EXPECT_TRUE(!json || outcome.json().at("error").at("word") == "not_allowed");
    }
    ::close(program);
}

}  // namespace
}  // namespace shmq::inspect_test
