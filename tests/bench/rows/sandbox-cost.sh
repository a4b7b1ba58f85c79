# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# sandbox-cost time|share: what lock-down takes of a start, from the monitor's own clock: the time between the last line
# of --trace=boot before it and the last one in it. `share` is against the whole process, as in the row boot.
need_kvm
runs=100
lock_down() { # in milliseconds
    "$ukvm" run --trace=boot "$examples/hello.elf" 2>&1 >/dev/null | awk '
        { now = $3 * 1000 }
        / built: / { start = now }
        / locked down$/ { printf "%.3f\n", now - start }'
}
for ((i = 0; i < runs; i++)); do
    lock_down >>"$scratch/cost"
    [[ $1 == time ]] || "$bin/spawn_time" 1 0 "$ukvm" run "$examples/hello.elf" | awk '{ print $2 / 1e6 }' >>"$scratch/boot"
done
(($(wc -l <"$scratch/cost") == runs)) || die "not $runs times in the trace"
read -r a1 a a3 < <(quartiles <"$scratch/cost")
against=
[[ $1 == time ]] || read -r _ against _ < <(quartiles <"$scratch/boot")
result "$a" ms "$against" "median of $runs runs; middle half $a1-$a3 ms"
