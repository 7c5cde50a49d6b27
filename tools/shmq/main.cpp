// shmq: works on streams from the command line. See command_table.cpp for its commands.
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "tools/common/exit_code.hpp"
#include "tools/common/process.hpp"
#include "tools/shmq/command.hpp"

int main(int count, char** words) {
    using namespace shmq::tools;
    prepare_process();
    try {
        return run_command_line(std::vector<std::string>(words + (count > 0 ? 1 : 0), words + count));
    } catch (const std::bad_alloc&) {
        complain("out of memory");
    } catch (const std::exception& problem) {
        complain(problem.what());
    }
    return exit_system;
}
