// The operator's commands that say one thing to a stream: ack, nack, dead requeue and drop, recover, trim, rm, list.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/common/text.hpp"
#include "tools/shmq/commands.hpp"

namespace shmq::tools {

namespace {

// Says `word` of every sequence given, also when one is refused. The exit code is that of the first refusal.
template <class Word>
int for_each_sequence(const Arguments& arguments, Word word) {
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    int exit_code = exit_done;
    for (const Sequence sequence : arguments.numbers("SEQ")) {
        const Result<void> result = word(*stream, arguments.text("G"), sequence);
        if (result) continue;
        const int code = report(result.error());
        if (exit_code == exit_done) exit_code = code;
        if (code != exit_nothing && code != exit_usage) break;
    }
    return exit_code;
}

// Says `word` of all that is dead, and how many there were.
template <class Word>
int for_all(const Arguments& arguments, std::string_view done, Word word) {
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    const Result<std::uint64_t> count = word(*stream, arguments.text("G"));
    if (!count) return report(count.error());
    return print(fmt::format("{} {}\n", done, counted(*count, "entry", "entries")));
}

}  // namespace

int run_ack(const Arguments& arguments) {
    return for_each_sequence(arguments, [](Stream& stream, const std::string& group, Sequence sequence) {
        return stream.ack(group, sequence);
    });
}

int run_nack(const Arguments& arguments) {
    const bool delays = arguments.has("--delay");
    const Duration delay = arguments.duration("--delay", Duration{0});
    return for_each_sequence(arguments, [&](Stream& stream, const std::string& group, Sequence sequence) {
        return delays ? stream.nack(group, sequence, delay) : stream.nack(group, sequence);
    });
}

int run_dead_requeue(const Arguments& arguments) {
    const std::array given{arguments.has("SEQ"), arguments.has("--all"), arguments.has("--from")};
    if (std::count(given.begin(), given.end(), true) != 1)
        return usage_error("dead requeue", "exactly one of sequences, --all and --from is needed");
    if (arguments.has("--from"))
        return for_all(arguments, "requeued", [&](Stream& stream, const std::string& group) {
            return stream.requeue_letters(group, arguments.text("--from"));
        });
    if (arguments.has("--all"))
        return for_all(arguments, "requeued",
                       [](Stream& stream, const std::string& group) { return stream.requeue_dead(group); });
    return for_each_sequence(arguments, [](Stream& stream, const std::string& group, Sequence sequence) {
        return stream.requeue_dead(group, sequence);
    });
}

int run_dead_drop(const Arguments& arguments) {
    if (arguments.has("--all") == arguments.has("SEQ"))
        return usage_error("dead drop", "either sequences or --all is needed");
    if (arguments.has("--all"))
        return for_all(arguments, "dropped",
                       [](Stream& stream, const std::string& group) { return stream.drop_dead(group); });
    return for_each_sequence(arguments, [](Stream& stream, const std::string& group, Sequence sequence) {
        return stream.drop_dead(group, sequence);
    });
}

int run_dead_move(const Arguments& arguments) {
    return for_all(arguments, "moved",
                   [](Stream& stream, const std::string& group) { return stream.move_dead(group); });
}

int run_recover(const Arguments& arguments) {
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    const auto recovered = stream->recover();
    if (!recovered) return report(recovered.error());
    std::string moved;
    if (recovered->moved != 0)
        moved = fmt::format(", {} moved to dead-letter streams", counted(recovered->moved, "entry", "entries"));
    return print(fmt::format(
        "{}, {}, {} handed to retry, {} left for adoption{}\n", counted(recovered->dead, "dead handle", "dead handles"),
        counted(recovered->consumers, "consumer", "consumers"), counted(recovered->entries, "entry", "entries"),
        counted(recovered->chunks, "chunk", "chunks"), moved));
}

int run_trim(const Arguments& arguments) {
    const std::array given{arguments.has("--before"), arguments.has("--keep"), arguments.has("--keep-bytes")};
    if (std::count(given.begin(), given.end(), true) != 1)
        return usage_error("trim", "exactly one of --before, --keep and --keep-bytes is needed");
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    const auto trimmed = arguments.has("--before")
                             ? stream->trim_before(arguments.position("--before", Position::oldest()))
                         : arguments.has("--keep") ? stream->trim_keep(arguments.number("--keep", 0))
                                                   : stream->trim_keep_bytes(arguments.size("--keep-bytes", 0));
    if (!trimmed) return report(trimmed.error());
    std::string text =
        fmt::format("trimmed {}, the first kept is {}", counted(trimmed->trimmed, "entry", "entries"), trimmed->first);
    if (trimmed->held_by) text += fmt::format("; group {} still needs {}", *trimmed->held_by, trimmed->held_at);
    return print(text + "\n");
}

int run_remove(const Arguments& arguments) {
    const auto removed = Stream::remove(arguments.text("NAME"));
    return removed ? exit_done : report(removed.error());
}

int run_list(const Arguments&) {
    const auto names = Stream::list();
    if (!names) return report(names.error());
    std::string text;
    for (const std::string& name : *names) text += name + "\n";
    return print(text);
}

}  // namespace shmq::tools
