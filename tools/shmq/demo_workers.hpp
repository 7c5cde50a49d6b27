// The working processes of the demo. Each function runs in a freshly forked process that holds no handle, opens the
// stream for itself, works until its part is done, and gives the exit status of the process.
//
// Each of them may be killed at any instruction and started again: a producer looks in the stream for the last entry of
// its own and goes on after it; a consumer comes back under its name. Consumers end by themselves when the stream holds
// the whole plan and their group has finished it, so they need nobody who tells them.
#pragma once

#include <cstdint>
#include <string>

#include "shmq/stream.hpp"
#include "tools/shmq/demo_folder.hpp"
#include "tools/shmq/demo_records.hpp"

namespace shmq::tools {

/// Adds the entries of one producer. Waits for room for ever; the death of the director ends it.
int run_producer(const Plan& plan, const Records& records, std::uint32_t producer);
/// A consumer of `index`: writes an IndexResult for each entry, then acks.
int run_index_consumer(const Plan& plan, InputKind kind, const std::string& name);
/// The consumer of `audit`: writes every record, then acks.
int run_audit_consumer(const Plan& plan, const std::string& name);

/// The number a producer goes on with: one more than that of its last entry. Walks the kept entries backwards; if none
/// of them is this producer's, all of its entries were trimmed, hence acked by `audit`, hence stand in the audit files.
Result<std::uint64_t> next_number(const Stream& stream, const Plan& plan, std::uint32_t producer);

}  // namespace shmq::tools
