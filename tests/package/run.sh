#!/bin/sh
# Installs the build into a folder of its own, builds an outside project against what lies there, and runs it.
#
#     run.sh cmake|pkg-config BUILD_FOLDER CXX [CXXFLAGS]
#
# The folder is moved after the installation: a package that finds itself only where it was installed fails.
set -eu

how=${1:?cmake or pkg-config} build=${2:?build folder} cxx=${3:?compiler} flags=${4:-}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
log=$scratch/log

fail() {
    echo "package by $how: $1" >&2
    cat "$log" >&2
    exit 1
}
installed() { [ -e "$scratch/moved/$1" ] || fail "$1 is not installed"; }

cmake --install "$build" --prefix "$scratch/installed" >"$log" 2>&1 || fail "cmake --install failed"
mv "$scratch/installed" "$scratch/moved"
find "$scratch/moved" >>"$log"
library=$(cd "$scratch/moved" && find lib* -name 'libshmq.*' | head -n 1)
[ -n "$library" ] || fail "libshmq is not installed"
package=$scratch/moved/$(dirname "$library")
installed include/shmq/shmq.hpp
installed bin/shmq
installed bin/shmq-inspect
find "$scratch/moved" -name LICENSE | grep -q . || fail "LICENSE is not installed"
version=$(sed -n 's/^#define SHMQ_VERSION "\(.*\)"$/\1/p' "$scratch/moved/include/shmq/version.hpp")
export LD_LIBRARY_PATH="$package${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

case $how in
    cmake)
        cmake -G Ninja -S "$here" -B "$scratch/build" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_CXX_FLAGS="$flags" \
            -DCMAKE_PREFIX_PATH="$scratch/moved" -Dwanted_version="$version" >"$log" 2>&1 || fail "configuration failed"
        cmake --build "$scratch/build" >"$log" 2>&1 || fail "build failed"
        program=$scratch/build/outside
        ;;
    pkg-config)
        export PKG_CONFIG_PATH="$package/pkgconfig"
        found=$(pkg-config --modversion shmq 2>"$log") || fail "shmq.pc is not found"
        [ "$found" = "$version" ] || fail "shmq.pc says version $found, the header $version"
        program=$scratch/outside
        # Unquoted: these are lists of words.
        "$cxx" -std=c++20 $flags "$here/outside.cpp" -o "$program" $(pkg-config --cflags --libs shmq) >"$log" 2>&1 ||
            fail "build failed"
        ;;
    *) echo "no such way: $how" >&2; exit 64 ;;
esac

answer=$("$program" "$scratch/outside.shmq" 2>"$log") || fail "the program failed"
[ "$answer" = "hello from outside" ] || fail "the program said '$answer'"
[ ! -e "$scratch/outside.shmq" ] || fail "the stream was not removed"
