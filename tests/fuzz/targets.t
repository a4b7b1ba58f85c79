#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The fuzz targets, each first with what once broke the monitor. A fixed number of runs from a fixed seed; with
# FUZZ_SECONDS, for that long each, from where the last time has got to. What breaks one is left in build/fuzz/found/.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
here=$TOP/tests/fuzz
found=$BUILD/fuzz/found
# Freed memory is kept aside for a while, to notice its use; the targets free little that is worth it.
export ASAN_OPTIONS=quarantine_size_mb=8

mkdir -p "$found" seeds
ok "the seeds are written" "$here/seeds.sh" "$TOOLS/mkelf" "$SCRATCH/seeds"

# target NAME RUNS
target() {
    local name=$1 corpus=$SCRATCH/corpus-$1 bound=(-seed=1 -runs="$2") options=()
    [ -z "${FUZZ_SECONDS:-}" ] || corpus=$BUILD/fuzz/corpus/$name bound=(-max_total_time="$FUZZ_SECONDS")
    [ ! -f "$here/$name.dict" ] || options=(-dict="$here/$name.dict")
    [ ! -d "$here/corpus/$name" ] || options+=("$here/corpus/$name")
    mkdir -p "$corpus"
    RUN_SECONDS=$((${FUZZ_SECONDS:-60} + 60)) run "$BUILD/tests/fuzz/$name" -artifact_prefix="$found/$name-" -timeout=20 \
        "${bound[@]}" "$corpus" "${options[@]}" "seeds/$name"
    is "$name: $(grep -oE "^Done .*" <<<"$err")" "$status" 0 ||
        grep -aE "does not hold|ERROR|SUMMARY|runtime error|^    #|Test unit written" <<<"$err" | head -n 30 | sed 's/^/# /' >&2
}

target archive 20000
target image 15000
target note 20000
target options 100000
target ring 80000

done_testing
