/* group_move: a group's cursor is moved. A second row is prepared unseen, the old row's word goes active -> closing and names it, and
   one compare-and-swap on the directory takes the old bit away and sets the new one; then the new row becomes active and the old
   one dropped. All of that after the closing is anybody's to do. What a drop does besides (claims, pins, use of the old row
   again) is group_drop's.

   The mover may stop for ever or die before any step. A scanner that has proven its death frees the row it prepared, unless a
   closing row names it or the directory has it, looked at in this order. Another process drops the old group at the same time, so
   that the mover's closing may fail and it gives its row back. The new group may be dropped, and its row made anew by somebody else.

   Held: a successor that is named waits until it is listed; a listed row is never free; nobody settles a row that is not
   listed; no closing row and no row of a dead mover stays for good.
   Sizes: HELPERS STOPS DEATHS. Seeded bugs: FREED_UNSEEN FINISH_UNLISTED NOT_INSIDE ABANDONS NO_HELP DROPPED_FIRST */
#ifndef HELPERS
#define HELPERS 2
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define FREE 0
#define PREPARING 1
#define ACTIVE 2
#define CLOSING 3
#define DROPPED 4
#define MOVER (HELPERS)
#define SCANNER (HELPERS + 1)
#define MAKER (HELPERS + 2)

byte old_state = ACTIVE, old_names;             /* the successor's incarnation; 0 is a drop */
byte new_state = FREE, new_incarnation, new_maker;
bool settled;                                   /* the new row's start */
byte version; bool old_listed = 1, new_listed;  /* the directory */
bool inside[HELPERS + 3];                       /* the new row */
bool mover_dead, mover_stopped, mover_done;
byte times_stopped, times_died;

#ifdef NOT_INSIDE
#define ENTER(who) skip
#else
#define ENTER(who) inside[who] = 1
#endif
#define LEAVE(who) inside[who] = (who == MOVER)

/* The mover may stop or die; the others go on. */
#define MAY_END if :: skip \
                   :: atomic { me == MOVER && times_stopped < STOPS -> times_stopped++; mover_stopped = 1; goto end_stopped } \
                   :: atomic { me == MOVER && times_died < DEATHS -> times_died++; mover_dead = 1; goto dead } fi

/* Settles and activates the new row, if it is preparing and listed. */
inline finish_creation() {
    seen = (new_state == PREPARING -> new_incarnation : 0);
#ifdef FINISH_UNLISTED
    if :: seen != 0 ->
#else
    if :: seen != 0 && new_listed ->
#endif
          atomic { if :: !settled -> assert(new_listed); settled = 1 :: else fi }
          atomic { if :: new_state == PREPARING && new_incarnation == seen -> assert(new_listed); new_state = ACTIVE :: else fi }
       :: else
    fi;
    seen = 0
}

inline finish_closing(named) {
    do
    :: d = version;
       if :: old_state == CLOSING -> skip :: else -> break fi;
       if :: old_listed -> skip :: else -> break fi;
       waits = (named != 0 && new_state == PREPARING && new_incarnation == named);
       MAY_END;
       atomic { if :: version == d -> assert(named == 0 || waits);
                      old_listed = 0; version++;
                      if :: waits -> new_listed = 1 :: else fi;
                      break
                   :: else fi }
    od;
    d = 0; waits = 0;
    MAY_END;
#ifdef DROPPED_FIRST
    if :: old_state == CLOSING && !old_listed -> old_state = DROPPED :: else fi;
    MAY_END;
#endif
    if :: named != 0 -> ENTER(me); finish_creation(); LEAVE(me) :: else fi;     /* the mover is inside anyway */
    MAY_END;
    if :: old_state == CLOSING && !old_listed -> old_state = DROPPED :: else fi
}

proctype Mover(byte me) {
    byte d, seen;
    bool waits, mine;
    atomic { if :: new_state == FREE -> new_state = PREPARING; new_incarnation++; new_maker = MOVER; settled = 0; inside[MOVER] = 1
                :: else -> goto gone fi }
    MAY_END;
    atomic { if :: old_state == ACTIVE -> old_state = CLOSING; old_names = new_incarnation; mine = 1 :: else fi }
    MAY_END;
    if :: mine -> finish_closing(1) :: else fi;
#ifdef ABANDONS
    if :: skip :: mine = 0 fi;
#endif
    if :: !mine -> atomic { assert(!new_listed); new_state = FREE } :: else fi;
gone:
    inside[MOVER] = 0;
    mover_done = 1;
    goto done;
end_stopped:
    false;
dead:
    inside[MOVER] = 0;                          /* the dead do not count */
done: skip
}

/* Somebody who looks for the group, or for room. */
proctype Helper(byte me) {
    byte d, seen, named;
    bool waits;
end:
    do
    :: atomic { old_state == CLOSING -> named = old_names }
       finish_closing(named);
       named = 0
    od;
end_stopped:
dead: false
}

/* Drops the old group meanwhile. */
proctype Dropper() {
    atomic { if :: old_state == ACTIVE -> old_state = CLOSING; old_names = 0 :: skip fi }
}

proctype Scanner() {
    byte seen, found;
    bool named, listed;
end:
    mover_dead;
    ENTER(SCANNER);
    atomic { if :: new_state == PREPARING && new_maker == MOVER -> found = new_incarnation :: else -> goto leave fi }
#ifndef FREED_UNSEEN
    named = (old_state == CLOSING && old_names == found);
#endif
    listed = new_listed;
    if :: named -> skip                         /* whoever finishes the closing lists it */
       :: !named && listed -> finish_creation()
       :: else -> atomic { if :: new_state == PREPARING && new_maker == MOVER && new_incarnation == found ->
                                 assert(!new_listed); new_state = FREE
                              :: else fi }
    fi;
leave:
    inside[SCANNER] = 0
}

/* Drops the new group, and makes another in its row. */
proctype Maker() {
    byte seen, d, c;
    bool found;
end:
    atomic { new_state == ACTIVE && new_incarnation == 1 -> new_listed = 0; version++; new_state = DROPPED }
look:
    c = 0;
    do
    :: c < HELPERS + 2 -> atomic { if :: inside[c] -> found = 1 :: else fi; c++ }
    :: else -> break
    od;
    if :: found -> found = 0;
end_wait:      (inside[0] + inside[1] + inside[HELPERS] + inside[HELPERS + 1] == 0); goto look
       :: else -> c = 0
    fi;
    atomic { assert(!new_listed); new_state = PREPARING; new_incarnation++; new_maker = MAKER; settled = 0 }
    do
    :: d = version;
       atomic { if :: version == d -> new_listed = 1; version++; break :: else fi }
    od;
    finish_creation()
}

init {
    atomic {
        byte n;
        run Mover(MOVER); run Dropper(); run Scanner(); run Maker();
#ifndef NO_HELP
        do :: n < HELPERS -> run Helper(n); n++ :: else -> break od
#endif
    }
    (old_state != CLOSING && (mover_done || mover_stopped || mover_dead));
    (new_state != PREPARING || (mover_stopped && new_maker == MOVER && old_names != new_incarnation))
}
