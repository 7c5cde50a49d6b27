// As handed_on_test.cpp: the synchronisations about owners and names, of the living and the dead.
#include "litmus/checked.hpp"

namespace shmq {
namespace {

using namespace test;

constexpr auto relaxed = memory_order_relaxed, acquire = memory_order_acquire, release = memory_order_release,
               acq_rel = memory_order_acq_rel, seq_cst = memory_order_seq_cst;

bool came_alone(const Outcome& o) { return o.registers[0] == 1 && o.registers[1] == 0; }
bool came_whole(const Outcome& o) { return o.registers[0] == 1 && o.registers[1] == 1; }

// group/membership.cpp (join_group), group/deliver.cpp (a claim); recovery/repair.cpp (hand_on).
TEST(HandedOn, repair) {
    constexpr unsigned row = 0, record = 1;
    expect_sound({"REPAIR",
                  "what a new owner of a row was given is handed on as the dead one's",
                  {{0, 0},
                   2,
                   {{exchange(row, 0, 1, seq_cst), exchange(record, 0, 1, seq_cst)},
                    {load(record, seq_cst, 0), load(row, seq_cst, 1).when(0, 1)}}},
                  came_alone,
                  {{"the claim relaxed", 0, 1, relaxed}, {"the scanner's look at the record relaxed", 1, 0, relaxed}},
                  came_whole});
}

// log/named.cpp (begin; record_adds_below), log/publish.cpp.
TEST(HandedOn, number) {
    constexpr unsigned number = 0, intent = 1, slot = 2, next = 3;
    expect_sound(
        {"NUMBER",
         "a mover passes an entry, and its intent or its number is not seen",
         {{0, 0, 0, 0},
          4,
          {{store(number, 1, release), store(intent, 1, release), exchange(slot, 0, 1, seq_cst)},
           {load(slot, acquire, 2), exchange(next, 0, 1, seq_cst).when(2, 1)},
           {load(next, acquire, 3), load(intent, acquire, 0).when(3, 1), load(number, relaxed, 1).when(0, 1)}}},
         [](const Outcome& o) { return o.registers[3] == 1 && (o.registers[0] != 1 || o.registers[1] != 1); },
         {{"the slot's exchange relaxed", 0, 2, relaxed},
          {"a slot met on the way relaxed", 1, 0, relaxed},
          {"the mover's look at the slot relaxed", 2, 0, relaxed}},
         came_whole});
}

// log/named.cpp: begin; look_at_last_add. Before: number 1 was found at 10 (intent 10). Then the add of number 2 begins
// (intent 20: open). The words are read while it does.
TEST(HandedOn, number_that_is_looked_at_while_the_next_begins) {
    constexpr unsigned last_sequence = 0, last_number = 1, intent = 2, number = 3;
    expect_sound({"NUMBER",
                  "the sequence of one add is told under the number of another",
                  {{5, 0, 10, 1},
                   5,
                   {{store(last_sequence, 10, release), store(last_number, 1, release), store(intent, 0, release),
                     store(number, 2, release), store(intent, 20, release)},
                    {load(intent, acquire, 0), load(number, acquire, 1), load(last_number, acquire, 2),
                     load(last_sequence, acquire, 3), barrier(acquire), load(intent, acquire, 4)}}},
                  [](const Outcome& o) {
                      const auto& r = o.registers;
                      if (r[0] != r[4]) return false;  // looked again
                      return r[0] == 10 ? r[1] != 1 : r[0] == 0 && r[2] == 1 && r[3] != 10;
                  },
                  {{"the stored number relaxed", 0, 3, relaxed}},
                  [](const Outcome& o) { return o.registers[0] == 0 && o.registers[4] == 0; }});
}

// group/dead_move.cpp: begin_move; unsettled_move.
TEST(HandedOn, letter_of_a_mover_that_died) {
    constexpr unsigned number = 0, intent = 1;
    expect_sound({"LETTER",
                  "an intent is seen, and not which letter it is about",
                  {{0, 0},
                   2,
                   {{store(number, 1, relaxed), store(intent, 1, release)},
                    {load(intent, acquire, 0), load(number, relaxed, 1).when(0, 1)}}},
                  came_alone,
                  {{"the intent relaxed", 0, 1, relaxed}, {"its load relaxed", 1, 0, relaxed}},
                  came_whole});
}

// recovery/attach.cpp (attach; probe_life). The kernel's lock is taken and probed under a lock of the kernel's own;
// here it orders nothing, so the word alone has to.
TEST(HandedOn, attach) {
    constexpr unsigned word = 0, lock = 1;
    expect_sound({"ATTACH",
                  "a process that lives is taken for dead",
                  {{0, 0},
                   3,
                   {{exchange(word, 0, 1, acq_rel), store(lock, 1, relaxed), exchange(word, 1, 2, seq_cst)},
                    {load(word, seq_cst, 0), load(lock, relaxed, 1), load(word, seq_cst, 2)}}},
                  [](const Outcome& o) { return o.registers[0] == 2 && o.registers[1] == 0 && o.registers[2] == 2; },
                  {{"the exchange to live relaxed", 0, 2, relaxed}, {"the first look relaxed", 1, 0, relaxed}},
                  [](const Outcome& o) { return o.registers[0] == 2 && o.registers[1] == 1; }});
}

// os/create.cpp (linkat) and os/file.cpp (open): the kernel gives a name away under a lock and looks it up likewise.
TEST(HandedOn, create) {
    constexpr unsigned bytes = 0, name = 1;
    expect_sound({"CREATE",
                  "a file is found by its name, and is not whole",
                  {{0, 0},
                   2,
                   {{store(bytes, 1, relaxed), store(name, 1, release)},
                    {load(name, acquire, 0), load(bytes, relaxed, 1).when(0, 1)}}},
                  came_alone,
                  {{"the name relaxed", 0, 1, relaxed}, {"the look for it relaxed", 1, 0, relaxed}},
                  came_whole});
}

// log/recorded.hpp: write_recorded; read_recorded. Before: event 1 stands there, whole. The check would tell too; here
// it is taken away.
TEST(HandedOn, record) {
    constexpr unsigned word = 0, event = 1;
    expect_sound({"RECORD",
                  "an event is shown with another one's word",
                  {{1, 1},
                   3,
                   {{store(word, 0, relaxed), barrier(release), store(event, 2, relaxed), store(word, 2, release)},
                    {load(word, acquire, 0), load(event, relaxed, 1), barrier(acquire), load(word, relaxed, 2)}}},
                  [](const Outcome& o) {
                      return o.registers[0] == o.registers[2] && o.registers[0] != 0 &&
                             o.registers[1] != o.registers[0];
                  },
                  {{"the writer's fence away", 0, 1, relaxed},
                   {"the word relaxed", 0, 3, relaxed},
                   {"the first look at the word relaxed", 1, 0, relaxed},
                   {"the reader's fence away", 1, 2, relaxed}},
                  [](const Outcome& o) { return o.registers[0] == 2 && o.registers[1] == 2 && o.registers[2] == 2; }});
}

}  // namespace
}  // namespace shmq
