/* trim: the trim point against groups that come and go. Two words that only grow: a mover raises `trim_goal`, reads all groups
   again, then raises `trim_point`, never past the goal nor past what it read the second time. A creator prepares its row with
   start = goal, sets its bit in the directory by a compare-and-swap, reads the goal again and raises its start until both are equal,
   and only then makes the row active. Everything is sequentially consistent.

   Group 0 stands from the beginning and acks one entry after the other. Row 1 is prepared, made active, dropped and prepared
   again by two creators; a creator may die at any step. What a dead creator left is undone, never completed: the row's bit
   goes out of the directory, the word becomes dropped, and the next creator begins anew.
   Each record is one bit here: finished or not; a mover reads them one a step, from the group's start on.

   Held: the trim point is never above the first unfinished entry of a group that is active; an active group's start stands
   still; no row stays with a dead creator; the trim point gets to the end when all is finished.
   Sizes: ENTRIES DEATHS MOVERS CREATORS FINISHERS TURNS.
   Seeded bugs: NO_SECOND_READ GOAL_NOT_READ_AGAIN POINT_BEFORE_GOAL COMPLETED_FOR_THE_DEAD NO_VERSION */
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
#ifndef FINISHERS
#define FINISHERS 1
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
byte start;
byte finished;                                  /* records of row 1: first unfinished, from start on */
bool dead[CREATORS];
byte times_died, movers_done;
byte true_start; bool truly_active;

#define FIRST_UNFINISHED finished
#define SAFE assert(trim_point <= standing && (!truly_active || trim_point <= finished))
#define MAY_DIE if :: skip :: atomic { times_died < DEATHS -> times_died++; dead[me] = 1; goto gone } fi

/* Reads all groups: the directory, then each active row's start and records. */
inline read_groups(lowest) {
    lowest = standing;
    if :: listed ->
          first = start;
          /* the records below the start count as finished */
          atomic { if :: finished > first -> first = finished :: else fi }
          atomic { if :: first < lowest -> lowest = first :: else fi; first = 0 }
       :: else fi
}

proctype Mover() {
    byte lowest, first, goal;
again:
    if :: trim_point >= ENTRIES -> goto done :: else fi;
    read_groups(lowest);
#ifdef POINT_BEFORE_GOAL
    atomic { if :: trim_point < lowest -> trim_point = lowest :: else fi; SAFE }
#endif
    atomic { if :: trim_goal < lowest -> trim_goal = lowest :: else fi; goal = lowest }
#ifndef NO_SECOND_READ
    read_groups(lowest);
    atomic { if :: goal < lowest -> lowest = goal :: else fi }
#endif
    atomic { if :: trim_point < lowest -> trim_point = lowest :: else fi; lowest = 0; goal = 0; SAFE }
    /* waits until there is something to do: an oracle, for the model's sake only */
    atomic { (trim_point >= ENTRIES || (standing > trim_point && (!listed || FIRST_UNFINISHED > trim_point))); goto again }
done:
    movers_done++
}

/* Group 0 acks entry after entry; so does row 1 while it is active. */
proctype Acks() {
end:
    do
    :: standing < ENTRIES -> standing++
    :: atomic { truly_active && finished < ENTRIES -> finished++ }
    od
}

proctype Creator(byte me) {
    byte seen_version, mine, goal, turns;
end:
    if :: atomic { row_state == DROPPED -> row_state = PREPARING; row_maker = me; row_incarnation++; mine = row_incarnation }
       :: row_state == ACTIVE -> goto drop
    fi;
    MAY_DIE;
    atomic { goal = trim_goal; start = goal; finished = goal }           /* nobody else looks at it yet */
    MAY_DIE;
    seen_version = version;
    atomic { if :: version == seen_version -> version++; listed = 1 :: else -> row_state = DROPPED; row_maker = NOBODY; goto turn fi; seen_version = 0 }
    MAY_DIE;
#ifndef GOAL_NOT_READ_AGAIN
    do
    :: atomic { trim_goal != goal -> goal = trim_goal } atomic { start = goal; finished = goal }
    :: trim_goal == goal -> break
    od;
#endif
    MAY_DIE;
    atomic { assert(row_state == PREPARING && row_maker == me && row_incarnation == mine);
             row_state = ACTIVE; row_maker = NOBODY; truly_active = 1; true_start = start; goal = 0; SAFE }
    goto turn;
drop:
    /* `group_drop` looks at what a drop owes to those who hold entries; here it is one step and then another */
    atomic { if :: row_state == ACTIVE && truly_active && listed -> mine = row_incarnation; seen_version = version :: else -> goto turn fi }
    atomic { if :: version == seen_version && listed -> version++; listed = 0; truly_active = 0 :: else -> goto turn fi }
    atomic { if :: row_state == ACTIVE && row_incarnation == mine -> row_state = DROPPED; finished = 0; start = 0 :: else fi;
             mine = 0; seen_version = 0 }
turn:
    atomic { mine = 0; seen_version = 0; goal = 0; turns++; if :: turns < TURNS -> goto end :: else fi }
gone: skip
}

/* Undoes what a dead creator left. Any number may do so; all of it hangs on words that do not come back. */
proctype Finisher() {
    byte mine, seen_version, goal;
    bool seen_listed;
end:
    atomic { row_state == PREPARING && row_maker != NOBODY && dead[row_maker]; mine = row_incarnation }
#ifdef COMPLETED_FOR_THE_DEAD
    if :: listed ->
          do
          :: goal = trim_goal; if :: start == goal -> break :: else -> start = goal; atomic { if :: finished < goal -> finished = goal :: else fi } fi
          od;
          atomic { if :: truly_active -> assert(start == true_start) :: else fi }
          atomic { if :: row_state == PREPARING && row_incarnation == mine ->
                         row_state = ACTIVE; row_maker = NOBODY; truly_active = 1; true_start = start; SAFE
                      :: else fi }
          goto end
       :: else fi;
#endif
again:
    atomic { seen_version = version; seen_listed = listed }
#ifndef NO_VERSION
    if :: row_state == PREPARING && row_incarnation == mine -> skip :: else -> goto end fi;
#endif
    if :: seen_listed ->
          atomic {
#ifdef NO_VERSION
              if :: listed -> version++; listed = 0
#else
              if :: version == seen_version -> version++; listed = 0
#endif
                 :: else -> goto again fi;
              assert(!truly_active) }
       :: else fi;
    atomic { if :: row_state == PREPARING && row_incarnation == mine -> row_state = DROPPED; row_maker = NOBODY :: else fi;
             mine = 0; seen_version = 0; seen_listed = 0 }
    goto end
}

init {
    atomic {
        byte n;
        do :: n < MOVERS -> run Mover(); n++ :: else -> break od;
        n = 0;
        do :: n < CREATORS -> run Creator(n); n++ :: else -> break od;
        n = 0;
        do :: n < FINISHERS -> run Finisher(); n++ :: else -> break od;
        run Acks()
    }
    (movers_done == MOVERS)
}
