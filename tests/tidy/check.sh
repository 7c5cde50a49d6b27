#!/bin/sh
# Checks of the sources' text that no compiler makes: which room includes which, what is banned, sizes, format.
#
#     check.sh CHECK [ROOT]       exit 0 and silence, or 1 and a line per offence
#
# CHECK is floors, bans, orders, sizes, headers, format or readme. Needs sh, grep, sed and awk alone; `format` needs
# clang-format 14 and says so where it is missing.
set -eu
export LC_ALL=C

check=${1:?which check}
cd "${2:-$(dirname "$0")/../..}"
offences=$(mktemp)
trap 'rm -f "$offences"' EXIT

# The folders named that are there.
folders() { for folder; do if [ -d "$folder" ]; then echo "$folder"; fi; done; }
# C++ files below the folders named.
sources() {
    present=$(folders "$@")
    [ -z "$present" ] || find $present -type f -name '*.[ch]pp' | sort
}
# A file with its comments blanked, its lines kept. A text that holds // loses its end: more is blanked, never less.
without_comments() {
    awk '{ line = $0; out = ""
           while (line != "") {
               if (inside) { end = index(line, "*/"); if (!end) break; line = substr(line, end + 2); inside = 0; continue }
               single = index(line, "//"); many = index(line, "/*")
               if (single && (!many || single < many)) { out = out substr(line, 1, single - 1); break }
               if (!many) { out = out line; break }
               out = out substr(line, 1, many - 1); line = substr(line, many + 2); inside = 1
           }
           print out }' "$1"
}
# ban WHY PATTERN EXCEPT FOLDER...: no match of the pattern outside comments, but in files whose path matches EXCEPT.
ban() {
    why=$1 pattern=$2 except=$3
    shift 3
    for file in $(sources "$@"); do
        if [ -n "$except" ] && echo "$file" | grep -Eq "$except"; then continue; fi
        without_comments "$file" | grep -nE "$pattern" | sed "s|^|$file:|; s|\$|   <- $why|" || true
    done
}

floors() {
    for folder in include src/base src/layout src/os src/log src/group src/recovery src/api tools examples; do
        for file in $(sources "$folder"); do
            room=${folder#src/}
            awk -v room="$room" -v file="$file" -f tests/tidy/floors.awk "$file"
        done
    done
    for folder in $(folders src); do
        find "$folder" -mindepth 1 -maxdepth 1 -type d | grep -Ev '/(base|layout|os|log|group|recovery|api)$' |
            sed 's|$|: a room that has no floor|' || true
        find "$folder" -maxdepth 1 -type f -name '*.[ch]pp' | sed 's|$|: stands in no room|'
    done
}

bans() {
    product='include src tools'
    door='^src/base/atomic\.hpp$'
    ban 'atomics come through base/atomic.hpp' 'std::atomic|std::memory_order_|#[ ]*include <atomic>' "$door" $product
    # The door lends no wait, so nobody else can call it; std::atomic itself is banned elsewhere.
    ban 'does not wake another process' '(^|[^_[:alnum:]])(wait|notify_one|notify_all)\(' '' src/base
    ban 'does not wake another process' 'FUTEX_PRIVATE_FLAG|FUTEX_[A-Z_]*_PRIVATE' '' $product
    ban 'orders nothing between processes' '(^|[^_[:alnum:]])volatile([^_[:alnum:]]|$)' '^src/(base/atomic\.hpp|os/)' $product
    ban 'a crash leaves it locked' 'boost/interprocess/sync|managed_shared_memory|PTHREAD_PROCESS_SHARED' '' $product
    for file in $(sources include src tools tests bench examples); do
        grep -nE '(^|[^[:alnum:]_])(TODO|FIXME|XXX)([^[:alnum:]_]|$)' "$file" | sed "s|^|$file:|; s|\$|   <- finish it|" || true
    done
}

orders() {
    for file in $(sources include src tools); do
        without_comments "$file" | awk -v file="$file" -f tests/tidy/orders.awk
    done
    for file in $(sources src); do awk -f tests/tidy/reasons.awk "$file"; done
}

sizes() {
    present=$(folders include src tools tests bench examples)
    find $present -type f \( -name '*.[ch]pp' -o -name '*.sh' -o -name '*.awk' -o -name '*.pml' \) | sort | while read -r file; do
        awk -v file="$file" 'END { if (NR > 400) print file ": " NR " lines; look for the second room in it (400 at most)" }' "$file"
    done
    for file in $(sources include src tools tests bench examples); do
        awk -v file="$file" '{ gsub(/[\200-\277]/, "") } length($0) > 120 { print file ":" FNR ": " length($0) " columns (120 at most)" }' "$file"
    done
}

headers() {
    for file in $(sources include src tools tests bench examples); do
        case $file in
            *.hpp) grep -qx '#pragma once' "$file" || echo "$file: no #pragma once" ;;
        esac
        head -n 1 "$file" | grep -q '^// ' || echo "$file:1: no comment at the top that says what the file is for"
    done
}

format() {
    if ! command -v clang-format >/dev/null || ! clang-format --version | grep -q 'version 14\.'; then
        echo "clang-format 14 is not installed; the format is not checked" >&2
        return 0
    fi
    sources include src tools tests bench examples | xargs clang-format --dry-run --Werror --ferror-limit=1 2>&1 |
        grep -E '(error|warning):' || true
}

# Every C++ program in README.md is one of examples/, so that what people copy was compiled.
readme() {
    [ -f README.md ] || return 0
    awk '/^```cpp$/ { inside = 1; block = ""; next }
         /^```$/ && inside { inside = 0; if (block ~ /(^|\n)int main\(/) print block "\001"; next }
         inside { block = block $0 "\n" }' README.md |
    awk -v files="$(sources examples | tr '\n' ' ')" 'BEGIN {
            RS = "\001"; count = split(files, names, " ")
            for (i = 1; i <= count; ++i) {
                getline whole < names[i]
                gsub(/[ \t\n]+/, " ", whole)
                programs[i] = whole
            }
        }
        { gsub(/[ \t\n]+/, " "); sub(/^ /, ""); if ($0 == "" ) next; sub(/ $/, "")
          found = 0
          for (i = 1; i <= count; ++i) if (index(programs[i], $0)) found = 1
          if (!found) print "README.md: a program that is no file of examples/: " substr($0, 1, 80) "..." }'
}

case $check in
    floors | bans | orders | sizes | headers | format | readme) "$check" >"$offences" ;;
    *) echo "no such check: $check" >&2; exit 64 ;;
esac
cat "$offences"
[ ! -s "$offences" ]
