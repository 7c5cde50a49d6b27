/* order: entries of one stripe, each the predecessor of the next, in a group that keeps an order. An entry is given out only while its
   predecessor is finished or held by the taker, who looks again after its compare-and-swap if it was the latter; it is finished only
   after its predecessor. Who takes an entry that was given out before takes back what others hold behind it, from the last one
   down, again and again until a pass finds nothing; who gives one back first takes back its own behind it. A scanner hands
   on what a dead consumer held, in any order; the consumer then comes back as another process.

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
#define RETRY 1                                 /* also an entry that waits: number 0 */
#define DELIVERED 2
#define ACKED 3
#define FREE 0
#define BEHIND 1
#define WAITS 2

byte state[ENTRIES], holder[ENTRIES], number[ENTRIES];
bool got[CONSUMERS * ENTRIES];                  /* a call returned it to this consumer */
bool inside[CONSUMERS], dead[CONSUMERS];
byte claims, nacks, deaths, finished;

#define held(c, e) (state[e] == DELIVERED && holder[e] == (c))
#define seen(c, e) (held(c, e) && got[(c) * ENTRIES + (e)])

/* Calls end here. */
inline return_from_call() {
    d_step {
        inside[me] = 0;
        for (c : 0 .. CONSUMERS - 1) {
            for (e : 0 .. ENTRIES - 1) {
                for (i : 0 .. ENTRIES - 1) { assert(c == me || inside[c] || dead[c] || !seen(c, e) || !seen(me, i)) }
            }
        }
        c = 0; e = 0; i = 0
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
inline swap(to_state, to_holder, to_number) {
    d_step {
        if
        :: state[s] == was_state && holder[s] == was_holder && number[s] == was_number ->
            state[s] = to_state; holder[s] = to_holder; number[s] = to_number; done = 1
        :: else -> done = 0
        fi
    }
}
/* Takes back what others hold behind s: passes from the last down. */
inline take_back_others() {
    do
    :: found = 0; e = ENTRIES - 1;
        do
        :: e > s ->
            d_step { if :: state[e] == DELIVERED && holder[e] != me -> state[e] = RETRY; found = 1 :: else fi; e-- }
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
    byte s, c, e, i, turn, was_state, was_holder, was_number;
    bool done, found;
again:
    do
    :: finished == ENTRIES -> break
    :: atomic { inside[me] = 1; select(s : 0 .. ENTRIES - 1);       /* a read meets s, or a claim chooses it */
            was_state = state[s]; was_holder = holder[s]; was_number = number[s] };
        if
        :: was_state == NEW && (s == 0 || state[s - 1] != NEW)
        :: was_state == RETRY
        :: atomic { was_state == DELIVERED && was_holder != me && claims < CLAIMS -> claims++ }
        :: else -> goto out
        fi;
        look_at_turn();
        if
        :: turn == WAITS && was_state == NEW -> swap(RETRY, 0, 0); goto out
        :: turn == WAITS && was_state != NEW -> goto out
        :: else
        fi;
        may_die();
        swap(DELIVERED, me, was_number + 1);
        if :: !done -> goto out :: else fi;
        may_die();
#ifndef NO_LOOK_AGAIN
        if
        :: turn == BEHIND ->
            look_at_turn();
            if
            :: turn == WAITS ->
                was_state = DELIVERED; was_holder = me; was_number++;
                swap(RETRY, me, was_number); goto out
            :: else
            fi
        :: else
        fi;
#endif
#ifndef NO_TAKE_BACK
#ifdef ONLY_CLAIMS_TAKE_BACK
        if :: was_state == DELIVERED -> take_back_others() :: else fi;
#else
        if :: was_number != 0 -> take_back_others() :: else fi;
#endif
#endif
        may_die();
        got[me * ENTRIES + s] = 1;
out:    return_from_call()
    :: atomic { select(s : 0 .. ENTRIES - 1);   /* an ack */
            if :: seen(me, s) :: else -> goto again fi;
            inside[me] = 1; was_state = DELIVERED; was_holder = me; was_number = number[s] };
        if
#ifndef NO_ACK_CHECK
        :: s > 0 && state[s - 1] != ACKED -> return_from_call(); goto again
#endif
        :: else
        fi;
        atomic {
            swap(ACKED, me, was_number);
            if :: done -> assert(s == finished); finished++ :: else fi
        };
        may_die();
        return_from_call()
    :: atomic { select(s : 0 .. ENTRIES - 1);   /* a nack */
            if :: seen(me, s) && nacks < NACKS :: else -> goto again fi;
            nacks++; inside[me] = 1; was_state = DELIVERED; was_holder = me; was_number = number[s] };
        e = ENTRIES - 1;
        do
        :: e > s ->
#ifndef NACK_KEEPS
            d_step { if :: held(me, e) -> state[e] = RETRY; got[me * ENTRIES + e] = 0 :: else fi };
#endif
            e--
        :: else -> break
        od;
        e = 0;
        may_die();
        swap(RETRY, me, was_number);
        d_step {
            for (i : s + 1 .. ENTRIES - 1) { assert(!held(me, i) || !got[me * ENTRIES + i]) }
            i = 0
        };
        return_from_call()
    :: atomic { deaths < DEATHS -> deaths++; goto dying }
    od;
    goto end;
dying:
    atomic { dead[me] = 1; for (i : 0 .. ENTRIES - 1) { got[me * ENTRIES + i] = 0 } i = 0; e = 0; found = 0 };
    !dead[me] || finished == ENTRIES;            /* repaired; another process takes the row */
    inside[me] = 0;
    goto again;
end: skip
}

proctype scanner() {
    byte s, c;
    do
    :: atomic { finished == ENTRIES -> break }
    :: atomic { select(c : 0 .. CONSUMERS - 1); select(s : 0 .. ENTRIES - 1);
            if
            :: !dead[c]
            :: dead[c] && held(c, s) -> state[s] = RETRY
            :: dead[c] && !held(c, 0) && !held(c, 1) && (ENTRIES < 3 || !held(c, ENTRIES - 1)) -> dead[c] = 0
            :: dead[c] && !held(c, s)
            fi; s = 0; c = 0 }
    od
}

init {
    byte c;
    atomic {
        for (c : 0 .. CONSUMERS - 1) { run consumer(c) }
        run scanner()
    }
}
