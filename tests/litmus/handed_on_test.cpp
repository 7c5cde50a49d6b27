// The synchronisations of docs/protocol.md by which one hands something on to another, perhaps through a third: who
// sees the word that carries it sees what was written before. A release and an acquire each, or fences.
//
// Each is copied from the halves that stand above it, with their orders. A register 0, 1, ... has what was read.
#include "litmus/checked.hpp"

namespace shmq {
namespace {

using namespace test;

constexpr auto relaxed = memory_order_relaxed, acquire = memory_order_acquire, release = memory_order_release,
               acq_rel = memory_order_acq_rel, seq_cst = memory_order_seq_cst;

/// The word was seen (register 0), and not what it carries (register 1).
bool came_alone(const Outcome& o) { return o.registers[0] == 1 && o.registers[1] == 0; }
bool came_whole(const Outcome& o) { return o.registers[0] == 1 && o.registers[1] == 1; }

// log/publish.cpp; group/deliver.cpp (take_new), log/copy.cpp (locate).
TEST(HandedOn, publish) {
    constexpr unsigned bytes = 0, slot = 1;
    expect_sound({"PUBLISH",
                  "an entry is seen published, and not its bytes",
                  {{0, 0},
                   2,
                   {{store(bytes, 1, relaxed), exchange(slot, 0, 1, seq_cst)},
                    {load(slot, acquire, 0), load(bytes, relaxed, 1).when(0, 1)}}},
                  came_alone,
                  {{"the slot's exchange relaxed", 0, 1, relaxed}, {"the slot's load relaxed", 1, 0, relaxed}},
                  came_whole});
}

// log/publish.cpp, on both sides: published(t - 1), and (4), where a slot is met on the way.
TEST(HandedOn, density) {
    constexpr unsigned bytes = 0, slot = 1, next = 2;
    expect_sound(
        {"DENSITY",
         "an entry is seen published, and not what the one before it carries",
         {{0, 0, 0},
          3,
          {{store(bytes, 1, relaxed), exchange(slot, 0, 1, seq_cst)},
           {load(slot, acquire, 2), exchange(next, 0, 1, seq_cst).when(2, 1)},
           {load(next, acquire, 0), load(bytes, relaxed, 1).when(0, 1)}}},
         came_alone,
         {{"the look at the slot before relaxed", 1, 0, relaxed}, {"the next slot's exchange relaxed", 1, 1, relaxed}},
         came_whole});
}

// group/deliver.cpp: take_new, where a record is met on the way by a relaxed load; was_delivered.
TEST(HandedOn, prefix) {
    constexpr unsigned record = 0, next = 1;
    expect_sound({"PREFIX",
                  "an entry is seen delivered, and the one before it not",
                  {{0, 0},
                   3,
                   {{exchange(record, 0, 1, seq_cst)},
                    {load(record, relaxed, 2), exchange(next, 0, 1, seq_cst).when(2, 1)},
                    {load(next, acquire, 0), load(record, relaxed, 1).when(0, 1)}}},
                  came_alone,
                  {{"the claim relaxed", 1, 1, relaxed}, {"the load of the record relaxed", 2, 0, relaxed}},
                  came_whole});
}

// group/finish.hpp (finish_entry), log/trim.cpp (finished_until), log/free_chunks.cpp (take_chunk). The consumer's last
// look at the bytes is a store here: that the producer's comes after it in the order of stores is what is asked.
TEST(HandedOn, ack) {
    constexpr unsigned bytes = 0, record = 1, trim = 2;
    expect_sound({"ACK",
                  "bytes are overwritten under who looks at them",
                  {{0, 1, 0},
                   2,
                   {{store(bytes, 7, relaxed), exchange(record, 1, 2, seq_cst)},
                    {load(record, acquire, 0), exchange(trim, 0, 1, seq_cst).when(0, 2)},
                    {load(trim, acquire, 1), store(bytes, 1, relaxed).when(1, 1)}}},
                  [](const Outcome& o) { return o.registers[1] == 1 && o.places[bytes] == 7; },
                  {{"the ack relaxed", 0, 1, relaxed},
                   {"the mover's load of the record relaxed", 1, 0, relaxed},
                   {"the trim point relaxed", 1, 1, relaxed},
                   {"the producer's load of it relaxed", 2, 0, relaxed}},
                  [](const Outcome& o) { return o.places[bytes] == 1; }});
}

// group/group_row.cpp (prepare), group/closing.cpp (begin_closing, then (4) of finish_closing), group/directory.cpp.
TEST(HandedOn, directory) {
    constexpr unsigned row = 0, closing = 1, directory = 2;
    expect_sound({"DIRECTORY",
                  "a successor is listed by another than its maker, and seen half made",
                  {{0, 0, 0},
                   3,
                   {{store(row, 1, relaxed), exchange(closing, 0, 1, seq_cst)},
                    {load(closing, seq_cst, 2), exchange(directory, 0, 1, seq_cst).when(2, 1)},
                    {load(directory, acquire, 0), load(row, relaxed, 1).when(0, 1)}}},
                  came_alone,
                  {{"the closing exchange relaxed", 0, 1, relaxed},
                   {"the look at the closing word relaxed", 1, 0, relaxed},
                   {"the directory's exchange relaxed", 1, 1, relaxed},
                   {"the directory's load relaxed", 2, 0, relaxed}},
                  came_whole});
}

// log/chunks.cpp (release), recovery/repair.cpp; log/free_chunks.cpp (take_chunk).
TEST(HandedOn, chunk) {
    constexpr unsigned last = 0, word = 1;
    expect_sound({"CHUNK",
                  "a chunk is taken, and the highest sequence in it not seen",
                  {{0, 0},
                   2,
                   {{exchange(last, 0, 1, release), exchange(word, 0, 1, acq_rel)},
                    {exchange(word, 1, 2, acq_rel, relaxed, 0), load(last, acquire, 1).when(0, 1)}}},
                  came_alone,
                  {{"the owner's exchange relaxed", 0, 1, relaxed}, {"the taker's relaxed", 1, 0, relaxed}},
                  came_whole});
}

// log/chunks.hpp (carve), log/chunks.cpp (release, adopt). Of a dead owner the kernel's lock stands in for the word.
TEST(HandedOn, adopt) {
    constexpr unsigned fill = 0, word = 1;
    expect_sound({"ADOPT",
                  "a chunk is adopted, and the bytes that are used in it not known",
                  {{0, 0},
                   2,
                   {{store(fill, 1, relaxed), exchange(word, 0, 1, acq_rel)},
                    {exchange(word, 1, 2, acq_rel, relaxed, 0), load(fill, acquire, 1).when(0, 1)}}},
                  came_alone,
                  {{"the owner's exchange relaxed", 0, 1, relaxed}, {"the adopter's relaxed", 1, 0, relaxed}},
                  came_whole});
}

// log/trim.cpp; log/free_chunks.cpp (take_chunk: the trim point, a release fence), log/copy.cpp (is_gone).
TEST(HandedOn, copy) {
    constexpr unsigned trim = 0, bytes = 1;
    expect_sound({"COPY",
                  "a copy of overwritten bytes is believed",
                  {{0, 0},
                   3,
                   {{exchange(trim, 0, 1, seq_cst)},
                    {load(trim, acquire, 2), barrier(release), store(bytes, 1, relaxed).when(2, 1)},
                    {load(bytes, relaxed, 0), barrier(acquire), load(trim, acquire, 1)}}},
                  came_alone,
                  {{"the producer's fence away", 1, 1, relaxed}, {"the copier's fence away", 2, 1, relaxed}},
                  came_whole});
}

// The same where an adopter overwrites: it has the trim point by the chunk's word (log/chunks.cpp, adopt).
TEST(HandedOn, copy_under_an_adopter) {
    constexpr unsigned trim = 0, bytes = 1, word = 2;
    expect_sound({"COPY",
                  "a copy of bytes that an adopter overwrote is believed",
                  {{0, 0, 0},
                   4,
                   {{exchange(trim, 0, 1, seq_cst)},
                    {load(trim, acquire, 2), exchange(word, 0, 1, acq_rel).when(2, 1)},
                    {exchange(word, 1, 2, acq_rel, relaxed, 3), barrier(release), store(bytes, 1, relaxed).when(3, 1)},
                    {load(bytes, relaxed, 0), barrier(acquire), load(trim, acquire, 1)}}},
                  came_alone,
                  {{"the adopter's exchange relaxed", 2, 0, relaxed}, {"its fence away", 2, 1, relaxed}},
                  came_whole});
}

// group/pins.cpp (reserve_pin), group/deliver.cpp (take_over); whoever is given the entry acks it; log/trim.cpp;
// log/free_chunks.cpp (take_chunk, is_pinned).
TEST(HandedOn, pin) {
    constexpr unsigned pin = 0, record = 1, trim = 2;
    expect_sound({"PIN",
                  "a chunk is taken under the eyes of a former owner",
                  {{0, 1, 0},
                   3,
                   {{exchange(pin, 0, 1, seq_cst), exchange(record, 1, 2, seq_cst), exchange(record, 2, 3, seq_cst)},
                    {load(record, acquire, 2), exchange(trim, 0, 1, seq_cst).when(2, 3)},
                    {load(trim, acquire, 0), load(pin, seq_cst, 1).when(0, 1)}}},
                  came_alone,
                  {{"the mover's load of the record relaxed", 1, 0, relaxed},
                   {"the trim point relaxed", 1, 1, relaxed},
                   {"the taker's load of it relaxed", 2, 0, relaxed}},
                  came_whole});
}

// group/parking.cpp (move_to_cell, park_entry), log/trim.cpp and log/parking.cpp (settle_parked), log/free_chunks.cpp.
TEST(HandedOn, park) {
    constexpr unsigned content = 0, record = 1, cell = 2, trim = 3;
    expect_sound({"PARK",
                  "the trim point passed a parked entry, and its cell or what is in it is not seen",
                  {{0, 0, 0, 0},
                   4,
                   {{store(content, 1, relaxed), exchange(record, 0, 1, seq_cst), exchange(cell, 0, 1, seq_cst)},
                    {load(record, acquire, 2), exchange(cell, 0, 1, seq_cst).when(2, 1),
                     exchange(trim, 0, 1, seq_cst).when(2, 1)},
                    {load(trim, acquire, 3), load(cell, seq_cst, 0).when(3, 1), load(content, relaxed, 1).when(0, 1)}}},
                  [](const Outcome& o) { return o.registers[3] == 1 && (o.registers[0] != 1 || o.registers[1] != 1); },
                  {{"the record's exchange relaxed", 0, 1, relaxed},
                   {"the mover's load of it relaxed", 1, 0, relaxed},
                   {"the trim point relaxed", 1, 2, relaxed},
                   {"the taker's load of it relaxed", 2, 0, relaxed}},
                  came_whole});
}

// log/parking.cpp (free_cell; look_at_cell), group/parking.cpp (reserve_cell, move_to_cell). A cell word 1 is live, 2
// free, 3 tentative of the next use.
TEST(HandedOn, park_in_a_cell_that_is_used_anew) {
    constexpr unsigned word = 0, sequence = 1;
    expect_sound({"PARK",
                  "a cell is believed with what its next use wrote",
                  {{1, 0},
                   4,
                   {{exchange(word, 1, 2, acq_rel)},
                    {load(word, acquire, 3), exchange(word, 2, 3, seq_cst).when(3, 2), barrier(release).when(3, 2),
                     store(sequence, 1, relaxed).when(3, 2)},
                    {load(word, seq_cst, 0), load(sequence, relaxed, 1), barrier(acquire), load(word, relaxed, 2)}}},
                  [](const Outcome& o) { return o.registers[0] == 1 && o.registers[1] == 1 && o.registers[2] == 1; },
                  {{"the parker's fence away", 1, 2, relaxed}, {"the reader's fence away", 2, 2, relaxed}},
                  [](const Outcome& o) { return o.registers[1] == 1 && o.registers[2] == 3; }});
}

}  // namespace
}  // namespace shmq
