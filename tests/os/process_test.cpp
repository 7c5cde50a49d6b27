// Who this process is.
#include "os/process.hpp"

#include <sys/prctl.h>

#include <algorithm>

#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

TEST(ThisProcess, has_pid_start_time_and_command) {
    const ProcessInfo info = this_process();
    EXPECT_EQ(info.pid, ::getpid());
    EXPECT_GT(info.start_time, 0u);
    EXPECT_FALSE(info.command.empty());
    EXPECT_LE(info.command.size(), 15u);
    EXPECT_EQ(info.command.find('\n'), std::string::npos);
    EXPECT_EQ(this_process().start_time, info.start_time);
}

TEST(ThisProcess, is_another_in_a_child) {
    const ProcessInfo parent = this_process();
    EXPECT_EQ(in_child([&] {
                  ::prctl(PR_SET_NAME, "odd) name (1 2");
                  const ProcessInfo info = this_process();
                  if (info.pid != ::getpid() || info.pid == parent.pid) return 1;
                  if (info.command != "odd) name (1 2") return 2;
                  return info.start_time >= parent.start_time ? 0 : 3;
              }),
              0);
}

TEST(StartTime, is_field_22_whatever_the_name) {
    const std::string rest = " S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 2605056 1\n";
    EXPECT_EQ(parse_start_time("7 (a)" + rest), 987'654u);
    EXPECT_EQ(parse_start_time("7 (a b) c (d))" + rest), 987'654u);
    for (const char* text : {"", "7", "7 (a", "7 (a)", "7 (a) S 1 1", "no"})
        EXPECT_EQ(parse_start_time(text), 0u) << text;
}

TEST(BootId, is_the_same_for_all_and_not_zero) {
    const std::array<std::uint8_t, 16> id = boot_id();
    EXPECT_EQ(id, boot_id());
    EXPECT_TRUE(std::any_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte != 0; }));
}

TEST(BootId, text_is_understood_strictly) {
    const std::array<std::uint8_t, 16> zeros{};
    const std::array<std::uint8_t, 16> id = parse_boot_id("00112233-4455-6677-8899-aabbccddeeFF\n");
    for (std::size_t i = 0; i < id.size(); ++i) EXPECT_EQ(id[i], 0x11 * i);
    for (const char* text :
         {"", "0011", "x0112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff0"})
        EXPECT_EQ(parse_boot_id(text), zeros) << text;
}

}  // namespace
}  // namespace shmq::os::test
