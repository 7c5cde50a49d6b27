// `shmq tail`: prints entries without a group; nothing is acked, nothing kept back.
//
// Read permission suffices. With --follow it attaches if it may, to sleep until something comes; otherwise it looks in
// slices.
#include <fmt/format.h>
#include <unistd.h>

#include <limits>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/common/process.hpp"
#include "tools/common/text.hpp"
#include "tools/shmq/commands.hpp"
#include "tools/shmq/delivery.hpp"

namespace shmq::tools {

namespace {

Result<Stream> open_stream(const std::string& name, bool follow) {
    OpenOptions read_only;
    read_only.read_only = true;
    if (!follow) return Stream::open(name, read_only);
    auto stream = Stream::open(name);
    if (stream || (stream.error().code() != Code::not_allowed && stream.error().code() != Code::too_many_attachments))
        return stream;
    return Stream::open(name, read_only);
}

// Prints up to `count` entries below `end`, and waits for more if it follows. Gives why it ended; `ok`: it came to the
// end.
Error print_entries(Reader& reader, EntryWriter& writer, Output& output, std::uint64_t count, Sequence end, bool follow,
                    const StopSignals& signals) {
    while (count > 0 && output.good() && !signals.token().stop_requested()) {
        auto entry = reader.next();
        if (!entry && entry.error().code() == Code::empty && follow) {
            if (!output.flush()) break;
            entry = reader.next(forever, signals.token());
        }
        if (!entry) return entry.error().code() == Code::empty ? Error() : entry.error();
        if (entry->sequence() >= end) break;
        writer.write(*entry);
        --count;
    }
    return {};
}

}  // namespace

int run_tail(const Arguments& arguments) {
    const bool follow = arguments.has("--follow");
    const StopSignals signals(STDOUT_FILENO);
    auto stream = open_stream(arguments.text("NAME"), follow);
    if (!stream) return report(stream.error());
    auto reader = stream->reader(arguments.position("--from", Position::oldest()));
    if (!reader) return report(reader.error());
    const auto info = stream->info();
    if (!info) return report(info.error());
    constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
    Output output(STDOUT_FILENO, signals.descriptor());
    EntryWriter writer(output, arguments.json(), arguments.has("--null"));
    const Error end = print_entries(*reader, writer, output, arguments.number("--count", unlimited),
                                    follow ? unlimited : info->next, follow, signals);
    const int written = output.finish();
    if (reader->lapped() > 0)
        complain(fmt::format("{} overwritten before it could be read",
                             counted(reader->lapped(), "entry was", "entries were")));
    if (end.code() == Code::ok || end.code() == Code::stopped) return written;
    if (end.code() == Code::removed) {
        if (follow) complain(end.message());
        return written;
    }
    return report(end);
}

}  // namespace shmq::tools
