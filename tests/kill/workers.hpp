// The processes of the kill loop: each works until its ledger says that it is over, or until it is killed.
#pragma once

#include <string>

#include "kill/ledger.hpp"
#include "shmq/shmq.hpp"

namespace shmq::test {

inline constexpr std::uint32_t producers_in_loop = 4;
inline constexpr std::uint32_t consumers_in_loop = 4;  // half of them in each group

[[nodiscard]] StreamOptions kill_options();
/// In the order of the ledger's groups.
inline constexpr const char* group_names[groups_in_loop] = {"all", "keyed"};

/// Adds with the means of its slot: one by one, in batches, by loans, under a name. 0 if all was as it should be.
int produce(const std::string& path, Ledger& ledger, std::uint32_t slot, std::uint32_t life);
/// Reads, acks one by one or all at once, and gives some back. 0 if all was as it should be.
int consume(const std::string& path, Ledger& ledger, std::uint32_t slot, std::uint32_t life);

}  // namespace shmq::test
