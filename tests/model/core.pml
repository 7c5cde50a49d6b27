/* core: the life of an entry. Publish by one compare-and-swap with the predecessor seen, deliver and ack by one each, trim,
   death at any step, repair by any number of scanners that hold nothing and may stop for ever.

   One group, two slots, one entry per chunk. A stop of any length is any delay between two steps, so it needs no code of
   its own; a stop for ever is `end_stopped`. One shared access per step; `atomic` around more than one access stands for
   one machine instruction on one word. Names that begin with `true_` or `times_` are known to the checker only.

   Held: sequences are dense and each is published once; only finished entries are overwritten; a chunk in use has one owner;
   the bytes read as s are those added as s; each entry is delivered as the next of a contiguous prefix, acked exactly once;
   no state is stuck.
   Sizes: PRODUCERS CONSUMERS SCANNERS ENTRIES DEATHS STOPS CHUNKS TAGS; FOUL_HINT FOUL_CURSOR: the hints begin ahead of the truth.
   Seeded bugs: HINT_TRUSTED CURSOR_TRUSTED CLAIM_LATER HINT_AS_LAST NO_RECHECK NO_INCARNATION LOCK_TAKEN ROOM_TOO_MUCH
   FULL_BY_HINT HANDOVER_STANDS */
#ifndef PRODUCERS
#define PRODUCERS 1
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef SCANNERS
#define SCANNERS 2
#endif
#ifndef ENTRIES
#define ENTRIES 4
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef CHUNKS
#define CHUNKS 4
#endif
#ifndef TAGS
#define TAGS 4                                  /* values of the lap tag */
#endif
#ifdef ROOM_TOO_MUCH
#define ROOM (SLOTS + 1)
#else
#define ROOM SLOTS
#endif
#define SLOTS 2
#define FIRST (SLOTS * (TAGS - 1))              /* the tag wraps after the first lap */
#define END (FIRST + ENTRIES)
#define ROWS 4
#define AT(s) ((s) % SLOTS)
#define TAG(s) (((s) / SLOTS) % TAGS)
#define BEFORE(s) ((TAG(s) + TAGS - 1) % TAGS)
#define DISTANCE(tag, s) ((TAG(s) + TAGS - (tag)) % TAGS)
#define EARLIER(tag, s) (DISTANCE(tag, s) >= 1 && DISTANCE(tag, s) <= TAGS / 2)

#define FREE 0
#define LIVE 1
#define OWNED 1
#define SEALED 2
#define ACKED 0
#define DELIVERED 1
#define RETRY 2

byte slot_tag[SLOTS], slot_place[SLOTS];
byte record_tag[SLOTS], record_consumer[SLOTS], record_number[SLOTS], record_state[SLOTS];
byte trim_point = FIRST, tail_hint = FIRST, cursor_hint = FIRST;
byte chunk_state[CHUNKS], chunk_row[CHUNKS], chunk_incarnation[CHUNKS], chunk_last[CHUNKS], chunk_bytes[CHUNKS];
byte row_state[ROWS], row_incarnation[ROWS];
bool row_locked[ROWS], scan_locked[ROWS];

byte true_tail = FIRST, true_floor = FIRST, true_delivered = FIRST, times_stopped, times_died;
byte true_bytes[END + 1], times_acked[END + 1];

#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; row_locked[me] = 0; goto dead } fi
#define REUSABLE(c) (chunk_state[c] == FREE || (chunk_state[c] == SEALED && chunk_last[c] < trim_point))
#define ANY_REUSABLE (REUSABLE(0) || REUSABLE(1) || REUSABLE(2) || REUSABLE(CHUNKS - 1))
#ifdef NO_INCARNATION
#define OWNED_BY(c, r, i) (chunk_state[c] == OWNED && chunk_row[c] == r)
#else
#define OWNED_BY(c, r, i) (chunk_state[c] == OWNED && chunk_row[c] == r && chunk_incarnation[c] == i)
#endif

/* Lifts T over what this mover itself read as finished, one record a step. */
inline lift_trim_point() {
    atomic { seen_trim = trim_point; mover = seen_trim }
    do
    :: atomic { mover < seen_trim + SLOTS && record_tag[AT(mover)] == TAG(mover) && record_state[AT(mover)] == ACKED
                -> mover++ }
    :: else -> break
    od;
    atomic { if :: trim_point < mover -> trim_point = mover :: else fi; seen_trim = trim_point; mover = 0 }
}

proctype Producer(byte me) {
    byte incarnation, c, value, t, seen_trim, mover, count, tag, place;
    bool predecessor_seen;
again:
    atomic {
        (row_state[me] == FREE && !row_locked[me] && !scan_locked[me]) || true_tail >= END;
        if :: true_tail >= END -> goto done
           :: else -> row_locked[me] = 1; incarnation = row_incarnation[me]; row_state[me] = LIVE fi }
next:
    seen_trim = trim_point;
take:
    atomic {
        c = 0;
        do :: c < CHUNKS && !(chunk_state[c] == FREE || (chunk_state[c] == SEALED && chunk_last[c] < seen_trim)) -> c++
           :: else -> break od;
        if :: c < CHUNKS -> chunk_state[c] = OWNED; chunk_row[c] = me; chunk_incarnation[c] = incarnation; chunk_last[c] = 0
           :: else -> goto no_chunk fi }
    MAY_DIE;
    atomic { if :: true_tail >= END -> goto drop :: else fi;
             count++; value = me * 32 + count; chunk_bytes[c] = value }          /* filled privately */
    MAY_DIE;
    t = tail_hint;
walk:
    atomic { if :: t <= seen_trim -> t = seen_trim; predecessor_seen = 1 :: else fi;
             if :: true_tail >= END -> goto drop
                :: true_tail < END && t >= END -> t = END - 1; predecessor_seen = 0      /* keeps the model finite */
                :: else fi;
             /* no room, if the slot before is seen published; a hint that far ahead is no proof of it */
             if :: t - seen_trim > ROOM -> t = seen_trim + ROOM; predecessor_seen = 0 :: else fi;
             if :: t - seen_trim == ROOM && predecessor_seen -> goto trim
                :: t - seen_trim == ROOM && !predecessor_seen ->
#ifndef FULL_BY_HINT
                   if :: EARLIER(slot_tag[AT(t - 1)], t - 1) -> t--; goto walk :: else -> skip fi;
#endif
                   predecessor_seen = 1; goto trim
                :: else fi;
             tag = slot_tag[AT(t)]; place = slot_place[AT(t)];
             if :: tag == BEFORE(t) -> skip
                :: tag != BEFORE(t) && EARLIER(tag, t) -> t--; predecessor_seen = 0; goto walk   /* the hint is ahead by laps */
                :: else -> t++; predecessor_seen = 1; tag = 0; place = 0; goto walk fi }
#ifndef HINT_TRUSTED
    atomic { if :: !predecessor_seen && EARLIER(slot_tag[AT(t - 1)], t - 1) -> t--; tag = 0; place = 0; goto walk
                :: else -> predecessor_seen = 1 fi }
#endif
    MAY_DIE;
    atomic { /* the one compare-and-swap */
        if :: slot_tag[AT(t)] == tag && slot_place[AT(t)] == place ->
              assert(OWNED_BY(c, me, incarnation));
              assert(t == true_tail);
              assert(t < FIRST + SLOTS || times_acked[t - SLOTS] == 1);
              slot_tag[AT(t)] = TAG(t); slot_place[AT(t)] = c; true_bytes[t] = value; true_tail++; tag = 0; place = 0
           :: else -> t++; predecessor_seen = 1; tag = 0; place = 0; goto walk fi }
    MAY_DIE;
    if :: tail_hint < t + 1 -> tail_hint = t + 1 :: else fi;       /* a load and a store: a sleeper puts it back */
    atomic { assert(OWNED_BY(c, me, incarnation));
             chunk_last[c] = t; chunk_state[c] = SEALED; chunk_row[c] = 0; chunk_incarnation[c] = 0;
             value = 0; t = 0; c = 0; seen_trim = 0; predecessor_seen = 0 }
    if :: true_tail < END -> goto next :: else fi;
close:
    atomic { row_state[me] = FREE; row_incarnation[me]++; row_locked[me] = 0; goto done }
drop:
    atomic { chunk_state[c] = SEALED; chunk_row[c] = 0; chunk_incarnation[c] = 0; goto close }
trim:
    lift_trim_point();
    (true_floor > trim_point || t < trim_point + SLOTS || true_tail >= END);      /* waits; never for another producer */
    seen_trim = trim_point; goto walk;
no_chunk:
    lift_trim_point();
    if :: true_tail >= END -> goto close :: else fi;
    (true_floor > trim_point || true_tail >= END || ANY_REUSABLE);
    seen_trim = trim_point; goto take;
dead:
    atomic { value = 0; t = 0; c = 0; seen_trim = 0; mover = 0; tag = 0; place = 0; incarnation = 0; predecessor_seen = 0;
             goto again }
done: skip
}

#define WAITING(s) ((s) < true_tail && (s) >= trim_point && times_acked[s] == 0 && \
    !(record_tag[AT(s)] == TAG(s) && record_state[AT(s)] == DELIVERED))

proctype Consumer(byte me) {
    byte s, place, old_tag, old_consumer, old_number, old_state, number, seen_trim;
    bool from_retry;
again:
    atomic {
        (row_state[me] == FREE && !row_locked[me] && !scan_locked[me]) || true_floor >= END;
        if :: true_floor >= END -> goto done :: else -> row_locked[me] = 1; row_state[me] = LIVE fi }
look:
    seen_trim = trim_point;
    if :: true_floor >= END -> goto close :: else fi;
    if :: s = cursor_hint; from_retry = 0
       :: s = seen_trim; from_retry = 1
       :: s = seen_trim + 1; from_retry = 1 fi;
    atomic { if :: s < seen_trim -> s = seen_trim :: else fi }
start:
    if :: s >= END -> s = END - 1 :: else fi;
#ifndef CURSOR_TRUSTED
    /* the predecessor must have been delivered, else walk back, bounded by T */
    atomic { if :: !from_retry && s > seen_trim && EARLIER(record_tag[AT(s - 1)], s - 1) -> s--; goto start :: else fi }
#endif
read_slot:
    atomic { if :: s >= END || s >= seen_trim + SLOTS -> goto nothing :: else fi;
             place = slot_place[AT(s)];
             if :: slot_tag[AT(s)] != TAG(s) -> goto nothing :: else fi }
    atomic {
        old_tag = record_tag[AT(s)]; old_consumer = record_consumer[AT(s)];
        old_number = record_number[AT(s)]; old_state = record_state[AT(s)];
#ifdef HANDOVER_STANDS
        if :: old_tag == TAG(s) && old_state == RETRY -> number = old_number
#else
        if :: old_tag == TAG(s) && old_state == RETRY -> number = old_number + 1
#endif
           :: old_tag == TAG(s) && old_state != RETRY ->
              if :: from_retry -> goto nothing :: else -> s++; place = 0; goto read_slot fi
#ifdef CLAIM_LATER
           :: old_tag != TAG(s) && !from_retry -> number = 1
#else
           :: EARLIER(old_tag, s) && !from_retry -> number = 1
#endif
           :: else -> goto nothing
        fi }
    MAY_DIE;
    atomic {
        if :: record_tag[AT(s)] == old_tag && record_consumer[AT(s)] == old_consumer &&
              record_number[AT(s)] == old_number && record_state[AT(s)] == old_state ->
              if :: old_tag != TAG(s) -> assert(s == true_delivered); true_delivered++ :: else fi;
              record_tag[AT(s)] = TAG(s); record_consumer[AT(s)] = me; record_number[AT(s)] = number;
              record_state[AT(s)] = DELIVERED;
           :: else -> goto nothing fi;
        old_tag = 0; old_consumer = 0; old_number = 0; old_state = 0 }
    MAY_DIE;
    assert(trim_point <= s);                      /* with one group that stays, no claim is void */
    assert(chunk_bytes[place] == true_bytes[s]);
    MAY_DIE;
    if :: !from_retry && cursor_hint < s + 1 -> cursor_hint = s + 1 :: else fi;
    atomic {
        if :: record_tag[AT(s)] == TAG(s) && record_consumer[AT(s)] == me && record_number[AT(s)] == number &&
              record_state[AT(s)] == DELIVERED ->
              record_state[AT(s)] = ACKED; times_acked[s]++; assert(times_acked[s] == 1);
              do :: true_floor < END && times_acked[true_floor] == 1 -> true_floor++ :: else -> break od
           :: else -> assert(false) fi;           /* fenced, though alive and nobody claimed by idle time */
        s = 0; place = 0; number = 0; seen_trim = 0; from_retry = 0 }
    goto look;
nothing:
    atomic { s = 0; place = 0; old_tag = 0; old_consumer = 0; old_number = 0; old_state = 0; number = 0; seen_trim = 0;
             from_retry = 0;
             true_floor >= END || WAITING(trim_point) || WAITING(trim_point + 1); goto look }
close:
    atomic { row_state[me] = FREE; row_incarnation[me]++; row_locked[me] = 0; goto done }
dead:
    atomic { s = 0; place = 0; old_tag = 0; old_consumer = 0; old_number = 0; old_state = 0; number = 0; seen_trim = 0;
             from_retry = 0; goto again }
done: skip
}

#define SUSPECT(r) (row_state[r] == LIVE && !row_locked[r] && !scan_locked[r])

proctype Scanner() {
    byte r, i, c, last, old_tag, old_consumer, old_number, old_state;
    bool found;
end_look:
    atomic { if :: SUSPECT(0) -> r = 0 :: SUSPECT(1) -> r = 1 :: SUSPECT(2) -> r = 2 :: SUSPECT(3) -> r = 3 fi }
#ifdef LOCK_TAKEN
    atomic { if :: SUSPECT(r) -> scan_locked[r] = 1; i = row_incarnation[r] :: else -> goto end_look fi }
#else
    /* the proof: the row's word is live(i), its lock is free, its word is live(i) still */
    atomic { if :: row_state[r] == LIVE -> i = row_incarnation[r] :: else -> goto end_look fi }
    if :: row_locked[r] -> goto end_look :: else fi;
    if :: row_state[r] != LIVE || row_incarnation[r] != i -> goto end_look :: else fi;
#endif
    c = 0;
    do
    :: c < CHUNKS ->
        atomic { found = OWNED_BY(c, r, i) }
        if :: found ->
#ifdef HINT_AS_LAST
              last = tail_hint - 1;
#else
              last = true_tail - 1;               /* walked to the first unpublished slot, after death was proven */
#endif
              atomic { if :: OWNED_BY(c, r, i) ->
                             chunk_state[c] = SEALED; chunk_last[c] = last; chunk_row[c] = 0; chunk_incarnation[c] = 0
                          :: else fi;
                       last = 0; found = 0 }
           :: else fi;
        c++
    :: else -> break
    od;
    if :: skip :: atomic { times_stopped < STOPS -> times_stopped++; goto end_stopped } fi;
    c = 0;
    do
    :: c < SLOTS ->
        atomic { old_tag = record_tag[c]; old_consumer = record_consumer[c];
                 old_number = record_number[c]; old_state = record_state[c] }
        if :: old_state == DELIVERED && old_consumer == r ->
#ifndef NO_RECHECK
              if :: row_incarnation[r] == i -> skip :: else -> goto next_record fi;
#endif
              atomic { if :: record_tag[c] == old_tag && record_consumer[c] == old_consumer &&
                             record_number[c] == old_number && record_state[c] == old_state -> record_state[c] = RETRY
                          :: else fi }
           :: else fi;
next_record:
        atomic { old_tag = 0; old_consumer = 0; old_number = 0; old_state = 0; c++ }
    :: else -> break
    od;
    atomic { if :: row_state[r] == LIVE && row_incarnation[r] == i -> row_state[r] = FREE; row_incarnation[r]++ :: else fi;
             scan_locked[r] = 0; c = 0; i = 0; r = 0 }
    goto end_look;
end_stopped: false
}

init {
    atomic {
        byte q;
        for (q : 0 .. SLOTS - 1) { slot_tag[q] = TAG(FIRST - SLOTS); slot_place[q] = CHUNKS; record_tag[q] = TAG(FIRST - SLOTS) }
#ifdef FOUL_HINT
        if :: tail_hint = FIRST + 1 :: tail_hint = FIRST + SLOTS + 1 :: tail_hint = 0 fi;
#endif
#ifdef FOUL_CURSOR
        if :: cursor_hint = FIRST + 1 :: cursor_hint = FIRST + SLOTS :: cursor_hint = 0 fi;
#endif
        q = 0;
        do :: q < PRODUCERS -> run Producer(q); q++ :: else -> break od;
        q = 0;
        do :: q < CONSUMERS -> run Consumer(2 + q); q++ :: else -> break od;
        q = 0;
        do :: q < SCANNERS -> run Scanner(); q++ :: else -> break od
    }
}
