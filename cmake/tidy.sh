#!/bin/sh
# What the targets `tidy` and `format` run, in the folder of the project: a file at a time on each core.
#
#     tidy.sh tidy CLANG_TIDY BUILD_FOLDER      tidy.sh format CLANG_FORMAT
set -eu

case $1 in
    tidy) find src tools -name '*.cpp' | sort | xargs -P "$(nproc)" -n 1 "$2" --quiet -p "$3" ;;
    format) find include src tools tests bench examples -name '*.[ch]pp' | sort | xargs "$2" -i ;;
    *) exit 64 ;;
esac
