#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, "Hypercalls".
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

over_network() {
    run "$TOOLS/frame_peer" dgram "$UKVM" run --net n=fd:3,mtu=1500 "$SUITE/net.elf" "$1"
    report "$1"
}

inside UKVM-CALL-01 ring
over_network UKVM-CALL-01
start "$UKVM" run "$SUITE/ring.elf" "UKVM-CALL-01 starts"
ok "UKVM-CALL-01 KICK starts a submission, which needs no further hypercall" says started
stop TERM

inside UKVM-CALL-02 ring
over_network UKVM-CALL-02
start "$UKVM" run "$SUITE/end.elf" end sleep
says before
ticks() { awk '{ print $14 + $15 }' "/proc/$guest/stat"; }
before=$(ticks)
sleep 0.5
ok "UKVM-CALL-02 UKVM_DEADLINE_NONE is no deadline" kill -0 "$guest"
ok "UKVM-CALL-02 WAIT sleeps and does not spin" test $(($(ticks) - before)) -lt 15
stop TERM

for value in 0:0 42:42 255:255 256:0 263:7 4294967295:255; do
    run_ukvm "$SUITE/end.elf" end exit ${value%:*}
    is "UKVM-CALL-03 EXIT with ${value%:*} has status ${value#*:}" "$status $out" "${value#*:} before"
done
run_ukvm "$SUITE/ring.elf" UKVM-CALL-03 7
is "UKVM-CALL-03 console writes that are still in the ring are completed" "$status $out $err" "7 out err"
mkfifo pipe
(sleep 0.3 && cat >slow) <pipe &
timeout 20 "$UKVM" run "$SUITE/ring.elf" UKVM-CALL-03 7 2>/dev/null >pipe
is "UKVM-CALL-03 also when their reader is slow: status" $? 7
wait
is "UKVM-CALL-03 also when their reader is slow: text" "$(cat slow)" out
truncate -s 1M disk.img
run_ukvm --disk d=disk.img "$SUITE/blk.elf" UKVM-CALL-03
is "UKVM-CALL-03 block writes that are still in the ring are completed" "$(tr -d '\0' <disk.img | wc -c)" 32768

inside UKVM-CALL-04 ring
over_network UKVM-CALL-04

for port in 0 15 19 20 64 70 95 96 112 128 1016 4096 65532; do
    ends "UKVM-CALL-05 an out to port $port ends the guest" "139|159" out 4 $port
    ends "UKVM-CALL-05 an in from port $port ends the guest" "139|159" in 4 $port
done
for port in 16 17 18; do
    ends "UKVM-CALL-05 an out of 1 byte to port $port ends the guest" 159 out 1 $port
    ends "UKVM-CALL-05 an out of 2 bytes to port $port ends the guest" 159 out 2 $port
    ends "UKVM-CALL-05 an in of 1 byte from port $port ends the guest" 159 in 1 $port
    ends "UKVM-CALL-05 an in of 4 bytes from port $port ends the guest" 159 in 4 $port
done
ends "UKVM-CALL-05 a repeated in ends the guest" 159 ins 4 16
ends "UKVM-CALL-05 a repeated out of bytes ends the guest" 159 outs 1 16
run_ukvm "$SUITE/end.elf" end outs 4 16
like "UKVM-CALL-05 a repeated out is as many hypercalls, or ends the guest" "$status ${out//$'\n'/ }" \
    "^(0 before after|159 before)\$"

# at_exit NAME WANT STATUS: of a guest whose last line is taken by EXIT; streams are the caller's.
at_exit() {
    timeout 20 "$UKVM" run "$SUITE/con.elf" UKVM-CALL-06 "$3" 2>err
    is "UKVM-CALL-06 $1" "$?" "$2" >&3
}
exec 3>&1
if [ -c /dev/full ]; then
    at_exit "output that does not fit: not 0" 125 0 >/dev/full
    ok "UKVM-CALL-06 output that does not fit: a message" test -s err
    at_exit "output that does not fit: any other status stays" 7 7 >/dev/full
else
    skip "UKVM-CALL-06 output that does not fit" "there is no /dev/full"
fi
mkfifo gone
(exec 9<gone) &
exec 9>gone
wait $!
at_exit "nobody is left to read: SIGPIPE" 141 0 >&9
at_exit "nobody is left to read: any other status stays" 7 7 >&9
exec 9>&-
at_exit "all is well: 0" 0 0 >out

done_testing
