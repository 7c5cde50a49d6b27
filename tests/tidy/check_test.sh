#!/bin/sh
# Shows that each check of check.sh can fail: forges a tree that is in order, then breaks one thing at a time.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# A tree in order, anew.
forge() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/tests" "$scratch/tree/include/shmq" "$scratch/tree/examples"
    for room in base layout os log group recovery api; do mkdir -p "$scratch/tree/src/$room"; done
    cp -r "$here" "$scratch/tree/tests/tidy"
    cp "$here/../../.clang-format" "$scratch/tree"
    cd "$scratch/tree"
    printf '// Adds.\n#pragma once\n#include "layout/words.hpp"\nvoid f() { a.store(1, g(2)); a->load(o); }\n' >src/log/add.hpp
    printf '// Prints.\n#include "shmq/shmq.hpp"\n\nint main() {\n    return 0;\n}\n' >examples/first.cpp
    printf '# shmq\n```cpp\n#include "shmq/shmq.hpp"\n\nint main() {\n    return 0;\n}\n```\n' >README.md
}
# accepts CHECK WHAT: the check finds nothing.
accepts() {
    if ! sh tests/tidy/check.sh "$1" >"$scratch/said" 2>&1; then
        echo "$1 refuses $2:"; cat "$scratch/said"; failures=$((failures + 1))
    fi
}
# refuses CHECK WHAT: the check finds something.
refuses() {
    if sh tests/tidy/check.sh "$1" >"$scratch/said" 2>&1; then
        echo "$1 lets through: $2"; failures=$((failures + 1))
    elif ! [ -s "$scratch/said" ]; then
        echo "$1 does not say where: $2"; failures=$((failures + 1))
    fi
}
# with CHECK WHAT LINE FILE: a tree in order and this line more is refused.
with() {
    forge
    printf '%s\n' "$3" >>"$4"
    refuses "$1" "$2"
}

forge
for check in floors bans orders sizes headers readme; do accepts "$check" "a tree in order"; done

with floors "an include of the room above" '#include "group/ack.hpp"' src/log/add.hpp
with floors "an include beside" '#include "os/map.hpp"' src/layout/words.hpp
with floors "an include of a room by a public header" '#include "base/bits.hpp"' include/shmq/entry.hpp
with floors "Boost in a public header" '#include <boost/version.hpp>' include/shmq/entry.hpp
with floors "asio.hpp in another public header" '#include "shmq/asio.hpp"' include/shmq/entry.hpp
forge; echo '#include <boost/version.hpp>' >include/shmq/asio.hpp; accepts floors "Boost in asio.hpp"
forge; mkdir src/attic; refuses floors "a room without a floor"

with bans "std::atomic" 'std::atomic<int> word;' src/log/add.hpp
with bans "a wait of the door" 'void wait(int old) { value_.wait(old); }' src/base/atomic.hpp
with bans "a private futex" 'int flags = FUTEX_PRIVATE_FLAG;' src/os/futex.cpp
with bans "volatile" 'volatile int word;' src/group/ack.cpp
with bans "a lock that a crash leaves locked" '#include <boost/interprocess/sync/interprocess_mutex.hpp>' src/os/lock.cpp
with bans "unfinished work" "// TO""DO: more" src/log/add.hpp
forge; echo '// std::atomic and volatile, in a comment' >>src/log/add.hpp; accepts bans "words in a comment"
forge; echo 'std::atomic<int> a; asm volatile("");' >src/base/atomic.hpp; accepts bans "the door itself"

with orders "a load without order" 'auto x = word.load();' src/log/add.hpp
with orders "a store without order" 'word->store(f(1, 2));' src/log/add.hpp
with orders "an exchange over two lines without order" "$(printf 'word.compare_exchange(a, b,\n    c);')" src/log/add.hpp

with orders "relaxed without a reason" 'void g() { a.store(1, memory_order_relaxed); }' src/log/add.hpp
forge; echo 'void g() { a.store(1, memory_order_relaxed); }  // a hint' >>src/log/add.hpp; accepts orders "relaxed with a reason"

forge; yes 'int x;' | head -n 397 >>src/log/add.hpp; refuses sizes "401 lines"
with sizes "121 columns" "$(printf '%0121d' 0)" src/log/add.hpp

forge; sed -i '/pragma/d' src/log/add.hpp; refuses headers "a header without #pragma once"
forge; sed -i 1d src/log/add.hpp; refuses headers "a file without a comment at its top"

forge; sed -i 's/return 0/return 1/' README.md; refuses readme "a program that is no example"

if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14\.'; then
    with format "a line out of format" 'int   x;' src/log/add.hpp
fi

[ "$failures" -eq 0 ]
