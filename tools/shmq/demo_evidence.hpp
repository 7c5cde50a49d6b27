// The outputs of the demo's consumers, read back and compared with the input, entry by entry. Only collects; what it
// amounts to is said by demo_proof.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/shmq/demo_folder.hpp"
#include "tools/shmq/demo_records.hpp"

namespace shmq::tools {

/// An entry that was delivered again because somebody died while holding it.
struct Redelivery {
    Sequence sequence = 0;
    std::uint64_t delivered_ns = 0;
};

/// What one group's outputs say of deliveries.
struct Deliveries {
    std::vector<std::uint64_t> hurried_ns;    ///< delay of first deliveries, of entries added as fast as there was room
    std::vector<std::uint64_t> unhurried_ns;  ///< the same, of those added one a millisecond
    std::vector<Redelivery> again;            ///< in the order of the outputs
    std::vector<Sequence> written_twice;      ///< worked on, not acked, and worked on again
    std::uint64_t last_hurried_ns = 0;        ///< when the last of them was delivered
};

/// A process that added entries of a producer.
struct Incarnation {
    std::uint32_t producer = 0;
    std::uint32_t pid = 0;
    std::uint64_t first_number = 0;
    std::uint64_t added_ns = 0;  ///< its first entry
};

struct AuditEvidence {
    Deliveries deliveries;
    std::vector<Incarnation> incarnations;
    std::vector<std::uint32_t> record_of;  ///< by sequence; which record of the plan, `no_record` if none was written
    std::uint64_t first_added_ns = ~std::uint64_t{0};
    std::uint64_t missing = 0;                              ///< sequences of the plan that no output has
    std::uint64_t foreign = 0;                              ///< records that are not of the plan
    std::uint64_t different = 0;                            ///< records that are not, byte for byte, the input's
    std::uint64_t out_of_order = 0;                         ///< first deliveries written after a later one
    std::array<std::uint64_t, producer_count> misplaced{};  ///< entries that do not follow their producer's last one
};
inline constexpr std::uint32_t no_record = 0xffff'ffff;

struct Sum {
    std::uint64_t entries = 0;
    std::uint64_t amount = 0;
    friend bool operator==(const Sum&, const Sum&) = default;
};
using Sums = std::map<std::string, Sum, std::less<>>;

struct IndexEvidence {
    Deliveries deliveries;
    Sums sums;  ///< each entry counted once
    std::uint64_t missing = 0;
    std::uint64_t foreign = 0;
    std::uint64_t different = 0;  ///< results other than the record of that sequence gives
};

AuditEvidence read_audit(const Plan& plan, const Records& records);
/// Needs the audit's to know which record a sequence is.
IndexEvidence read_index(const Plan& plan, const Records& records, const AuditEvidence& audit);
/// Computed from the input, without a queue.
Sums sums_of_input(const Plan& plan, const Records& records);

}  // namespace shmq::tools
