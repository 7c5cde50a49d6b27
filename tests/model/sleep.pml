/* sleep: sleepers and wakers. A sleeper sets its bit in the word `sleepers`, looks again, and sleeps on a counter it read
   before; a waker publishes, reads the word, and only if the bit is set exchanges it to 0, moves the counter on and wakes one.
   If it woke one there may be more: it puts the bit back. That alone is not enough, since between the exchange and the putting
   back another waker finds the bit clear and wakes nobody. So a consumer that was woken sets the bit again before anything else, and
   passes the baton: when it goes on, with an entry or without, and there is more, it moves the counter on and wakes one, whatever the bit says.
   With these two the putting back by the waker may be left out (NO_PUT_BACK is clean).

   Each consumer takes one entry and goes away, which is the hardest case: nobody comes back for a second one. A waker may
   die (or stop for ever) anywhere once it has published. A wait is a slice: it ends by itself, but here only after a waker
   died, so that every other lost wake is a state without an end.

   Held: nobody sleeps for ever while there is something to take; without a death nobody needs the end of a slice for it.
   Sizes: CONSUMERS WAKERS DEATHS. LEAVES: a consumer woken up may be told to stop
   instead of taking; it passes the baton too.
   Seeded bugs: LOOKED_BEFORE_BIT COUNTER_READ_LATE NO_COUNTER BIT_NOT_SET_AGAIN CLEARED_AFTER NO_SLICES NO_BATON */
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef WAKERS
#define WAKERS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

byte published, taken, counter, times_died, times_left;
bool sleepers;                                  /* this group's bit */
bool asleep[CONSUMERS], woken[CONSUMERS];

#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; goto dead } fi
#define SOMETHING (published > taken)

/* futex(wake, 1): one of those asleep, whichever the kernel likes */
inline futex_wake() {
    atomic {
        if :: asleep[0] -> asleep[0] = 0; woken[0] = 1; count = 1
           :: asleep[1] -> asleep[1] = 0; woken[1] = 1; count = 1
           :: asleep[CONSUMERS - 1] -> asleep[CONSUMERS - 1] = 0; woken[CONSUMERS - 1] = 1; count = 1
           :: else -> count = 0
        fi
    }
}

inline wake() {
    if :: !sleepers -> goto woke :: else fi;
#ifdef CLEARED_AFTER
    MAY_DIE;
    counter++;
    futex_wake();
    if :: count == 0 -> sleepers = 0 :: else fi;
    goto woke;
#endif
    atomic { if :: sleepers -> sleepers = 0 :: else -> goto woke fi }
    MAY_DIE;
#ifndef NO_COUNTER
    counter++;
#endif
    MAY_DIE;
    futex_wake();
    MAY_DIE;
#ifndef NO_PUT_BACK
    if :: count > 0 -> sleepers = 1;
       :: else fi;
#endif
woke: skip
}

proctype Waker() {
    byte count;
    published++;
    MAY_DIE;
    wake();
dead: skip
}

proctype Consumer(byte me) {
    byte seen, count;
    bool slept;
look:
    atomic { if :: SOMETHING -> taken++; goto leave :: else fi }
#ifdef LOOKED_BEFORE_BIT
    seen = counter;
    sleepers = 1;
#else
#ifndef COUNTER_READ_LATE
    seen = counter;
#endif
    sleepers = 1;
    if :: SOMETHING -> goto look :: else fi;
#ifdef COUNTER_READ_LATE
    seen = counter;
#endif
#endif
    /* futex(wait): sleeps only if the counter is still what was read */
    atomic { if :: counter == seen -> asleep[me] = 1; slept = 1; woken[me] = 0 :: else -> goto look fi }
    if :: atomic { woken[me] -> woken[me] = 0 }
#ifndef NO_SLICES
       :: atomic { times_died > 0 && SOMETHING && asleep[me] -> asleep[me] = 0 }        /* the end of a slice */
#endif
    fi;
#ifndef BIT_NOT_SET_AGAIN
    sleepers = 1;
#endif
#ifdef LEAVES
    if :: skip
       :: atomic { times_left < 1 -> times_left++ }
          goto leave
    fi;
#endif
    goto look;
leave:
#ifndef NO_BATON
    if :: slept && SOMETHING -> counter++; futex_wake() :: else fi;
#endif
    skip
}

init {
    atomic {
        byte n;
        do :: n < CONSUMERS -> run Consumer(n); n++ :: else -> break od;
        n = 0;
        do :: n < WAKERS -> run Waker(); n++ :: else -> break od
    }
}
