/* pins: an entry taken from a living holder by idle time. The holder has views of the entry's bytes; so who takes it first
   reserves a pin cell (chunk, holder) by a compare-and-swap, then swaps the record; the holder frees the cells that name it when
   it closes its batch and when it waits with no batch open (a claimer may have died between its two steps), the scanner when
   it proved the holder dead. A claimer that finds the very cell it needs may share it (SHARED) under a new generation, so that
   its maker can't give it back any more, and never gives it back itself. Who takes a chunk looks at the cells after it saw
   the trim point pass, and once more after it swapped the chunk's word.

   One chunk that holds one entry at a time, filled again and again; consumers claim each entry fresh, or from another by idle
   time; each reads what it was given, for as long as it likes, then acks. A cell's value ends in a generation, so that a late
   release by its maker can't hit another's cell.

   Held: a view shows the bytes it was given until it is closed; each entry is acked once; a late ack is fenced; in the end
   no cell is left.
   Sizes: CONSUMERS ENTRIES DEATHS TAKERS CLAIMS CELLS. CELL_NOT_RETURNED is clean too: the holder frees it in the end.
   Seeded bugs: NO_PIN PIN_AFTER_SWAP CELLS_BEFORE_TRIM NO_SECOND_LOOK CELL_NO_GENERATION CELL_SHARED
   IDLE_KEEPS NOT_FREED_BY_SCANNER */
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef ENTRIES
#define ENTRIES 2
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef TAKERS
#define TAKERS 2
#endif
#ifndef CLAIMS
#define CLAIMS 2                                /* by idle time, in all */
#endif
#ifndef CELLS
#define CELLS 2
#endif
#define NOBODY 9
#define FINISHED 0
#define DELIVERED 1
#define RETRY 2

byte bytes, last;                               /* the chunk: what it holds, its last sequence; `owned` is its word */
bool owned;
byte tail, trim_point;                          /* entries tail - 1 and below are published; below trim_point finished */
byte record_sequence, record_consumer = NOBODY, record_number, record_state;
byte cell_holder[CELLS] = NOBODY, cell_generation[CELLS];
bool gone[CONSUMERS];             /* dead, or left in good order */
byte times_died, times_claimed, acked[ENTRIES + 2];

#ifdef CELL_SHARED
#define SHARED
#endif
#ifdef CELL_NO_GENERATION
#define NEXT_GENERATION(g) (g)
#else
#define NEXT_GENERATION(g) ((g) + 1)
#endif

#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; gone[me] = 1; goto dead } fi

inline look_at_cells(result) {
    atomic { result = 0; c = 0 }
    do
    :: atomic { c < CELLS && cell_holder[c] != NOBODY -> result = 1; break }
    :: atomic { c < CELLS && cell_holder[c] == NOBODY -> c++ }
    :: atomic { c >= CELLS -> break }
    od;
    c = 0
}

inline reserve_cell(holder) {
    atomic {
        c = 0;
#ifdef SHARED
        if :: cell_holder[0] == holder ->
#ifndef CELL_SHARED
              cell_generation[0] = NEXT_GENERATION(cell_generation[0]);
#endif
              generation = 99;                  /* not its maker: never gives it back */
              goto reserved
           :: else fi;
#endif
        do :: c < CELLS && cell_holder[c] != NOBODY -> c++ :: else -> break od;
        if :: c < CELLS -> cell_holder[c] = holder; cell_generation[c] = NEXT_GENERATION(cell_generation[c]); generation = cell_generation[c]
           :: else -> c = 0; goto look fi;
reserved: skip }
}

/* A load and a compare-and-swap for each cell, which are one step here: the value carries a generation. */
inline free_cells_of(holder) {
    k = 0;
    do
    :: k < CELLS -> atomic { if :: cell_holder[k] == holder -> cell_holder[k] = NOBODY :: else fi; k++ }
    :: else -> break
    od;
    k = 0
}

proctype Consumer(byte me) {
    byte s, from, number, state, c, k, generation;
    bool pinned;
look:
    atomic {
        s = 0; from = 0; number = 0; state = 0; pinned = 0; generation = 0;
        if :: trim_point > ENTRIES -> goto done
#ifndef IDLE_KEEPS
           :: cell_holder[0] == me || cell_holder[CELLS - 1] == me -> goto idle
#endif
           :: record_sequence < tail || (record_state == RETRY && record_sequence == tail) ||
              (record_state == DELIVERED && record_sequence == tail && record_consumer != me && times_claimed < CLAIMS && tail > 0)
              -> s = tail; from = record_consumer; number = record_number; state = record_state;
                 if :: record_sequence < tail -> number = 0; state = FINISHED :: else fi
        fi }
    if :: state == DELIVERED && !gone[from] ->                          /* from a living holder */
          atomic { if :: times_claimed < CLAIMS -> times_claimed++ :: else -> goto look fi }
#ifndef NO_PIN
#ifndef PIN_AFTER_SWAP
          reserve_cell(from);
          pinned = 1;
          MAY_DIE;
#endif
#endif
       :: state == DELIVERED && gone[from] -> goto look                 /* the scanner hands it on */
       :: else fi;
    atomic { /* the record: everything but the sequence is compared for retry and delivered ones */
        if :: (state == FINISHED && record_sequence == s - 1) ||
              (state != FINISHED && record_sequence == s && record_consumer == from && record_number == number && record_state == state) ->
              record_sequence = s; record_consumer = me; record_state = DELIVERED;
              number++;
              record_number = number
           :: else -> goto lost fi }
#ifdef PIN_AFTER_SWAP
    if :: state == DELIVERED -> MAY_DIE; reserve_cell(from) :: else fi;
#endif
    MAY_DIE;
    assert(bytes == s);
    MAY_DIE;
    assert(bytes == s);
    /* ack; of a former owner it is fenced */
    atomic { if :: record_sequence == s && record_consumer == me && record_number == number && record_state == DELIVERED ->
                   record_state = FINISHED; acked[s]++; assert(acked[s] == 1)
                :: else fi }
    MAY_DIE;
    free_cells_of(me);
    goto look;
lost:
    /* the pin was for nothing: released by its maker, by compare-and-swap from what it wrote */
#ifndef CELL_NOT_RETURNED
    if :: pinned -> atomic { if :: cell_holder[c] == from && cell_generation[c] == generation -> cell_holder[c] = NOBODY :: else fi; c = 0 }
       :: else fi;
#endif
    goto look;
done:
    gone[me] = 1;
    goto dead;
idle:
    /* no batch is open: whoever reserved this will fail, or is dead already */
    free_cells_of(me);
    goto look;
dead: skip
}

/* A producer that wants this chunk. Two of them, so that one can be late. */
proctype Taker() {
    byte seen_last, c;
    bool pinned;
again:
    atomic { tail < ENTRIES && !owned || tail >= ENTRIES; if :: tail >= ENTRIES -> goto done :: else fi }
    seen_last = last;
#ifdef CELLS_BEFORE_TRIM
    look_at_cells(pinned);
#endif
    if :: seen_last >= trim_point -> atomic { seen_last = 0; (trim_point > last && !owned || tail >= ENTRIES); goto again } :: else fi;
#ifndef CELLS_BEFORE_TRIM
    look_at_cells(pinned);
#endif
    if :: pinned -> atomic { pinned = 0; seen_last = 0;
                             ((cell_holder[0] == NOBODY && cell_holder[CELLS - 1] == NOBODY) || tail >= ENTRIES); goto again } :: else fi;
    atomic { if :: !owned -> owned = 1 :: else -> goto forget fi }
#ifdef CELLS_BEFORE_TRIM
    look_at_cells(pinned);
    if :: pinned || last >= trim_point -> atomic { owned = 0; goto forget } :: else fi;
#else
#ifndef NO_SECOND_LOOK
    /* the same two, in the same order: the trim point, then the cells */
    if :: last >= trim_point -> atomic { owned = 0; goto forget } :: else fi;
    look_at_cells(pinned);
    if :: pinned -> atomic { owned = 0; goto forget } :: else fi;
#endif
#endif
    atomic { if :: tail >= ENTRIES -> owned = 0; goto done :: else fi;
             bytes = 77 }                                               /* half written */
    atomic { bytes = tail + 1 }
    atomic { tail++; last = tail; owned = 0 }
forget:
    atomic { pinned = 0; seen_last = 0; goto again }
done: skip
}

proctype Trimmer() {
end:
    do :: atomic { trim_point <= tail && record_sequence == trim_point && record_state == FINISHED -> trim_point++ } od
}

#ifdef NOT_FREED_BY_SCANNER
#define HOLDS(r) (record_state == DELIVERED && record_consumer == r)
#else
#define HOLDS(r) (cell_holder[0] == r || cell_holder[CELLS - 1] == r || (record_state == DELIVERED && record_consumer == r))
#endif

proctype Scanner() {
    byte r, k;
end:
    atomic { if :: gone[0] && HOLDS(0) -> r = 0 :: gone[CONSUMERS - 1] && HOLDS(CONSUMERS - 1) -> r = CONSUMERS - 1 :: gone[1] && HOLDS(1) -> r = 1 fi }
    atomic { if :: record_state == DELIVERED && record_consumer == r -> record_state = RETRY :: else fi }
#ifndef NOT_FREED_BY_SCANNER
    free_cells_of(r);
#endif
    goto end
}

init {
    atomic {
        byte n;
        acked[0] = 1; trim_point = 1;
        do :: n < CONSUMERS -> run Consumer(n); n++ :: else -> break od;
        n = 0;
        do :: n < TAKERS -> run Taker(); n++ :: else -> break od;
        run Trimmer(); run Scanner()
    }
    (trim_point > ENTRIES && cell_holder[0] == NOBODY && cell_holder[CELLS - 1] == NOBODY)
}
