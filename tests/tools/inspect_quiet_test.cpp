// That looking disturbs nobody: what shmq-inspect asks the kernel for.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

TEST(InspectQuiet, a_segment_is_opened_and_mapped_for_reading_only_and_never_locked) {
    const Folder folder;
    folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB"});
    folder.shmq({"group", "create", "jobs", "g"});
    folder.add_numbers("jobs", 5);
    const Holder holder(folder, "jobs", "g", "worker", 5);
    ::kill(holder.pid(), SIGSTOP);
    const std::string before = read_whole(folder.segment("jobs"));
    const std::vector<std::string> lines{"list",
                                         "show jobs",
                                         "doctor --over 1ms",
                                         "check --over 1ms",
                                         "groups jobs",
                                         "consumers jobs",
                                         "latency jobs",
                                         "pending jobs g",
                                         "attachments jobs",
                                         "entries jobs",
                                         "rate jobs --over 1ms",
                                         "memory jobs",
                                         "layout jobs",
                                         "verify jobs --deep",
                                         "dump jobs",
                                         "metrics",
                                         "trace jobs",
                                         "audit jobs",
                                         "report jobs --over 1ms --html " + folder.file("out/page"),
                                         "ack jobs g 1 --dry-run",
                                         "claim jobs g --idle 0 --dry-run",
                                         "trim jobs --keep 0 --dry-run",
                                         "rm jobs --dry-run"};
    for (const std::string& line : lines) {
        const std::string calls = folder.file("out/calls");
        const Outcome outcome = folder.shell("strace -f -y -o " + calls +
                                             " -e trace=openat,open,mmap,mprotect,fcntl,futex,pwrite64,write,ftruncate "
                                             "shmq-inspect " +
                                             line + " > /dev/null");
        EXPECT_LE(outcome.code, 2) << line << outcome.error;
        std::istringstream stream(read_whole(calls));
        int mapped = 0;
        for (std::string call; std::getline(stream, call);) {
            if (call.find("jobs.shmq") == std::string::npos) continue;
            const bool opens = call.find("open") != std::string::npos;
            const bool maps = call.find("mmap(") != std::string::npos;
            const bool looks_for_locks = call.find("F_OFD_GETLK") != std::string::npos;
            EXPECT_TRUE(opens || maps || looks_for_locks) << line << ": " << call;
            EXPECT_FALSE(opens && call.find("O_RDONLY") == std::string::npos) << line << ": " << call;
            EXPECT_EQ(call.find("PROT_WRITE"), std::string::npos) << line << ": " << call;
            mapped += maps ? 1 : 0;
        }
        EXPECT_GE(mapped, 1) << line << ": and it did look";
    }
    EXPECT_EQ(read_whole(folder.segment("jobs")), before);
}

}  // namespace
}  // namespace shmq::inspect_test
