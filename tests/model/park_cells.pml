/* Exchanges and cells of park.pml. */
/* Compare-and-swaps; `done` says whether. */
inline swap(word, from, to) { d_step { if :: word == (from) -> word = to; done = 1 :: else -> done = 0 fi } }
#ifdef NO_GENERATION
#define SAME(a, b) ((a) % 64 == (b) % 64)
#else
#define SAME(a, b) ((a) == (b))
#endif
inline swap_cell(k, from, to) {
    d_step {
        if
        :: SAME(cell_record[k], from) ->
            assert(cell_sequence[k] == s);      /* the entry that is meant */
            cell_record[k] = WITH_TAG(to, TAG(cell_record[k])); done = 1
        :: else -> done = 0
        fi
    }
}

/* Reads cell k: `seen` its word; `found` its record if it holds an entry, else NOTHING; `which` of which entry, `p` its chunk. */
#define NOTHING 4095
inline look_at_cell(k) {
    do
    :: seen = cell[k];
        atomic {
            found = NOTHING;
            if :: STATE(seen) == FREE -> break :: else fi;
            which = cell_sequence[k];
            if
            :: STATE(seen) == TENTATIVE && record[AT(which)] != NAMES(which, k, GENERATION(seen))
            :: else ->
                p = cell_place[k];
                if
                :: TAG(cell_record[k]) == GENERATION(seen) && GENERATION(cell[k]) == GENERATION(seen) -> found = cell_record[k]
                :: else
                fi;
                break
            fi
        };
        /* not named; but live by now, it was named, and the next lap may have the record */
        atomic {
#ifndef LOOKED_ONCE
            if :: cell[k] == WORD(GENERATION(seen), 0, LIVE) :: else -> break fi
#else
            break
#endif
        }
    od
}

/* Frees the cell whose word was `seen`, after its maker's last step. */
inline free_cell(k) {
    d_step {
        if :: GENERATION(cell[k]) == GENERATION(seen) && STATE(cell[k]) != FREE -> cell[k] = WORD(GENERATION(seen) + 1, 0, FREE) :: else fi
    }
}
