/* order: entries of one stripe, each the predecessor of the next, in a group that keeps an order. An entry is given out only while its
   predecessor is finished or held by the taker, who looks again after its compare-and-swap if it was the latter; it is finished only
   after its predecessor. Who takes an entry that was given out before takes back what others hold behind it, from the last one
   down, again and again until a pass finds nothing; who gives one back first takes back its own behind it. A scanner hands
   on what a dead consumer held, in any order; the consumer then comes back as another process.

   The hand-over number is not a number here. In a record it only grows, and each change of the record moves state or number on,
   so a value never comes back: an exchange succeeds exactly if nobody changed the record since it was loaded. That is what is kept,
   `loaded`, and of the number whether it is 0. So the model is finite, and exact for a number of any width.

   Held: entries are finished in order, each once; when a call returns, no two consumers outside of calls hold entries.
   Sizes: ENTRIES CONSUMERS CLAIMS NACKS DEATHS.
   Seeded bugs: NO_TURN NO_ACK_CHECK NO_LOOK_AGAIN NO_TAKE_BACK ONLY_CLAIMS_TAKE_BACK ONE_PASS NACK_KEEPS */
#ifndef ENTRIES
#define ENTRIES 3
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef CLAIMS
#define CLAIMS 1                                /* by idle time, in all */
#endif
#ifndef NACKS
#define NACKS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define NEW 0                                   /* of the lap before */
#define RETRY 1                                 /* also an entry that waits: never given out */
#define DELIVERED 2
#define ACKED 3
#define FREE 0
#define BEHIND 1
#define WAITS 2
#define NONE ENTRIES

byte state[ENTRIES], holder[ENTRIES];           /* of what is delivered */
bool given[ENTRIES];                            /* the number is not 0 */
byte loaded[CONSUMERS] = NONE;                  /* the entry whose record it loaded, as long as nobody changed that */
bool got[CONSUMERS * ENTRIES];                  /* a call returned it to this consumer */
bool inside[CONSUMERS], dead[CONSUMERS];
byte claims, nacks, deaths, finished;

#define held(c, e) (state[e] == DELIVERED && holder[e] == (c))
#define seen(c, e) (held(c, e) && got[(c) * ENTRIES + (e)])

/* Calls end here. */
inline return_from_call() {
    d_step {
        inside[me] = 0; loaded[me] = NONE;
        for (c : 0 .. CONSUMERS - 1) {
            for (e : 0 .. ENTRIES - 1) {
                for (i : 0 .. ENTRIES - 1) { assert(c == me || inside[c] || dead[c] || !seen(c, e) || !seen(me, i)) }
            }
        }
        c = 0; e = 0; i = 0; s = 0; turn = FREE; was_state = NEW; was_given = 0; done = 0
    }
}
inline look_at_turn() {
    d_step {
        if
        :: s == 0 || state[s - 1] == ACKED -> turn = FREE
        :: else -> if :: held(me, s - 1) -> turn = BEHIND :: else -> turn = WAITS fi
        fi
#ifdef NO_TURN
        turn = FREE
#endif
    }
}
/* Inside a step: the record of `entry` becomes another, which nobody has loaded. */
inline change(entry, to_state, to_holder) {
    if :: state[entry] == DELIVERED -> got[holder[entry] * ENTRIES + entry] = 0 :: else fi;
    state[entry] = to_state; holder[entry] = to_holder;
    for (k : 0 .. CONSUMERS - 1) { if :: loaded[k] == entry -> loaded[k] = NONE :: else fi }
    k = 0
}
inline swap(to_state, to_holder) {
    d_step { if :: loaded[me] == s -> change(s, to_state, to_holder); done = 1 :: else -> done = 0 fi }
}
/* Takes back what others hold behind s: passes from the last down. */
inline take_back_others() {
    do
    :: found = 0; e = ENTRIES - 1;
        do
        :: e > s ->
            d_step { if :: state[e] == DELIVERED && holder[e] != me -> change(e, RETRY, 0); found = 1 :: else fi; e-- }
        :: else -> break
        od;
#ifdef ONE_PASS
        break
#endif
        if :: found :: else -> break fi
    od;
    e = 0; found = 0
}
inline may_die() {
    if
    :: skip
    :: atomic { deaths < DEATHS -> deaths++; goto dying }
    fi
}

proctype consumer(byte me) {
    byte s, c, e, i, k, turn, was_state;
    bool was_given, done, found;
again:
    do
    :: finished == ENTRIES -> break
    :: atomic { select(s : 0 .. ENTRIES - 1);       /* a read meets s, or a claim chooses it */
            if
            :: state[s] == NEW && (s == 0 || state[s - 1] != NEW)
            :: state[s] == RETRY
            :: state[s] == DELIVERED && holder[s] != me && claims < CLAIMS -> claims++
            :: else -> s = 0; goto again
            fi;
            inside[me] = 1; loaded[me] = s; was_state = state[s]; was_given = given[s] };
        look_at_turn();
        if
        :: turn == WAITS && was_state == NEW -> swap(RETRY, 0); goto out
        :: turn == WAITS && was_state != NEW -> goto out
        :: else
        fi;
        may_die();
        atomic { swap(DELIVERED, me); if :: !done -> goto out :: else -> given[s] = 1; loaded[me] = s; done = 0 fi };
        may_die();
#ifndef NO_LOOK_AGAIN
        if
        :: turn == BEHIND ->
            look_at_turn();
            if
            :: turn == WAITS -> swap(RETRY, 0); goto out
            :: else
            fi
        :: else
        fi;
#endif
#ifndef NO_TAKE_BACK
#ifdef ONLY_CLAIMS_TAKE_BACK
        if :: was_state == DELIVERED -> take_back_others() :: else fi;
#else
        if :: was_given -> take_back_others() :: else fi;
#endif
#endif
        may_die();
        atomic { if :: held(me, s) -> got[me * ENTRIES + s] = 1 :: else fi };
out:    return_from_call()
    :: atomic { select(s : 0 .. ENTRIES - 1);   /* an ack */
            if :: seen(me, s) -> inside[me] = 1; loaded[me] = s :: else -> s = 0; goto again fi };
        if
#ifndef NO_ACK_CHECK
        :: s > 0 && state[s - 1] != ACKED -> return_from_call(); goto again
#endif
        :: else
        fi;
        atomic {
            swap(ACKED, 0);
            if :: done -> assert(s == finished); finished++ :: else fi
        };
        may_die();
        return_from_call()
    :: atomic { select(s : 0 .. ENTRIES - 1);   /* a nack */
            if :: seen(me, s) && nacks < NACKS -> nacks++; inside[me] = 1; loaded[me] = s :: else -> s = 0; goto again fi };
        e = ENTRIES - 1;
        do
        :: e > s ->
#ifndef NACK_KEEPS
            d_step { if :: held(me, e) -> change(e, RETRY, 0) :: else fi };
#endif
            e--
        :: else -> break
        od;
        e = 0;
        may_die();
        swap(RETRY, 0);
        d_step {
            for (i : s + 1 .. ENTRIES - 1) { assert(!held(me, i) || !got[me * ENTRIES + i]) }
            i = 0
        };
        return_from_call()
    :: atomic { deaths < DEATHS -> deaths++; goto dying }
    od;
    goto end;
dying:
    atomic { dead[me] = 1; loaded[me] = NONE;
        for (i : 0 .. ENTRIES - 1) { got[me * ENTRIES + i] = 0 }
        i = 0; s = 0; e = 0; found = 0; turn = FREE; was_state = NEW; was_given = 0; done = 0 };
    !dead[me] || finished == ENTRIES;            /* repaired; another process takes the row */
    inside[me] = 0;
    goto again;
end: skip
}

proctype scanner() {
    byte s, c, k;
    bool holds;
    do
    :: atomic { finished == ENTRIES -> break }
    :: atomic { select(c : 0 .. CONSUMERS - 1); select(s : 0 .. ENTRIES - 1);
            holds = 0;
            for (k : 0 .. ENTRIES - 1) { if :: held(c, k) -> holds = 1 :: else fi }
            k = 0;
            if
            :: dead[c] && held(c, s) -> change(s, RETRY, 0)
            :: dead[c] && !holds -> dead[c] = 0
            :: else
            fi; s = 0; c = 0; holds = 0 }
    od
}

init {
    byte c;
    atomic {
        for (c : 0 .. CONSUMERS - 1) { run consumer(c) }
        run scanner()
    }
}
