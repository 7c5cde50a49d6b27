// The two kinds of consumer. The producers are in demo_producer.cpp.
#include "tools/shmq/demo_workers.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "tools/shmq/demo_audit.hpp"
#include "tools/shmq/demo_print.hpp"

namespace shmq::tools {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t index_batch = 64;  // entries
constexpr std::size_t audit_batch = 1'024;
constexpr auto slow_work = 2ms;  // on a batch, where producers are slow: so that there is a time in which it is held

/// Whether the whole plan was added and the group has finished it.
bool finished(const Stream& stream, const Plan& plan, std::string_view group) {
    const auto info = stream.info();
    if (!info || info->next <= plan.total) return false;
    const auto state = stream.group(group);
    return state && state->lag == 0 && state->pending == 0 && state->retry == 0;
}

/// Joins a group. `busy` may be seen for a moment when the name's former owner was killed just now.
Result<Consumer> join(Stream& stream, std::string_view group, const std::string& name) {
    for (int attempt = 0;; ++attempt) {
        auto consumer = stream.consumer(group, name);
        if (consumer || !(consumer.error() == Code::busy) || attempt == 100) return consumer;
        std::this_thread::sleep_for(50ms);
    }
}

/// Reads batches and hands them to `write` until the group has finished the plan. `write` answers false if the file
/// system refuses; what it wrote is acked.
template <class Write>
int consume(const Plan& plan, std::string_view group, const std::string& name, std::size_t max_entries, Write write) {
    auto stream = Stream::open(plan.stream);
    if (!stream) return complain("{}: {}", name, stream.error().message()), 1;
    auto consumer = join(*stream, group, name);
    if (!consumer) return complain("{}: {}", name, consumer.error().message()), 1;
    for (;;) {
        auto batch = consumer->read({.max_entries = max_entries, .wait = 100ms});
        if (!batch) {
            if (!(batch.error() == Code::empty)) return complain("{}: {}", name, batch.error().message()), 1;
            if (finished(*stream, plan, group)) return 0;
            continue;
        }
        if (!write(*batch)) return complain("{}: cannot write: {}", name, std::strerror(errno)), 1;
        const auto acked = batch->ack();
        if (!acked) return complain("{}: ack: {}", name, acked.error().message()), 1;
    }
}

IndexResult result_of(const Entry& entry, InputKind kind, std::uint64_t now) {
    const std::string_view text = text_in(entry.text());
    const std::string_view category = category_of(text, kind);
    IndexResult result{.sequence = entry.sequence(),
                       .delivered_ns = now,
                       .delay_ns = now - std::min(now, entry.time_ns()),
                       .amount = amount_of(text, kind),
                       .deliveries = entry.deliveries(),
                       .category_size = static_cast<std::uint32_t>(category.size())};
    std::copy(category.begin(), category.end(), result.category.begin());
    return result;
}

}  // namespace

int run_index_consumer(const Plan& plan, InputKind kind, const std::string& name) {
    const int file = create_output(plan, name);
    if (file < 0) return complain("{}: cannot make its output: {}", name, std::strerror(errno)), 1;
    std::vector<IndexResult> results;
    return consume(plan, index_group, name, index_batch, [&](const Batch& batch) {
        results.clear();
        const std::uint64_t now = now_ns();
        for (const Entry& entry : batch) results.push_back(result_of(entry, kind, now));
        if (plan.least_time_ns != 0) std::this_thread::sleep_for(slow_work);
        return write_whole(file, std::as_bytes(std::span(results)));
    });
}

int run_audit_consumer(const Plan& plan, const std::string& name) {
    const int file = create_output(plan, name);
    if (file < 0) return complain("{}: cannot make its output: {}", name, std::strerror(errno)), 1;
    AuditWriter writer;
    return consume(plan, audit_group, name, audit_batch, [&](const Batch& batch) {
        const std::uint64_t now = now_ns();
        for (const Entry& entry : batch) writer.take(entry, now);
        if (!write_whole(file, writer.unwritten())) return false;
        writer.written();
        return true;
    });
}

}  // namespace shmq::tools
