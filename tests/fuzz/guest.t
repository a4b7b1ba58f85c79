#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A guest that does anything (tests/guests/fuzz.c), and a network that does too, against the monitor with sanitizers:
# inside its sandbox, where a report is the end by SIGSYS, and outside, where it can be read. FUZZ_SECONDS: that long
# each, from a random seed. A seed that it prints is run again by
#
#     build/tests/tools/monkey 1 SEED build/tests/ukvm-asan build/tests/guests/fuzz.elf DISK --no-sandbox
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
seconds=${FUZZ_SECONDS:-3}
seed=1
[ -z "${FUZZ_SECONDS:-}" ] || seed=$((SRANDOM + 1))
truncate -s 2M disk.img

# monkey NAME [OPTION...]
monkey() {
    local name=$1
    shift
    RUN_SECONDS=$((seconds + 60)) run "$TOOLS/monkey" "$seconds" "$seed" "$BUILD/tests/ukvm-asan" \
        "$GUESTS/fuzz.elf" disk.img "$@"
    is "$name: guests ended: $out" "$status" 0 || printf '%s\n' "$err" | tr -cd '\11\12\40-\176' | sed 's/^/# /' >&2
    is "$name: the disk has its size" "$(stat -c %s disk.img)" $((2 << 20))
}

monkey "in the sandbox"
monkey "without the sandbox" --no-sandbox

done_testing
