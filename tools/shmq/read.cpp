// `shmq read` and `shmq claim`: take entries as a consumer of a group and hand them to a Delivery.
#include <fmt/format.h>
#include <unistd.h>
#include <limits>
#include <utility>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/process.hpp"
#include "tools/shmq/commands.hpp"
#include "tools/shmq/delivery.hpp"

namespace shmq::tools {

namespace {

constexpr std::size_t claimed_at_once = 4'096;

// What a group that is not required lost comes with the next entries; it is told beside them.
void tell_losses(const Batch& batch, const std::string& group) {
    for (const LostRange& range : batch.lost())
        complain(range.first == range.last
                     ? fmt::format("entry {} was lost (group {} is lossy)", range.first, group)
                     : fmt::format("entries {} to {} were lost (group {} is lossy)", range.first, range.last, group));
}

// A stream that is removed, and a request to stop, end --follow in good order.
int end_of_follow(const Error& error, const Delivery& delivery) {
    if (error.code() == Code::stopped || error.code() == Code::removed) {
        if (error.code() == Code::removed) complain(error.message());
        const int exit_code = delivery.exit_code();
        return exit_code == exit_nothing ? exit_done : exit_code;
    }
    return report(error);
}

// Without --follow: nothing more within the wait is the exit code of what was done; the rest is told.
int end_of_read(const Error& error, const Delivery& delivery) {
    if (error.code() == Code::empty || error.code() == Code::stopped) return delivery.exit_code();
    const int exit_code = report(error);
    return error.code() == Code::removed && delivery.handled() > 0 ? delivery.exit_code() : exit_code;
}

int read_all(Consumer& consumer, const Arguments& arguments, const StopSignals& signals, Delivery& delivery) {
    const bool follow = arguments.has("--follow");
    const std::uint64_t count = follow ? std::numeric_limits<std::uint64_t>::max() : arguments.number("--count", 1);
    ReadOptions options;
    options.wait = follow ? forever : arguments.duration("--wait", Duration{0});
    options.claim_idle = arguments.duration("--claim-idle", forever);
    options.stop = signals.token();
    while (delivery.handled() < count) {
        if (signals.requested()) return follow ? end_of_follow(Error(Code::stopped), delivery) : delivery.exit_code();
        options.max_entries = delivery.batch_size(count - delivery.handled());
        auto batch = consumer.read(options);
        if (!batch) return follow ? end_of_follow(batch.error(), delivery) : end_of_read(batch.error(), delivery);
        tell_losses(*batch, arguments.text("--group"));
        if (!delivery.handle(std::move(*batch))) break;
    }
    return delivery.exit_code();
}

// Claims go from the lowest sequence on. With --no-ack what was claimed stays pending and could be claimed again, hence
// the end when sequences no longer grow.
int claim_all(Consumer& consumer, const Arguments& arguments, const StopSignals& signals, Delivery& delivery) {
    const std::uint64_t count = arguments.number("--count", 1);
    const Duration idle = arguments.duration("--idle", Duration{0});
    Sequence highest = 0;
    while (delivery.handled() < count && !signals.requested()) {
        const std::uint64_t left = count - delivery.handled();
        auto batch = consumer.claim({idle, left < claimed_at_once ? static_cast<std::size_t>(left) : claimed_at_once});
        if (!batch) return end_of_read(batch.error(), delivery);
        tell_losses(*batch, arguments.text("G"));
        const Sequence first = (*batch)[0].sequence();
        if (first <= highest) break;
        highest = (*batch)[batch->size() - 1].sequence();
        if (!delivery.handle(std::move(*batch))) break;
    }
    return delivery.exit_code();
}

}  // namespace

int run_read(const Arguments& arguments) {
    const bool with_command = arguments.has("--exec");
    if (with_command && (arguments.has("--null") || arguments.has("--format")))
        return usage_error("read", "--exec writes nothing itself: it goes without --null and --format");
    const StopSignals signals(with_command ? -1 : STDOUT_FILENO);
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    auto consumer = stream->consumer(arguments.text("--group"), arguments.text("--consumer"));
    if (!consumer) return report(consumer.error());
    Delivery delivery(arguments, signals);
    if (with_command) delivery.use_command(arguments.text("--exec"), arguments.text("--group"));
    return read_all(*consumer, arguments, signals, delivery);
}

int run_claim(const Arguments& arguments) {
    const StopSignals signals(STDOUT_FILENO);
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    auto consumer = stream->consumer(arguments.text("G"), arguments.text("--consumer"));
    if (!consumer) return report(consumer.error());
    Delivery delivery(arguments, signals);
    return claim_all(*consumer, arguments, signals, delivery);
}

}  // namespace shmq::tools
