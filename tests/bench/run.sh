#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures ukvm against what it replaces, side by side in one run, and writes build/bench.json and a table.
#
#     tests/bench/run.sh [ROW...]      all rows, or those named
#     UKVM=FILE BENCH_BIN=DIR BENCH_EXAMPLES=DIR BENCH_GUESTS=DIR BENCH_NATIVE=DIR BENCH_PROBE=FILE BENCH_JSON=FILE BENCH_TMP=DIR
#                      instead of build/...
#     BENCH_ROUNDS=N   instead of 7 rounds of a second where two sides take turns: fewer only show that a row works
#
# bench.json is an array with an object for every row there is, measured or not:
#   name; value and unit; against, the other side's figure in the same unit; ratio = value / against; goal, for the
#   ratio or, where there is nothing to compare with, for the value; met; busy, the percentage of CPU time that other
#   programs used just before; reason, why there is no value; note.
# Exit status: 0 all rows asked for were measured or skipped for a reason, 1 some failed, 2 usage. A goal missed is a
# result, not a failure.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
ukvm=${UKVM:-$root/build/ukvm}
bin=${BENCH_BIN:-$root/build/tests/bench}
# shellcheck disable=SC2034 # for the rows
examples=${BENCH_EXAMPLES:-$root/build/examples}
# shellcheck disable=SC2034
guests=${BENCH_GUESTS:-$root/build/tests/guests}
# shellcheck disable=SC2034
native=${BENCH_NATIVE:-$root/build/native}
# shellcheck disable=SC2034
probe=${BENCH_PROBE:-$root/build/tests/ukvm-probe}
json=${BENCH_JSON:-$root/build/bench.json}
# shellcheck disable=SC2034
rounds=${BENCH_ROUNDS:-7}

# To add a row: a line here and a file in rows/.
rows=(
    # name          goal    file in rows/, arguments
    "boot           <=1.5   boot hello"
    "boot-libc      <=1.6   boot hello_libc"
    "image-size     <=200   image-size"
    "memory         <=3     memory"
    "memory-http    <=3     memory-http"
    "syscall        <=0.2   syscall"
    "exits-block    <=0.2   exits-block"
    "exits-udp      <=0.2   exits-udp"
    "udp-echo-1     >=0.8   udp-echo 1"
    "udp-echo-8     >=0.8   udp-echo 8"
    "udp-echo-64    >=1.5   udp-echo 64"
    "block          >=0.9   block direct"
    "block-cached   >=0.9   block cached"
    "sandbox-syscalls <=8   sandbox-syscalls"
    "sandbox-opcodes <=8    sandbox-opcodes"
    "sandbox-cost   <=1     sandbox-cost time"
    "sandbox-share  <=0.3   sandbox-cost share"
    "monitor-size   <=1300  monitor-size" # no goal of principle: so that it does not grow unseen
    "http           >=1.7   http"
    "redis-get-1    >=1.2   redis get 1"
    "redis-set-1    >=1.2   redis set 1"
    "redis-get-16   >=1.2   redis get 16"
    "redis-set-16   >=1.2   redis set 16"
    # no goal of their own: to be seen
    "tcp-send       >=0     tcp-stream send"
    "tcp-receive    >=0     tcp-stream receive"
)

names() {
    printf '%s\n' "${rows[@]}" | awk '{ print $1 }'
}

# listed WORD LIST...: true if WORD is in the list.
listed() {
    local word=$1 w
    for w in "${@:2}"; do
        [[ $w != "$word" ]] || return 0
    done
    return 1
}

mapfile -t all < <(names)
for name; do
    if ! listed "$name" "${all[@]}"; then
        printf 'usage: %s [ROW...]\nrows: %s\n' "$0" "${all[*]}" >&2
        exit 2
    fi
done
# What an earlier run left must not pass for the result of one that is interrupted.
rm -f "$json"
for tool in "$ukvm" "$bin/spawn_time" jq; do
    if ! command -v "$tool" >/dev/null; then
        echo "bench: $tool is not there; build with 'make' and install the packages that the README lists" >&2
        exit 1
    fi
done

# spawn_time does not search PATH.
ukvm=$(command -v "$ukvm")

# On a disk, not /tmp: the block rows put their file here, and /tmp may be memory.
tmp=$(mktemp -d "${BENCH_TMP:-$(dirname "$json")}/bench.XXXXXX")
row_process=

# end_row: whatever the row's own cleanup did not reach. Its shell and all that it started are one process group.
end_row() {
    kill -KILL -- "-$row_process" 2>/dev/null || true
    row_process=
    network_down
}

finish() {
    # A job that a signal meets before its exec still has this trap.
    [[ $BASHPID == "$$" ]] || return 0
    trap '' INT TERM
    if [[ -n $row_process ]]; then
        kill -- "-$row_process" 2>/dev/null || true
        wait "$row_process" || true
        end_row
    fi
    rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck source=lib.sh
source "$here/lib.sh"

# For how much of 0.3 s, in percent, the CPUs are not idle: a machine that does something else measures something else.
cpu_busy() {
    local before after
    before=$(head -n 1 /proc/stat)
    sleep 0.3
    after=$(head -n 1 /proc/stat)
    busy_between "$before" "$after"
}

# measure NAME GOAL FILE ARG...: leaves the row's object in $tmp/NAME/outcome.json, whatever happens.
measure() {
    row=$1 goal=$2 scratch=$tmp/$1
    local file=$here/rows/$3.sh
    shift 3
    mkdir "$scratch"
    busy=$(cpu_busy)
    printf 'bench: %s%s\n' "$row" "$( ((busy <= 10)) || echo ": other programs use $busy % of the CPUs")" >&2
    set -m # for a process group of its own
    (
        set +m
        row_shell=$BASHPID
        trap row_cleanup EXIT
        trap 'exit 143' TERM
        # shellcheck disable=SC1090 # the table above names them
        source "$file" "$@"
    ) </dev/null 2>"$scratch/errors" &
    row_process=$!
    set +m
    local status=0
    wait "$row_process" || status=$?
    end_row
    if ((status != 0)) || [[ ! -s $scratch/outcome.json ]]; then
        find "$scratch" -name '*.log' -exec cat {} + >&2
        cat "$scratch/errors" >&2
        outcome "" "" "" "failed: $(tail -n 1 "$scratch/errors" | grep . || echo "exit status $status")" ""
        failed=$((failed + 1))
    fi
}

failed=0
for line in "${rows[@]}"; do
    read -r name goal call <<<"$line"
    if (($# == 0)) || listed "$name" "$@"; then
        # shellcheck disable=SC2086 # a file and its arguments, from the table above
        measure "$name" "$goal" $call
    else
        row=$name scratch=$tmp/$name busy=
        mkdir "$scratch"
        outcome "" "" "" "not asked for" ""
    fi
    mv "$scratch/outcome.json" "$tmp/$name.json"
    rm -rf "$scratch"
done

printf '%s\n' "${all[@]/%/.json}" | (cd "$tmp" && xargs cat) | jq -s . >"$tmp/bench.json"
mv "$tmp/bench.json" "$json"

jq -r '
    def show: if . == null then "-" else tostring end;
    ["row", "value", "unit", "against", "ratio", "goal", "", "note"],
    (.[] | [.name, (.value | show), (.unit | show), (.against | show), (.ratio | show), .goal,
            (if .met == null then "-" elif .met then "met" else "MISSED" end),
            (.reason // .note | show) + if (.busy // 0) > 10 then " (host \(.busy) % busy)" else "" end])
    | @tsv' "$json" |
    awk -F '\t' '{ printf "%-16s %10s %-10s  %10s %7s  %-7s %-6s %s\n", $1, $2, $3, $4, $5, $6, $7, $8 }'
jq -r '
    def count(f): map(select(f)) | length;
    "\(count(.value != null)) of \(length) rows measured, \(count(.met == true)) reach their goal, "
    + "\(count(.met == false)) miss it, \(count(.reason // "" | startswith("skipped"))) skipped, "
    + "\(count(.reason // "" | startswith("failed"))) failed"' "$json"
((failed == 0))
