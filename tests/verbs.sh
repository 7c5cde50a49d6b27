# The words of `./run test`, sourced by it: $build, $log, say, step, need and build_with are its own.
#
# Each prints a line of what it tried and ends with `N passed, N failed`; none passes if nothing ran.

# --- Running ctest ---------------------------------------------------------------------------------------------------------

# Prints "PASSED FAILED SKIPPED" of a JUnit file by ctest. A test that could not be started has failed.
count_of() {
    awk '/<testcase / { status = $0; sub(/.* status="/, "", status); sub(/".*/, "", status)
                        if (status == "run") ++passed; else if (status == "fail") ++failed; else pending = 1 }
         /<skipped / && pending { if (/SKIP_/) ++skipped; else ++failed; pending = 0 }
         /<\/testcase>/ && pending { ++failed; pending = 0 }
         END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}
# run_ctest ARG...: in $build, whose preset has the name of its last part. Sets $results, $passed, $failed and $skipped, and
# shows what failed.
run_ctest() {
    results=$root/$build/tests.xml
    rm -f "$results"
    # Each test has streams of its own, but they share the room: two at a time would fill the 64 MiB of a container.
    jobs=$(nproc)
    if [ "$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')" -lt 524288 ]; then jobs=1; fi
    succeeded=yes
    ctest --preset "${build##*/}" --parallel "$jobs" --output-junit "$results" "$@" >"$log" 2>&1 || succeeded=no
    # No results: ctest itself failed, such as at a test program that does not start.
    if [ -e "$results" ]; then counts=$(count_of "$results"); else counts='0 1 0'; fi
    # Unquoted: three words.
    set -- $counts
    passed=$1 failed=$2 skipped=$3
    if [ "$succeeded" = no ]; then
        grep -vE ' Passed +[0-9.]+ sec *$|^ +Start +[0-9]+: ' "$log" >&2 || true
        [ "$failed" -gt 0 ] || failed=1
    fi
}
# The last line, and whether all is well.
conclude() {
    if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then say "no test ran"; fi
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# --- The words -------------------------------------------------------------------------------------------------------------

run_tests() {
    case ${1:-} in
        '' | -*) ;;
        *) set -- -R "$@" ;;
    esac
    say "testing $build"
    redis_by_name
    run_ctest "$@"
    if [ "$skipped" -gt 0 ]; then say "$skipped skipped:"; grep -E '\*\*\*Skipped' "$log" || true; fi
    conclude
}

# The tests that try more where SHMQ_PROOF is `all`.
proof_labels='^(crash|host|fuzz|litmus)$'

# What the crash tests tried, by their own words in the results.
points_of() {
    awk '/ killed at [0-9]+ points/ && !/scanners/ { stores += $4 }
         / killed at [0-9]+ instructions/ { instructions += $4 }
         / scanners killed at [0-9]+ points/ { scanners += $5 }
         / stopped at [0-9]+ points/ { stops += $4
                                       if (match($0, /others [0-9]+ us/)) {
                                           longest_us = substr($0, RSTART + 7, RLENGTH - 10) + 0
                                           if (longest_us > longest) longest = longest_us } }
         END { printf "killed before %d stores and %d writing instructions, scanners before %d stores; ", stores,
                      instructions, scanners
               printf "stopped at %d accesses, the longest call of others meanwhile %.1f ms\n", stops, longest / 1000 }' "$1"
}
run_proof() {
    SHMQ_PROOF=all
    export SHMQ_PROOF
    say "testing $build at every point"
    run_ctest -L "$proof_labels"
    say "$(points_of "$results")"
    conclude
}

run_kill() {
    SHMQ_KILL_SECONDS=$1
    export SHMQ_KILL_SECONDS
    say "$build/tests/kill_test for $1 s"
    passed=0 failed=1
    if "$build/tests/kill_test" >"$log" 2>&1; then
        say "$(grep -E '^[0-9]+ kills' "$log")"
        passed=1 failed=0
    else
        tail -n 40 "$log" >&2
    fi
    conclude
}

# The tests of the folders crash and host again, with small streams that begin just below a number: powers of two, and
# where the tags of records (2^46 of 16 slots and 4 consumers) and of slots (2^59) go round.
# Left out are those that name entries by their sequences from 1 on.
names_sequences='MovedDead|Interrupted|InterruptedPublish|InterruptedLossy|Demoting|LossyKilled|LossyStopped|ParkedInOrder'
run_starts() {
    all_passed=0 all_failed=0
    for start in 2147483630 4294967278 70368744177630 281474976710638 576460752303423454; do
        SHMQ_FIRST_SEQUENCE=$start
        export SHMQ_FIRST_SEQUENCE
        run_ctest -L '^(crash|host)$' -E "($names_sequences)\\."
        say "sequences from $start on: $passed passed, $failed failed, $skipped skipped"
        all_passed=$((all_passed + passed)) all_failed=$((all_failed + failed))
    done
    passed=$all_passed failed=$all_failed
    conclude
}

# The seconds are shared by the targets, each of which begins with the inputs kept in tests/fuzz/corpus. What is found is
# kept in build/fuzz; what reaches new code, in build/fuzz/corpus.
run_fuzz() {
    build=build/fuzz
    step "configuring $build" cmake --preset fuzz
    step "building $build" cmake --build --preset fuzz -- --quiet
    targets='segment file header inspect'
    share=$(($1 / 4 > 0 ? $1 / 4 : 1))
    passed=0 failed=0
    for target in $targets; do
        mkdir -p "$build/corpus/$target"
        say "$build/tests/fuzz/${target}_fuzz for $share s"
        # What a target prints by itself is closed.
        if "$build/tests/fuzz/${target}_fuzz" -max_total_time="$share" -timeout=30 -max_len=600 -close_fd_mask=3 \
            -artifact_prefix="$build/$target-" -print_final_stats=1 "$build/corpus/$target" "tests/fuzz/corpus/$target" \
            >"$log" 2>&1; then
            say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, nothing found"
            passed=$((passed + 1))
        else
            tail -n 40 "$log" >&2
            failed=$((failed + 1))
        fi
    done
    conclude
}

# What qemu-user cannot do is named, with the reason, in tests/aarch64_excepted.txt.
run_aarch64() {
    build=build/aarch64
    excepted=tests/aarch64_excepted.txt
    step "configuring $build" cmake --preset aarch64
    step "building $build" cmake --build --preset aarch64 -- --quiet
    say "testing $build by $(qemu-aarch64 --version | head -n 1)"
    grep -v '^#' "$excepted" | sed 's/^/run: excepted: /'
    names=$(grep -v '^#' "$excepted" | sed 's/ .*//' | paste -sd '|' -)
    run_ctest ${names:+-E "^($names)\$"}
    conclude
}

# Says by itself what it does: it takes long.
run_mutants() { /usr/bin/python3 -B tests/mutants/mutants.py "$@"; }

# --- Which word ------------------------------------------------------------------------------------------------------------

# at_most COUNT WORD...: ends with the usage if there are more words.
at_most() {
    [ $(($# - 1)) -le "$1" ] || { usage >&2; exit 64; }
}
# seconds_of VERB WORD DEFAULT: WORD, which has to be a number.
seconds_of() {
    case ${2:-$3} in *[!0-9]*) echo "run: test $1: seconds are a number, not $2" >&2; exit 64 ;; esac
    echo "${2:-$3}"
}

test_verb() {
    case ${1:-} in
        proof | starts | aarch64) at_most 1 "$@" ;;
        kill | fuzz) at_most 2 "$@" ;;
    esac
    case ${1:-} in
        fuzz)
            seconds=$(seconds_of fuzz "${2:-}" 60)
            need build fuzz
            run_fuzz "$seconds"
            ;;
        aarch64)
            need build aarch64
            run_aarch64
            ;;
        mutants)
            shift
            need build test mutants
            run_mutants "$@"
            ;;
        proof | starts | kill)
            seconds=$(seconds_of "$1" "${2:-}" 300)
            need build test
            build_with ON OFF
            "run_$1" "$seconds"
            ;;
        *)
            need build test
            build_with ON ON
            run_tests "$@"
            ;;
    esac
}
