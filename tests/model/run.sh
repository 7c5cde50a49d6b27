#!/bin/sh
# Exhausts the models of the protocol and shows that every seeded bug is caught. One line per run: what, verdict, states, seconds.
#
#   run.sh           the quick table: under three minutes on two cores, under 6 GB
#   run.sh --full    the quick table and the larger settings: some twenty minutes on a quiet machine, up to 8 GB
#
# Needs spin and a C compiler (CC, default gcc). Works in a temporary folder, from any folder, and leaves nothing behind.
# Ends with 0 only if every clean run was exhausted without an error and every seeded bug failed in the way the table expects:
# `assert` (a promise was broken) or `stuck` (a state nobody can leave). A search cut short is a failure, not a pass.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1

# kind model definitions...
quick_table() {
    cat <<'TABLE'
clean  core        -DENTRIES=3
clean  core        -DENTRIES=3 -DSCANNERS=1 -DSTOPS=0 -DFOUL_HINT -DFOUL_CURSOR
clean  core        -DPRODUCERS=2 -DCONSUMERS=0 -DSCANNERS=1 -DSTOPS=0 -DENTRIES=2
clean  core        -DPRODUCERS=2 -DSCANNERS=0 -DDEATHS=0 -DENTRIES=2 -DFOUL_HINT -DFOUL_CURSOR
clean  core        -DCONSUMERS=2 -DSCANNERS=1 -DSTOPS=0 -DENTRIES=2
clean  chunk       -DENTRIES=3 -DSCANNERS=1 -DSTOPS=0 -DCHUNKS=1 -DDROPS=0
clean  chunk       -DENTRIES=5 -DSCANNERS=0 -DDEATHS=0 -DCHUNKS=1
clean  chunk       -DENTRIES=4 -DSCANNERS=1 -DSTOPS=0 -DCLOSES=0 -DPRODUCERS=1 -DLOANS
clean  chunk       -DENTRIES=3 -DCLOSES=0 -DDROPS=0 -DPRODUCERS=1
clean  chunk       -DENTRIES=3 -DSCANNERS=1 -DSTOPS=0 -DCLOSES=0 -DDROPS=0 -DPRODUCERS=1 -DCHUNKS=1 -DREADERS=1
clean  trim        -DMOVERS=1 -DCREATORS=1 -DTURNS=3
clean  trim        -DMOVERS=1 -DCREATORS=2 -DTURNS=1 -DDEATHS=0
clean  named       -DMOVERS=1
clean  named       -DENTRIES=2 -DDEATHS=1
clean  order
clean  order       -DENTRIES=4
clean  tag         -DTAGS=4
clean  tag         -DTAGS=8
clean  attach      -DLIVES=2 -DSCANNERS=1 -DSTOPS=0
clean  attach      -DPROCESSES=1 -DLIVES=3
clean  pins        -DTAKERS=1 -DDEATHS=1
clean  pins        -DTAKERS=1 -DDEATHS=1 -DCELL_NOT_RETURNED
clean  pins        -DCLAIMS=1
clean  group_drop
clean  group_drop  -DSCANNERS=1 -DDEATHS=1
clean  group_move
clean  park        -DPRODUCERS=1 -DCONSUMERS=1
clean  park        -DPRODUCERS=1 -DCLAIMS=0 -DENTRIES=2
clean  park        -DPRODUCERS=1 -DDEATHS=0 -DENTRIES=2
clean  park        -DCONSUMERS=1 -DDEATHS=0 -DCLAIMS=0
clean  park        -DPRODUCERS=1 -DCONSUMERS=1 -DSCANNERS=2 -DENTRIES=2
clean  dead_move
clean  losses      -DDEATHS=0 -DRELEASES=0
clean  losses      -DSLOTS=1 -DENTRIES=2
clean  sleep
clean  sleep       -DLEAVES
clean  sleep       -DLEAVES -DNO_PUT_BACK
assert core        -DHINT_TRUSTED -DFOUL_HINT
assert core        -DCURSOR_TRUSTED -DFOUL_CURSOR
stuck  core        -DFULL_BY_HINT -DFOUL_HINT -DSCANNERS=0 -DDEATHS=0
assert core        -DCLAIM_LATER -DCONSUMERS=2 -DSCANNERS=0 -DDEATHS=0
assert core        -DHINT_AS_LAST -DSCANNERS=1 -DSTOPS=0
assert core        -DNO_RECHECK
assert core        -DHANDOVER_STANDS
assert core        -DNO_INCARNATION
stuck  core        -DLOCK_TAKEN
assert core        -DROOM_TOO_MUCH -DSCANNERS=0 -DDEATHS=0
assert chunk       -DNO_SECOND_LOOK -DSCANNERS=0 -DDEATHS=0 -DENTRIES=5 -DCHUNKS=1
assert chunk       -DMARK_AFTER_BYTES -DPRODUCERS=1 -DSCANNERS=1 -DSTOPS=0
assert chunk       -DMARK_READ_FIRST -DSCANNERS=0 -DDEATHS=0 -DCLOSES=2 -DCHUNKS=1
assert chunk       -DHINT_AS_LAST -DPRODUCERS=1 -DSCANNERS=1 -DSTOPS=0
assert chunk       -DSWAP_BEFORE_LAST -DSCANNERS=0 -DDEATHS=0 -DCHUNKS=1 -DENTRIES=5
assert chunk       -DLAST_STORED -DPRODUCERS=1 -DCHUNKS=1 -DENTRIES=5
assert chunk       -DSEALED_WITH_LOANS -DLOANS -DPRODUCERS=1
assert chunk       -DNO_INCARNATION -DPRODUCERS=1 -DCHUNKS=1
assert trim        -DNO_SECOND_READ
assert trim        -DGOAL_NOT_READ_AGAIN
assert trim        -DPOINT_BEFORE_GOAL
assert trim        -DNOT_SETTLED -DMOVERS=1 -DCREATORS=1 -DTURNS=1
stuck  trim        -DNO_HELPER -DMOVERS=1 -DCREATORS=1 -DTURNS=1
assert named       -DNO_RECORD
assert named       -DRECORDED_LATE
assert named       -DNOT_THERE_BY_ANYBODY
assert named       -DNO_LOOK_AT_TRIM
assert named       -DSTART_COMES_BACK
assert named       -DSTORED
assert named       -DINTENT_LATE
assert named       -DONE_PAIR
assert order       -DNO_TURN
assert order       -DNO_ACK_CHECK
assert order       -DNO_LOOK_AGAIN
assert order       -DNO_TAKE_BACK
assert order       -DONLY_CLAIMS_TAKE_BACK
assert order       -DNACK_KEEPS
assert order       -DONE_PASS
assert tag         -DTAGS=4 -DNARROW_TAG
assert tag         -DTAGS=8 -DNARROW_TAG
assert attach      -DLIVE_BEFORE_LOCK
assert attach      -DNO_INCARNATION
stuck  attach      -DFREED_BEFORE_PASS
stuck  attach      -DLOCK_TAKEN
stuck  attach      -DONE_LOCK_BYTE
stuck  attach      -DNO_RESET
assert pins        -DNO_PIN -DTAKERS=1
assert pins        -DPIN_AFTER_SWAP -DTAKERS=1 -DCONSUMERS=3 -DDEATHS=1 -DCLAIMS=1
assert pins        -DCELLS_BEFORE_TRIM -DCLAIMS=1
assert pins        -DNO_SECOND_LOOK -DCLAIMS=1
assert pins        -DCELL_SHARED -DCONSUMERS=3 -DTAKERS=1 -DCELLS=1
stuck  pins        -DIDLE_KEEPS -DTAKERS=1 -DDEATHS=1
stuck  pins        -DNOT_FREED_BY_SCANNER -DTAKERS=1 -DDEATHS=1
assert group_drop  -DNO_INSIDE
assert group_drop  -DINSIDE_NOT_CHECKED_AGAIN
assert group_drop  -DLOOKED_BEFORE_DROP
assert group_drop  -DNO_VOID
assert group_drop  -DNO_PINS
assert group_drop  -DPINNED_BEFORE_CLOSING
assert group_drop  -DNO_VERSION
assert group_drop  -DREVERT
assert group_drop  -DSHARED_RETURNED
assert group_drop  -DSCANNER_NOT_INSIDE -DSCANNERS=1 -DDEATHS=1
assert group_drop  -DSCANNER_IN_DROPPED -DSCANNERS=1 -DDEATHS=1
assert group_move  -DFREED_UNSEEN
assert group_move  -DFINISH_UNLISTED
assert group_move  -DNOT_INSIDE
assert group_move  -DABANDONS
stuck  group_move  -DDROPPED_FIRST
stuck  group_move  -DNO_HELP
assert park        -DNOT_SETTLED -DCONSUMERS=1 -DDEATHS=0 -DCLAIMS=0
assert park        -DLOOKED_ONCE -DPRODUCERS=1 -DDEATHS=0 -DCLAIMS=0
assert park        -DNO_LOOK_BEHIND -DPRODUCERS=1 -DDEATHS=0 -DCLAIMS=0
assert park        -DFREED_UNSEEN -DPRODUCERS=1 -DCLAIMS=0
stuck  park        -DCELLS_BEFORE_RING -DCONSUMERS=1 -DCLAIMS=0 -DENTRIES=2
stuck  park        -DLEFT_CELLS -DPRODUCERS=1 -DCLAIMS=0
stuck  park        -DLOW=1 -DCONSUMERS=1 -DDEATHS=0 -DCLAIMS=0
assert park        -DNO_ROW_CHECK -DPRODUCERS=1 -DCONSUMERS=1 -DSCANNERS=2 -DENTRIES=2
assert dead_move   -DNOT_SETTLED
assert dead_move   -DNUMBER_NOT_ASKED
assert dead_move   -DINTENT_LATE
assert dead_move   -DINTENT_AWAY_FIRST
assert dead_move   -DNO_MARK
assert dead_move   -DFINISHED_FIRST
assert dead_move   -DTAKEN_FROM_LIVING
stuck  dead_move   -DHINT_ONCE
stuck  dead_move   -DHINT_AFTER
stuck  dead_move   -DSCANNER_SILENT
assert losses      -DCOPY_NOT_CHECKED
assert losses      -DRAISED_FIRST
assert losses      -DCURSOR_EARLY
assert losses      -DNO_LOOK_AFTER
assert losses      -DOVERWRITTEN_UNSEEN
stuck  sleep       -DLOOKED_BEFORE_BIT
stuck  sleep       -DCOUNTER_READ_LATE
stuck  sleep       -DNO_COUNTER
stuck  sleep       -DBIT_NOT_SET_AGAIN
stuck  sleep       -DCLEARED_AFTER
stuck  sleep       -DNO_SLICES
stuck  sleep       -DNO_BATON
TABLE
}

full_table() {
    cat <<'TABLE'
clean  core        -DENTRIES=4
clean  core        -DENTRIES=5
clean  core        -DPRODUCERS=2 -DSCANNERS=1 -DSTOPS=0 -DENTRIES=2
clean  core        -DENTRIES=4 -DTAGS=8
clean  core        -DENTRIES=3 -DFOUL_HINT -DFOUL_CURSOR
clean  core        -DPRODUCERS=2 -DSCANNERS=0 -DDEATHS=0 -DENTRIES=4
clean  core        -DCONSUMERS=2 -DSCANNERS=1 -DSTOPS=0 -DENTRIES=3
clean  chunk       -DENTRIES=3 -DSCANNERS=1 -DSTOPS=0
clean  chunk       -DENTRIES=4 -DPRODUCERS=1
clean  named       -DENTRIES=3 -DDEATHS=1
clean  order       -DDEATHS=2 -DCLAIMS=2
clean  order       -DCONSUMERS=3 -DNACKS=0 -DDEATHS=0
clean  order       -DCONSUMERS=3 -DENTRIES=2
clean  trim        -DMOVERS=2 -DCREATORS=1 -DTURNS=1
clean  trim        -DMOVERS=1 -DCREATORS=2 -DTURNS=1
clean  attach
clean  pins
clean  pins        -DSHARED -DCONSUMERS=3 -DTAKERS=1 -DCELLS=1
assert pins        -DCELL_NO_GENERATION -DCELLS=1 -DCONSUMERS=3 -DTAKERS=1 -DENTRIES=3
clean  park        -DPRODUCERS=1 -DDEATHS=0
clean  park        -DPRODUCERS=1 -DDEATHS=0 -DGUESS
clean  park        -DPRODUCERS=1 -DCLAIMS=0
clean  park        -DPRODUCERS=1 -DENTRIES=2
clean  park        -DCONSUMERS=1 -DCLAIMS=0
assert park        -DNO_GENERATION -DPRODUCERS=1 -DDEATHS=0
assert park        -DPINS_BEFORE_CELLS -DGUESS -DPRODUCERS=1 -DDEATHS=0
clean  dead_move   -DREMOVALS=1
clean  dead_move   -DFAILURES=1
clean  dead_move   -DENTRIES=1 -DMOVERS=1 -DDEATHS=2 -DACTS=2 -DREMOVALS=1
clean  losses      -DSLOTS=1 -DENTRIES=3
assert losses      -DCLAIMS_FROM_NOW
clean  group_drop  -DCONSUMERS=2
TABLE
}

# one run: $1 folder, then a line of the table
one_run() {
    work=$1; kind=$2; model=$3; shift 3
    folder=$(mktemp -d "$work/run.XXXXXX") || return 1
    cp "$here/$model.pml" "$folder/model.pml" && cp "$here"/park_*.pml "$folder" && cd "$folder" || return 1
    # a long search is worth the compiler's time; where a broken promise is expected, a stuck state met before it does not count
    options=-O0; search=-w22
    case $model in pins | park | losses) options=-O1 ;; esac
    case $kind in
    clean) options=-O2; search=-w25 ;;
    assert) search='-w22 -E' ;;
    esac
    if ! spin -a "$@" model.pml >log 2>&1 ||
        ! "${CC:-gcc}" $options -w -DSAFETY -DCOLLAPSE "-DMEMLIM=$MODEL_MEMORY" -o pan pan.c >>log 2>&1; then
        echo "SURPRISE $kind $model $*: does not build"; cat log; return 1
    fi
    # shellcheck disable=SC2086
    timeout "$MODEL_SECONDS" ./pan -m1000000 $search >result 2>&1
    states=$(sed -n 's/^ *\([0-9][0-9.e+]*\) states, stored.*/\1/p' result)
    seconds=$(sed -n 's/.*elapsed time \([0-9.]*\) seconds.*/\1/p' result)
    verdict=none
    if grep -Eq 'max search depth too small|out of memory|reached -DMEM|VECTORSZ is too small|array index|Search not completed' result &&
        ! grep -q '^pan:1: \(assertion violated\|invalid end\)' result; then verdict='cut short'
    elif grep -q 'errors: 0' result; then verdict=clean
    elif grep -q '^pan:1: assertion violated - invalid array' result; then verdict='broken model'
    elif grep -q '^pan:1: assertion violated' result; then verdict=assert
    elif grep -q '^pan:1: invalid end state' result; then verdict=stuck
    fi
    mark='ok      '; status=0
    [ "$verdict" = "$kind" ] || { mark=SURPRISE; status=1; }
    printf '%s %-6s %-10s %9s states %6s s  %s%s\n' "$mark" "$verdict" "$model" "${states:--}" "${seconds:--}" "$*" \
        "$([ $status = 0 ] || echo "  (expected $kind)")"
    cd "$work" && rm -rf "$folder"
    return $status
}

if [ "${1-}" = --one ]; then
    shift
    # shellcheck disable=SC2086
    one_run $*
    exit
fi

full=
case ${1-} in
'') ;;
--full) full=yes ;;
*) echo "usage: $0 [--full]" >&2; exit 64 ;;
esac
for tool in spin "${CC:-gcc}" timeout xargs; do
    command -v "$tool" >/dev/null 2>&1 || { echo "$0: $tool is missing (Debian: apt-get install spin gcc)" >&2; exit 69; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/shmq-model.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

MODEL_MEMORY=2700; MODEL_SECONDS=300
export MODEL_MEMORY MODEL_SECONDS
quick_table >"$work/table"
xargs -P 2 -I LINE sh "$here/run.sh" --one "$work" LINE <"$work/table" >"$work/report"
bad=$?
cat "$work/report"
if [ -n "$full" ]; then
    MODEL_MEMORY=8000; MODEL_SECONDS=7200
    full_table >"$work/table_full"
    xargs -I LINE sh "$here/run.sh" --one "$work" LINE <"$work/table_full" >"$work/report_full" || bad=1
    cat "$work/report_full"
    cat "$work/report_full" >>"$work/report"
    cat "$work/table_full" >>"$work/table"
fi
runs=$(wc -l <"$work/table"); good=$(grep -c '^ok ' "$work/report")
echo "$good of $((runs)) runs as expected"
[ "$bad" = 0 ] && [ "$good" = "$((runs))" ]
