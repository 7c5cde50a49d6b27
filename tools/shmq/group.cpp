// `shmq group create|drop|list`.
#include <unistd.h>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/shmq/commands.hpp"

namespace shmq::tools {

int run_group_create(const Arguments& arguments) {
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    const auto made = stream->create_group(arguments.text("G"), arguments.position("--from", Position::oldest()));
    return made ? exit_done : report(made.error());
}

int run_group_drop(const Arguments& arguments) {
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    const auto dropped = stream->drop_group(arguments.text("G"));
    return dropped ? exit_done : report(dropped.error());
}

int run_group_list(const Arguments& arguments) {
    OpenOptions read_only;
    read_only.read_only = true;
    auto stream = Stream::open(arguments.text("NAME"), read_only);
    if (!stream) return report(stream.error());
    const auto groups = stream->groups();
    if (!groups) return report(groups.error());
    Output output(STDOUT_FILENO);
    for (const GroupInfo& group : *groups) output.append(group.name + "\n");
    return output.finish();
}

}  // namespace shmq::tools
