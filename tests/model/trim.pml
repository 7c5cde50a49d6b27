/* trim: the trim point against groups that come and go. Two words that only grow: a mover reads all groups, raises `trim_goal`,
   reads the directory again (and all groups, if its version changed), then raises `trim_point`. A creator prepares its row with
   start = goal, sets its bit in the directory by a compare-and-swap, reads the goal again and raises its start until both are
   equal, settles the start by a mark in the same word, and only then makes the row active. Everything is sequentially consistent.

   What a creator did not finish, anybody finishes, whether it died or only stopped. The mark is what makes that safe: a helper
   that was late would else raise the start of a group that is active already, above entries it still needs, because a mover
   that read the directory before the group stood in it may have raised the goal without ever raising the trim point.
   A row prepared by the dead and not in the directory is given back.

   Group 0 stands from the beginning and acks one entry after the other. Row 1 is prepared, made active, dropped and prepared
   again by creators; a creator may die at any step.

   Held: the trim point is never above the first unfinished entry of an active group; an active group's start stands still;
   no row stays with a dead creator; the trim point gets to the end when all is finished.
   Sizes: ENTRIES DEATHS MOVERS CREATORS HELPERS TURNS.
   Seeded bugs: NO_SECOND_READ GOAL_NOT_READ_AGAIN POINT_BEFORE_GOAL NOT_SETTLED NO_HELPER */
#ifndef ENTRIES
#define ENTRIES 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef MOVERS
#define MOVERS 2
#endif
#ifndef CREATORS
#define CREATORS 2
#endif
#ifndef HELPERS
#define HELPERS 1
#endif
#ifndef TURNS
#define TURNS 2                                 /* how often a creator creates or drops */
#endif

#define DROPPED 0
#define PREPARING 1
#define ACTIVE 2
#define NOBODY 9

byte trim_point, trim_goal;
byte standing;                                  /* first unfinished entry of group 0 */
byte version; bool listed;                         /* the directory word, as far as row 1 is concerned */
byte row_state = DROPPED, row_maker = NOBODY, row_incarnation;        /* the group word */
byte start; bool settled;                      /* one word */
byte finished;                                  /* records of row 1: first unfinished, from start on */
bool dead[CREATORS];
byte times_died, movers_done;
bool truly_active;
byte helping;                                   /* creators and helpers inside the row (`group_drop`) */

#define SAFE assert(trim_point <= standing && (!truly_active || trim_point <= finished))
#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; dead[me] = 1; helping--; goto gone } fi

/* Reads all groups: the directory, then each active row's start and records. */
inline read_groups(lowest) {
    atomic { seen_version = version; seen_listed = listed }
    lowest = standing;
    if :: seen_listed ->
          first = start;
          /* the records below the start count as finished */
          atomic { if :: finished > first -> first = finished :: else fi }
          atomic { if :: first < lowest -> lowest = first :: else fi; first = 0 }
       :: else fi
}

proctype Mover() {
    byte lowest, first, goal, seen_version;
    bool seen_listed;
again:
    if :: trim_point >= ENTRIES -> goto done :: else fi;
    read_groups(lowest);
#ifdef POINT_BEFORE_GOAL
    atomic { if :: trim_point < lowest -> trim_point = lowest :: else fi; SAFE }
#endif
    atomic { if :: trim_goal < lowest -> trim_goal = lowest :: else fi; goal = lowest }
#ifndef NO_SECOND_READ
    if :: version != seen_version -> read_groups(lowest); atomic { if :: goal < lowest -> lowest = goal :: else fi } :: else fi;
#endif
    atomic { if :: trim_point < lowest -> trim_point = lowest :: else fi; lowest = 0; goal = 0; seen_version = 0; seen_listed = 0; SAFE }
    /* waits until there is something to do: an oracle, for the model's sake only */
    atomic { (trim_point >= ENTRIES || (standing > trim_point && (!listed || finished > trim_point))); goto again }
done:
    atomic { movers_done++; lowest = 0; goal = 0; seen_version = 0; seen_listed = 0 }
}

/* Group 0 acks entry after entry; so does row 1 while it is active. */
proctype Acks() {
end:
    do
    :: standing < ENTRIES -> standing++
    :: atomic { truly_active && finished < ENTRIES -> finished++ }
    od
}

#ifdef NOT_SETTLED
#define RAISABLE (start == seen_start)
#else
#define RAISABLE (start == seen_start && !settled)
#endif

/* By the creator and by anybody else; `mine` is the incarnation that was found preparing. */
inline finish_creation() {
#ifndef GOAL_NOT_READ_AGAIN
    do
    :: atomic { seen_start = start; seen_settled = settled }
       if :: seen_settled -> break :: else fi;
       goal = trim_goal;
       if :: goal > seen_start ->
             atomic { if :: RAISABLE -> start = goal; finished = goal; assert(!truly_active || row_incarnation != mine) :: else fi }
          :: else ->
#ifdef NOT_SETTLED
             break
#else
             atomic { if :: start == seen_start && !settled -> settled = 1; break :: else fi }
#endif
       fi
    od;
#endif
    atomic { if :: row_state == PREPARING && row_incarnation == mine ->
                   row_state = ACTIVE; row_maker = NOBODY; truly_active = 1; SAFE
                :: else fi;
             goal = 0; seen_start = 0; seen_settled = 0 }
}

proctype Creator(byte me) {
    byte seen_version, mine, goal, turns, seen_start;
    bool seen_settled;
end:
    if :: atomic { row_state == DROPPED && helping == 0 -> row_state = PREPARING; row_maker = me; row_incarnation++; mine = row_incarnation; helping++ }
       :: row_state == ACTIVE -> goto drop
    fi;
    MAY_DIE;
    atomic { goal = trim_goal; start = goal; settled = 0; finished = goal }         /* nobody else looks at it yet */
    MAY_DIE;
    seen_version = version;
    atomic { if :: version == seen_version -> version++; listed = 1 :: else -> row_state = DROPPED; row_maker = NOBODY; goto leave fi; seen_version = 0 }
    MAY_DIE;
    finish_creation();
    MAY_DIE;
leave:
    atomic { helping--; goto turn }
drop:
    /* `group_drop` looks at what a drop owes to those who hold entries; here it is one step and then another */
    atomic { if :: row_state == ACTIVE && truly_active && listed && row_maker == NOBODY -> mine = row_incarnation; seen_version = version :: else -> goto turn fi }
    atomic { if :: version == seen_version && listed -> version++; listed = 0; truly_active = 0 :: else -> goto turn fi }
    atomic { if :: row_state == ACTIVE && row_incarnation == mine -> row_state = DROPPED :: else fi;
             mine = 0; seen_version = 0 }
turn:
    atomic { mine = 0; seen_version = 0; goal = 0; turns++; if :: turns < TURNS -> goto end :: else fi }
gone: skip
}

/* Finds a row in the directory that is still preparing, and finishes it; gives back what a dead creator prepared for nothing.
   It is inside the row meanwhile (`group_drop`), so the row is not used again under it. */
proctype Helper() {
    byte mine, goal, seen_start;
    bool seen_settled;
end:
    if :: atomic { row_state == PREPARING && listed -> mine = row_incarnation; helping++ }
          finish_creation();
          atomic { helping--; mine = 0 }
#ifndef NO_HELPER
       :: atomic { row_state == PREPARING && !listed && dead[row_maker] -> mine = row_incarnation }
          atomic { if :: row_state == PREPARING && row_incarnation == mine && dead[row_maker] -> row_state = DROPPED; row_maker = NOBODY
                      :: else fi; mine = 0 }
#endif
    fi;
    goto end
}

init {
    atomic {
        byte n;
        do :: n < MOVERS -> run Mover(); n++ :: else -> break od;
        n = 0;
        do :: n < CREATORS -> run Creator(n); n++ :: else -> break od;
        n = 0;
        do :: n < HELPERS -> run Helper(); n++ :: else -> break od;
        run Acks()
    }
    (movers_done == MOVERS && !(row_state == PREPARING && row_maker != NOBODY && dead[row_maker]))
}
