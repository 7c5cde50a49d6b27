// The audit ring: who changed groups, entries or the stream by hand, and who handed on what of the dead. The newest
// `audit_rows` changes of the whole stream, whichever program made them.
//
// Written by whoever changes something, after it was done: who dies between the two leaves no row. A row is taken by an
// addition to Control::audits, and written as an event of the flight recorder is (RECORD). Nothing depends on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/flight.hpp"

namespace shmq {

/// Who changes something, for people.
struct Auditor {
    std::int64_t pid = 0;      ///< in its own PID namespace
    std::string_view command;  ///< lives as long as what it was taken from
};
/// The process that has an attachment row.
[[nodiscard]] Auditor auditor_of(const Segment& segment, std::uint32_t attachment) noexcept;

/// Tells of a change. `group` may be empty; of it and of the command what has room is kept.
void audit(const Segment& segment, const Auditor& who, Did what, std::string_view group, std::uint64_t first = 0,
           std::uint64_t second = 0) noexcept;

struct AuditEntry {
    std::uint64_t number = 0;   ///< of all changes, from 0 on, modulo 2^32
    std::uint64_t time_ns = 0;  ///< since 1970
    Did what = Did::none;
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::int64_t pid = 0;  ///< in that process's PID namespace
    std::string command;
    std::string group;
};

/// The changes that are whole, oldest first.
[[nodiscard]] std::vector<AuditEntry> audits_of(const Segment& segment);

}  // namespace shmq
