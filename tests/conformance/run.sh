#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make conformance`: every test of this folder against the monitor $UKVM, build/ukvm by default, as one TAP stream. The
# last test is whether every clause of ABI.md was checked, here and now.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
count=0 failed=0 skipped=0
declare -A checked spared

# result OK LINE: one test line of a file, with its number of the whole.
result() {
    count=$((count + 1))
    [ "$1" = ok ] || failed=$((failed + 1))
    echo "$1 $count - $2"
    if [[ $2 == *"# SKIP"* ]]; then
        skipped=$((skipped + 1))
        [[ ! $2 =~ ^UKVM-([A-Z]+-[0-9]+)\ UKVM_FEATURE_ ]] || spared[${BASH_REMATCH[1]}]=1
    elif [[ $2 =~ ^UKVM-([A-Z]+-[0-9]+)\  ]]; then
        checked[${BASH_REMATCH[1]}]=1
    fi
}

for test in "$here"/*.t; do
    plan=
    while IFS= read -r line; do
        case $line in
        "ok "*) result ok "${line#ok * - }" ;;
        "not ok "*) result "not ok" "${line#not ok * - }" ;;
        "1.."*) plan=$line ;;
        *) echo "$line" ;;
        esac
    done < <("$test" 2>&1)
    [ -n "$plan" ] || result "not ok" "${test##*/} runs to its end"
    [[ $plan != *SKIP* ]] || echo "# ${test##*/}: $plan"
done

unchecked=
clauses=$(sed '/^## What checks/,$d' "$here/../../guest-abi/ABI.md" | grep -oE '^\| [A-Z]+-[0-9]+ \|' | tr -d '| ')
for clause in $clauses; do
    [ -n "${checked[$clause]:-}${spared[$clause]:-}" ] || unchecked+=" $clause"
done
if [ -z "$unchecked" ]; then
    result ok "every clause of ABI.md is checked"
else
    result "not ok" "every clause of ABI.md is checked, but$unchecked"
fi
echo "1..$count"
echo "# ${#checked[@]} clauses, $count checks: $failed failed, $skipped skipped"
exit $((failed > 0))
