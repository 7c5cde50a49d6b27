// The recovery table, row by row, over every combination of what can be found.
#include "recovery/judge.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace shmq {
namespace {

const AttachmentId dead{5, 77};

/// Every owner state, of the dead one and of every kind of other.
std::vector<OwnerWord> owner_words() {
    std::vector<OwnerWord> words;
    for (unsigned state = 0; state < 8; ++state)
        for (const AttachmentId id :
             {dead, AttachmentId{5, 78}, AttachmentId{5, 76}, AttachmentId{6, 77}, AttachmentId{0, 0}})
            words.push_back({static_cast<OwnerState>(state), id.row, id.incarnation});
    return words;
}
bool is_of_dead(const OwnerWord& word) { return word.row == dead.row && word.incarnation == dead.incarnation; }

TEST(JudgeAttachment, over_every_combination) {
    unsigned proven = 0, reset = 0;
    for (const OwnerWord& before : owner_words())
        for (const OwnerWord& after : owner_words())
            for (const bool locked : {false, true}) {
                const AttachmentVerdict verdict = judge_attachment({before, locked, after});
                const bool unchanged = before == after;
                AttachmentVerdict expected = AttachmentVerdict::leave;  // A, B, D, or it changed
                if (!locked && unchanged && before.state == OwnerState::attaching)
                    expected = AttachmentVerdict::reset;                                                           // C
                if (!locked && unchanged && before.state == OwnerState::live) expected = AttachmentVerdict::dead;  // E
                ASSERT_EQ(verdict, expected)
                    << static_cast<int>(before.state) << " " << static_cast<int>(after.state) << locked;
                proven += verdict == AttachmentVerdict::dead;
                reset += verdict == AttachmentVerdict::reset;
            }
    EXPECT_EQ(proven, 5u);
    EXPECT_EQ(reset, 5u);
}

TEST(JudgeChunk, over_every_combination) {
    for (const OwnerWord& word : owner_words()) {
        const bool left = word.state == OwnerState::owned && is_of_dead(word);  // F
        EXPECT_EQ(judge_chunk(word, dead), left ? ChunkVerdict::unfinished : ChunkVerdict::leave);
    }
}

TEST(JudgeRow, over_every_combination) {
    for (const OwnerWord& word : owner_words())
        for (const bool keeps_name : {false, true}) {
            RowVerdict expected = RowVerdict::leave;                                                   // H
            if (is_of_dead(word) && word.state == OwnerState::attaching) expected = RowVerdict::free;  // I
            if (is_of_dead(word) && word.state == OwnerState::live)
                expected = keeps_name ? RowVerdict::away : RowVerdict::free;  // I, K
            EXPECT_EQ(judge_row(word, dead, keeps_name), expected) << static_cast<int>(word.state) << keeps_name;
        }
}

TEST(JudgeRecord, over_every_combination) {
    constexpr std::uint64_t tag = 9;
    constexpr std::uint32_t consumer = 3;
    unsigned handed = 0;
    for (unsigned state = 0; state < 8; ++state)
        for (const std::uint64_t found_tag : {tag, tag - 1, tag + 1, std::uint64_t{0}})
            for (const std::uint32_t holder : {0u, consumer, consumer + 1, consumer + 2})
                for (const std::uint32_t handover : {0u, 1u, 65'535u}) {
                    const PendingWord record{found_tag, holder, handover, static_cast<PendingState>(state)};
                    const bool held =
                        found_tag == tag && holder == consumer + 1 && record.state == PendingState::delivered;  // M
                    ASSERT_EQ(judge_record(record, tag, consumer), held ? RecordVerdict::retry : RecordVerdict::leave);
                    handed += held;
                }
    EXPECT_EQ(handed, 3u);
}

TEST(JudgeCell, over_every_combination) {
    for (unsigned state = 0; state < 8; ++state)
        for (const bool named : {false, true})
            for (const bool done : {false, true})
                for (const std::uint32_t row : {dead.row, dead.row + 1, 0u}) {
                    const CellWord word{static_cast<CellState>(state), row, 5};
                    CellVerdict expected = CellVerdict::leave;  // S
                    if (word.state == CellState::tentative && row == dead.row)
                        expected = named ? CellVerdict::live : CellVerdict::free;             // U, V
                    if (word.state == CellState::live && done) expected = CellVerdict::free;  // V
                    ASSERT_EQ(judge_cell({word, named, done}, dead), expected) << state << named << done << row;
                }
}

TEST(JudgeGroup, over_every_combination) {
    for (unsigned state = 0; state < 8; ++state)
        for (const bool is_successor : {false, true})
            for (const bool in_directory : {false, true})
                for (const std::uint32_t row : {dead.row, dead.row + 1, 0u})
                    for (const std::uint32_t owner : {77u, 78u, 0u})
                        for (const std::uint32_t incarnation : {0u, 12u}) {
                            const GroupWord word{static_cast<GroupState>(state), row, owner, incarnation};
                            const bool of_dead = row == dead.row && owner == 77;
                            GroupVerdict expected = GroupVerdict::leave;  // N, Q
                            if (of_dead && word.state == GroupState::preparing && !is_successor)
                                expected = in_directory ? GroupVerdict::finish : GroupVerdict::free;  // O, P
                            if (word.state == GroupState::closing) expected = GroupVerdict::close;    // R
                            ASSERT_EQ(judge_group({word, is_successor, in_directory}, dead), expected)
                                << state << is_successor << in_directory;
                        }
}

}  // namespace
}  // namespace shmq
