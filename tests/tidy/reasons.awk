# Prints each relaxed load, store, exchange or addition, and each fence, without a comment that says why: on its line or
# within the ten above. A compare-and-swap's second order, of its failure, needs none.
FNR == 1 { reason = -100; in_swap = 0 }
{ code = $0; sub(/\/\/.*/, "", code) }
/\/\// && /relaxed|release|acquire|seq_cst|hint|guess|whole|visible|order|before|after|behind|nobody|only|people|alone/ { reason = FNR }
/PUBLISH|DENSITY|PREFIX|TRIM|DIRECTORY|DROP|VISIT|PARK|CHUNK|ADOPT|COPY|LETTER|LOSS|DELAY|SLEEP|ORDER|REPAIR|NUMBER|JOIN/ { reason = FNR }
code ~ /compare_exchange\(/ { in_swap = 1 }
code ~ /fence\(memory_order/ || (code ~ /memory_order_relaxed/ && !in_swap) {
    if (FNR - reason > 10) print FILENAME ":" FNR ": say why this order suffices: " $0
}
in_swap && code ~ /;|\{ *$|\)\)$|\)$/ { in_swap = 0 }
