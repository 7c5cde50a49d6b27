/* dead_move: dead entries of a group become letters in another stream. One mover at a time: it opens the target and takes the
   group's name there, settles what the mover before left, takes the hint away, and then for each dead entry writes an intent,
   marks the record, adds the letter under the next number of the name, makes the record acked, and takes the intent away. It may
   die before any of these; a scanner gives its words back and raises the hint. An operator requeues, drops or acks at the same
   time; what is marked he requeues or drops only once he became the mover himself and settled it. A requeued entry is nacked
   again, or acked. The target may have no room, and may be removed and made anew. That numbers are kept, and outlive the letters,
   is `named`; an add is one step here.

   Held: a stream has one letter of an entry at most; what no operator or consumer finished has its letter; an entry whose letter is
   there is not requeued or dropped; in the end all are finished, and nobody is the mover.
   Sizes: ENTRIES MOVERS OPERATORS DEATHS NACKS REMOVALS FAILURES ACTS. The first mover may die, and comes back.
   Seeded bugs: NOT_SETTLED NUMBER_NOT_ASKED INTENT_LATE INTENT_AWAY_FIRST NO_MARK FINISHED_FIRST TAKEN_FROM_LIVING HINT_ONCE
   HINT_AFTER SCANNER_SILENT */
#ifndef ENTRIES
#define ENTRIES 2
#endif
#ifndef MOVERS
#define MOVERS 2
#endif
#ifndef OPERATORS
#define OPERATORS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef NACKS
#define NACKS 1                                 /* of requeued entries, in all */
#endif
#ifndef REMOVALS
#define REMOVALS 0
#endif
#ifndef FAILURES
#define FAILURES 0                              /* adds that find no room, in all */
#endif
#ifndef ACTS
#define ACTS 1                                  /* of operators, in all */
#endif
#define DEAD 0                                  /* of somebody */
#define MARKED 1                                /* dead, of nobody */
#define ACKED 2
#define RETRY 3
#define WORD(number, state) ((number) * 4 + (state))
#define STATE(r) ((r) % 4)
#define NUMBER(r) ((r) / 4)
#define FILES (REMOVALS + 1)

byte record[ENTRIES + 1];                       /* hand-over number and state */
byte mover, intent, intent_number, intent_file;
bool hint = 1;
byte file;                                      /* the target that has the name now */
byte owner[FILES], last[FILES];                 /* of the producer's name there: its owner, the last number added */
byte letters[FILES * (ENTRIES + 1)];
bool added[ENTRIES + 1];                        /* in whatever file */
bool ended[ENTRIES + 1];                        /* by an operator or a consumer */
byte finished;
bool died[MOVERS + OPERATORS + 1];
byte deaths, nacks, removals, failures, acts;

#define LETTER(f, s) letters[(f) * (ENTRIES + 1) + (s)]
#define ALL_DONE (finished == ENTRIES)
#define MAY_DIE if :: skip :: atomic { me == 1 && deaths < DEATHS -> deaths++; died[me] = 1; goto dead } fi
#define SWAPPED(s, from, to) record[s] == (from) -> record[s] = (to)

/* Becomes the mover, opens the target, settles; `found` says whether. */
inline begin() {
    atomic {
        found = 0;
        if
        :: mover == 0 -> mover = me; found = 1
#ifdef TAKEN_FROM_LIVING
        :: mover != 0 && mover != me -> mover = me; found = 1
#endif
        :: else
        fi
    };
    if
    :: found ->
        MAY_DIE;
        /* a former owner that died is repaired there too before the name is given */
        atomic { f = file; if :: owner[f] == 0 || died[owner[f]] -> owner[f] = me
#ifdef TAKEN_FROM_LIVING
                           :: else -> owner[f] = me
#else
                           :: else -> mover = 0; found = 0
#endif
                           fi };
        if :: found -> MAY_DIE; settle() :: else fi
    :: else
    fi
}
inline settle() {
#ifndef NOT_SETTLED
    atomic { s = intent; n = intent_number; r = record[s] };
    if
    :: s != 0 ->
        if
        :: STATE(r) != MARKED -> skip
#ifdef NUMBER_NOT_ASKED
        :: else -> undo()
#else
        :: STATE(r) == MARKED && intent_file == f && last[f] == n -> finish()
        :: STATE(r) == MARKED && !(intent_file == f && last[f] == n) -> undo()
#endif
        fi;
        MAY_DIE;
        intent = 0
    :: else
    fi;
    atomic { s = 0; n = 0; r = 0 }
#else
    skip
#endif
}
inline finish() { atomic { if :: SWAPPED(s, r, WORD(NUMBER(r), ACKED)); finished++ :: else fi } }
inline undo() { atomic { if :: SWAPPED(s, r, WORD(NUMBER(r), DEAD)) :: else fi } }
inline end_session() {
    atomic { if :: owner[f] == me -> owner[f] = 0 :: else fi };
    MAY_DIE;
    atomic { if :: mover == me -> mover = 0 :: else fi; f = 0 }
}

/* A reader that finds the hint raised. */
proctype Mover(byte me) {
    byte s, n, r, f, at;
    bool found;
look:
    atomic { (hint && (mover == 0 || died[mover])) || ALL_DONE; if :: ALL_DONE -> goto end :: else fi };
    begin();
    if :: !found -> goto look :: else fi;
#ifndef HINT_AFTER
    hint = 0;
#endif
    MAY_DIE;
    at = 1;
    do
    :: at <= ENTRIES ->
        atomic { s = at; r = record[s]; n = last[f] + 1 };
        if
        :: STATE(r) == MARKED -> undo(); r = record[s]         /* though nobody moves it */
        :: else
        fi;
        if
        :: STATE(r) == DEAD ->
#ifndef INTENT_LATE
            atomic { intent_number = n; intent_file = f; intent = s };
            MAY_DIE;
#endif
            atomic {
#ifdef NO_MARK
                found = 1
#else
                if :: SWAPPED(s, r, WORD(NUMBER(r), MARKED)); r = WORD(NUMBER(r), MARKED); found = 1 :: else -> found = 0 fi
#endif
            };
            if
            :: found ->
                MAY_DIE;
#ifdef FINISHED_FIRST
                atomic { if :: SWAPPED(s, r, WORD(NUMBER(r), ACKED)); finished++ :: else fi };
                MAY_DIE;
#endif
                if
                :: atomic { last[f] = n; assert(LETTER(f, s) == 0); LETTER(f, s) = 1; added[s] = 1 }
                :: atomic { failures < FAILURES -> failures++; found = 0; hint = 1 }
                fi;
                MAY_DIE;
#ifdef INTENT_LATE
                atomic { intent_number = n; intent_file = f; intent = s };
#endif
#ifdef INTENT_AWAY_FIRST
                intent = 0;
                MAY_DIE;
#endif
                if :: found -> finish() :: else -> undo() fi;
                MAY_DIE
            :: else
            fi;
            intent = 0
        :: else
        fi;
        at++
    :: else -> break
    od;
#ifdef HINT_AFTER
    hint = 0;
#endif
    atomic { at = 0; s = 0; n = 0; r = 0; found = 0 };
    end_session();
    goto look;
dead:
    atomic { s = 0; n = 0; r = 0; f = 0; at = 0; found = 0; !died[me] || ALL_DONE; goto look };
end: skip
}

proctype Operator(byte me) {
    byte s, n, r, f, what, to;
    bool found;
look:
    atomic {
        acts < ACTS && !ALL_DONE || ALL_DONE || acts == ACTS;
        if :: ALL_DONE || acts == ACTS -> goto end :: else fi;
        acts++;
        select(what : 1 .. ENTRIES);
        if :: to = RETRY :: to = ACKED fi
    };
    if
    :: to == ACKED ->                           /* an ack of the operator's ends it also while it is marked */
        r = record[what];
        atomic { if :: STATE(r) == MARKED && SWAPPED(what, r, WORD(NUMBER(r), ACKED)); ended[what] = 1; finished++; goto acted :: else fi }
    :: else
    fi;
act:
    r = record[what];
    if
    :: STATE(r) == DEAD ->
        atomic {
            if
            :: SWAPPED(what, r, WORD(NUMBER(r), to));
                assert(LETTER(file, what) == 0);
                if :: to == ACKED -> ended[what] = 1; finished++ :: else fi
            :: else
            fi
        }
    :: STATE(r) == MARKED && !found ->
        r = 0;
        begin();
        if :: found -> end_session(); found = 1; goto act :: else fi            /* else busy */
    :: else
    fi;
acted:
    atomic { s = 0; n = 0; r = 0; f = 0; what = 0; to = 0; found = 0; goto look };
dead: skip;
end: skip
}

/* Takes what was requeued. */
proctype Consumer() {
    byte s, r;
look:
    atomic {
        ALL_DONE || STATE(record[1]) == RETRY || STATE(record[ENTRIES]) == RETRY;
        if
        :: ALL_DONE -> goto end
        :: STATE(record[1]) == RETRY -> s = 1
        :: STATE(record[ENTRIES]) == RETRY -> s = ENTRIES
        fi;
        r = record[s];
        if
        :: record[s] = WORD(NUMBER(r), ACKED); assert(LETTER(file, s) == 0); ended[s] = 1; finished++; s = 0; r = 0; goto look
        :: nacks < NACKS -> nacks++
        fi
    };
    hint = 1;
    record[s] = WORD(NUMBER(r) + 1, DEAD);
#ifndef HINT_ONCE
    hint = 1;
#endif
    atomic { s = 0; r = 0; goto look };
end: skip
}

proctype Remover() {
    do
    :: atomic { removals < REMOVALS && !ALL_DONE -> removals++; file++ }
    :: atomic { removals == REMOVALS || ALL_DONE -> break }
    od
}

proctype Scanner() {
    byte r;
end:
    atomic { died[1] -> r = 1 };
    atomic { if :: mover == r -> mover = 0; r = 0 :: else fi };
#ifndef SCANNER_SILENT
    if :: r == 0 -> hint = 1 :: else fi;
#endif
    atomic { r = 0;
        do :: r < FILES -> if :: owner[r] == 1 -> owner[r] = 0 :: else fi; r++ :: else -> break od;
        r = 0; died[1] = 0; goto end }
}

init {
    byte n;
    atomic {
        for (n : 1 .. MOVERS) { run Mover(n) }
        for (n : 1 .. OPERATORS) { run Operator(MOVERS + n) }
        run Consumer(); run Remover(); run Scanner();
        n = 0
    }
    atomic { (ALL_DONE && mover == 0); for (n : 1 .. ENTRIES) { assert(added[n] || ended[n]) } }
}
