// `shmq group create|drop|list`.
#include <fmt/format.h>
#include <unistd.h>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/common/text.hpp"
#include "tools/shmq/commands.hpp"

namespace shmq::tools {

namespace {

GroupOptions options_of(const Arguments& arguments) {
    GroupOptions options;
    options.delivery_limit = arguments.number32("--delivery-limit", 0);
    options.retry.first_delay = arguments.duration("--retry-delay", Duration{0});
    options.retry.kind = arguments.has("--retry-doubling") ? BackOff::doubling : BackOff::fixed;
    options.retry.most_delay = arguments.duration("--retry-most", Duration{0});
    const std::string& order = arguments.text("--order");
    options.order = order == "key" ? Order::by_key : order == "strict" ? Order::strict : Order::none;
    if (arguments.text("--retention") == "lossy") options.retention = Retention::lossy;
    if (arguments.has("--until-behind")) options.retention = Retention::until;
    options.behind = arguments.duration("--until-behind", Duration{0});
    options.in_flight = arguments.number32("--in-flight", 0);
    options.dead_letter = arguments.text("--dead-letter");
    options.histograms = arguments.has("--histograms");
    return options;
}

}  // namespace

int run_group_create(const Arguments& arguments) {
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    const auto made = stream->create_group(arguments.text("G"), arguments.position("--from", Position::oldest()),
                                           options_of(arguments));
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
    for (const GroupInfo& group : *groups) {
        const std::string options = arguments.has("--long") ? options_text(group) : "";
        output.append(fmt::format("{}{}{}\n", group.name, options.empty() ? "" : "  ", options));
    }
    return output.finish();
}

}  // namespace shmq::tools
