// The commands that tell about the tool itself: manual and completion.

#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/shmq/commands.hpp"

namespace shmq::tools {

int run_manual(const Arguments& arguments) {
    return print(arguments.text("--format") == "synopsis" ? synopsis(manual()) : man_page(manual()));
}

int run_completion(const Arguments& arguments) {
    const auto script = completion_script(manual(), arguments.text("SHELL"));
    return script ? print(*script) : exit_usage;
}

}  // namespace shmq::tools
