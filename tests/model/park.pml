/* park: an unfinished entry leaves a full ring for a cell of the parking table. A producer without room reserves a cell, fills it
   from what slot and record say, exchanges the ring's record for one that names the cell, and makes the cell live; whoever lifts
   the trim point makes it live first. Who acks, nacks or claims tries the ring's record, and looks for the entry in the cells only
   if that is another by now; there its word has the cell's generation instead of the ring's tag. Scanners repair what producers
   and consumers leave that die anywhere, and free cells that an acker left. A chunk is taken only if neither a live cell with an
   unfinished entry nor a pin names it.

   A ring record is one word (sequence, number, consumer, state), a cell's record likewise with the generation for the sequence, a
   cell's word is (generation, owner, state). Publishing is one step, filling a chunk too (core, chunk); which entries are worth
   parking, marks and hints are left out, so anything that holds the trim point may be parked. A load and the exchange from what
   was loaded are one step where nothing is looked at in between, since no value comes back. The first producer and the first
   consumer may die, and come back after the repair; the others are like them.

   Held: each entry is finished once, by who holds it; a holder whose entry nobody took is not refused; a word about an earlier use
   of a cell changes nothing; the trim point passes only what is finished or in a live cell; bytes stay while anybody has a view;
   in the end all is finished and every cell is free.
   Sizes: ENTRIES SLOTS CELLS CHUNKS PRODUCERS CONSUMERS SCANNERS CLAIMS NACKS DEATHS PARKS; LOW: generations that the ring's record
   can tell apart; GUESS: a chunk is taken before cells and pins were looked at.
   Seeded bugs: NOT_SETTLED LOOKED_ONCE NO_GENERATION NO_LOOK_BEHIND CELLS_BEFORE_RING FREED_UNSEEN PINS_BEFORE_CELLS LEFT_CELLS
   NO_ROW_CHECK; LOW of 1: a mover that slept since it read the record settles the next use of the cell */
#ifndef ENTRIES
#define ENTRIES 3
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef CELLS
#define CELLS 1
#endif
#ifndef CHUNKS
#define CHUNKS 2                                /* of one entry each */
#endif
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef SCANNERS
#define SCANNERS 1
#endif
#ifndef CLAIMS
#define CLAIMS 1                                /* by idle time, in all */
#endif
#ifndef NACKS
#define NACKS 0
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef PARKS
#define PARKS 2                                 /* cells that are reserved, in all */
#endif
#ifndef LOW
#define LOW 2
#endif

#define AT(s) ((s) % SLOTS)
#define ACKED 0
#define DELIVERED 1
#define RETRY 2
#define PARKED 3
/* records; consumers count from 1; a parked one has the cell and the low bits of its generation there */
#define RECORD(tag, number, consumer, state) ((tag) * 64 + (number) * 16 + (consumer) * 4 + (state))
#define TAG(r) ((r) / 64)
#define NUMBER(r) (((r) / 16) % 4)
#define HOLDER(r) (((r) / 4) % 4)
#define STATE(r) ((r) % 4)
#define WITH_TAG(r, tag) ((tag) * 64 + (r) % 64)
#define WITH_STATE(r, state) (((r) / 4) * 4 + (state))
#define NAMES(s, cell, generation) RECORD(s, (generation) % LOW, cell, PARKED)
/* cell words */
#define FREE 0
#define TENTATIVE 1
#define LIVE 2
#define WORD(generation, owner, state) ((generation) * 16 + (owner) * 4 + (state))
#define GENERATION(w) ((w) / 16)
#define OWNER(w) (((w) / 4) % 4)

byte slot[SLOTS], place[SLOTS];                 /* one word: which entry, in which chunk */
short record[SLOTS];
byte cell[CELLS], cell_sequence[CELLS], cell_place[CELLS];
short cell_record[CELLS];
byte owner[CHUNKS], last[CHUNKS], bytes[CHUNKS];
byte trim_point = 1, tail = 1, pin_holder, pin_chunk;
byte delivered, finished;                       /* known to the checker: how many */
bool acked[ENTRIES + 1];
bool died[PRODUCERS + CONSUMERS];
byte deaths, claims, nacks, parks;

#define ALL_DONE (finished == ENTRIES)
#define NAMED(k) (record[AT(cell_sequence[k])] == NAMES(cell_sequence[k], k, GENERATION(cell[k])) && \
    TAG(cell_record[k]) == GENERATION(cell[k]))
#define IN_CELL(k) (STATE(cell[k]) == LIVE || (STATE(cell[k]) == TENTATIVE && NAMED(k)))
#define LEFT(k) (STATE(cell[k]) == LIVE && STATE(cell_record[k]) == ACKED)
#define KEEPS(k, s) (STATE(cell[k]) == LIVE && cell_sequence[k] == s)

#define MAY_DIE(row) if :: skip :: atomic { me == 1 && deaths < DEATHS -> deaths++; died[row] = 1; goto dead } fi

#include "park_cells.pml"

#define HELD_UP (trim_point < tail && TAG(record[AT(trim_point)]) == trim_point)
#define LIFTABLE (HELD_UP && (STATE(record[AT(trim_point)]) == ACKED || STATE(record[AT(trim_point)]) == PARKED))
#define PARKABLE (HELD_UP && (STATE(record[AT(trim_point)]) == DELIVERED || STATE(record[AT(trim_point)]) == RETRY) && \
    parks < PARKS && (STATE(cell[0]) == FREE || STATE(cell[CELLS - 1]) == FREE))
#define KEPT(k, c) (STATE(cell[k]) == LIVE && cell_place[k] == c && STATE(cell_record[k]) != ACKED)
#define PINNED(c) (pin_holder != 0 && pin_chunk == c)
#define USABLE(c) (owner[c] == 0 && last[c] < trim_point && !KEPT(0, c) && !KEPT(CELLS - 1, c) && !PINNED(c))
#ifdef GUESS
#define GUESSED(c) (owner[c] == 0 && last[c] < trim_point)
#else
#define GUESSED(c) USABLE(c)
#endif
#define ANY_USABLE (USABLE(0) || USABLE(1) || USABLE(CHUNKS - 1))

/* Lifts the trim point by one, if what stands there lets it. */
inline lift() {
    atomic { t = trim_point; if :: t < tail -> now = record[AT(t)] :: else fi };
#ifndef NOT_SETTLED
    if
    :: TAG(now) == t && STATE(now) == PARKED ->
        d_step {
            k = HOLDER(now);
            if
            :: STATE(cell[k]) == TENTATIVE && NAMES(t, k, GENERATION(cell[k])) == now && cell_sequence[k] == t ->
                cell[k] = WORD(GENERATION(cell[k]), 0, LIVE)
            :: else
            fi
        }
    :: else
    fi;
#endif
    atomic {
        if
        :: TAG(now) == t && (STATE(now) == ACKED || STATE(now) == PARKED) && trim_point <= t ->
            assert(acked[t] || KEEPS(0, t) || KEEPS(CELLS - 1, t));
            trim_point = t + 1
        :: else
        fi;
        t = 0; now = 0; k = 0
    }
}

inline look_at_ring() {
    now = record[AT(t)]; p = place[AT(t)];
    if :: slot[AT(t)] != t || TAG(now) != t || (STATE(now) != DELIVERED && STATE(now) != RETRY) -> now = 0 :: else fi
}
/* Parks what holds the trim point. */
inline park() {
    atomic {
        k = 0;
        do :: k < CELLS && STATE(cell[k]) != FREE -> k++ :: else -> break od;
        if :: k == CELLS -> goto parked :: else fi;
        cell[k] = WORD(GENERATION(cell[k]), me, TENTATIVE); seen = cell[k]; parks++
    };
    MAY_DIE(me - 1);
    atomic {
        t = trim_point; look_at_ring();
        if
        :: now == 0 -> goto not_parked
        :: else -> cell_sequence[k] = t; cell_place[k] = p; cell_record[k] = WITH_TAG(now, GENERATION(seen))
        fi
    };
    MAY_DIE(me - 1);
    swap(record[AT(t)], now, NAMES(t, k, GENERATION(seen)));
    MAY_DIE(me - 1);
not_parked:
    atomic {
        if
        :: cell[k] != seen
        :: cell[k] == seen && done -> cell[k] = WORD(GENERATION(seen), 0, LIVE)
        :: cell[k] == seen && !done -> cell[k] = WORD(GENERATION(seen) + 1, 0, FREE)
        fi
    };
parked:
    atomic { t = 0; now = 0; seen = 0; p = 0; k = 0; done = 0 }
}

inline look_at_parked() { atomic { if :: KEPT(0, c) || KEPT(CELLS - 1, c) -> goto give_back_chunk :: else fi } }
inline look_at_pins() { atomic { if :: PINNED(c) -> goto give_back_chunk :: else fi } }

proctype Producer(byte me) {
    byte c = CHUNKS, k, t, p, seen;
    short now;
    bool done;
take:
    atomic {
        tail > ENTRIES || ANY_USABLE || LIFTABLE;
        if
        :: tail > ENTRIES -> goto end
        :: tail <= ENTRIES && GUESSED(0) -> c = 0
        :: tail <= ENTRIES && GUESSED(1) -> c = 1
        :: tail <= ENTRIES && GUESSED(CHUNKS - 1) -> c = CHUNKS - 1
        :: tail <= ENTRIES && LIFTABLE -> goto make_room
        fi
    };
    /* that was a guess: the chunk may go round before the exchange */
    atomic {
        if :: owner[c] == 0 -> owner[c] = me :: else -> c = CHUNKS; goto take fi;
        if :: last[c] >= trim_point -> goto give_back_chunk :: else fi
    };
#ifdef PINS_BEFORE_CELLS
    look_at_pins();
    look_at_parked();
#else
    look_at_parked();
    look_at_pins();
#endif
    bytes[c] = 0;
    MAY_DIE(me - 1);
add:
    atomic {
        tail > ENTRIES || tail < trim_point + SLOTS || LIFTABLE || PARKABLE;
        if
        :: tail > ENTRIES -> owner[c] = 0; c = CHUNKS; goto end
        :: tail <= ENTRIES && tail < trim_point + SLOTS ->
            slot[AT(tail)] = tail; place[AT(tail)] = c; bytes[c] = tail; last[c] = tail; owner[c] = 0; c = CHUNKS;
            tail++;
            goto take
        :: tail <= ENTRIES && tail >= trim_point + SLOTS && LIFTABLE -> goto make_room
        :: tail <= ENTRIES && tail >= trim_point + SLOTS && !LIFTABLE
        fi
    };
    park();
    goto add;
make_room:
    lift();
    if :: c == CHUNKS -> goto take :: else -> goto add fi;
give_back_chunk:
    atomic { owner[c] = 0; c = CHUNKS; goto take };
dead:
    atomic { c = CHUNKS; k = 0; t = 0; p = 0; seen = 0; now = 0; done = 0; !died[me - 1] || ALL_DONE; goto take };
end: skip
}

#define NEW(i) (slot[i] == delivered + 1 && TAG(record[i]) < slot[i])
#define TAKEABLE(r) (STATE(r) == RETRY || (STATE(r) == DELIVERED && HOLDER(r) != me && claims < CLAIMS))
#define ANYTHING (NEW(0) || NEW(SLOTS - 1) || TAKEABLE(record[0]) || TAKEABLE(record[SLOTS - 1]) || \
    (IN_CELL(0) && TAKEABLE(cell_record[0])) || (IN_CELL(CELLS - 1) && TAKEABLE(cell_record[CELLS - 1])))

inline reserve_pin() {
    if
    :: STATE(now) == DELIVERED ->
        atomic { if :: claims < CLAIMS -> claims++; pin_holder = HOLDER(now); pin_chunk = p; pinned = 1 :: else -> goto forget fi };
        MAY_DIE(PRODUCERS + me - 1)
    :: else
    fi
}
inline count_finished() { if :: after == ACKED -> assert(!acked[s]); acked[s] = 1; finished++ :: else fi }

proctype Consumer(byte me) {
    byte s, k, p, which, seen, after;
    short now, found, mine;
    bool done, pinned;
look:
    atomic {
        ALL_DONE || ANYTHING || pin_holder == me;
        if
        :: pin_holder == me -> pin_holder = 0; goto look       /* no batch is open */
        :: ALL_DONE -> goto end
        :: NEW(0) -> now = record[0]; s = slot[0]; mine = RECORD(s, 1, me, DELIVERED)
        :: NEW(SLOTS - 1) -> now = record[SLOTS - 1]; s = slot[SLOTS - 1]; mine = RECORD(s, 1, me, DELIVERED)
        :: TAKEABLE(record[0]) -> now = record[0]
        :: TAKEABLE(record[SLOTS - 1]) -> now = record[SLOTS - 1]
        :: IN_CELL(0) && TAKEABLE(cell_record[0]) -> k = 0; goto from_cell
        :: IN_CELL(CELLS - 1) && TAKEABLE(cell_record[CELLS - 1]) -> k = CELLS - 1; goto from_cell
        fi;
        if
        :: s == 0 -> s = TAG(now); mine = RECORD(s, NUMBER(now) + 1, me, DELIVERED)
        :: else
        fi;
        p = place[AT(s)];
        if :: slot[AT(s)] != s -> goto forget :: TAG(now) < s && slot[AT(s)] == s -> goto from_ring :: else fi
    };
    reserve_pin();
from_ring:
    atomic {
        swap(record[AT(s)], now, mine);
        if
        :: done && NUMBER(mine) == 1 -> delivered++; assert(trim_point <= s)
        :: else
        fi
    };
    goto taken;
from_cell:
    look_at_cell(k);
    atomic { if :: found == NOTHING || !TAKEABLE(found) -> goto forget :: else -> now = found; s = which fi };
    reserve_pin();
    atomic { mine = RECORD(s, NUMBER(now) + 1, me, DELIVERED); swap_cell(k, now, mine) };
taken:
    atomic {
        if :: !done -> goto forget :: else -> assert(bytes[p] == s) fi;
        now = 0; found = 0; seen = 0; which = 0; k = 0; pinned = 0; done = 0
    };
    MAY_DIE(PRODUCERS + me - 1);
    atomic {
        assert(bytes[p] == s);
        if :: after = ACKED :: nacks < NACKS -> nacks++; after = RETRY fi;
        swap(record[AT(s)], mine, WITH_STATE(mine, after));
        if :: done -> count_finished(); goto close :: else -> now = record[AT(s)] fi;
        if
        :: TAG(now) == s && STATE(now) != PARKED -> goto refused
        :: TAG(now) == s && STATE(now) == PARKED -> k = HOLDER(now)
#ifdef NO_LOOK_BEHIND
        :: TAG(now) != s -> goto refused
#else
        :: TAG(now) != s ->
            do :: k < CELLS && cell_sequence[k] != s -> k++ :: else -> break od;
            if :: k == CELLS -> goto refused :: else fi
#endif
        fi
    };
    look_at_cell(k);
    atomic { assert(bytes[p] == s); if :: found == NOTHING || which != s -> goto refused :: else fi };
    atomic {
        swap_cell(k, WITH_TAG(mine, GENERATION(seen)), WITH_STATE(mine, after));
        if :: done -> count_finished() :: else -> goto refused fi
    };
    if
    :: after == ACKED ->
        MAY_DIE(PRODUCERS + me - 1);
        free_cell(k)
    :: else
    fi;
    goto close;
refused:
    /* nobody refuses an entry to who holds it */
    atomic {
        k = 0;
        do
        :: k < CELLS -> assert(!(IN_CELL(k) && cell_sequence[k] == s && cell_record[k] % 64 == mine % 64)); k++
        :: else -> break
        od;
        assert(record[AT(s)] != mine)
    };
close:
    atomic { if :: pin_holder == me -> pin_holder = 0 :: else fi };
forget:
    /* a pin that was for nothing is given back */
    atomic { if :: pinned && pin_holder != 0 -> pin_holder = 0 :: else fi;
             pinned = 0; s = 0; k = 0; p = 0; which = 0; seen = 0; after = 0; now = 0; found = 0; mine = 0; done = 0; goto look };
dead:
    atomic { s = 0; k = 0; p = 0; which = 0; seen = 0; after = 0; now = 0; found = 0; mine = 0; done = 0; pinned = 0;
             !died[PRODUCERS + me - 1] || ALL_DONE; goto look };
end: skip
}

#include "park_scanner.pml"

init {
    byte n;
    atomic {
        for (n : 1 .. PRODUCERS) { run Producer(n) }
        for (n : 1 .. CONSUMERS) { run Consumer(n) }
        for (n : 1 .. SCANNERS) { run Scanner() }
        n = 0
    }
    (ALL_DONE && STATE(cell[0]) == FREE && STATE(cell[CELLS - 1]) == FREE)
}
