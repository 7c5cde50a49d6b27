// What `shmq read` and `shmq claim` do with the entries they are given: write them out and ack what was written, or run
// a command for each and ack or nack by its end.
//
// An entry is acked only when every byte of it was taken by standard output. What was not goes back to retry with its
// batch, not counted as a failed delivery. With `ack` off batches are held until the Delivery ends, so that no entry
// comes twice.
//
// Threads: one. The consumer must outlive the Delivery.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shmq/consumer.hpp"
#include "tools/common/output.hpp"
#include "tools/common/process.hpp"
#include "tools/shmq/child.hpp"
#include "tools/shmq/command.hpp"

namespace shmq::tools {

/// Writes entries as text (fields as `fields_text` has them) or JSON, each with a newline or NUL behind it.
class EntryWriter {
public:
    EntryWriter(Output& output, bool json, bool null) : output_(output), json_(json), end_(null ? '\0' : '\n') {}
    void write(const Entry& entry);

private:
    void write_fields(const Entry& entry);

    Output& output_;
    bool json_;
    char end_;
};

class Delivery {
public:
    /// From --no-ack, --null, --format and NAME of the arguments.
    Delivery(const Arguments& arguments, const StopSignals& signals);
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    /// Runs `command` for each entry from now on.
    void use_command(const std::string& command, const std::string& group);
    /// How many entries at most the next batch should have, `left` of them still wanted.
    [[nodiscard]] std::size_t batch_size(std::uint64_t left) const noexcept;
    /// Handles every entry of the batch. False if nothing more can be handled; `exit_code` says why.
    bool handle(Batch batch);

    /// Entries written or given to a command.
    [[nodiscard]] std::uint64_t handled() const noexcept { return handled_; }
    /// 1 if nothing was handled or an ack was refused; the code of what failed; else 0.
    [[nodiscard]] int exit_code() const noexcept;

private:
    bool write_out(Batch batch);
    bool run_command(Batch batch);
    void ack_written(Batch& batch, const std::vector<std::uint64_t>& ends);
    void note(const Result<void>& result);

    std::string stream_;
    const StopSignals& signals_;
    Output output_;
    EntryWriter writer_;
    bool ack_;
    std::optional<ChildRunner> runner_;
    std::vector<Batch> held_;
    std::uint64_t handled_ = 0;
    int failed_ = 0;
};

}  // namespace shmq::tools
