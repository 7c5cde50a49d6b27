// shmq-inspect: looks at streams, living, dead or copied, and changes nothing. See command_line.cpp for its commands.
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/exit_code.hpp"
#include "tools/common/process.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/terminal.hpp"

namespace {

// A file that is cut short while it is mapped answers a read behind its new end with SIGBUS. There is nothing to go
// back to.
extern "C" void end_as_damaged(int) {
    constexpr std::string_view text = "shmq-inspect: corrupt: the segment file became shorter while it was looked at\n";
    shmq::inspect::give_terminal_back();
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(shmq::tools::exit_damaged);
}

}  // namespace

int main(int count, char** words) {
    using namespace shmq;
    tools::prepare_process();
    tools::set_tool_name("shmq-inspect");
    ::signal(SIGBUS, end_as_damaged);
    try {
        return inspect::run_command_line(std::vector<std::string>(words + (count > 0 ? 1 : 0), words + count));
    } catch (const std::bad_alloc&) {
        tools::complain("out of memory");
    } catch (const std::exception& problem) {
        tools::complain(problem.what());
    }
    return tools::exit_system;
}
