// The producers of the demo.
//
// A producer adds as fast as there is room, which keeps the ring full; only the last entries are added one a
// millisecond, after the groups have caught up, so that a delay can be measured that is not the length of the ring.
// With an input so small that it would be over in no time, it keeps to a slow pace, so that there is a middle in which
// somebody can be killed.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "tools/shmq/demo_audit.hpp"
#include "tools/shmq/demo_print.hpp"
#include "tools/shmq/demo_workers.hpp"

namespace shmq::tools {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t walk_step = 256;  // entries copied at a time when looking for the last own one

/// The producer's greatest number in the audit files, plus one; 0 if there is none.
std::uint64_t next_number_in_audit(const Plan& plan, std::uint32_t producer) {
    std::uint64_t next = 0;
    for (const std::string& path : outputs_of(plan, audit_group)) {
        AuditFile file(path);
        for (AuditRecord record; file.next(record);) {
            const EntryHead& entry = record.head.entry;
            if (entry.producer == producer) next = std::max(next, entry.number + 1);
        }
    }
    return next;
}

/// Waits until both groups have been delivered nearly all, at most ten seconds: after that the delay of the unhurried
/// entries tells of a machine that is busy, which is true too.
void wait_until_caught_up(const Stream& stream) {
    constexpr std::uint64_t nearly = 16;  // entries
    for (int look = 0; look < 1'000; ++look) {
        const auto index = stream.group(index_group);
        const auto audit = stream.group(audit_group);
        if (!index || !audit || (index->lag < nearly && audit->lag < nearly)) return;
        std::this_thread::sleep_for(10ms);
    }
}

class Pace {
public:
    Pace(const Plan& plan, const Stream& stream, std::uint32_t producer, std::uint64_t first)
        : plan_(plan), stream_(stream), producer_(producer), first_(first), begin_ns_(now_ns()) {}

    /// Sleeps as long as it is too early for entry `number`.
    void before(std::uint64_t number) {
        if (plan_.is_unhurried(producer_, number)) {
            if (!caught_up_) wait_until_caught_up(stream_);
            caught_up_ = true;
            std::this_thread::sleep_for(1ms);
            return;
        }
        if (plan_.least_time_ns == 0) return;
        const std::uint64_t due_ns = begin_ns_ + (number - first_) * plan_.least_time_ns / plan_.count_of(producer_);
        const std::uint64_t now = now_ns();
        if (now < due_ns)
            std::this_thread::sleep_for(std::chrono::nanoseconds(std::min<std::uint64_t>(due_ns - now, 10'000'000)));
    }

private:
    const Plan& plan_;
    const Stream& stream_;
    std::uint32_t producer_;
    std::uint64_t first_;
    std::uint64_t begin_ns_;
    bool caught_up_ = false;
};

/// Fills a loan in place and commits it.
Result<Sequence> add_one(Stream& stream, const EntryHead& head, const Record& record) {
    auto loan = stream.loan(sizeof(head) + record.text.size(), {.key = bytes_of(record.key), .wait = forever});
    if (!loan) return loan.error();
    const std::span<std::byte> bytes = loan->bytes();
    std::memcpy(bytes.data(), &head, sizeof(head));
    if (!record.text.empty()) std::memcpy(bytes.data() + sizeof(head), record.text.data(), record.text.size());
    return loan->commit();
}

}  // namespace

Result<std::uint64_t> next_number(const Stream& stream, const Plan& plan, std::uint32_t producer) {
    const auto info = stream.info();
    if (!info) return info.error();
    for (Sequence last = info->next - 1; last > 0;) {
        const auto copies = stream.reverse_range(last, 1, walk_step);
        if (!copies) return copies.error();
        if (copies->empty()) break;
        for (const Entry& entry : *copies) {
            const EntryHead head = head_of(entry.text());
            if (head.producer == producer) return head.number + 1;
        }
        last = (*copies)[copies->size() - 1].sequence() - 1;
    }
    return next_number_in_audit(plan, producer);
}

int run_producer(const Plan& plan, const Records& records, std::uint32_t producer) {
    auto stream = Stream::open(plan.stream);
    if (!stream) return complain("producer-{}: {}", producer + 1, stream.error().message()), 1;
    const auto first = next_number(*stream, plan, producer);
    if (!first) return complain("producer-{}: {}", producer + 1, first.error().message()), 1;
    Pace pace(plan, *stream, producer, *first);
    EntryHead head{.producer = producer, .pid = static_cast<std::uint32_t>(::getpid())};
    for (head.number = *first; head.number < plan.count_of(producer); ++head.number) {
        pace.before(head.number);
        const std::size_t index = Plan::record_of(producer, head.number) % records.count();
        const auto added = add_one(*stream, head, records[index]);
        if (!added) return complain("producer-{}: {}", producer + 1, added.error().message()), 1;
    }
    return 0;
}

}  // namespace shmq::tools
