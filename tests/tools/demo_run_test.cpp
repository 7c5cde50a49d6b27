// `shmq demo` left alone: on the package database, on a text file, on no input; and that its proof can fail.
#include <filesystem>
#include <fstream>

#include "demo_support.hpp"

namespace shmq::tools::demo_test {
namespace {

constexpr int audit_head_size = 56;  // of an audit file's record; its text follows

void expect_whole_proof(const RunningDemo& demo) {
    for (const char* words :
         {"the proof holds", "[ holds] audit wrote every record: 0 missing, 0 foreign",
          "[ holds] byte for byte as in the input, keys too: 0 different", "[ holds] in the order of the stream",
          "[ holds] in the order producer-1 sent them", "[ holds] in the order producer-2 sent them",
          "[ holds] group index: every entry acked: lag 0, pending 0, retry 0",
          "[ holds] group audit: every entry acked: lag 0, pending 0, retry 0",
          "[ holds] index worked on every entry: 0 missing, 0 foreign, 0 wrong", "equal those computed from the input",
          "[ holds] an index consumer was killed while it held entries", "were delivered to another",
          "[ holds] a producer was killed and started again", "p50 ", "p99 ", "p99.9 ", "entries/s",
          "From the kill to the first of them delivered again", "[ holds] shmq-inspect showed its screen"}) {
        EXPECT_TRUE(demo.says(words)) << "not said: " << words;
    }
    EXPECT_FALSE(demo.says("FAILED"));
    if (testing::Test::HasFailure()) ADD_FAILURE() << demo.output();
}

TEST(Demo, proves_itself_on_the_package_database_and_says_so_where_there_is_none) {
    const DemoFolders folders;
    RunningDemo demo(folders, {"--records", "250000"});
    const int status = demo.wait();
    if (!std::filesystem::exists("/var/lib/dpkg/status")) {
        EXPECT_EQ(status, 66);
        return;
    }
    EXPECT_EQ(status, 0);
    expect_whole_proof(demo);
    EXPECT_TRUE(demo.says("installed size per section"));
    EXPECT_EQ(folders.left_over(), 0u);
}

TEST(Demo, proves_itself_on_a_text_file_with_empty_lines_odd_bytes_and_no_last_newline) {
    const DemoFolders folders;
    RunningDemo demo(folders, {"--input", folders.make_text(), "--records", "30000"});
    EXPECT_EQ(demo.wait(), 0);
    expect_whole_proof(demo);
    EXPECT_TRUE(demo.says("516 lines"));
    EXPECT_TRUE(demo.says("59 times over: 30,444 entries"));
    EXPECT_EQ(folders.left_over(), 0u);
}

TEST(Demo, tells_that_an_input_is_missing_or_empty) {
    const DemoFolders folders;
    RunningDemo missing(folders, {"--input", folders.file("nowhere")});
    EXPECT_EQ(missing.wait(), 66);
    EXPECT_TRUE(missing.says("No such file"));
    std::ofstream(folders.file("empty")).close();
    RunningDemo empty(folders, {"--input", folders.file("empty")});
    EXPECT_EQ(empty.wait(), 66);
    EXPECT_TRUE(empty.says("has no records"));
    EXPECT_EQ(folders.left_over(), 0u);
}

TEST(Demo, proof_fails_and_names_the_part_when_an_output_was_tampered_with) {
    const DemoFolders folders;
    RunningDemo demo(folders, {"--input", folders.make_text(), "--records", "20000"});
    ASSERT_TRUE(demo.wait_for("SIGKILL to index"));
    for (const auto& folder : std::filesystem::directory_iterator(folders.temporary())) {
        std::fstream output(folder.path() / "audit-1.0", std::ios::in | std::ios::out | std::ios::binary);
        output.seekp(audit_head_size);  // the first byte of the first text
        output.put('!');
        EXPECT_TRUE(output.good());
    }
    EXPECT_EQ(demo.wait(), 1);
    EXPECT_TRUE(demo.says("[FAILED] byte for byte as in the input, keys too:")) << demo.output();
    EXPECT_TRUE(demo.says("THE PROOF FAILS"));
    EXPECT_FALSE(demo.says("the proof holds"));
    EXPECT_EQ(folders.left_over(), 0u);
}

TEST(Demo, proof_fails_when_somebody_else_adds_to_its_stream) {
    const DemoFolders folders;
    RunningDemo demo(folders, {"--input", folders.make_text(), "--records", "20000"});
    ASSERT_TRUE(demo.wait_for("SIGKILL to index"));
    const std::string command = "SHMQ_DIR=" + folders.streams() + " " SHMQ_TOOL " add " + demo.stream() + " foreign";
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(demo.wait(), 1);
    EXPECT_TRUE(demo.says("[FAILED] the stream was given")) << demo.output();
}

TEST(Demo, ends_in_good_order_on_an_interrupt) {
    const DemoFolders folders;
    RunningDemo demo(folders, {"--input", folders.make_text(), "--records", "50000"});
    ASSERT_TRUE(demo.wait_for("added "));
    ::kill(demo.pid(), SIGINT);
    EXPECT_EQ(demo.wait(), 128 + SIGINT);
    EXPECT_EQ(folders.left_over(), 0u);
}

}  // namespace
}  // namespace shmq::tools::demo_test
