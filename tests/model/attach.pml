/* attach: who is alive. A row goes free(i) -> attaching(i) -> live(i) -> free(i+1); each incarnation has a lock byte of its own,
   which the kernel drops at death. Anybody may reset an attaching row that is not locked. Death is proven by: the word is
   live(i), the lock of (row, i) is free, the word is live(i) still. Nobody takes another's lock.

   One row that all want; processes that attach, take a thing (a chunk, a consumer row: words that name row and incarnation), leave in good
   order or die at any step; scanners that make a whole pass over the things before they free the row, one of which may stop
   for ever at any step.

   Held: two processes never are live in one row; nothing is taken from the living, and a row is not freed under them; in the end
   no thing and no row stays with the dead.
   Sizes: PROCESSES SCANNERS DEATHS STOPS LIVES THINGS RESETS.
   Seeded bugs: LIVE_BEFORE_LOCK NO_INCARNATION FREED_BEFORE_PASS LOCK_TAKEN ONE_LOCK_BYTE NO_RESET */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef SCANNERS
#define SCANNERS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef LIVES
#define LIVES 2
#endif
#ifndef THINGS
#define THINGS 1
#endif
#define FREE 0
#define ATTACHING 1
#define LIVE 2
#define NOBODY 99
#ifndef RESETS
#define RESETS 1                                /* of rows whose attacher lives and is only slow */
#endif
#define BYTES 10                                /* incarnations that can come */

byte row_state, row_incarnation;                /* one row is enough to fight for */
byte lock_of[BYTES] = NOBODY;                   /* per incarnation: the process that holds the byte */
byte thing_incarnation[THINGS] = NOBODY;        /* the incarnation that owns it, or NOBODY */
byte true_live = NOBODY;                        /* the process that is live in the row */
bool alive[PROCESSES];
byte true_attacher = NOBODY;
byte times_died, times_stopped, times_reset;

#ifdef ONE_LOCK_BYTE
#define BYTE(i) 0
#else
#define BYTE(i) (i)
#endif
#ifdef NO_INCARNATION
#define NEXT(i) (i)
#else
#define NEXT(i) ((i) + 1)
#endif

#define MAY_DIE if :: skip \
    :: atomic { times_died < DEATHS -> times_died++; alive[me] = 0; if :: true_live == me -> true_live = NOBODY :: else fi; \
                if :: true_attacher == me -> true_attacher = NOBODY :: else fi; \
                k = 0; do :: k < BYTES -> if :: lock_of[k] == me -> lock_of[k] = NOBODY :: else fi; k++ :: else -> break od; k = 0; \
                goto again } fi

proctype Process(byte me) {
    byte i, k, lives, c;
again:
    atomic { i = 0; c = 0; if :: lives < LIVES -> lives++; alive[me] = 1 :: else -> goto done fi }
attach:
    atomic { (row_state == FREE) -> i = row_incarnation }
    atomic { if :: row_state == FREE && row_incarnation == i -> row_state = ATTACHING; true_attacher = me
                :: else -> goto attach fi }
    MAY_DIE;
#ifndef LIVE_BEFORE_LOCK
    atomic { if :: lock_of[BYTE(i)] == NOBODY -> lock_of[BYTE(i)] = me :: else -> goto attach fi }
    MAY_DIE;
#endif
    atomic { if :: row_state == ATTACHING && row_incarnation == i ->
                   row_state = LIVE; true_attacher = NOBODY; assert(true_live == NOBODY); true_live = me
                :: else -> if :: lock_of[BYTE(i)] == me -> lock_of[BYTE(i)] = NOBODY :: else fi; goto attach fi }
#ifdef LIVE_BEFORE_LOCK
    MAY_DIE;
    atomic { if :: lock_of[BYTE(i)] == NOBODY -> lock_of[BYTE(i)] = me :: else -> goto attach fi }
#endif
    MAY_DIE;
    /* takes a thing, looks at it, gives it back */
    c = 0;
    do
    :: c < THINGS ->
        atomic { if :: thing_incarnation[c] == NOBODY -> thing_incarnation[c] = i
                    :: else -> c++; goto next_thing fi }
        MAY_DIE;
        assert(thing_incarnation[c] == i);
        assert(row_state == LIVE && row_incarnation == i);
        MAY_DIE;
        atomic { assert(thing_incarnation[c] == i); thing_incarnation[c] = NOBODY; c++ }
next_thing: skip
    :: else -> break
    od;
    MAY_DIE;
    atomic { assert(row_state == LIVE && row_incarnation == i); row_state = FREE; row_incarnation = NEXT(i); true_live = NOBODY }
    MAY_DIE;
    atomic { lock_of[BYTE(i)] = NOBODY; goto again }
done:
    alive[me] = 0
}

proctype Scanner() {
    byte i, c;
    bool found;
end:
    if
    :: atomic { row_state == LIVE && lock_of[BYTE(row_incarnation)] == NOBODY -> i = row_incarnation; goto suspect_live }
#ifndef NO_RESET
    :: atomic { row_state == ATTACHING && lock_of[BYTE(row_incarnation)] == NOBODY && (true_attacher == NOBODY || times_reset < RESETS) -> i = row_incarnation; goto suspect_attaching }
#endif
    fi;
suspect_attaching:
    if :: lock_of[BYTE(i)] != NOBODY -> goto end :: else fi;
    atomic { if :: row_state == ATTACHING && row_incarnation == i ->
                   if :: true_attacher != NOBODY -> times_reset++ :: else fi;
                   true_attacher = NOBODY; row_state = FREE; row_incarnation = NEXT(i)
                :: else fi;
             i = 0; goto end }
suspect_live:
#ifdef LOCK_TAKEN
    atomic { if :: lock_of[BYTE(i)] == NOBODY -> lock_of[BYTE(i)] = NOBODY - 1 :: else -> goto end fi }
#else
    if :: lock_of[BYTE(i)] != NOBODY -> goto end :: else fi;
#endif
    if :: row_state != LIVE || row_incarnation != i -> goto release :: else fi;
    if :: skip :: atomic { times_stopped < STOPS -> times_stopped++; goto end_stopped } fi;
#ifdef FREED_BEFORE_PASS
    atomic { if :: row_state == LIVE && row_incarnation == i -> row_state = FREE; row_incarnation = NEXT(i) :: else fi }
    if :: skip :: atomic { times_stopped < STOPS -> times_stopped++; goto end_stopped } fi;
#endif
    c = 0;
    do
    :: c < THINGS ->
        found = (thing_incarnation[c] == i);
        if :: found -> atomic { if :: thing_incarnation[c] == i -> thing_incarnation[c] = NOBODY :: else fi } :: else fi;
        c++
    :: else -> break
    od;
    if :: skip :: atomic { times_stopped < STOPS -> times_stopped++; goto end_stopped } fi;
    atomic { if :: row_state == LIVE && row_incarnation == i -> row_state = FREE; row_incarnation = NEXT(i) :: else fi; c = 0; found = 0 }
release:
#ifdef LOCK_TAKEN
    atomic { if :: lock_of[BYTE(i)] == NOBODY - 1 -> lock_of[BYTE(i)] = NOBODY :: else fi }
#endif
    i = 0;
    goto end;
end_stopped: false
}

init {
    atomic {
        byte n;
        do :: n < PROCESSES -> run Process(n); n++ :: else -> break od;
        n = 0;
        do :: n < SCANNERS -> run Scanner(); n++ :: else -> break od
    }
    /* the living leave in the end, the dead are repaired */
    (row_state == FREE && !alive[0] && !alive[PROCESSES - 1] && (thing_incarnation[0] == NOBODY))
}
