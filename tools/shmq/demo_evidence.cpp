// Reading the outputs back.
#include "tools/shmq/demo_evidence.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "tools/shmq/demo_audit.hpp"

namespace shmq::tools {

namespace {

bool is_unhurried(const Plan& plan, std::uint32_t record) {
    return plan.is_unhurried(record % producer_count, record / producer_count);
}

/// Books one record of an output under its group's deliveries.
void book(Deliveries& deliveries, const Plan& plan, std::uint32_t record, Sequence sequence, std::uint64_t delivered_ns,
          std::uint64_t delay_ns, std::uint32_t count) {
    if (count > 1) {
        deliveries.again.push_back({sequence, delivered_ns});
    } else if (is_unhurried(plan, record)) {
        deliveries.unhurried_ns.push_back(delay_ns);
    } else {
        deliveries.hurried_ns.push_back(delay_ns);
        deliveries.last_hurried_ns = std::max(deliveries.last_hurried_ns, delivered_ns);
    }
}

class AuditReader {
public:
    AuditReader(const Plan& plan, const Records& records, AuditEvidence& evidence)
        : plan_(plan), records_(records), evidence_(evidence) {
        evidence_.record_of.assign(plan.total + 1, no_record);
    }

    void take(const AuditRecord& record) {
        const AuditHead& head = record.head;
        const EntryHead& entry = head.entry;
        if (head.sequence == 0 || head.sequence > plan_.total || entry.producer >= producer_count ||
            entry.number >= plan_.count_of(entry.producer)) {
            ++evidence_.foreign;
            return;
        }
        const auto index = static_cast<std::uint32_t>(Plan::record_of(entry.producer, entry.number));
        const Record& original = records_[index % records_.count()];
        if (record.text != original.text || record.key != original.key) ++evidence_.different;
        book(evidence_.deliveries, plan_, index, head.sequence, head.delivered_ns, head.delay_ns, head.deliveries);
        if (head.deliveries == 1) {
            if (head.sequence <= last_) ++evidence_.out_of_order;
            last_ = head.sequence;
        }
        std::uint32_t& known = evidence_.record_of[head.sequence];
        if (known != no_record) {
            if (known != index) ++evidence_.different;
            evidence_.deliveries.written_twice.push_back(head.sequence);
            return;
        }
        known = index;
        note_incarnation(entry, head.delivered_ns - head.delay_ns);
    }

    /// Walks the sequences: none may be missing, and each producer's entries follow each other.
    void finish() {
        std::array<std::uint64_t, producer_count> next{};
        for (Sequence sequence = 1; sequence <= plan_.total; ++sequence) {
            const std::uint32_t index = evidence_.record_of[sequence];
            if (index == no_record) {
                ++evidence_.missing;
                continue;
            }
            const std::uint32_t producer = index % producer_count;
            const std::uint64_t number = index / producer_count;
            if (number != next[producer]) ++evidence_.misplaced[producer];
            next[producer] = number + 1;
        }
        for (std::uint32_t producer = 0; producer < producer_count; ++producer) {
            if (next[producer] != plan_.count_of(producer)) ++evidence_.misplaced[producer];
        }
    }

private:
    void note_incarnation(const EntryHead& entry, std::uint64_t added_ns) {
        evidence_.first_added_ns = std::min(evidence_.first_added_ns, added_ns);
        std::uint32_t& pid = pids_[entry.producer];
        if (pid == entry.pid) return;
        pid = entry.pid;
        evidence_.incarnations.push_back({entry.producer, entry.pid, entry.number, added_ns});
    }

    const Plan& plan_;
    const Records& records_;
    AuditEvidence& evidence_;
    std::array<std::uint32_t, producer_count> pids_{};
    Sequence last_ = 0;
};

void add_to(Sums& sums, std::string_view category, std::uint64_t amount, std::uint64_t times) {
    auto found = sums.find(category);
    if (found == sums.end()) found = sums.emplace(std::string(category), Sum{}).first;
    found->second.entries += times;
    found->second.amount += amount * times;
}

std::string_view category_in(const IndexResult& result) {
    return {result.category.data(), std::min<std::size_t>(result.category_size, result.category.size())};
}

class IndexReader {
public:
    IndexReader(const Plan& plan, const Records& records, const AuditEvidence& audit, IndexEvidence& evidence)
        : plan_(plan), audit_(audit), evidence_(evidence), seen_(plan.total + 1, false) {
        for (std::size_t index = 0; index < records.count(); ++index) {
            const std::string_view text = records[index].text;
            expected_.push_back({category_of(text, records.kind()), amount_of(text, records.kind())});
        }
    }

    void take(const IndexResult& result) {
        if (result.sequence == 0 || result.sequence > plan_.total) {
            ++evidence_.foreign;
            return;
        }
        const std::uint32_t record = audit_.record_of[result.sequence];
        if (record == no_record) return;  // the audit misses it, which is said there
        const Expected& expected = expected_[record % expected_.size()];
        if (expected.category != category_in(result) || expected.amount != result.amount) ++evidence_.different;
        book(evidence_.deliveries, plan_, record, result.sequence, result.delivered_ns, result.delay_ns,
             result.deliveries);
        if (seen_[result.sequence]) {
            evidence_.deliveries.written_twice.push_back(result.sequence);
            return;
        }
        seen_[result.sequence] = true;
        add_to(evidence_.sums, category_in(result), result.amount, 1);
    }

    void finish() {
        for (Sequence sequence = 1; sequence <= plan_.total; ++sequence) {
            if (!seen_[sequence]) ++evidence_.missing;
        }
    }

private:
    struct Expected {
        std::string_view category;
        std::uint64_t amount;
    };
    const Plan& plan_;
    const AuditEvidence& audit_;
    IndexEvidence& evidence_;
    std::vector<Expected> expected_;
    std::vector<bool> seen_;
};

}  // namespace

AuditEvidence read_audit(const Plan& plan, const Records& records) {
    AuditEvidence evidence;
    AuditReader reader(plan, records, evidence);
    for (const std::string& path : outputs_of(plan, audit_group)) {
        AuditFile file(path);
        for (AuditRecord record; file.next(record);) reader.take(record);
    }
    reader.finish();
    return evidence;
}

IndexEvidence read_index(const Plan& plan, const Records& records, const AuditEvidence& audit) {
    IndexEvidence evidence;
    IndexReader reader(plan, records, audit, evidence);
    for (const std::string& path : outputs_of(plan, index_group)) {
        const MappedFile file(path);
        std::span<const std::byte> rest = file.bytes();
        for (IndexResult result; rest.size() >= sizeof(result); rest = rest.subspan(sizeof(result))) {
            std::memcpy(&result, rest.data(), sizeof(result));
            reader.take(result);
        }
    }
    reader.finish();
    return evidence;
}

Sums sums_of_input(const Plan& plan, const Records& records) {
    Sums sums;
    const std::uint64_t rounds = plan.total / records.count();
    for (std::size_t index = 0; index < records.count(); ++index) {
        const std::string_view text = records[index].text;
        add_to(sums, category_of(text, records.kind()), amount_of(text, records.kind()), rounds);
    }
    return sums;
}

}  // namespace shmq::tools
