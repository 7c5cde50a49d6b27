/* group_drop: a group is dropped, its row and records used again for another group. The row's word goes dropped(i) ->
   preparing(i+1) -> active(i+1) -> closing(i+1) -> dropped(i+1); closing is one-way. From closing on the check after a claim makes
   every new delivery void; whoever drops walks the records, reserves a pin for each living holder, takes the bit out of the
   directory by a compare-and-swap on its version, then sets dropped. Anybody may finish a closing row; whoever pinned for a delivery
   that ended meanwhile gives the pin back, unless somebody shared it.

   Before a process swaps a record it sets its bit `inside` for the row and looks at the row's word again; it clears the bit
   afterwards. A row is used again only when no living attachment is inside, looked at after the drop. Scanners are inside too, and leave alone a row they found dropped.

   One record, one chunk. Once the directory's bit is gone the trim point may pass and the bytes may be overwritten, unless a
   pin names their chunk. The entry of the next incarnation stands in the same record and may be given to the same consumer
   row with the same hand-over number, so that a late compare-and-swap would find the very value it expects.

   Held: a view shows the bytes it was given; nobody changes a record of another incarnation; an active row stands in the directory.
   Sizes: CONSUMERS DROPPERS LIVES STOPS (droppers that stop for ever) SCANNERS.
   Seeded bugs: NO_INSIDE INSIDE_NOT_CHECKED_AGAIN LOOKED_BEFORE_DROP NO_VOID NO_PINS PINNED_BEFORE_CLOSING NO_VERSION REVERT
   SCANNER_NOT_INSIDE SCANNER_IN_DROPPED SHARED_RETURNED */
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef DROPPERS
#define DROPPERS 2
#endif
#ifndef LIVES
#define LIVES 2                                 /* incarnations of the row */
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef SCANNERS
#define SCANNERS 0
#endif
#define DROPPED 0
#define PREPARING 1
#define ACTIVE 2
#define CLOSING 3
#define NEW 0
#define DELIVERED 1
#define ACKED 2
#define RETRY 3
#define NOBODY 9

byte row_state = ACTIVE, row_incarnation = 1;
byte version; bool listed = 1;                  /* the directory */
byte record_state, record_consumer = NOBODY, record_number;
byte true_record = 1;                           /* the incarnation whose record it is */
bool inside[CONSUMERS + SCANNERS];
bool pinned[CONSUMERS];                         /* the pin cell that names (the chunk, this holder) */
byte generation[CONSUMERS];                     /* of that cell: moves on with each pin, also a shared one */
byte bytes = 1;                                 /* what the chunk holds: the entry of this incarnation */
byte consumer_owner[CONSUMERS];                 /* incarnation of the attachment that owns the consumer's row */
bool alive[CONSUMERS] = 1;
byte times_stopped, times_died, times_reverted;

#ifdef NO_INSIDE
#define ENTER(who) skip
#define LEAVE(who) skip
#else
#define ENTER(who) inside[who] = 1
#define LEAVE(who) inside[who] = 0
#endif
#ifdef INSIDE_NOT_CHECKED_AGAIN
#define STILL(i) (1)
#else
#define STILL(i) (row_state == ACTIVE && row_incarnation == i)
#endif
#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; alive[me] = 0; goto dead } fi

proctype Consumer(byte me) {
    byte i, number, seen_state, seen_consumer, seen_number;
again:
    /* opens the group that stands there now */
    atomic { (row_state == ACTIVE && record_state != ACKED) || (row_incarnation >= LIVES && (row_state != ACTIVE || record_state == ACKED));
             if :: row_state == ACTIVE && record_state != ACKED -> i = row_incarnation :: else -> goto done fi }
    ENTER(me);
    if :: STILL(i) -> skip :: else -> LEAVE(me); goto again fi;
    atomic { seen_state = record_state; seen_consumer = record_consumer; seen_number = record_number }
    if :: seen_state == NEW || seen_state == RETRY -> skip
       :: else -> LEAVE(me);
                  atomic { record_state == NEW || record_state == RETRY || record_state == ACKED || row_incarnation != i ||
                           row_state != ACTIVE; goto again } fi;
    atomic { if :: record_state == seen_state && record_consumer == seen_consumer && record_number == seen_number ->
                   assert(true_record == i);
                   number = record_number + 1; record_state = DELIVERED; record_consumer = me; record_number = number
                :: else -> number = 0 fi }
    if :: number == 0 -> LEAVE(me); goto again :: else fi;
    MAY_DIE;
#ifndef NO_VOID
    /* the check after the claim */
    if :: row_state == ACTIVE && row_incarnation == i -> skip
       :: else -> atomic { if :: record_state == DELIVERED && record_consumer == me && record_number == number -> record_state = RETRY
                              :: else fi }
                  LEAVE(me);
                  pinned[me] = 0;               /* a void delivery ends like a batch: its pins go */
                  goto again
    fi;
#endif
    LEAVE(me);
    assert(bytes == i);
    MAY_DIE;
    assert(bytes == i);
    /* acks: inside once more */
    ENTER(me);
    if :: STILL(i) ->
          atomic { if :: record_state == DELIVERED && record_consumer == me && record_number == number ->
                         assert(true_record == i); record_state = ACKED
                      :: else fi }
       :: else fi;
    LEAVE(me);
    pinned[me] = 0;                             /* closes its batch */
    number = 0;
    goto again;
end_dead:
dead:
    /* the next owner of the consumer's row: another process, once the row was made new */
    atomic { row_incarnation > i; consumer_owner[me]++; alive[me] = 1; number = 0; inside[me] = 0; pinned[me] = 0; goto again }
done: skip
}

#define MAY_STOP if :: skip :: atomic { times_stopped < STOPS -> times_stopped++; goto end_stopped } fi

proctype Dropper() {
    byte i, seen_version, c, number, pin;
    bool fresh;
end:
    atomic { (row_state == ACTIVE || row_state == CLOSING) && row_incarnation < LIVES -> i = row_incarnation }
#ifdef PINNED_BEFORE_CLOSING
    c = record_consumer;
    if :: record_state == DELIVERED && c < CONSUMERS -> pinned[c] = 1 :: else fi;
#endif
    atomic { if :: row_state == ACTIVE && row_incarnation == i -> row_state = CLOSING :: else fi }
    MAY_STOP;
#ifdef REVERT
    if :: skip
       :: atomic { times_reverted < 1 -> times_reverted++;             /* as if no pin cell were left */
                   if :: row_state == CLOSING && row_incarnation == i -> row_state = ACTIVE :: else fi; i = 0; goto end }
    fi;
#endif
    seen_version = version;
#ifndef NO_VERSION
    if :: row_state == CLOSING && row_incarnation == i && listed -> skip :: else -> goto last fi;
#endif
#ifndef PINNED_BEFORE_CLOSING
#ifndef NO_PINS
    atomic { c = NOBODY; if :: record_state == DELIVERED && record_consumer < CONSUMERS -> c = record_consumer; number = record_number :: else fi }
    if :: c < CONSUMERS && alive[c] ->
          atomic { fresh = !pinned[c]; pinned[c] = 1; generation[c] = (generation[c] + 1) % 4; pin = generation[c] }
          /* its delivery ended meanwhile, or the closing did: nobody would free the pin; a shared one stays */
          if :: record_state == DELIVERED && record_consumer == c && record_number == number && row_state == CLOSING && row_incarnation == i -> skip
             :: else ->
#ifdef SHARED_RETURNED
                        atomic { if :: fresh -> pinned[c] = 0 :: else fi }
#else
                        atomic { if :: fresh && generation[c] == pin -> pinned[c] = 0 :: else fi }
#endif
          fi
       :: else
    fi;
#endif
#endif
    atomic { c = 0; number = 0; pin = 0; fresh = 0 }
    MAY_STOP;
#ifdef NO_VERSION
    atomic { if :: listed -> listed = 0; version++ :: else fi }
#else
    atomic { if :: version == seen_version -> listed = 0; version++ :: else fi }
#endif
    MAY_STOP;
last:
    atomic { if :: row_state == CLOSING && row_incarnation == i && !listed -> row_state = DROPPED :: else fi;
             i = 0; seen_version = 0; goto end }
end_stopped: false
}

/* Makes the next group in the row. */
proctype Creator() {
    byte i, c;
    bool found;
end:
#ifdef LOOKED_BEFORE_DROP
    atomic { (row_state == CLOSING || row_state == ACTIVE) && row_incarnation < LIVES -> i = row_incarnation }
#else
    atomic { row_state == DROPPED && row_incarnation < LIVES -> i = row_incarnation }
#endif
    c = 0;
    do
    :: c < CONSUMERS + SCANNERS -> atomic { if :: inside[c] && (c >= CONSUMERS || alive[c]) -> found = 1 :: else fi; c++ }
    :: else -> break
    od;
    if :: found -> atomic { found = 0; c = 0; goto end } :: else fi;
#ifdef LOOKED_BEFORE_DROP
    (row_state == DROPPED);
#endif
    atomic { if :: row_state == DROPPED && row_incarnation == i -> row_state = PREPARING; row_incarnation = i + 1 :: else -> goto end fi }
    atomic { record_state = NEW; record_consumer = NOBODY; record_number = 0; true_record = i + 1 }
    /* the next entry needs its bytes: only once the old ones are not pinned */
    (bytes == i + 1);
    atomic { listed = 1; version++ }
    atomic { assert(row_state == PREPARING && row_incarnation == i + 1); assert(listed); row_state = ACTIVE }
    atomic { i = 0; c = 0; goto end }
}

/* The trim point passes once nothing in the directory holds it; who takes the chunk looks at the pins afterwards. */
proctype Taker() {
    byte c;
    bool found;
end:
    do
    :: atomic { !listed && row_state != CLOSING && bytes < row_incarnation + (row_state == DROPPED -> 1 : 0) && bytes < LIVES -> skip }
look:
       c = 0;
       do
       :: c < CONSUMERS -> atomic { if :: pinned[c] -> found = 1 :: else fi; c++ }
       :: else -> break
       od;
       if :: found -> atomic { found = 0; c = 0 }
          :: else -> atomic { bytes++; c = 0 }
       fi
    od
}

#if SCANNERS > 0
#ifdef SCANNER_IN_DROPPED
#define MAY_REPAIR (row_state != PREPARING)
#else
#define MAY_REPAIR (row_state == ACTIVE || row_state == CLOSING)
#endif
/* Hands the record of a dead consumer to retry: loads it, sees that the owner is the dead one still, swaps. */
proctype Scanner(byte me) {
    byte c, owner, seen_number;
end:
    atomic { !alive[0] && ((record_state == DELIVERED && record_consumer == 0) || pinned[0]) -> c = 0; owner = consumer_owner[0] }
#ifndef SCANNER_NOT_INSIDE
    ENTER(me);
#endif
    if :: MAY_REPAIR -> skip :: else -> goto leave fi;
    atomic { if :: record_state == DELIVERED && record_consumer == c -> seen_number = record_number :: else -> goto leave fi }
    if :: consumer_owner[c] == owner -> skip :: else -> goto leave fi;
    atomic { if :: record_state == DELIVERED && record_consumer == c && record_number == seen_number ->
                   assert(consumer_owner[c] == owner); record_state = RETRY
                :: else fi }
leave:
#ifndef SCANNER_NOT_INSIDE
    LEAVE(me);
#endif
    /* frees the dead one's pins whatever became of the row: cells carry a generation */
    atomic { if :: !alive[c] && consumer_owner[c] == owner -> pinned[c] = 0 :: else fi;
             c = 0; owner = 0; seen_number = 0; goto end }
}
#endif

init {
    atomic {
        byte n;
        do :: n < CONSUMERS -> run Consumer(n); n++ :: else -> break od;
        n = 0;
        do :: n < DROPPERS -> run Dropper(); n++ :: else -> break od;
        run Creator(); run Taker()
#if SCANNERS > 0
        ;run Scanner(CONSUMERS)
#endif
    }
    (row_incarnation == LIVES && row_state == ACTIVE)
}
