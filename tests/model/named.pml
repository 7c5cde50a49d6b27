/* named: adds with numbers. The owner of a name stores its number and an open intent with the first sequence the entry can have,
   publishes, and stores where it was; it may die at any step, and the next owner looks in the log for what became of the open
   intent. Movers lift the trim point, and what is below may be overwritten with anything; before, they search what they pass
   and record what they find, by an exchange from the very intent they read. They may stop for ever anywhere.

   An add may also find no room, which its owner sees. An owner takes the row only after the death of the one before.

   Held: who takes the row knows the last number added and its sequence exactly, and no number is ever added twice.
   Sizes: ENTRIES NUMBERS DEATHS MOVERS.
   Seeded bugs: NO_RECORD RECORDED_LATE NOT_THERE_BY_ANYBODY NO_LOOK_AT_TRIM START_COMES_BACK STORED INTENT_LATE ONE_PAIR */
#ifndef ENTRIES
#define ENTRIES 4
#endif
#ifndef NUMBERS
#define NUMBERS 2
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef MOVERS
#define MOVERS 2
#endif
#define OTHERS 9                                /* an entry of somebody else */
#define FAILURES 1

/* the intent word: 0 nothing under way, else open at a sequence, or found at one */
#define OPEN_AT(s) (32 + (s))
#define FOUND_AT(s) (s)
#define IS_OPEN(word) ((word) >= 32)
#define SEQUENCE(word) ((word) % 32)

byte entry[ENTRIES + 1];                        /* its number; from 1 on */
byte next = 1, trim_point = 1;
byte intent, number, last_number, last_sequence;
byte true_number, true_sequence;               /* what was added last: for the assertions alone */
byte times_died, times_failed;

/* The entry at `s` of the row's number `wanted` in [from, until), 0 if none. Below the trim point stands anything. */
inline search(wanted, from, until) {
    found = 0;
    s = from;
    atomic { if :: s < trim_point -> s = trim_point :: else fi }
    do
    :: s >= until -> break
    :: else ->
       atomic {
           if :: s >= trim_point -> what = entry[s]
              :: s < trim_point -> what = wanted
              :: s < trim_point -> what = OTHERS
           fi
       }
       if :: what == wanted ->
#ifdef NO_LOOK_AT_TRIM
             found = s; break
#else
             if :: trim_point <= s -> found = s; break :: else fi
#endif
          :: else fi;
       s++
    od;
    atomic { s = 0; what = 0 }
}

#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; goto taken } fi

proctype Owner() {
    byte seen, found, s, what, mine, at, lowest, limit;
taken:
    atomic { mine = 0; at = 0; found = 0; s = 0; what = 0; seen = intent; limit = next; lowest = next }
    if :: IS_OPEN(seen) ->
          search(number, SEQUENCE(seen), limit);
          MAY_DIE;
          atomic {
#ifdef STORED
              intent = found; seen = found
#else
              if :: intent == seen -> intent = found; seen = found :: else -> seen = intent fi
#endif
          }
       :: else fi;
    atomic {
        if :: seen == 0 -> mine = last_number; at = last_sequence
           :: else -> mine = number; at = SEQUENCE(seen)
        fi;
        seen = 0; found = 0; limit = 0;
        assert(mine == true_number && at == true_sequence)
    }
    do
    :: mine == NUMBERS -> break
    :: next > ENTRIES -> break
    :: else ->
       MAY_DIE;
       if :: mine != 0 && number == mine ->     /* the intent says where it was, until now */
             last_sequence = at;
             MAY_DIE;
             last_number = mine;
             MAY_DIE;
#ifndef ONE_PAIR
             intent = 0;
             MAY_DIE
#endif
          :: else fi;
       number = mine + 1;
       MAY_DIE;
#ifndef INTENT_LATE
#ifdef START_COMES_BACK
       intent = OPEN_AT(1);
#else
       intent = OPEN_AT(lowest);
#endif
       MAY_DIE;
#endif
       if :: atomic { next <= ENTRIES ->
                 assert(true_number < mine + 1);
                 entry[next] = mine + 1; true_number = mine + 1; true_sequence = next;
                 at = next; next++; lowest = next; mine++ }
             MAY_DIE;
             intent = FOUND_AT(at)
          :: atomic { times_failed < FAILURES -> times_failed++ };
             intent = 0
          :: atomic { next > ENTRIES -> intent = 0; break }
       fi
    od
}

proctype Others() {
end:
    do
    :: atomic { next <= ENTRIES -> entry[next] = OTHERS; next++ }
    od
}

proctype Mover() {
    byte seen, found, s, what, wanted, n, limit;
end:
    do
    :: atomic { trim_point < next -> if :: limit = next :: limit = trim_point + 1 fi }
#ifdef RECORDED_LATE
       atomic { if :: trim_point < limit -> trim_point = limit :: else fi }
#endif
#ifndef NO_RECORD
       seen = intent;
       if :: IS_OPEN(seen) && SEQUENCE(seen) < limit ->
             n = number;
             search(n, SEQUENCE(seen), limit);
             atomic {
                 if :: found != 0 && intent == seen -> intent = FOUND_AT(found)
#ifdef NOT_THERE_BY_ANYBODY
                    :: found == 0 && intent == seen -> intent = 0
#endif
                    :: else fi
             }
          :: else fi;
#endif
       atomic { if :: trim_point < limit -> trim_point = limit :: else fi; seen = 0; found = 0; n = 0; limit = 0 }
    od
}

init {
    byte i;
    atomic {
        run Owner();
        run Others();
        for (i : 1 .. MOVERS) { run Mover() }
        i = 0
    }
}
