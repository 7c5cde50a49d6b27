// The structs of the segment, each once. Words that change are Atomics; what packs several fields is explained bit by
// bit in layout/words.hpp. Everything else is written before it becomes visible by the word named beside it.
//
// Nothing here acts: rooms above change these words, and docs/protocol.md says which of them may change which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/atomic.hpp"
#include "base/bits.hpp"
#include "layout/geometry.hpp"

namespace shmq {

inline constexpr std::uint64_t magic =
    0x0a1a'716d'6873'0d89;  // bytes 89 0d 's' 'h' 'm' 'q' 1a 0a: no text file begins so

// The first page. Written by the creator before the file has a name, never changed afterwards.
//
//   offset size field             meaning
//        0    8 magic
//        8    4 format_version
//       12    4 header_size       bytes of this struct
//       16    8 fingerprint       of the offsets and sizes of every struct below
//       24    8 features          bits of optional parts; 0 in this version
//       32    8 checksum          of the other bytes of this struct
//       40    8 segment_size      bytes
//       48    8 device            of the file, to tell a copy
//       56    8 inode
//       64   80 geometry          what `plan` is repeated from when it is opened
//      144  608 areas             offset, count, stride of each kind
//      752    8 created_ns        when it was made, ns since 1970; with device and inode it is unlike any other
//      760    4 recorders         1: with a flight recorder for each handle and an audit ring
//      764 3332 reserved          0
struct Header {
    std::uint64_t magic;
    std::uint32_t format_version;
    std::uint32_t header_size;
    std::uint64_t fingerprint;
    std::uint64_t features;
    std::uint64_t checksum;
    std::uint64_t segment_size;
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t slots;
    std::uint64_t payload;
    std::uint64_t max_entry;
    std::uint64_t first_sequence;
    std::uint32_t chunks;
    std::uint32_t producers;
    std::uint32_t groups;
    std::uint32_t consumers;
    std::uint32_t attachments;
    std::uint32_t mode;
    std::uint32_t time;
    std::uint32_t unit_bits;
    std::uint32_t producer_names;
    std::uint32_t key_stripes;
    std::uint32_t parking;
    std::uint32_t histograms;
    struct AreaRow {
        std::uint64_t offset;
        std::uint64_t count;
        std::uint64_t stride;
        std::uint64_t reserved;
    } areas[area_kinds];
    std::uint64_t created_ns;
    std::uint32_t recorders;
    std::byte reserved[4096 - 156 - sizeof(AreaRow) * area_kinds];
};
static_assert(sizeof(Header) == 4096 && std::has_unique_object_representations_v<Header>);
static_assert(offsetof(Header, slots) == 64 && offsetof(Header, areas) == 144 && offsetof(Header, created_ns) == 752);

// Words that everyone uses, each group of them on a cache line of its own.
//
//   offset size field         written by             what it is
//        0    8 tail          producers              hint: the next sequence
//       64    8 trim_goal     who needs room         what the trim point is about to become; only grows
//       72    8 trim_point    who needs room         entries below may be overwritten; only grows
//      128    8 directory     makers of groups       version and active group rows
//      136    8 boot          who opens              hash of the boot id that times belong to
//      144    8 names         who takes a name       rows of names that were ever taken; only grows
//      152    8 parked        who parks entries      cells of the parking table that were ever used; only grows
//      160    8 audits        who changes something  rows of the audit ring that were ever taken; only grows
//      192    8 sleepers      sleepers and wakers    bits 0-31 groups, 32 readers, 33 producers; 63: removed
//      256    8 room_wanted   producers              hint: where they would like the trim point to be soon
//      320    4 reader_wake   wakers                 futex of readers without a group
//      324    4 room_wake     wakers                 futex of producers that wait for room
//      384    8 scanned_ms    scanners               hint: when somebody last looked for the dead
struct Control {
    alignas(cache_line) Atomic<std::uint64_t> tail;
    alignas(cache_line) Atomic<std::uint64_t> trim_goal;
    Atomic<std::uint64_t> trim_point;
    alignas(cache_line) Atomic<std::uint64_t> directory;
    Atomic<std::uint64_t> boot;
    Atomic<std::uint64_t> names;
    Atomic<std::uint64_t> parked;
    Atomic<std::uint64_t> audits;
    alignas(cache_line) Atomic<std::uint64_t> sleepers;
    alignas(cache_line) Atomic<std::uint64_t> room_wanted;
    alignas(cache_line) Atomic<std::uint32_t> reader_wake;
    Atomic<std::uint32_t> room_wake;
    alignas(cache_line) Atomic<std::uint64_t> scanned_ms;
};
static_assert(sizeof(Control) == 448);
inline constexpr unsigned reader_bit = 32;
inline constexpr unsigned room_bit = 33;
inline constexpr std::uint64_t removed_mark = std::uint64_t{1} << 63;
inline constexpr std::uint64_t data_sleepers = low_mask(33);

// One row per open handle. It belongs to whoever holds the lock on its byte of the file (recovery/attach.hpp).
//
//   offset size field        written by        made visible by
//        0    8 word         owner, scanner    itself: owner word
//        8    8 inside       owner             itself: bit per group row whose records it may be about to change
//       16    8 start_time   owner             word (for people, never for safety), as the rest
//       24    4 pid          owner
//       28   16 command      owner
//       44   20 reserved
struct alignas(cache_line) AttachmentRow {
    Atomic<std::uint64_t> word;
    Atomic<std::uint64_t> inside;
    Atomic<std::uint64_t> start_time;
    Atomic<std::uint32_t> pid;
    char command[16];
    std::byte reserved[20];
};
static_assert(sizeof(AttachmentRow) == 64 && offsetof(AttachmentRow, command) == 28);

// One row per producer that adds now.
//
//        0    8 word         owner, scanner    itself: owner word (live, attachment)
//        8   56 reserved
struct alignas(cache_line) ProducerRow {
    Atomic<std::uint64_t> word;
    std::byte reserved[56];
};
static_assert(sizeof(ProducerRow) == 64);

// One row per chunk.
//
//        0    8 word         owner, takers, scanner    itself: owner word (free, owned, unfinished, sealed)
//        8    8 fill         owner                     bytes used; stored before the bytes are written
//       16    8 last         owner, scanner            no entry in it is higher; only grows, before `word` changes
//       24   40 reserved
struct alignas(cache_line) ChunkRow {
    Atomic<std::uint64_t> word;
    Atomic<std::uint64_t> fill;
    Atomic<std::uint64_t> last;
    std::byte reserved[40];
};
static_assert(sizeof(ChunkRow) == 64);

// One row per group, and one more to move a cursor with.
//
//        0    8 word         maker, anybody            itself: group word
//        8    8 start        maker, helpers            directory; bit 63: settled, else it may still grow
//       16    4 retention    maker                     directory; 0 required, 1 lossy, 2 until
//       20    4 options      maker                     directory; bits 0-1 order (none, by key, strict), 2 histograms
//       24    8 joins        consumers                 itself; moves on with each new consumer name
//       32    2 delivery_limit maker                  directory; 0: none
//       34    2 doubling     maker                     directory; 1: the back-off doubles
//       36    4 first_ms     maker                     directory: the first back-off
//       40    4 most_ms      maker                     directory: the longest one
//       44    4 due          who delays, readers       hint: when the first delayed entry is due; 0 none
//       48    4 behind_ms    maker                     directory: of until
//       52    4 in_flight    maker                     directory; 0: no limit
//       56    8 demoted      maker, movers of T        directory, itself; of until: bit 63 and the row's incarnation,
//       or
//                                                    once it is lossy the entry that was too old
//       64   64 name         maker                     directory; NUL-padded
//      128    8 cursor       consumers                 hint: the next entry to deliver for the first time
//      192    8 floor        consumers                 hint: all below are finished
//      256    4 wake         wakers                    futex of its consumers
//      264    8 lost         consumers                 itself: entries of which they were told that they are lost
//      272   48 reserved
//      320    8 active       consumers                 itself: of a strict group, whose turn it is
//      328    8 skipped      consumers                 itself: of a lossy group, what was lost below it was told
//      336    8 mover        consumers, scanner        itself: owner word of who moves dead entries out
//      344    8 moving_sequence  the mover           itself: the dead entry that is being moved; 0: none
//      352    8 moving_number    the mover           moving_sequence: number of its letter
//      360    8 moving_target    the mover           moving_sequence: hash of which segment the letter goes to
//      368    8 moving_record    the mover           moving_sequence: the entry's record before it was marked
//      376    8 dead_waits   who makes an entry dead hint: dead entries may be waiting to be moved out
//      384  256 dead_letter  maker                     directory; name or path of a stream, NUL-padded
struct alignas(cache_line) GroupRow {
    Atomic<std::uint64_t> word;
    Atomic<std::uint64_t> start;
    Atomic<std::uint32_t> retention;
    Atomic<std::uint32_t> options;
    Atomic<std::uint64_t> joins;
    std::uint16_t delivery_limit;
    std::uint16_t doubling;
    std::uint32_t first_ms;
    std::uint32_t most_ms;
    Atomic<std::uint32_t> due;
    std::uint32_t behind_ms;
    std::uint32_t in_flight;
    Atomic<std::uint64_t> demoted;
    char name[64];
    alignas(cache_line) Atomic<std::uint64_t> cursor;
    alignas(cache_line) Atomic<std::uint64_t> floor;
    alignas(cache_line) Atomic<std::uint32_t> wake;
    std::byte reserved_wake[4];
    Atomic<std::uint64_t> lost;
    std::byte reserved_lost[48];
    alignas(cache_line) Atomic<std::uint64_t> active;
    Atomic<std::uint64_t> skipped;
    Atomic<std::uint64_t> mover;
    Atomic<std::uint64_t> moving_sequence;
    Atomic<std::uint64_t> moving_number;
    Atomic<std::uint64_t> moving_target;
    Atomic<std::uint64_t> moving_record;
    Atomic<std::uint64_t> dead_waits;
    char dead_letter[256];
};
static_assert(sizeof(GroupRow) == 640 && offsetof(GroupRow, demoted) == 56 && offsetof(GroupRow, active) == 320 &&
              offsetof(GroupRow, dead_letter) == 384 && offsetof(GroupRow, due) == 44 &&
              offsetof(GroupRow, name) == 64 && offsetof(GroupRow, wake) == 256);

/// Parts of a group's options. Wakers read them of a row that may be prepared anew meanwhile.
inline constexpr std::uint32_t option_order = 3;  // mask: none, by key, strict
inline constexpr std::uint32_t option_histograms = 4;
inline constexpr std::uint32_t strict_order = 2;

[[nodiscard]] inline std::uint32_t options_word(const GroupRow& group) noexcept {
    return group.options.load(memory_order_relaxed);  // written before the row is listed (DIRECTORY), or nobody's yet
}

/// Bit of a group's start: it will not be raised any more.
inline constexpr std::uint64_t start_settled = std::uint64_t{1} << 63;
/// The first sequence the group is concerned with.
[[nodiscard]] inline Sequence start_of(const GroupRow& group, std::memory_order order) noexcept {
    return group.start.load(order) & ~start_settled;
}

// One row per consumer of a group.
//
//        0    8 word         owner, scanner    itself: owner word (free, attaching, live; away: a name, no owner)
//        8    8 pinned       claimers, owner   itself: a pin cell may name this row
//       16    4 anonymous    owner             word
//       20   44 reserved
//       64   64 name         owner             word; NUL-padded
struct alignas(cache_line) ConsumerRow {
    Atomic<std::uint64_t> word;
    Atomic<std::uint64_t> pinned;
    std::uint32_t anonymous;
    std::byte reserved[44];
    char name[64];
};
static_assert(sizeof(ConsumerRow) == 128 && offsetof(ConsumerRow, name) == 64);

// One row per name of a producer that numbers what it adds. Its name is given once and for all. But for `intent`, only
// the owner changes what stands in it, and the owner word changes hands only after a close or a proven death.
//
//        0    8 word           owner, scanner    itself: owner word (free: nobody adds under the name; live)
//        8    8 key            who names it      itself: hash of the name, 0 while the row has none
//       16    8 named          who names it      itself: 1 once the name below is whole
//       24    8 intent         owner, movers     itself: intent word (layout/words.hpp)
//       32    8 number         owner             intent: of the add that the intent is about
//       40    8 last_number    owner             intent: of the last add before that one; 0 if there was none
//       48    8 last_sequence  owner             intent: of the same
//       56    8 reserved
//       64   64 name           who names it      named; NUL-padded, eight words, since several may write the same
struct alignas(cache_line) NamedRow {
    Atomic<std::uint64_t> word;
    Atomic<std::uint64_t> key;
    Atomic<std::uint64_t> named;
    Atomic<std::uint64_t> intent;
    Atomic<std::uint64_t> number;
    Atomic<std::uint64_t> last_number;
    Atomic<std::uint64_t> last_sequence;
    std::byte reserved[8];
    Atomic<std::uint64_t> name[8];
};
static_assert(sizeof(NamedRow) == 128 && offsetof(NamedRow, intent) == 24 && offsetof(NamedRow, name) == 64);

// Room for one entry that left the ring unfinished (log/parking.hpp).
//
//        0    8 word        who parks, who frees    itself: cell word: generation, who reserved it, state
//        8    8 chunks      who parks               word: the first the entry stands in, and above 32 bits their count
//       16    8 group       who parks               word: row, and above 32 bits incarnation of the group
//       24    8 sequence    who parks               word
//       32    8 place       who parks               word: in units
//       40    8 record      consumers, scanner      itself: pending word, with the generation in place of the tag
//       48    8 delivery    as the one in the ring  itself: delivery word
//       56    8 stripe      who parks               word: of its key, + 1; 0: no key, or no order in the group
struct alignas(cache_line) ParkingCell {
    Atomic<std::uint64_t> word;
    Atomic<std::uint64_t> chunks;
    Atomic<std::uint64_t> group;
    Atomic<std::uint64_t> sequence;
    Atomic<std::uint64_t> place;
    Atomic<std::uint64_t> record;
    Atomic<std::uint64_t> delivery;
    Atomic<std::uint64_t> stripe;
};
static_assert(sizeof(ParkingCell) == 64 && offsetof(ParkingCell, stripe) == 56);

// Delays of what one consumer row was given, whoever owned it; written by its present owner alone
// (group/histograms.hpp).
//
//        0 2048 added_to_delivered    owner    itself: a count for each bucket
//     2048 2048 delivered_to_acked    owner    likewise
inline constexpr std::size_t histogram_buckets = 256;
struct alignas(cache_line) HistogramRow {
    Atomic<std::uint64_t> added_to_delivered[histogram_buckets];
    Atomic<std::uint64_t> delivered_to_acked[histogram_buckets];
};
static_assert(sizeof(HistogramRow) == 4096);

// What the processes that had an attachment row did last (log/flight.hpp). For people, never for safety.
//
//        0    8 next         owner             itself: events ever begun
//        8   56 reserved
//       64 1024 events       owner             each its own word: number, group, what, check
inline constexpr std::size_t flight_events = 32;
struct alignas(cache_line) FlightRow {
    struct Event {
        Atomic<std::uint64_t> word;     // 0: none, or being written
        Atomic<std::uint64_t> time_ns;  // since 1970
        Atomic<std::uint64_t> first;    // what the two are, `what` says
        Atomic<std::uint64_t> second;
    };
    Atomic<std::uint64_t> next;
    std::byte reserved[56];
    Event events[flight_events];
};
static_assert(sizeof(FlightRow) == 64 + 32 * flight_events && offsetof(FlightRow, events) == 64);

// One change that somebody made to groups, entries or the stream (log/audit.hpp). For people, never for safety.
//
//        0    8 word         who changed       itself: number, what, check; 0: none, or being written
//        8    8 time_ns      who changed       word, as the rest; since 1970
//       16    8 first        who changed       what the two are, `what` says
//       24    8 second
//       32    8 pid          who changed
//       40   16 command      who changed       NUL-padded
//       56   64 group        who changed       NUL-padded; empty if it is about none
//      120    8 reserved
inline constexpr std::uint32_t audit_rows = 128;
struct alignas(cache_line) AuditRow {
    Atomic<std::uint64_t> word;
    Atomic<std::uint64_t> time_ns;
    Atomic<std::uint64_t> first;
    Atomic<std::uint64_t> second;
    Atomic<std::uint64_t> pid;
    Atomic<std::uint64_t> command[2];
    Atomic<std::uint64_t> group[8];
    std::byte reserved[8];
};
static_assert(sizeof(AuditRow) == 128 && offsetof(AuditRow, group) == 56);

/// Changes whenever a struct or a packed word above changes its place or size.
constexpr std::uint64_t layout_fingerprint() noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a
    for (const std::uint64_t value :
         {sizeof(Header), sizeof(Control), sizeof(AttachmentRow), sizeof(ProducerRow), sizeof(ChunkRow),
          sizeof(GroupRow), sizeof(ConsumerRow), sizeof(NamedRow), sizeof(ParkingCell), sizeof(HistogramRow),
          sizeof(FlightRow), sizeof(AuditRow), offsetof(GroupRow, cursor), offsetof(GroupRow, floor),
          offsetof(GroupRow, due), offsetof(ParkingCell, stripe), std::size_t{32}, area_kinds})
        hash = (hash ^ value) * 0x100'0000'01b3;
    return hash;
}

}  // namespace shmq
