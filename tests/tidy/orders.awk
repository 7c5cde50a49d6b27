# Prints each call of an atomic's member, in files without comments (check.sh strips them), that leaves an order out:
# fewer arguments than value and order. Calls may go over several lines.
BEGIN {
    least["load"] = 1; least["store"] = 2; least["exchange"] = 2; least["compare_exchange"] = 4
    least["compare_exchange_weak"] = 4; least["compare_exchange_strong"] = 4; least["fetch_add"] = 2; least["fetch_sub"] = 2
    least["fetch_or"] = 2; least["fetch_and"] = 2; least["fetch_xor"] = 2
}
{ text = text $0 "\n" }
END {
    line = 1
    while (match(text, /(\.|->)(load|store|(compare_)?exchange(_weak|_strong)?|fetch_[a-z]+)\(/)) {
        line += newlines(substr(text, 1, RSTART - 1))
        name = substr(text, RSTART, RLENGTH - 1)
        sub(/^(\.|->)/, "", name)
        text = substr(text, RSTART + RLENGTH)
        if (name in least && arguments(text) < least[name])
            print file ":" line ": " name " without a memory order"
    }
}
function newlines(part) { return gsub(/\n/, "", part) }
# How many arguments stand before the parenthesis that closes the call.
function arguments(rest,    position, depth, count, any, character) {
    depth = 0; count = 1; any = 0
    for (position = 1; position <= length(rest); ++position) {
        character = substr(rest, position, 1)
        if (character ~ /[([{]/) ++depth
        else if (character == ")" && depth == 0) return any ? count : 0
        else if (character ~ /[])}]/) --depth
        else if (character == "," && depth == 0) ++count
        if (character !~ /[ \n\t]/) any = 1
    }
    return 99
}
