// The commands that tell about the tool itself: `manual` and `completion`.
#include "tools/inspect/command.hpp"

namespace shmq::inspect {

int run_manual(Answer& answer) {
    answer.output().append(answer.request().synopsis ? tools::synopsis(manual()) : tools::man_page(manual()));
    return tools::exit_done;
}

int run_completion(Answer& answer) {
    answer.output().append(tools::completion_script(manual(), answer.request().shell).value_or(""));
    return tools::exit_done;
}

}  // namespace shmq::inspect
