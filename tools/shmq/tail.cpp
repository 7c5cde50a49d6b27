// `shmq tail`: prints entries without a group; nothing is acked, nothing kept back.
//
// Read permission suffices. With --follow it attaches if it may, to sleep until something comes; otherwise it looks in
// slices.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
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

// A reader of what was asked for; without an end if it follows.
Result<Reader> make_reader(Stream& stream, const Arguments& arguments) {
    const Position from = arguments.position("--from", Position::oldest());
    const Position to = arguments.position("--to", Position::newest());
    const bool follow = arguments.has("--follow");
    if (!arguments.has("--last")) return follow ? stream.reader(from) : stream.reader(from, to);
    const auto all = stream.reader(from, to);
    if (!all) return all.error();
    const std::uint64_t kept = all->end() - std::min(all->end(), all->position());
    const Position first = Position::at(all->end() - std::min(kept, arguments.number("--last", 1)));
    return follow ? stream.reader(first) : stream.reader(first, Position::at(all->end() - 1));
}

// Prints up to `count` entries, and waits for more if it follows. Gives why it ended; `ok`: it came to the end.
Error print_entries(Reader& reader, EntryWriter& writer, Output& output, std::uint64_t count, bool follow,
                    const StopSignals& signals) {
    while (count > 0 && output.good() && !signals.token().stop_requested()) {
        auto entry = reader.next();
        if (!entry && entry.error().code() == Code::empty && follow) {
            if (!output.flush()) break;
            entry = reader.next(forever, signals.token());
        }
        if (!entry) return entry.error().code() == Code::empty ? Error() : entry.error();
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
    auto reader = make_reader(*stream, arguments);
    if (!reader) return report(reader.error());
    constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
    Output output(STDOUT_FILENO, signals.descriptor());
    EntryWriter writer(output, arguments.json(), arguments.has("--null"));
    const Error end = print_entries(*reader, writer, output, arguments.number("--count", unlimited), follow, signals);
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
