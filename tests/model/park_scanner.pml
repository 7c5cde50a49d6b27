/* The scanner of park.pml. */
/* After a word was read that names the row: it is the dead one's still. */
#ifdef NO_ROW_CHECK
#define STILL(r) 1
#else
#define STILL(r) died[r]
#endif
#define NOBODY (PRODUCERS + CONSUMERS)

/* What a dead consumer holds goes to retry. If it is parked while the ring is walked, the cells are next. */
inline repair_ring() {
    k = 0;
    do
    :: k < SLOTS ->
        d_step {
            if
            :: STATE(record[k]) == DELIVERED && HOLDER(record[k]) == 1 && STILL(PRODUCERS) -> record[k] = WITH_STATE(record[k], RETRY)
            :: else
            fi;
            k++
        }
    :: else -> break
    od
}
inline repair_parked() {
    k = 0;
    do
    :: k < CELLS ->
        look_at_cell(k);
        atomic {
            s = which;
            if :: found != NOTHING && STATE(found) == DELIVERED && HOLDER(found) == 1 && STILL(PRODUCERS) :: else -> found = NOTHING fi
        };
        if :: found != NOTHING -> swap_cell(k, found, WITH_STATE(found, RETRY)) :: else fi;
        atomic { k++; s = 0; which = 0; p = 0; found = 0; seen = 0; done = 0 }
    :: else -> break
    od
}
inline repair_cells() {
    k = 0;
    do
    :: k < CELLS ->
        look_at_cell(k);
        if
        :: STATE(seen) == TENTATIVE && OWNER(seen) == 1 && STILL(0) ->
#ifdef FREED_UNSEEN
            found = NOTHING;
#endif
            if
            :: found != NOTHING -> swap(cell[k], seen, WORD(GENERATION(seen), 0, LIVE))
            :: else -> swap(cell[k], seen, WORD(GENERATION(seen) + 1, 0, FREE))
            fi
        :: else
        fi;
        atomic { k++; p = 0; which = 0; found = 0; seen = 0; done = 0 }
    :: else -> break
    od
}

proctype Scanner() {
    byte r, k, p, s, which, seen;
    short found;
    bool done;
end:
    atomic {
        if
        :: died[0] -> r = 0
        :: died[PRODUCERS] -> r = PRODUCERS
#ifndef LEFT_CELLS
        :: LEFT(0) || LEFT(CELLS - 1) -> r = NOBODY
#endif
        fi
    };
    if
    :: r == 0 ->
        atomic {
            k = 0;
            do :: k < CHUNKS -> if :: owner[k] == 1 && died[0] -> last[k] = tail - 1; owner[k] = 0 :: else fi; k++ :: else -> break od
        };
        repair_cells()
    :: r == PRODUCERS ->
#ifdef CELLS_BEFORE_RING
        repair_parked();
        repair_ring();
#else
        repair_ring();
        repair_parked();
#endif
        atomic { if :: pin_holder == 1 && died[PRODUCERS] -> pin_holder = 0 :: else fi }
    :: else ->
        k = 0;
        do
        :: k < CELLS ->
            look_at_cell(k);
            if :: found != NOTHING && STATE(found) == ACKED -> free_cell(k) :: else fi;
            atomic { k++; p = 0; which = 0; found = 0; seen = 0 }
        :: else -> break
        od
    fi;
    atomic { if :: r < NOBODY -> died[r] = 0 :: else fi; r = 0; k = 0; goto end }
}
