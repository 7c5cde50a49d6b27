// `shmq add`: one entry from the command line (bytes or fields) or from standard input whole, or one entry a line as
// lines arrive.
//
// The sequences go to standard output, flushed before each wait for input, the summary to standard error. A closed
// standard output does not end the adding. The first entry that cannot be added ends it; what was added before stays
// and is counted.
// Of a producer with a name, a line whose number was added before is passed over, and told as `duplicate`.
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
    /// `skips`: of many entries, those with numbers that were added before are passed over.
    Adder(Producer& producer, const AddOptions& options, bool skips, bool quiet)
        : producer_(producer), options_(options), skips_(skips), quiet_(quiet), output_(STDOUT_FILENO) {}

    /// False if the entry was not added; the reason was told and is the exit code.
    bool add(std::string_view payload) {
        return add_numbered([&] { return producer_.add(payload, options_); }, payload.size());
    }
    bool add_fields(std::span<const Field> fields) {
        const auto size = Fields::encoded_size(fields);
        if (!size) return failed_ = size.error(), false;
        return add_numbered([&] { return producer_.add_fields(fields, options_); }, *size);
    }

    void flush() { output_.flush(); }

    /// Tells the summary, unless the first entry failed already, and the failure. Returns the exit code; `exit_code` is
    /// why the caller ended.
    int finish(int exit_code) {
        const int written = output_.finish();
        if (entries_ + duplicates_ > 0 || (failed_.code() == Code::ok && exit_code == exit_done)) remark(summary());
        if (failed_.code() != Code::ok) return report(failed_);
        return exit_code != exit_done ? exit_code : written;
    }

private:
    template <class Add>
    bool add_numbered(Add add, std::size_t size) {
        const std::uint64_t last_number = producer_.last_number();
        const bool known = options_.number != 0 && options_.number <= last_number;
        if (known && skips_ && options_.number < last_number) return pass_over();
        const Result<Sequence> sequence = add();
        if (!sequence) {
            failed_ = sequence.error();
            return false;
        }
        if (options_.number != 0) ++options_.number;
        if (!quiet_) output_.append(fmt::format("{}\n", *sequence));
        if (known) return ++duplicates_, true;
        if (entries_ == 0) first_ = *sequence;
        last_ = *sequence;
        ++entries_;
        bytes_ += size;
        return true;
    }

    bool pass_over() {
        ++options_.number;
        ++duplicates_;
        if (!quiet_) output_.append("duplicate\n");
        return true;
    }

    [[nodiscard]] std::string summary() const {
        std::string text =
            fmt::format("added {}, {}", counted(entries_, "entry", "entries"), counted(bytes_, "byte", "bytes"));
        if (entries_ == 1) text += fmt::format(", sequence {}", first_);
        if (entries_ > 1) text += fmt::format(", sequences {} to {}", first_, last_);
        if (duplicates_ > 0)
            text += fmt::format("; {} not added again", counted(duplicates_, "duplicate", "duplicates"));
        return text;
    }

    Producer& producer_;
    AddOptions options_;
    bool skips_;
    bool quiet_;
    Output output_;
    Error failed_;
    Sequence first_ = 0;
    Sequence last_ = 0;
    std::uint64_t entries_ = 0;
    std::uint64_t duplicates_ = 0;
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
    options.number = arguments.number("--number", 0);
    auto producer = arguments.has("--producer") ? stream->producer(arguments.text("--producer")) : stream->producer();
    if (!producer) return report(producer.error());
    Adder adder(*producer, options, arguments.has("--lines"), arguments.has("--quiet"));
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
