// The tables of groups and of their consumers, which several screens share.
#pragma once

#include "tools/inspect/facts.hpp"
#include "tools/inspect/screen.hpp"

namespace shmq::inspect {

/// One line a group: how far it is, what it holds. Says so if there is none.
void show_group_table(Screen& screen, const StreamFacts& facts);
/// One line a consumer of the group: who it is and how many entries it holds. Nothing if there is none.
void show_consumer_table(Screen& screen, const GroupFacts& group, const std::vector<AttachmentInfo>& attachments);
/// "c1", or "-" for an entry that waits for retry; safe for a terminal.
[[nodiscard]] std::string consumer_text(const PendingEntry& entry);
/// "3 m 5 s", "?" if unknown.
[[nodiscard]] std::string idle_text(const std::optional<Duration>& idle);

}  // namespace shmq::inspect
