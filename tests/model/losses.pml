/* losses: a lossy group, whose consumers are given copies and may be lapped. A read looks at the trim point, walks from `skipped` to it
   and asks the records what was lost, claims from that point on, copies, looks at the trim point again, and, if it has an entry,
   raises `skipped` last; who raises it tells. What was claimed or held and given back after the trim point passed it is set to retry,
   and told by its holder with the next entry. So is what was given back and whose record a claim of a later lap takes: the claimer
   tells it. The cursor is raised by the read after.

   Held: a copy is whole; whatever is below `skipped` was told, or handed out and not given back, or is in the hands of a consumer that will
   tell it; nobody is told as lost what it claimed first and finished. Excused: what a dead consumer held or owed.
   Sizes: ENTRIES SLOTS CONSUMERS RELEASES DEATHS. The first consumer may die; its row is given back.
   Seeded bugs: COPY_NOT_CHECKED RAISED_FIRST CURSOR_EARLY CLAIMS_FROM_NOW NO_LOOK_AFTER OVERWRITTEN_UNSEEN */
#ifndef ENTRIES
#define ENTRIES 4
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef RELEASES
#define RELEASES 1                              /* in all */
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define AT(s) ((s) % SLOTS)
#define BIT(s) (1 << (s))
#define ACKED 0
#define DELIVERED 1
#define RETRY 2
#define NOBODY 15

byte slot[SLOTS], bytes[SLOTS];                 /* which entry is published, which one's bytes stand there */
byte tag[SLOTS], state[SLOTS], holder[SLOTS] = NOBODY;  /* the record */
byte trim_point = 1, tail = 1, skipped = 1, cursor = 1;
bool live[CONSUMERS] = 1;                       /* the row's word */
/* known to the checker: */
byte told, handed, excused;                     /* bits of entries */
byte hold[CONSUMERS], owed[CONSUMERS], telling[CONSUMERS];
byte deaths, releases;
bool dead;

#define IN_HANDS (BIT(hold[0]) | owed[0] | telling[0] | BIT(hold[CONSUMERS - 1]) | owed[CONSUMERS - 1] | telling[CONSUMERS - 1])
#define BELOW(s) (BIT(s) - 2)                   /* entries 1 to s - 1 */
#define NOTHING_PASSED_OVER assert((BELOW(skipped) & ~(told | handed | excused | IN_HANDS)) == 0)
#define DONE (tail > ENTRIES)

#define MAY_DIE if :: skip :: atomic { me == 0 && deaths < DEATHS -> deaths++; goto dying } fi

inline is_lost(s) {
    d_step {
        if
        :: tag[AT(s)] == s && state[AT(s)] == DELIVERED -> gone = !live[holder[AT(s)]]
        :: tag[AT(s)] == s && state[AT(s)] != DELIVERED -> gone = (state[AT(s)] == RETRY)
        :: tag[AT(s)] < s -> gone = 1
        :: tag[AT(s)] > s -> gone = (s >= cursor)
        fi;
        if :: gone -> lost = lost | BIT(s) :: else fi;
        gone = 0
    }
}
/* Raises `skipped`; what is left in `lost` is ours to tell. */
inline raise_skipped() {
    atomic {
        if :: skipped > from -> lost = lost & ~BELOW(skipped) :: else fi;
        telling[me] = lost;
        if :: skipped < until -> skipped = until :: else fi;
        NOTHING_PASSED_OVER
    }
}
/* What is held is given back; the trim point may pass it meanwhile. */
inline give_back() {
    atomic {
        if :: tag[AT(s)] == s && state[AT(s)] == DELIVERED && holder[AT(s)] == me -> state[AT(s)] = RETRY; gone = 1
           :: else -> gone = (tag[AT(s)] != s)
        fi
    };
    MAY_DIE;
    atomic {
#ifndef NO_LOOK_AFTER
        if :: gone && trim_point > s -> owed[me] = owed[me] | BIT(s) :: else fi;
#endif
        hold[me] = 0; gone = 0;
        NOTHING_PASSED_OVER
    }
}

proctype Consumer(byte me) {
    byte s, c, from, until, lost, next = 1, told_below, finished, copy;
    bool gone, fresh;
look:
    atomic { DONE || slot[0] != 0; s = 0; c = 0; from = 0; until = 0; lost = 0; copy = 0; gone = 0; fresh = 0;
             if :: DONE && next > ENTRIES -> goto end :: else fi;
             if :: DONE && tag[0] >= slot[0] && tag[SLOTS - 1] >= slot[SLOTS - 1] && state[0] != RETRY && state[SLOTS - 1] != RETRY -> goto end :: else fi;
             if :: cursor < told_below -> cursor = told_below :: else fi };
    until = trim_point;
    atomic { from = skipped; c = from };
    do
    :: c < until -> is_lost(c); c++
    :: else -> break
    od;
#ifdef RAISED_FIRST
    raise_skipped();
    MAY_DIE;
#else
    if :: lost == 0 && from < until -> raise_skipped() :: else fi;
#endif
    /* retry first, then new */
    atomic {
        c = 0;
        do
        :: c < SLOTS && !(state[c] == RETRY && tag[c] >= trim_point) -> c++
        :: c < SLOTS && state[c] == RETRY && tag[c] >= trim_point ->
            s = tag[c]; state[c] = DELIVERED; holder[c] = me; hold[me] = s; break
        :: c >= SLOTS -> break
        od;
        c = cursor;
        if :: c < next -> c = next :: else fi;
#ifdef CLAIMS_FROM_NOW
        if :: c < trim_point -> c = trim_point :: else fi;
#else
        if :: c < until -> c = until :: else fi;
#endif
        do :: c > until && c > next && tag[AT(c - 1)] < c - 1 -> c-- :: else -> break od
    };
    if :: s != 0 -> goto take_copy :: else fi;
    do
    :: atomic {
        if
        :: c > ENTRIES || slot[AT(c)] != c || tag[AT(c)] > c -> break
        :: c <= ENTRIES && slot[AT(c)] == c && tag[AT(c)] == c -> c++
        :: c <= ENTRIES && slot[AT(c)] == c && tag[AT(c)] < c -> goto claim
        fi }
    od;
    next = c;
    goto look;
claim:
    atomic {
        if
        :: tag[AT(c)] < c ->                    /* also of a slot that went round meanwhile: the copy finds out */
#ifndef OVERWRITTEN_UNSEEN
            /* of an entry that was given back nothing else says that it was lost */
            if
            :: state[AT(c)] == RETRY && tag[AT(c)] >= skipped -> owed[me] = owed[me] | BIT(tag[AT(c)])
            :: else
            fi;
#endif
            tag[AT(c)] = c; state[AT(c)] = DELIVERED; holder[AT(c)] = me; s = c; hold[me] = s; next = c + 1; fresh = 1
        :: else -> next = c; goto look
        fi
    };
#ifdef CURSOR_EARLY
    atomic { if :: cursor < next -> cursor = next :: else fi };
#endif
take_copy:
    MAY_DIE;
    copy = bytes[AT(s)];
#ifndef COPY_NOT_CHECKED
    if
    :: trim_point > s -> give_back(); goto look
    :: else
    fi;
#endif
    assert(copy == s);
    MAY_DIE;
    raise_skipped();
    atomic {
        lost = telling[me] | owed[me];
        assert((lost & finished) == 0);
        told = told | lost; telling[me] = 0; owed[me] = 0; told_below = next;
        handed = handed | BIT(s); hold[me] = 0;
        lost = 0; from = 0; until = 0; c = 0; copy = 0
    };
    MAY_DIE;
    if
    :: atomic {
        if :: tag[AT(s)] == s && state[AT(s)] == DELIVERED && holder[AT(s)] == me -> state[AT(s)] = ACKED :: else fi;
        if :: fresh -> finished = finished | BIT(s) :: else fi;
        s = 0; fresh = 0 }
    :: atomic { releases < RELEASES -> releases++; handed = handed & ~BIT(s); hold[me] = s };
        give_back()
    fi;
    goto look;
dying:
    atomic { dead = 1; excused = excused | BIT(hold[me]) | owed[me] | BIT(s); hold[me] = 0; owed[me] = 0; telling[me] = 0;
             s = 0; c = 0; from = 0; until = 0; lost = 0; next = 0; told_below = 0; finished = 0; copy = 0; gone = 0; fresh = 0 };
end: skip
}

proctype Producer() {
    do
    :: tail > ENTRIES -> break
    :: tail <= ENTRIES && tail >= trim_point + SLOTS -> trim_point++
    :: tail <= ENTRIES && tail < trim_point + SLOTS ->
        bytes[AT(tail)] = tail;
        atomic { slot[AT(tail)] = tail; tail++ }
    od
}

proctype Scanner() {
    byte i;
end:
    dead;
    do
    :: i < SLOTS -> atomic { if :: state[i] == DELIVERED && holder[i] == 0 && tag[i] >= trim_point -> state[i] = RETRY :: else fi; i++ }
    :: else -> break
    od;
    live[0] = 0
}

init {
    byte n;
    atomic {
        for (n : 1 .. CONSUMERS) { run Consumer(n - 1) }
        run Producer(); run Scanner();
        n = 0
    }
}
