#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, CON: the console as the host reads it.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

timeout 20 "$UKVM" run "$SUITE/ring.elf" UKVM-CON-01 >out 2>err
is "UKVM-CON-01 the results are the lengths" $? 0
ok "UKVM-CON-01 UKVM_CONSOLE_OUT is standard output, byte for byte" \
    cmp out <(for i in {0..255}; do printf '%b' "\\0$(printf %o "$i")"; done)
is "UKVM-CON-01 UKVM_CONSOLE_ERR is standard error" "$(<err)" error
if [ -c /dev/full ]; then
    timeout 20 "$UKVM" run "$SUITE/ring.elf" "UKVM-CON-01 broken" >/dev/full
    is "UKVM-CON-01 a full stream is an error, -UKVM_ENOSPC" $? 43
fi
timeout 20 "$UKVM" run "$SUITE/ring.elf" "UKVM-CON-01 broken" | true
like "UKVM-CON-01 a closed stream is an error" "${PIPESTATUS[0]}" "^4[1-8]\$"

for ((i = 0; i < 2000; i++)); do
    printf -v rest '%*s' $((i % 97)) ''
    printf '%05d%s\n' $i "${rest// /x}"
done >want
timeout 20 "$UKVM" run "$SUITE/ring.elf" UKVM-CON-02 >out 2>err
is "UKVM-CON-02 lines to two files: the results are the lengths" $? 0
ok "UKVM-CON-02 lines to two files: standard output is in order and whole" cmp out want
ok "UKVM-CON-02 lines to two files: standard error is in order and whole" cmp err want
timeout 20 "$UKVM" run "$SUITE/ring.elf" UKVM-CON-02 2>/dev/null | (sleep 0.2 && cat >out)
ok "UKVM-CON-02 lines to a slow pipe are in order and whole" cmp out want

seq 1 3000 >text

# con CHECK [ARGUMENT...]: the guest of this file; leaves $status. Streams are the caller's.
con() {
    timeout 20 "$UKVM" run "$SUITE/con.elf" "$@"
    status=$?
}

# room: a file system with room for little more than a page, as $small; fails where there is none to be had.
room() {
    [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=8k,mode=777 none small 2>/dev/null || return 1
    at_end "umount $SCRATCH/small"
}
if room; then
    con UKVM-CON-03 >small/out 2>/dev/null
    is "UKVM-CON-03 what fits is written, and the result says how much" "$status $(stat -c %s small/out)" "43 8192"
    rm small/out
    head -c 7168 /dev/zero >small/out
    con "UKVM-CON-04 gap" >>small/out 2>/dev/null
    is "UKVM-CON-04 nothing appears behind a gap" "$(tail -c 1024 small/out | tr -d a | wc -c) $(stat -c %s small/out)" "0 8192"
else
    skip "UKVM-CON-03 what fits is written" "a small file system takes root"
    skip "UKVM-CON-04 nothing appears behind a gap" "a small file system takes root"
fi
if [ -c /dev/full ]; then
    con UKVM-CON-04 3 >/dev/full 2>err
    is "UKVM-CON-04 writes behind one that failed fail alike, those to the other stream do not" "$status $(<err)" "43 e"
fi
# shellcheck disable=SC2216 # that is the point
(sleep 0.3; con UKVM-CON-04 8 2>err; exit "$status") | true
is "UKVM-CON-03 nobody is left to read: -UKVM_EPIPE" "${PIPESTATUS[0]}" 43

offers CONSOLE UKVM-CON-05 UKVM-CON-06 UKVM-CON-07 UKVM-CON-08 || done_testing

# kinds_are NAME WANT: of the run before, its standard output.
kinds_are() { is "UKVM-CON-05 $1" "$(sed -n 's/^# kind 0x0*//p' kinds | sed 's/^$/0/' | tr -d '\n')" "$2"; }
con UKVM-CON-05 <text >kinds 2>/dev/null
kinds_are "a file, a file, nothing at all" 114
true | con UKVM-CON-05 2> >(cat >/dev/null) | cat >kinds
kinds_are "pipes" 222
con UKVM-CON-05 </dev/null >kinds 2>/dev/full
kinds_are "/dev/null and another device" 415
con UKVM-CON-05 <&- >kinds 2>/dev/null
kinds_are "standard input that is closed" 014
ok "UKVM-CON-05 the rest is 0" grep -q "^ok UKVM-CON-05 reserved" kinds

con UKVM-CON-06 <text >out 2>err
is "UKVM-CON-06 rules: status" "$status" 0
is "UKVM-CON-06 rules: none is broken" "$(grep -c "^not ok" out) $(grep -c "^ok" out)" "0 6"
con "UKVM-CON-06 copy" 100 <text >out 2>err
is "UKVM-CON-06 a file is read to its end" "$status" 43
ok "UKVM-CON-06 a file arrives whole" cmp text out
(cat text) | con "UKVM-CON-06 copy" 4096 >out 2>err
ok "UKVM-CON-06 through a pipe, too" cmp text out
con "UKVM-CON-06 copy" 1 </dev/null >out 2>err
is "UKVM-CON-06 an empty stream is at its end" "$status" 42
(con "UKVM-CON-06 some" && cat) <<<"more than four" >out 2>err
is "UKVM-CON-06 no more is read than was asked for" "$(<out)" "more than four"
printf 'more than four' | (con "UKVM-CON-06 some" && cat) >out 2>err
is "UKVM-CON-06 nor from a pipe" "$(<out)" "more than four"
con "UKVM-CON-06 absent" <&- >out 2>err
is "UKVM-CON-06 no stream, no read" "$(<out)" "ok UKVM-CON-06 a read of no stream"

mkfifo quiet
exec 7<>quiet
con "UKVM-CON-06 one" <quiet >out 2>err
is "UKVM-CON-06 one at a time, as long as it takes" "$(grep -c ^ok out) $(grep -c "^not ok" out)" "2 0"
con UKVM-CON-07 <quiet >out 2>err
is "UKVM-CON-07 rules: none is broken" "$(grep -c "^not ok" out) $(grep -c "^ok" out)" "0 4"
con "UKVM-CON-07 absent" <&- >out 2>err
is "UKVM-CON-07 no stream, no poll" "$(<out)" "ok UKVM-CON-07 a poll of no stream"
con "UKVM-CON-07 one" <quiet >out 2>err
is "UKVM-CON-07 one at a time, as long as it takes" "$(grep -c ^ok out) $(grep -c "^not ok" out)" "2 0"

# fed NAME WANT COMMAND: a guest that polls, with what the command writes once it waits.
fed() {
    : >background
    timeout 20 "$UKVM" run "$SUITE/con.elf" "UKVM-CON-07 waits" <input >background 2>background.err 9>&- &
    guest=$!
    SECONDS=0
    exec 9>input
    says waiting
    sleep 0.2
    eval "$3" >&9
    exec 9>&-
    wait $guest
    is "UKVM-CON-07 $1" "$? $(tr '\n' ' ' <background)" "$2"
}
mkfifo input
fed "it waits for something to read, and reads nothing itself" "41 waiting text " "echo text; sleep 0.5"
fed "it sees that nobody is left who writes" "42 waiting " true

con UKVM-CON-08 <quiet >out 2>err
is "UKVM-CON-08 EXIT does not wait for a read" "$status" 43
con UKVM-CON-08 fault <quiet >out 2>err
is "UKVM-CON-08 nor does a fault" "$status" 132

done_testing
