#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ending a guest from outside.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

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
