#!/bin/sh
# run.sh MODEL [-DBUG]: explores the model completely; without BUG no error may be found, with it one
# must be. 77 (skipped) where spin or a compiler is missing.
set -eu
model=$1 bug=${2:-}
command -v spin >/dev/null && command -v cc >/dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$model" "$dir/model.pml"
cd "$dir"
# shellcheck disable=SC2086
spin -a $bug model.pml
cc -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=2000 -o pan pan.c
./pan -m100000 -w24 >out
grep -E 'errors:|states, stored' out
# An exploration cut short proves nothing.
! grep -q 'Search not completed' out || [ -n "$bug" ]
if [ -n "$bug" ]; then grep -q 'errors: 1' out; else grep -q 'errors: 0' out; fi
