// The synchronisations of docs/protocol.md in which two each change a word and then look at the other's: at least one
// has to see the other. They need the one order of all seq_cst accesses; release and acquire would not do.
//
// Each is copied from the two halves that stand above it, with their orders. A register 0, 1, ... has what was read.
#include "litmus/checked.hpp"

namespace shmq {
namespace {

using namespace test;

constexpr auto relaxed = memory_order_relaxed, acquire = memory_order_acquire, release = memory_order_release,
               acq_rel = memory_order_acq_rel, seq_cst = memory_order_seq_cst;

bool both_missed(const Outcome& o) { return o.registers[0] == 0 && o.registers[1] == 0; }
bool both_saw(const Outcome& o) { return o.registers[0] == 1 && o.registers[1] == 1; }

// Waker: log/publish.cpp, group/finish.cpp (the change), log/sleep.hpp (entries_came). Sleeper: log/sleep.cpp
// (announce_sleeper), then a look by group/deliver.hpp or another, which is an acquire load.
TEST(OneOrder, sleep) {
    constexpr unsigned change = 0, sleepers = 1;
    expect_sound({"SLEEP",
                  "the waker sees no sleeper, and the sleeper not the change",
                  {{0, 0},
                   2,
                   {{exchange(change, 0, 1, seq_cst), load(sleepers, seq_cst, 0)},
                    {set_bits(sleepers, 1, seq_cst), barrier(seq_cst), load(change, acquire, 1)}}},
                  both_missed,
                  {{"the change acq_rel", 0, 0, acq_rel},
                   {"the look for sleepers acquire", 0, 1, acquire},
                   {"the sleeper's fence away", 1, 1, relaxed}},
                  both_saw});
}

// group/finish.hpp (finish_entry, after_finishing) and log/publish.cpp (find_room), whose next look follows
// announce_sleeper.
TEST(OneOrder, sleep_of_who_wants_room) {
    constexpr unsigned record = 0, wanted = 1, sleepers = 2;
    expect_sound(
        {"SLEEP",
         "the acker sees no wish, and who wishes for room not the ack",
         {{0, 0, 0},
          2,
          {{exchange(record, 0, 1, seq_cst), load(wanted, seq_cst, 0)},
           {store(wanted, 1, seq_cst), set_bits(sleepers, 1, seq_cst), barrier(seq_cst), load(record, acquire, 1)}}},
         both_missed,
         {{"the ack release", 0, 0, release}, {"the look for a wish acquire", 0, 1, acquire}},
         both_saw});
}

// group/deliver.cpp (take_new, then check_claims) and group/closing.cpp (begin_closing, then pin_held).
TEST(OneOrder, drop) {
    constexpr unsigned record = 0, word = 1;
    expect_sound({"DROP",
                  "a claim stands in a group that closes, and who pins does not see it",
                  {{0, 0},
                   2,
                   {{exchange(record, 0, 1, seq_cst), load(word, seq_cst, 0)},
                    {exchange(word, 0, 1, seq_cst), load(record, seq_cst, 1)}}},
                  both_missed,
                  {{"the claim acq_rel", 0, 0, acq_rel},
                   {"is_active acquire", 0, 1, acquire},
                   {"the closing acq_rel", 1, 0, acq_rel},
                   {"the walk acquire", 1, 1, acquire}},
                  both_saw});
}

// recovery/attach.cpp, group/visit.cpp (enter), group/visit.hpp (is_active); who drops: group/closing.cpp; who prepares
// anew: group/group_row.cpp (prepare_row), group/visit.cpp (is_visited).
TEST(OneOrder, visit) {
    constexpr unsigned live = 0, inside = 1, word = 2;
    expect_sound({"VISIT",
                  "a visitor saw the group active, and its row is prepared anew while it is inside",
                  {{0, 0, 0},
                   4,
                   {{exchange(live, 0, 1, seq_cst), set_bits(inside, 1, seq_cst), load(word, seq_cst, 0)},
                    {exchange(word, 0, 1, seq_cst)},
                    {load(word, seq_cst, 1), load(live, seq_cst, 2).when(1, 1), load(inside, seq_cst, 3).when(2, 1)}}},
                  [](const Outcome& o) {
                      return o.registers[0] == 0 && o.registers[1] == 1 && (o.registers[2] == 0 || o.registers[3] == 0);
                  },
                  {{"the exchange to live acq_rel", 0, 0, acq_rel},
                   {"the bit acq_rel", 0, 1, acq_rel},
                   {"is_active acquire", 0, 2, acquire},
                   {"the look whether it is live acquire", 2, 1, acquire},
                   {"the look for the bit acquire", 2, 2, acquire}},
                  [](const Outcome& o) { return o.registers[0] == 0 && o.registers[3] == 1; }});
}

// log/trim.cpp (lift_trim) and group/group_row.cpp, group/directory.cpp (the bit, then finish_creation).
TEST(OneOrder, trim) {
    constexpr unsigned directory = 0, goal = 1, trim = 2, start = 3;
    expect_sound(
        {"TRIM",
         "the trim point passes a group's start",
         {{0, 0, 0, 0},
          4,
          {{load(directory, seq_cst, 0), exchange(goal, 0, 1, seq_cst).when(0, 0),
            load(directory, seq_cst, 1).when(0, 0), exchange(trim, 0, 1, seq_cst).when(1, 0)},
           {exchange(directory, 0, 1, seq_cst), load(goal, seq_cst, 2), exchange(start, 0, 1, seq_cst).when(2, 1)}}},
         [](const Outcome& o) { return o.places[trim] == 1 && o.places[start] == 0; },
         {{"the goal acq_rel", 0, 1, acq_rel},
          {"the second look at the directory acquire", 0, 2, acquire},
          {"the directory's exchange acq_rel", 1, 0, acq_rel},
          {"the maker's look at the goal acquire", 1, 1, acquire}},
         [](const Outcome& o) { return o.places[trim] == 1 && o.places[start] == 1; }});
}

// group/finish.cpp (end_delivery), group/dead_move.cpp (expect_dead; dead_to_move).
TEST(OneOrder, letter) {
    constexpr unsigned record = 0, hint = 1;
    expect_sound({"LETTER",
                  "an entry is dead, its mover walked past it, and no hint tells",
                  {{0, 1},
                   2,
                   {{exchange(record, 0, 1, seq_cst), load(hint, seq_cst, 0), store(hint, 1, seq_cst).when(0, 0)},
                    {store(hint, 0, seq_cst), load(record, seq_cst, 1)}}},
                  [](const Outcome& o) { return o.registers[1] == 0 && o.places[hint] == 0; },
                  {{"the record's exchange acq_rel", 0, 0, acq_rel},
                   {"the look at the hint acquire", 0, 1, acquire},
                   {"the hint taken away by a release", 1, 0, release},
                   {"the walk acquire", 1, 1, acquire}}});
}

// group/finish.cpp (end_delivery), group/delays.cpp (lower_due; ripen).
TEST(OneOrder, delay) {
    constexpr unsigned record = 0, hint = 1;
    expect_sound(
        {"DELAY",
         "an entry is delayed, who took the hint away walked past it, and no hint tells",
         {{0, 5},
          2,
          {{exchange(record, 0, 1, seq_cst), load(hint, seq_cst, 0), exchange(hint, 0, 5, seq_cst, seq_cst).when(0, 0)},
           {exchange(hint, 5, 0, seq_cst), load(record, seq_cst, 1)}}},
         [](const Outcome& o) { return o.registers[1] == 0 && o.places[hint] == 0; },
         {{"the record's exchange acq_rel", 0, 0, acq_rel},
          {"the look at the hint acquire", 0, 1, acquire},
          {"the hint taken away acq_rel", 1, 0, acq_rel},
          {"the walk acquire", 1, 1, acquire}}});
}

// api/batch_copies.cpp (given back, then T), log/trim.cpp, group/losses.cpp (find_losses).
TEST(OneOrder, loss) {
    constexpr unsigned record = 0, trim = 1;
    expect_sound({"LOSS",
                  "who gives a copy back sees it kept, and who walks the losses sees it held",
                  {{1, 0},
                   3,
                   {{exchange(record, 1, 2, seq_cst), load(trim, seq_cst, 0)},
                    {exchange(trim, 0, 1, seq_cst)},
                    {load(trim, seq_cst, 1), load(record, seq_cst, 2).when(1, 1)}}},
                  [](const Outcome& o) { return o.registers[0] == 0 && o.registers[2] == 1; },
                  {{"the giving back acq_rel", 0, 0, acq_rel},
                   {"its look at the trim point acquire", 0, 1, acquire},
                   {"the trim point acq_rel", 1, 0, acq_rel},
                   {"the look at the record acquire", 2, 1, acquire}},
                  [](const Outcome& o) { return o.registers[0] == 1 && o.registers[2] == 1; }});
}

// group/order.cpp: stands_in_order, take_back; group/predecessor.cpp: unfinished_record.
TEST(OneOrder, order_of_who_takes_and_who_takes_over) {
    constexpr unsigned earlier = 0, later = 1;
    expect_sound({"ORDER",
                  "an entry is kept behind one that somebody else took over, who does not see it",
                  {{0, 0},
                   2,
                   {{exchange(later, 0, 1, seq_cst), load(earlier, seq_cst, 0)},
                    {exchange(earlier, 0, 1, seq_cst), load(later, seq_cst, 1)}}},
                  both_missed,
                  {{"the taking acq_rel", 0, 0, acq_rel},
                   {"the look at the predecessor acquire", 0, 1, acquire},
                   {"the taking over acq_rel", 1, 0, acq_rel},
                   {"the look behind acquire", 1, 1, acquire}},
                  both_saw});
}

// group/order.cpp: make_wait, finished_in_order; between the mark and the look the consumer announces that it sleeps.
TEST(OneOrder, order_of_who_waits_and_who_ends_the_wait) {
    constexpr unsigned predecessor = 0, mark = 1, sleepers = 2;
    expect_sound({"ORDER",
                  "who finishes an entry sees nothing wait for it, and who waits sees it unfinished",
                  {{0, 0, 0},
                   2,
                   {{exchange(predecessor, 0, 1, seq_cst), load(mark, seq_cst, 0)},
                    {set_bits(mark, 1, seq_cst), set_bits(sleepers, 1, seq_cst), load(predecessor, seq_cst, 1)}}},
                  both_missed,
                  {{"the ack acq_rel", 0, 0, acq_rel},
                   {"the look at the retry index relaxed", 0, 1, relaxed},
                   {"the look at the predecessor acquire", 1, 2, acquire}},
                  both_saw});
}

// group/membership.cpp: take_new_row, the move of `joins`, find_name.
TEST(OneOrder, join) {
    constexpr unsigned row = 0, other_row = 1, name = 2, other_name = 3, joins = 4;
    expect_sound({"JOIN",
                  "two join under one name, and neither finds the other",
                  {{0, 0, 0, 0, 0},
                   4,
                   {{exchange(row, 0, 1, seq_cst), store(name, 1, relaxed), set_bits(joins, 1, seq_cst),
                     load(other_row, seq_cst, 0), load(other_name, relaxed, 1).when(0, 1)},
                    {exchange(other_row, 0, 1, seq_cst), store(other_name, 1, relaxed), set_bits(joins, 2, seq_cst),
                     load(row, seq_cst, 2), load(name, relaxed, 3).when(2, 1)}}},
                  [](const Outcome& o) { return o.registers[1] != 1 && o.registers[3] != 1; },
                  {{"one move of `joins` relaxed", 0, 2, relaxed}, {"the other relaxed", 1, 2, relaxed}},
                  [](const Outcome& o) { return o.registers[1] == 1 && o.registers[3] == 1; }});
}

}  // namespace
}  // namespace shmq
