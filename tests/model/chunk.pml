/* chunk: the life of a chunk. Taken, filled by loans that are committed in any order, sealed, left unfinished by an owner that
   closed or died, adopted, used again when the trim point has passed its last sequence.

   A chunk's word is (state, row, incarnation) and carries no generation, so it may come back: whoever took a chunk looks
   again, after its compare-and-swap, whether the trim point has passed `last`, and only then puts the fill mark back.
   Publishing is one step here (`core` shows why that is so); the trim point rises by itself, as if readers finished at once.
   Two producers in three lives, each with up to two open loans; two scanners, one of which may stop for ever; a reader
   that holds nothing: it copies, then looks at the trim point.

   Held: bytes are written only by the living owner, and never where an entry that is not yet trimmed lies; the copy of a
   reader that found the trim point behind is the bytes added; no chunk stays with the dead.
   Sizes: CHUNKS ENTRIES DEATHS STOPS CLOSES DROPS PRODUCERS SCANNERS READERS.
   Seeded bugs: NO_SECOND_LOOK MARK_AFTER_BYTES MARK_READ_FIRST HINT_AS_LAST SWAP_BEFORE_LAST LAST_STORED SEALED_WITH_LOANS
   NO_INCARNATION */
#ifndef CHUNKS
#define CHUNKS 2
#endif
#define CELLS 2                                 /* entries that fit a chunk */
#ifndef ENTRIES
#define ENTRIES 4
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef SCANNERS
#define SCANNERS 2
#endif
#ifndef READERS
#define READERS 0
#endif
#ifndef CLOSES
#define CLOSES 1                                /* closes in good order before the end */
#endif
#ifndef DROPS
#define DROPS 1                                 /* loans dropped */
#endif
#define FIRST 1
#define END (FIRST + ENTRIES)
#define NONE 255

#define FREE 0
#define OWNED 1
#define UNFINISHED 2
#define SEALED 3
#define LIVE 1

typedef Chunk { byte state; byte row; byte incarnation; byte last; byte fill; byte bytes[CELLS] }
Chunk chunk[CHUNKS];
byte trim_point = FIRST, tail_hint = FIRST, true_tail = FIRST;
byte row_state[PRODUCERS], row_incarnation[PRODUCERS];
bool row_locked[PRODUCERS];
byte true_chunk[END], true_cell[END], true_bytes[END];
byte times_died, times_stopped, times_closed, times_dropped, values;

#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; row_locked[me] = 0; goto dead } fi
#define OWNED_BY(c, r, i) (chunk[c].state == OWNED && chunk[c].row == r && chunk[c].incarnation == i)
#define RAISE(word, value) if :: word < value -> word = value :: else fi

/* Bytes are about to be written: nobody may need what lies there, and nobody else may write there. */
inline check_write(where, cell) {
    assert(OWNED_BY(where, me, incarnation));
    q = trim_point;
    do
    :: q < true_tail -> assert(!(true_chunk[q] == where && true_cell[q] == cell)); q++
    :: else -> break
    od;
    q = 0
}

/* The fill mark moves before the bytes are written; nobody else looks at either while the owner lives, so the only thing that
   can come between them is death. */
inline loan(cell, value) {
    atomic {
        cell = chunk[c].fill;
#ifndef MARK_AFTER_BYTES
        chunk[c].fill = cell + 1;
#endif
        check_write(c, cell); values++; value = values; chunk[c].bytes[cell] = value;
        MAY_DIE
    }
}

/* Publishes the loan, or drops it when the run is over. */
inline commit(cell, value) {
    atomic {
        t = true_tail;
        if :: value != 0 && t < END ->
              assert(chunk[c].bytes[cell] == value);
              true_chunk[t] = c; true_cell[t] = cell; true_bytes[t] = value; true_tail++;
              RAISE(greatest, t)
           :: else fi;
        value = 0; cell = 0; t = 0;
        MAY_DIE;
#ifdef MARK_AFTER_BYTES
        chunk[c].fill++
#endif
    }
}

inline leave_chunk(new_state) {
#ifdef SWAP_BEFORE_LAST
    atomic { chunk[c].state = new_state; chunk[c].row = 0; chunk[c].incarnation = 0 }
    MAY_DIE;
    atomic { RAISE(chunk[c].last, greatest) }
#else
    atomic { RAISE(chunk[c].last, greatest); MAY_DIE }
    atomic { assert(OWNED_BY(c, me, incarnation)); chunk[c].state = new_state; chunk[c].row = 0; chunk[c].incarnation = 0 }
#endif
    greatest = 0;
}

proctype Producer(byte me) {
    byte incarnation, c, state, row, whose, last, seen_trim, t, cell_a, cell_b, value_a, value_b, greatest, q, mark;
    bool adopting;
again:
    atomic { (row_state[me] == FREE && !row_locked[me]) || true_tail >= END;
             if :: true_tail >= END -> goto done
                :: else -> row_state[me] = LIVE; row_locked[me] = 1; incarnation = row_incarnation[me] fi }
take:
    if :: true_tail >= END -> goto close :: else fi;
    if :: c = 0 :: c = CHUNKS - 1 fi;
look:
    atomic { state = chunk[c].state; row = chunk[c].row; whose = chunk[c].incarnation }
    if :: state == OWNED -> goto blocked :: else fi;
    last = chunk[c].last;
    seen_trim = trim_point;
    adopting = (state == UNFINISHED && last >= seen_trim);
    if :: state == SEALED && last >= seen_trim -> goto blocked :: else fi;
#ifdef MARK_READ_FIRST
    mark = chunk[c].fill;
#endif
    atomic { if :: chunk[c].state == state && chunk[c].row == row && chunk[c].incarnation == whose ->
                   chunk[c].state = OWNED; chunk[c].row = me; chunk[c].incarnation = incarnation
                :: else -> goto forget fi;
             MAY_DIE }
#ifndef NO_SECOND_LOOK
    if :: chunk[c].last >= trim_point && state != FREE -> adopting = 1 :: else fi;
#endif
    atomic {
        if :: !adopting -> chunk[c].fill = 0
           :: else
#ifdef MARK_READ_FIRST
              -> chunk[c].fill = mark
#endif
        fi;
        state = 0; row = 0; whose = 0; last = 0; seen_trim = 0; adopting = 0; mark = 0 }
fill:
    if :: chunk[c].fill >= CELLS -> goto seal :: else fi;
    if :: true_tail >= END -> leave_chunk(UNFINISHED); goto close
       :: atomic { times_closed < CLOSES -> times_closed++ } leave_chunk(UNFINISHED); goto close      /* in good order */
       :: true_tail < END -> skip fi;
    loan(cell_a, value_a);
#ifdef LOANS
    if :: chunk[c].fill < CELLS -> loan(cell_b, value_b) :: skip fi;
#endif
#ifdef SEALED_WITH_LOANS
    if :: chunk[c].fill >= CELLS -> leave_chunk(SEALED) :: else fi;
    atomic { t = true_tail; if :: value_a && t < END -> true_chunk[t] = c; true_cell[t] = cell_a; true_bytes[t] = value_a; true_tail++
                               :: else fi; value_a = 0; cell_a = 0; t = 0 }
    atomic { t = true_tail; if :: value_b && t < END -> true_chunk[t] = c; true_cell[t] = cell_b; true_bytes[t] = value_b; true_tail++
                               :: else fi; value_b = 0; cell_b = 0; t = 0 }
    if :: chunk[c].state == OWNED && chunk[c].row == me -> goto fill :: else -> c = 0; goto take fi;
#endif
#ifdef LOANS
    if :: value_b -> commit(cell_b, value_b) :: skip fi;
#endif
    if :: commit(cell_a, value_a)
       :: atomic { times_dropped < DROPS -> times_dropped++; value_a = 0; cell_a = 0 }                /* a dropped loan */
    fi;
#ifdef LOANS
    if :: value_b -> commit(cell_b, value_b) :: else fi;
#endif
    atomic { tail_hint = true_tail; goto fill }
seal:
    leave_chunk(SEALED);
    c = 0;
    goto take;
blocked:
    /* waits for what may still happen: this chunk or another becomes free to take, or the run ends */
    atomic { state = 0; row = 0; whose = 0; last = 0; seen_trim = 0; adopting = 0; c = 0; mark = 0;
             (true_tail >= END || chunk[0].state == FREE || chunk[0].state == UNFINISHED ||
              (chunk[0].state == SEALED && chunk[0].last < trim_point) || chunk[CHUNKS - 1].state == FREE ||
              chunk[CHUNKS - 1].state == UNFINISHED || (chunk[CHUNKS - 1].state == SEALED && chunk[CHUNKS - 1].last < trim_point));
             goto take }
forget:
    atomic { state = 0; row = 0; whose = 0; last = 0; seen_trim = 0; adopting = 0; c = 0; mark = 0; goto take }
close:
    atomic { row_state[me] = FREE; row_incarnation[me]++; row_locked[me] = 0; c = 0; incarnation = 0;
             if :: true_tail >= END -> goto done :: else -> goto again fi }
dead:
    atomic { c = 0; state = 0; row = 0; whose = 0; last = 0; seen_trim = 0; t = 0; cell_a = 0; cell_b = 0; value_a = 0; value_b = 0;
             greatest = 0; q = 0; adopting = 0; incarnation = 0; mark = 0; goto again }
done: skip
}

#define SUSPECT(r) (row_state[r] == LIVE && !row_locked[r])

proctype Scanner() {
    byte r, i, c, last;
    bool found;
end_look:
    atomic { if :: SUSPECT(0) -> r = 0 :: SUSPECT(PRODUCERS - 1) -> r = PRODUCERS - 1 fi; i = row_incarnation[r] }
    if :: row_locked[r] -> goto end_look :: else fi;
    if :: row_state[r] != LIVE || row_incarnation[r] != i -> goto end_look :: else fi;
    do
    :: c < CHUNKS ->
#ifdef NO_INCARNATION
        found = (chunk[c].state == OWNED && chunk[c].row == r);
#else
        found = OWNED_BY(c, r, i);
#endif
        if :: found ->
#ifdef HINT_AS_LAST
              last = tail_hint - 1;
#else
              last = true_tail - 1;
#endif
              if :: skip :: atomic { times_stopped < STOPS -> times_stopped++; goto end_stopped } fi;
#ifdef LAST_STORED
              chunk[c].last = last;
#else
              atomic { RAISE(chunk[c].last, last) }
#endif
              if :: skip :: atomic { times_stopped < STOPS -> times_stopped++; goto end_stopped } fi;
              atomic {
#ifdef NO_INCARNATION
                  if :: chunk[c].state == OWNED && chunk[c].row == r -> chunk[c].state = UNFINISHED; chunk[c].row = 0; chunk[c].incarnation = 0 :: else fi;
#else
                  if :: OWNED_BY(c, r, i) -> chunk[c].state = UNFINISHED; chunk[c].row = 0; chunk[c].incarnation = 0 :: else fi;
#endif
                  last = 0; found = 0 }
           :: else fi;
        c++
    :: else -> break
    od;
    atomic { if :: row_state[r] == LIVE && row_incarnation[r] == i -> row_state[r] = FREE; row_incarnation[r]++ :: else fi;
             c = 0; i = 0; r = 0 }
    goto end_look;
end_stopped: false
}

proctype Trimmer() {
end:
    do :: atomic { trim_point < true_tail -> trim_point++ } od
}

proctype Reader() {
    byte s, copy;
end:
    do
    :: atomic { trim_point < true_tail -> s = trim_point }
       copy = chunk[true_chunk[s]].bytes[true_cell[s]];
       atomic { assert(trim_point > s || copy == true_bytes[s]); s = 0; copy = 0 }
    od
}

init {
    atomic {
        byte n;
        do :: n < PRODUCERS -> run Producer(n); n++ :: else -> break od;
        n = 0;
        do :: n < SCANNERS -> run Scanner(); n++ :: else -> break od;
        n = 0;
        do :: n < READERS -> run Reader(); n++ :: else -> break od;
        n = 0;
        run Trimmer()
    }
    /* in the end the dead hold nothing */
    byte k;
    (true_tail >= END && !SUSPECT(0) && !SUSPECT(PRODUCERS - 1) && row_state[0] == FREE && row_state[PRODUCERS - 1] == FREE);
    do :: k < CHUNKS -> assert(chunk[k].state != OWNED); k++ :: else -> break od
}
