#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The standard streams of a program, which does in a guest what it does on this host (tests/programs/console.c).
# shellcheck disable=SC2016 # commands for another shell
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
NATIVE=$BUILD/tests/programs/console

# ---- last words: what a program has written comes out, whatever ends it ----

# quietly COMMAND...: without what bash says of a process that a signal has ended.
quietly() { ("$@"; exit $?) 2>/dev/null; }

for deed in fault division abort exit overflow signal; do
    quietly "$NATIVE" $deed >want
    want=$?
    run_ukvm "$NATIVE.elf" $deed
    is "last words, $deed: the status of a process" "$status" $want
    ok "last words, $deed: all of them, to a file" cmp "$SCRATCH/.out" want
    timeout 60 "$UKVM" run "$NATIVE.elf" $deed 2>/dev/null | (sleep 0.2 && cat) >got
    ok "last words, $deed: all of them, to a slow pipe" cmp got want
done

# ---- reading ----

GUEST=("$UKVM" run "$NATIVE.elf")

# both NAME COMMAND: the command, with $1 as the program, says the same on this host and in a guest.
both() {
    local name=$1 want
    RUN_SECONDS=30 run bash -c "$2" - "$NATIVE"
    want="$status $(cksum <<<"$out") $err"
    RUN_SECONDS=30 run bash -c "$2" - "${GUEST[*]}"
    is "$name" "$status $(cksum <<<"$out") $err" "$want"
}

seq 1 1000 >numbers
for deed in copy lines ready; do
    [ $deed = ready ] && seq 1 100 >numbers
    both "$deed: a file" "\$1 $deed <numbers"
    both "$deed: a pipe" "cat numbers | \$1 $deed"
    both "$deed: nothing" "\$1 $deed </dev/null"
    both "$deed: a pipe that is slow" "(sleep 0.1; echo one; sleep 0.1; echo two) | \$1 $deed"
done
both "lines: several programs in a row" "\$1 lines <numbers | \$1 lines | tail -n 2"
both "some: the rest of a file is for who comes next" "(\$1 some; cat) <numbers"
both "some: the rest of a pipe, too" "printf 'more than four' | (\$1 some; cat)"
both "nothing: nothing is taken" "printf 'all of it' | (\$1 nothing; cat)"
both "some: a stream that is closed" "\$1 some <&-"
mkfifo input
exec 9<>input
both "at-once: a pipe" "printf 'some bytes' >input; \$1 at-once <input"
exec 9<&-

# once_empty DEED: input comes when the program has found that there is none.
once_empty() {
    local deed=$1 name
    for name in native guest; do
        local command=("$NATIVE") process
        [ $name = native ] || command=("${GUEST[@]}")
        : >out.$name
        "${command[@]}" "$deed" <input >out.$name 2>err.$name 9>&- &
        process=$!
        exec 9>input
        wait_for 30 grep -q empty out.$name
        printf 'some input' >&9
        exec 9>&-
        wait $process
        echo "status $?" >>err.$name
    done
    is "$deed: output" "$(<out.guest)" "$(<out.native)"
    is "$deed: results" "$(<err.guest)" "$(<err.native)"
}
once_empty nonblock
once_empty threads
once_empty interrupted
exec 9<>input
both "end: it does not wait for a thread that reads" "\$1 end <input"
exec 9<&-

# ---- what the streams are ----

both "kinds: pipes" "true | \$1 kinds 2>&1 | cat"
both "kinds: /dev/null" "\$1 kinds </dev/null >/dev/null"
both "kinds: no input" "\$1 kinds <&-"
# on_terminal PROGRAM DEED: what it says on a terminal, with a line typed and then an end of file.
on_terminal() {
    (sleep 0.5; printf 'typed\n'; sleep 0.5; printf '\004'; sleep 1) |
        timeout 30 socat -t 5 - "EXEC:$1 $2,pty,setsid,ctty,stderr,echo=0" 2>/dev/null | tr -d '\r'
}
for deed in kinds lines copy; do
    is "$deed: a terminal" "$(on_terminal "${GUEST[*]}" $deed)" "$(on_terminal "$NATIVE" $deed)"
done

# ---- writes that fail ----

# ended NAME COMMAND: the command, with $program, whose status is of its first process, in a guest as on this host; but for
# how many writes went before.
ended() {
    local want got
    want=$(program=$NATIVE timeout 60 bash -c "$2; echo \"\${PIPESTATUS[0]}\" >&2" 2>&1 >/dev/null | sed 's/^write [0-9]*: //')
    got=$(program="${GUEST[*]}" timeout 60 bash -c "$2; echo \"\${PIPESTATUS[0]}\" >&2" 2>&1 >/dev/null | sed 's/^write [0-9]*: //')
    is "$1" "$got" "$want"
}
ended "yes: nobody is left to read: SIGPIPE" '$program yes | head -n 1'
ended "ignore: EPIPE, for one that ignores SIGPIPE" '$program ignore | head -n 1'
ended "yes: /dev/full" '$program yes >/dev/full'
ended "checked: /dev/full" '$program checked >/dev/full'
ended "checked: /dev/null" '$program checked >/dev/null'
ended "checked: a reader who goes away" '$program checked | head -c 2000'
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=64k,mode=777 none full 2>/dev/null; then
    at_end "umount $SCRATCH/full"
    for program in "$NATIVE" "${GUEST[*]}"; do
        $program checked >full/out 2>err
        echo "$? $(stat -c %s full/out) $(tr '\n' ' ' <err)" >>full.results
        rm full/out
    done
    is "checked: a file system that is full" "$(sed -n 2p full.results)" "$(sed -n 1p full.results)"
else
    skip "checked: a file system that is full" "a small one takes root"
fi

mkfifo slow
# shellcheck disable=SC2094 # that is the point
"${GUEST[@]}" slow >slow 2>err &
guest=$!
exec 9<slow
wait_for 30 grep -q written err
cat <&9 >got
wait $guest
is "slow: status" $? 0
is "slow: EAGAIN, and then room again" "$(grep -v written err | tr '\n' ' ')" "write: -1 Resource temporarily unavailable poll: 1  "
is "slow: what was accepted arrives" "$(wc -c <got)" "$(sed -n 's/^written //p' err)"
exec 9<&-

# A guest without a C library learns it at its end at the latest.
timeout 20 "$UKVM" run "$EXAMPLES/hello.elf" >/dev/full 2>err
is "hello, to /dev/full: status" $? 125
like "hello, to /dev/full: it is said why" "$(<err)" "output is lost"

done_testing
