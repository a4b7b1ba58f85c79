#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ending a guest from outside.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

# end_by SIGNAL STATUS GUEST...: starts it, waits for a line of its output, sends the signal.
end_by() {
    local signal=$1 want=$2 guest
    shift 2
    rm -f end.out
    # a shell's background job ignores SIGINT, and so would the monitor without this
    env --default-signal=INT "$UKVM" run "$@" >end.out 2>end.err &
    guest=$!
    wait_for 10 test -s end.out
    kill -"$signal" $guest
    SECONDS=0
    wait $guest 2>/dev/null
    is "$signal ends ${1##*/}" $? "$want"
    ok "$signal ends ${1##*/} within 5 s" test $SECONDS -lt 5
}

end_by TERM 143 "$GUESTS/spin.elf"
end_by INT 130 "$GUESTS/spin.elf"
end_by TERM 143 "$EXAMPLES/clock.elf" --ticks 1000 --interval 5000
end_by INT 130 "$EXAMPLES/clock.elf" --ticks 1000 --interval 5000
end_by KILL 137 "$GUESTS/spin.elf"

# ---- guests that ask to be told (SIG-01 to SIG-04) ----

run_ukvm "$GUESTS/signal.elf"
is "SIGNAL: exit status, with one in flight" "$status" 0
is "SIGNAL: no check failed" "$(grep "^not ok" <<<"$out")" ""
ok "SIGNAL: made checks" grep -q "^ok" "$SCRATCH/.out"

# is_gone PROCESS
is_gone() { ! kill -0 "$1"; }

# has_lines FILE COUNT
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# tell MODE STATUS OUTPUT SIGNAL...: sends the signals, each after one more line of output.
tell() {
    local mode=$1 want=$2 lines=$3 guest sent=1 signal
    local image=${image:-$GUESTS/signal.elf}
    shift 3
    : >tell.out
    env --default-signal=INT "$UKVM" run "$image" "$mode" >tell.out 2>tell.err &
    guest=$!
    for signal; do
        wait_for 10 has_lines tell.out $sent
        kill -"$signal" $guest
        sent=$((sent + 1))
    done
    wait $guest 2>/dev/null
    is "$mode, $*: exit status" $? "$want"
    is "$mode, $*: what the guest was told" "$(tr '\n' ' ' <tell.out)" "$lines"
    is "$mode, $*: nothing on standard error" "$(<tell.err)" ""
}

tell wait 7 "ready signal 15 " TERM
tell wait 7 "ready signal 2 " INT
tell thrice 7 "ready signal 2 signal 15 signal 2 " INT TERM INT
tell once 143 "ready signal 2 " INT TERM
tell once 130 "ready signal 2 " INT INT
tell busy 7 "ready signal 15 " TERM
tell wait 137 "ready " KILL

# A C program that takes them by signalfd, and both times is asked.
image=$BUILD/tests/servers/signalfd.elf tell signalfd 7 "ready signal 15 signal 2 " TERM INT

# A guest that computes and never looks: the second signal ends it.
"$UKVM" run "$GUESTS/signal.elf" lost >lost.out 2>lost.err &
guest=$!
wait_for 10 test -s lost.out
kill -TERM $guest
sleep 0.3
ok "lost: the first signal is the guest's" kill -0 $guest
kill -TERM $guest
wait $guest 2>/dev/null
is "lost: the second one ends it" $? 143

# EXIT waits for the console, and from there on a signal is not the guest's.
mkfifo full || exit 1
exec 8<>full
head -c 65536 /dev/zero >&8
"$UKVM" run --trace=exits "$GUESTS/signal.elf" exit >&8 2>full.err &
guest=$!
ok "exit: it is there" wait_for 10 grep -q "port 0x12" full.err
sleep 0.2
ok "exit: it waits for a console that nobody reads" kill -0 $guest
kill -TERM $guest
ok "exit: a signal ends that wait" wait_for 5 is_gone $guest || kill -KILL $guest
wait $guest
is "exit: the status is the guest's" $? 9

# One that came before, and that the guest has not looked for, is not lost.
"$UKVM" run --trace=exits "$GUESTS/signal.elf" late >&8 2>late.err &
guest=$!
ok "late: it computes" wait_for 10 grep -q "port 0x10" late.err
kill -TERM $guest
sleep 0.2
ok "late: the signal is the guest's" kill -0 $guest
ok "late: and from its exit on the monitor's" wait_for 10 is_gone $guest || kill -KILL $guest
wait $guest
is "late: the status is the guest's" $? 9
exec 8<&-

# A console that nobody reads stops the guest, not the monitor
mkfifo pipe || exit 1
"$UKVM" run "$GUESTS/ring.elf" --lines 1000000 >pipe 2>flood.err &
guest=$!
exec 9<pipe
sleep 0.5
kill -TERM $guest
sleep 0.3
kill -TERM $guest 2>/dev/null
SECONDS=0
wait $guest
is "a guest whose console is stuck ends" $? 143
ok "... within 5 s" test $SECONDS -lt 5
exec 9<&-

done_testing
