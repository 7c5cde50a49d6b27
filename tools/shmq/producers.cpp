// `shmq producers list`: the names under which entries are numbered, and how far each has come.
#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/shmq/commands.hpp"

namespace shmq::tools {

namespace {

std::string_view word_of(Owner owner) {
    switch (owner) {
        case Owner::none: return "-";
        case Owner::alive: return "alive";
        case Owner::dead: return "dead";
        case Owner::unknown: return "unknown";
    }
    return "unknown";
}

std::string line(std::string_view name, std::string_view number, std::string_view sequence, std::string_view pid,
                 std::string_view owner) {
    return fmt::format("{:<16} {:>20} {:>20} {:>8}  {}\n", name, number, sequence, pid, owner);
}

}  // namespace

int run_producers(const Arguments& arguments) {
    OpenOptions read_only;
    read_only.read_only = true;
    auto stream = Stream::open(arguments.text("NAME"), read_only);
    if (!stream) return report(stream.error());
    const auto names = stream->producer_names();
    if (!names) return report(names.error());
    Output output(STDOUT_FILENO);
    if (!names->empty()) output.append(line("PRODUCER", "NUMBER", "SEQUENCE", "PID", "OWNER"));
    for (const ProducerNameInfo& name : *names)
        output.append(line(name.name, std::to_string(name.last_number), std::to_string(name.last_sequence),
                           name.pid == 0 ? "-" : std::to_string(name.pid), word_of(name.owner)));
    return output.finish();
}

}  // namespace shmq::tools
