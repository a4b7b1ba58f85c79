#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md: every clause is in its table of tests, once, and has a test in tests/conformance; what the table names exists;
# and tests, messages and code name no clause that there is not.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
ABI=$TOP/guest-abi/ABI.md
[ -f "$ABI" ] || skip_all "the specification is not here"

id='[A-Z]+-[0-9][0-9]'
sed '/^## What checks/,$d' "$ABI" | grep -oE "^\| $id \|" | tr -d '| ' | sort >clauses
sed '1,/^## What checks/d' "$ABI" | grep -E "^\| $id" | cut -d'|' -f2 | grep -oE "$id" | sort >tested

ok "there are clauses" test "$(wc -l <clauses)" -ge 40
is "no clause has its number twice" "$(uniq -d clauses)" ""
is "every clause is in the table, and no other" "$(diff clauses tested)" ""

# The name of each of those tests begins with its clause.
grep -hv '^ *#' "$TOP"/tests/conformance/*.t | grep -oE "UKVM-$id" | sed 's/^UKVM-//' | sort -u >conformance
is "every clause has a conformance test" "$(comm -23 clauses conformance)" ""
is "every conformance test is of a clause that there is" "$(comm -13 clauses conformance)" ""

missing=
while read -r file; do
    [ -f "$TOP/$file" ] || missing+=" $file"
done < <(sed '1,/^## What checks/d' "$ABI" | grep -oE 'tests/[a-z0-9/_.-]+\.(c|t)')
is "every test that it names exists" "$missing" ""

unknown=
while read -r name; do
    grep -qx "${name#UKVM-}" clauses || unknown+=" $name"
done < <(grep -rhoE "UKVM-$id" "$TOP/monitor" "$TOP/guest-abi/ukvm_abi.h" "$TOP/tests/e2e" \
    "$TOP/tests/conformance" | sort -u)
is "no clause is named that there is not" "$unknown" ""

done_testing
