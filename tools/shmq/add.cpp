// `shmq add`: one entry from the command line (bytes or fields) or from standard input whole, or one entry a line as
// lines arrive.
//
// The sequences go to standard output, flushed before each wait for input, the summary to standard error. A closed
// standard output does not end the adding. The first entry that cannot be added ends it; what was added before stays
// and is counted.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string>
#include <string_view>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/common/process.hpp"
#include "tools/common/text.hpp"
#include "tools/shmq/commands.hpp"
#include "tools/shmq/line_source.hpp"

namespace shmq::tools {

namespace {

// Adds entries one by one and keeps account of them.
class Adder {
public:
    Adder(Stream& stream, const AddOptions& options, bool quiet)
        : stream_(stream), options_(options), quiet_(quiet), output_(STDOUT_FILENO) {}

    /// False if the entry was not added; the reason was told and is the exit code.
    bool add(std::string_view payload) { return note(stream_.add(payload, options_), payload.size()); }
    bool add_fields(std::span<const Field> fields) {
        const auto size = Fields::encoded_size(fields);
        return note(size ? stream_.add_fields(fields, options_) : size.error(), size ? *size : 0);
    }

    void flush() { output_.flush(); }

    /// Tells the summary, unless the first entry failed already, and the failure. Returns the exit code; `exit_code` is
    /// why the caller ended.
    int finish(int exit_code) {
        const int written = output_.finish();
        if (entries_ > 0 || (failed_.code() == Code::ok && exit_code == exit_done)) remark(summary());
        if (failed_.code() != Code::ok) return report(failed_);
        return exit_code != exit_done ? exit_code : written;
    }

private:
    bool note(const Result<Sequence>& sequence, std::size_t size) {
        if (!sequence) {
            failed_ = sequence.error();
            return false;
        }
        if (entries_ == 0) first_ = *sequence;
        last_ = *sequence;
        ++entries_;
        bytes_ += size;
        if (!quiet_) output_.append(fmt::format("{}\n", *sequence));
        return true;
    }

    [[nodiscard]] std::string summary() const {
        std::string text =
            fmt::format("added {}, {}", counted(entries_, "entry", "entries"), counted(bytes_, "byte", "bytes"));
        if (entries_ == 1) text += fmt::format(", sequence {}", first_);
        if (entries_ > 1) text += fmt::format(", sequences {} to {}", first_, last_);
        return text;
    }

    Stream& stream_;
    AddOptions options_;
    bool quiet_;
    Output output_;
    Error failed_;
    Sequence first_ = 0;
    Sequence last_ = 0;
    std::uint64_t entries_ = 0;
    std::uint64_t bytes_ = 0;
};

// An entry that is longer than the stream takes is added all the same as far as it was read, for the library's answer.
int add_lines(Adder& adder, LineSource& source, std::string_view subject, std::uint64_t max_entry) {
    for (;;) {
        while (const auto entry = source.take())
            if (!adder.add(*entry)) return exit_done;
        adder.flush();
        if (source.rest().size() > max_entry) return adder.add(source.rest()), exit_done;
        switch (source.fill()) {
            case LineSource::Fill::more: break;
            case LineSource::Fill::end:
                if (!source.rest().empty()) adder.add(source.rest());
                return exit_done;
            case LineSource::Fill::stopped: return exit_nothing;
            case LineSource::Fill::failed: return report_errno(subject, source.error());
        }
    }
}

// Standard input whole is one entry; a stop before its end adds nothing.
int add_whole(Adder& adder, LineSource& source, std::uint64_t max_entry) {
    while (source.rest().size() <= max_entry) {
        const LineSource::Fill fill = source.fill();
        if (fill == LineSource::Fill::end) break;
        if (fill == LineSource::Fill::stopped) return exit_nothing;
        if (fill == LineSource::Fill::failed) return report_errno("standard input", source.error());
    }
    adder.add(source.rest());
    return exit_done;
}

int add_file(Adder& adder, const Arguments& arguments, const StopSignals& signals, std::uint64_t max_entry) {
    const char separator = arguments.has("--null") ? '\0' : '\n';
    const std::string& path = arguments.text("--lines");
    if (path == "-") {
        LineSource source(STDIN_FILENO, separator, signals.descriptor());
        return add_lines(adder, source, "standard input", max_entry);
    }
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return report_errno(path, errno);
    LineSource source(file, separator, signals.descriptor());
    const int exit_code = add_lines(adder, source, path, max_entry);
    ::close(file);
    return exit_code;
}

// Why fields cannot be one entry; empty if they can.
std::string problem_of(std::span<const Field> fields) {
    if (fields.size() > max_fields) return fmt::format("--field: {} of them, at most {}", fields.size(), max_fields);
    std::set<std::string_view> names;
    for (const Field& field : fields)
        if (!names.insert(field.name).second) return fmt::format("--field: the name '{}' is given twice", field.name);
    return {};
}

}  // namespace

int run_add(const Arguments& arguments) {
    const std::vector<Field> fields = arguments.fields("--field");
    if (!fields.empty() && arguments.has("--lines"))
        return usage_error("add", "--field makes one entry: it goes without --lines");
    if (const std::string problem = problem_of(fields); !problem.empty()) return usage_error("add", problem);
    const StopSignals signals;
    auto stream = Stream::open(arguments.text("NAME"));
    if (!stream) return report(stream.error());
    const auto info = stream->info();
    if (!info) return report(info.error());
    AddOptions options;
    options.key = bytes_of(arguments.text("--key"));
    options.wait = arguments.duration("--wait", Duration{0});
    options.stop = signals.token();
    Adder adder(*stream, options, arguments.has("--quiet"));
    const std::uint64_t max_entry = info->options.max_entry;
    if (!fields.empty()) {
        adder.add_fields(fields);
        return adder.finish(exit_done);
    }
    if (arguments.has("DATA")) {
        adder.add(arguments.text("DATA"));
        return adder.finish(exit_done);
    }
    if (arguments.has("--lines")) return adder.finish(add_file(adder, arguments, signals, max_entry));
    LineSource whole(STDIN_FILENO, '\n', signals.descriptor());
    return adder.finish(add_whole(adder, whole, max_entry));
}

}  // namespace shmq::tools
