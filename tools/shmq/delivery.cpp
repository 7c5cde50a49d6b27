// See delivery.hpp.
#include "tools/shmq/delivery.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>

#include "tools/common/entry_json.hpp"
#include "tools/common/exit_code.hpp"

namespace shmq::tools {

namespace {

constexpr std::uint64_t written_at_once = 64;

std::string end_text(const ChildEnd& end) {
    if (end.failed != 0)
        return fmt::format("the command could not be run: {}", std::generic_category().message(end.failed));
    if (end.signal != 0) return fmt::format("the command was ended by signal {}", end.signal);
    return fmt::format("the command ended with {}", end.exit_status);
}

}  // namespace

void EntryWriter::write(const Entry& entry) {
    if (json_)
        output_.append(entry_json(entry));
    else if (entry.is_fields())
        write_fields(entry);
    else
        output_.append(entry.text());
    output_.append({&end_, 1});
}

void EntryWriter::write_fields(const Entry& entry) {
    if (const auto fields = entry.fields()) return output_.append(fields_text(*fields));
    complain(fmt::format("the fields of entry {} are damaged; its bytes are written as they are", entry.sequence()));
    output_.append(entry.text());
}

Delivery::Delivery(const Arguments& arguments, const StopSignals& signals)
    : stream_(arguments.text("NAME")), signals_(signals), output_(STDOUT_FILENO, signals.descriptor()),
      writer_(output_, arguments.json(), arguments.has("--null")), ack_(!arguments.has("--no-ack")) {}

void Delivery::use_command(const std::string& command, const std::string& group) {
    runner_.emplace(command, stream_, group, signals_.original_mask());
}

// A command may take long: what waits behind it is better left to other consumers.
std::size_t Delivery::batch_size(std::uint64_t left) const noexcept {
    return runner_ ? 1 : static_cast<std::size_t>(std::min(left, written_at_once));
}

bool Delivery::handle(Batch batch) { return runner_ ? run_command(std::move(batch)) : write_out(std::move(batch)); }

int Delivery::exit_code() const noexcept {
    if (failed_ != exit_done) return failed_;
    if (output_.closed() || signals_.output_closed()) return exit_done;
    return handled_ > 0 ? exit_done : exit_nothing;
}

bool Delivery::write_out(Batch batch) {
    std::vector<std::uint64_t> ends;
    ends.reserve(batch.size());
    for (const Entry& entry : batch) {
        writer_.write(entry);
        ends.push_back(output_.appended());
    }
    const bool whole = output_.flush();
    handled_ += static_cast<std::uint64_t>(
        std::count_if(ends.begin(), ends.end(), [&](std::uint64_t end) { return end <= output_.written(); }));
    if (!ack_)
        held_.push_back(std::move(batch));
    else if (whole)
        note(batch.ack());
    else
        ack_written(batch, ends);
    if (output_.error() != 0) failed_ = output_.finish();
    return whole;
}

// `ends`: for each entry of the batch, how many bytes of output there were behind it.
void Delivery::ack_written(Batch& batch, const std::vector<std::uint64_t>& ends) {
    std::vector<Sequence> sequences;
    for (std::size_t index = 0; index < ends.size(); ++index)
        if (ends[index] <= output_.written()) sequences.push_back(batch[index].sequence());
    for (const Sequence sequence : sequences) note(batch.ack(sequence));
}

bool Delivery::run_command(Batch batch) {
    std::vector<Sequence> sequences;
    for (const Entry& entry : batch) sequences.push_back(entry.sequence());
    for (std::size_t index = 0; index < sequences.size(); ++index) {
        if (!batch.holds(sequences[index])) continue;  // taken back with an earlier one of its key, or by others
        const ChildEnd end = runner_->run(batch[index]);
        if (end.failed != 0) {
            complain(fmt::format("entry {} was given back: {}", sequences[index], end_text(end)));
            failed_ = exit_system;
            return false;  // the batch gives it back, uncounted
        }
        ++handled_;
        if (!end.good()) complain(fmt::format("entry {} was given back: {}", sequences[index], end_text(end)));
        note(end.good() ? batch.ack(sequences[index]) : batch.nack(sequences[index]));
    }
    return true;
}

// An entry that was handed on meanwhile is told and goes into the exit code; reading goes on.
void Delivery::note(const Result<void>& result) {
    if (!result && failed_ == exit_done) failed_ = exit_code_of(result.error().code());
    if (!result) complain(result.error().message());
}

}  // namespace shmq::tools
