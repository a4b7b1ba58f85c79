#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# guest-kernel/posix/syscalls.def: a row that says complete names a test; each test that a row names exists and makes that
# call; docs/SYSCALLS.md says what the table says.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
TABLE=$TOP/guest-kernel/posix/syscalls.def
[ -f "$TABLE" ] || skip_all "the table is not here"

# Rows that say complete and have no test yet. Never more.
UNTESTED=0

# The names that C libraries have for it, as an extended regular expression.
wrappers() {
    local name=${1#rt_}
    case $1 in
    exit_group) echo '_exit' ;;
    fadvise64) echo 'posix_fadvise' ;;
    newfstatat) echo 'fstatat' ;;
    prlimit64) echo 'prlimit' ;;
    pselect6) echo 'pselect' ;;
    recvfrom) echo 'recv(from)?' ;;
    rt_sigprocmask) echo 'sigprocmask|pthread_sigmask' ;;
    rt_sigtimedwait) echo 'sigtimedwait|sigwait(info)?' ;;
    rt_sigqueueinfo) echo 'sigqueue' ;;
    sendto) echo 'send(to)?' ;;
    tgkill) echo 'tgkill|pthread_kill' ;;
    getdents64) echo 'getdents(64)?|readdir' ;;
    pread64 | pwrite64 | eventfd2 | signalfd4) echo "${1%%[0-9]*}" ;;
    *) echo "$name" ;;
    esac
}

# makes PROGRAM CALL: the source makes the call, by its number or by its function.
makes() {
    grep -qE "\bSYS_$2\b|\b($(wrappers "$2"))\(" "$TOP/tests/posix/$1.c"
}

sed -nE 's/^UK_SYSCALL(_WEAK)?\(([a-z0-9_]+), [a-z0-9_]+, ([A-Z]+), ".*", "(.*)"\)$/\2 \3 \4/p' "$TABLE" >rows
ok "there are rows" test "$(wc -l <rows)" -ge 200
is "every row is understood" "$(grep -c '^UK_SYSCALL' "$TABLE")" "$(wc -l <rows)"
is "no call has two rows" "$(cut -d' ' -f1 rows | sort | uniq -d)" ""

untested=() missing=() elsewhere=()
while read -r call state tests; do
    [ "$state" != COMPLETE ] || [ -n "$tests" ] || untested+=("$call")
    for test in $tests; do
        if [ ! -f "$TOP/tests/posix/$test.c" ]; then
            missing+=("$call: $test")
        elif ! makes "$test" "$call"; then
            elsewhere+=("$call: $test")
        fi
    done
done <rows
is "calls that are complete and have no test" "${#untested[@]}" "$UNTESTED" || printf '# %s\n' "${untested[@]}" >&2
is "tests that do not exist" "${missing[*]}" ""
is "tests that do not make the call" "${elsewhere[*]}" ""

if diff <("$TOP/docs/syscalls.sh") "$TOP/docs/SYSCALLS.md" >/dev/null; then same=yes; else same=no; fi
is "docs/SYSCALLS.md says what the table says (make docs)" "$same" yes

done_testing
