# Prints each relaxed load, store or exchange, and each fence, without a comment that says why: on its line, or within the
# ten above it or above a neighbour that has one. A compare-and-swap's second order, of its failure, needs none.
BEGIN {
    words = "[Rr]elaxed|release|acquire|seq_cst|hint|guess|whole|visible|order|before|after|behind|nobody|only|people|alone"
    names = "PUBLISH|DENSITY|PREFIX|TRIM|DIRECTORY|DROP|VISIT|PARK|CHUNK|ADOPT|COPY|LETTER|LOSS|DELAY|SLEEP|ORDER|REPAIR|NUMBER"
}
FNR == 1 { reason = -100; in_swap = 0 }
{
    code = $0
    sub(/\/\/.*/, "", code)
    if (code != $0 && $0 ~ (words "|" names "|JOIN")) reason = FNR
    if (code ~ /compare_exchange\(/) in_swap = 1
    if (code ~ /fence\(memory_order/ || (code ~ /memory_order_relaxed/ && code !~ /^using/ && !in_swap)) {
        if (FNR - reason > 10) print FILENAME ":" FNR ": say why this order suffices"
        else reason = FNR
    }
    if (in_swap && code ~ /[;{)] *$/) in_swap = 0
}
