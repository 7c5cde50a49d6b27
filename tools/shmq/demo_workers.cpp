// The two kinds of consumer. The producers are in demo_producer.cpp.
#include "tools/shmq/demo_workers.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "tools/shmq/demo_print.hpp"

namespace shmq::tools {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t index_batch = 64;   // entries
constexpr std::size_t audit_batch = 256;  // entries; three pieces each stay below the kernel's 1,024 for writev

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

std::uint64_t delay_of(const Entry& entry, std::uint64_t now) {
    return now > entry.time_ns() ? now - entry.time_ns() : 0;
}

IndexResult result_of(const Entry& entry, InputKind kind, std::uint64_t now) {
    std::string_view text = entry.text();
    text.remove_prefix(std::min(sizeof(EntryHead), text.size()));
    const std::string_view category = category_of(text, kind);
    IndexResult result{.sequence = entry.sequence(),
                       .delivered_ns = now,
                       .delay_ns = delay_of(entry, now),
                       .amount = amount_of(text, kind),
                       .deliveries = entry.deliveries(),
                       .category_size = static_cast<std::uint32_t>(category.size())};
    std::copy(category.begin(), category.end(), result.category.begin());
    return result;
}

iovec piece(Bytes bytes) { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

/// writev until all is written. The pieces are used up.
bool write_pieces(int file, std::span<iovec> pieces) {
    while (!pieces.empty()) {
        const ssize_t result = ::writev(file, pieces.data(), static_cast<int>(pieces.size()));
        if (result < 0 && errno == EINTR) continue;
        if (result < 0) return false;
        std::size_t written = static_cast<std::size_t>(result);
        while (!pieces.empty() && written >= pieces.front().iov_len) {
            written -= pieces.front().iov_len;
            pieces = pieces.subspan(1);
        }
        if (!pieces.empty()) {
            pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + written;
            pieces.front().iov_len -= written;
        }
    }
    return true;
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
        return write_whole(file, std::as_bytes(std::span(results)));
    });
}

int run_audit_consumer(const Plan& plan, const std::string& name) {
    const int file = create_output(plan, name);
    if (file < 0) return complain("{}: cannot make its output: {}", name, std::strerror(errno)), 1;
    std::vector<AuditHead> heads;
    std::vector<iovec> pieces;
    heads.reserve(audit_batch);  // pieces point into it
    return consume(plan, audit_group, name, audit_batch, [&](const Batch& batch) {
        heads.clear();
        pieces.clear();
        const std::uint64_t now = now_ns();
        for (const Entry& entry : batch) {
            heads.push_back({.sequence = entry.sequence(),
                             .delivered_ns = now,
                             .delay_ns = delay_of(entry, now),
                             .payload_size = static_cast<std::uint32_t>(entry.payload().size()),
                             .key_size = static_cast<std::uint16_t>(entry.key().size()),
                             .deliveries = static_cast<std::uint16_t>(std::min(entry.deliveries(), 0xffffu))});
            pieces.push_back(piece(std::as_bytes(std::span(&heads.back(), 1))));
            pieces.push_back(piece(entry.key()));
            pieces.push_back(piece(entry.payload()));
        }
        return write_pieces(file, pieces);
    });
}

}  // namespace shmq::tools
