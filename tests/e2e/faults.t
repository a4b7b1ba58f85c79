#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Faults from below: what the host refuses, loses or cuts short is an error of that operation, a clear line, or nothing at
# all, and never the guest's data. ukvm-faults is the monitor with tests/faults/inject.c around some of its functions.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
FAULTS=$BUILD/tests/ukvm-faults
SEED=${FAULTS_SEED:-$RANDOM$RANDOM}
RANDOM=$SEED
echo "# FAULTS_SEED=$SEED"
# An emulated machine starts a guest in a tenth of a second.
slow=${UKVM_TEST_EMULATED:-}

# ---- BLK-03: what a crash leaves

# log_of OPERATIONS: a guest's writes, discards and flushes on a fresh disk, as the monitor carried them out; in $out.
log_of() {
    rm -f disk.img
    truncate -s 128K disk.img
    UKVM_LOG_DISK=1 run "$FAULTS" run --disk d=disk.img "$GUESTS/stamps.elf" "$((RANDOM + 1))" "$1"
    cp "$SCRATCH/.err" log
}

# lost: how many contents, by the model, a crash could leave that are older than promised.
lost() { "$TOOLS/crash_model" <"$1" | sed -n 's/.* \([0-9]*\) lost$/\1/p'; }

log_of "$([ "$slow" ] && echo 300 || echo 3000)"
is "a guest writes, discards and flushes, and finds all of it" "$status" 0
ok "... with flushes" test "$(grep -c "^log take F" log)" -gt 20
is "no crash loses what a completed flush covers (BLK-03)" "$(lost log)" 0
export UKVM_FAIL_RESULTS="$SEED 8"
log_of "$([ "$slow" ] && echo 300 || echo 2000)"
unset UKVM_FAIL_RESULTS
is "errors and short transfers below: the guest finds what it was told is written" "$status" 0
like "... of which there were many" "$out" "[0-9]{2,} failed, 0 blocks wrong"
is "no crash loses what a completed flush covers, errors below or not" "$(lost log)" 0

# The model itself: it must see what a wrong monitor would do.
log_of 300
awk '/^log io F/ { skip[$4] = 1; next } /^log io-done/ && skip[$3] { skip[$3] = 0; next } { print }' log >no-fsync
ok "the model sees a flush without an fsync" test "$(lost no-fsync)" -gt 0
cat >too-early <<'END'
log take W a1 0 512
log io W a1 0 512
log take F f1 0 0
log io F f1 0 0
log io-done a1 512
log done a1 512
log take F f2 0 0
log io-done f1 0
log done f1 0
log done f2 0
END
is "the model sees a flush that leans on an earlier fsync" "$(lost too-early)" 1
grep -v f2 too-early >in-time
is "a write still in flight is not covered, and need not be" "$(lost in-time)" 0
cat >failed <<'END'
log take W a1 0 512
log io W a1 0 512
log io-done a1 512
log done a1 512
log take F f1 0 0
log io F f1 0 0
log io-done f1 -5
log done f1 0
END
is "the model sees a failed fsync that is no failed flush" "$(lost failed)" 1

# ---- the host's own limits

truncate -s 1M limit.img
(
    ulimit -f 256 # of 1024 bytes
    exec "$UKVM" run --disk data=limit.img "$GUESTS/blkio.elf" write 0 131072 1 flush write 524288 4096 2 >limit.out 2>&1
)
is "a file size limit: a write beyond it is an error, ENOSPC" "$? $(grep -c "write: OK" limit.out) $(tail -n 1 limit.out)" \
    "1 1 blkio: write: ENOSPC"
if [ "$(id -u)" = 0 ] && mkdir ro && mount --bind "$SCRATCH" ro 2>/dev/null && mount -o remount,bind,ro ro; then
    at_end "umount $SCRATCH/ro"
    run_ukvm --disk data=ro/limit.img "$GUESTS/blkio.elf" info
    like "a read-only file system: refused, and says what to do" "$status $err" "^125 .*Read-only file system; add ',ro'"
    run_ukvm --disk data=ro/limit.img,ro "$GUESTS/blkio.elf" check 0 131072 1
    is "a read-only file system: ',ro' reads it" "$status" 0
else
    skip "a read-only file system" "mounting needs root"
fi
truncate -s 1M cut.img
"$UKVM" run --disk d=cut.img "$GUESTS/blkio.elf" info wait 50 mixed 3 >cut.out 2>&1 &
guest=$!
wait_for 10 test -s cut.out
for ((i = 0; i < 40; i++)); do truncate -s $((i % 2 * 1048576)) cut.img; done
wait $guest
like "a disk truncated again and again: the guest ends as it likes" "$?" "^[01]$"

# ---- a start that fails at any point

# A refused start: 125 and one line. What is left out: the notes of a sandbox that is less than whole.
refused='^125 ukvm: [^|]*\|$'
first=
for ((n = 1; n < 200; n++)); do
    UKVM_FAIL_ALLOC=$n run "$FAULTS" run --disk d=disk.img "$GUESTS/stamps.elf" 1 1
    [ "$status" = 0 ] && [ -z "$err" ] && quiet=$((${quiet:-0} + 1)) || quiet=0
    [ "$quiet" -lt 12 ] || break
    [ "$quiet" -gt 0 ] || first+="$status $(tr '\n' '|' <"$SCRATCH/.err")"$'\n'
done
ok "no memory, at each allocation of a start: $(grep -c . <<<"$first") failed" test "$(grep -c . <<<"$first")" -ge 5
is "... each with one line and status 125" "$(grep . <<<"$first" | grep -vE "$refused")" ""

# Each system call of a start, or one in six of them where a start takes long. It fails, or goes on without: a guest that
# runs is whole, and only the sandbox's optional layers may be missing.
step=1
[ -z "$slow" ] || step=6
calls=0
wrong=
for ((n = 1 + RANDOM % step; n < 400; n += step)); do
    run "$TOOLS/fail_call" $n 12 "$UKVM" run --disk d=disk.img "$GUESTS/stamps.elf" 1 50
    [ "$status" != 200 ] || break
    calls=$((calls + 1))
    line="$status $(sed 1d "$SCRATCH/.err" | tr '\n' '|')"
    [[ $line =~ $refused || $line =~ ^0\ (ukvm: sandbox: no [^|]*\|)?$ ]] || wrong+="call $n ($(head -n 1 "$SCRATCH/.err")): $line"$'\n'
done
if [ $calls = 0 ]; then
    skip "a system call of a start fails" "this host traces no processes"
else
    ok "$calls system calls of a start failed" test $calls -gt $((60 / step))
    is "... each with one line and status 125, or none was needed" "$wrong" ""
fi
wrong=
for kib in 100 1000 2000 4000 8000 16000 32000 64000 100000 150000 200000 250000 300000 500000; do
    { run bash -c "ulimit -v $kib && exec \"\$@\"" - "$UKVM" run --disk d=disk.img "$GUESTS/stamps.elf" 1 50; } 2>/dev/null
    line="$status $(tr '\n' '|' <"$SCRATCH/.err")"
    # below some 2 MB it is the kernel that cannot start the program
    [[ $line =~ $refused || $status = 0 || ($kib -le 2000 && $status -ge 126) ]] || wrong+="$kib KiB: $line"$'\n'
done
is "a limit on address space: one line and status 125, or enough" "$wrong" ""

# ---- SIGKILL at any moment

if [ "$(id -u)" = 0 ] && [ -c /dev/net/tun ]; then
    need_network
    with=(ip netns exec "$NS")
    net=(--net "net=tap:tap0,ip=10.77.0.2/24")
else
    with=() net=()
fi
mounts=$(wc -l </proc/self/mounts)
times=500
[ -z "$slow" ] || times=20
truncate -s 1M kill.img
image=$EXAMPLES/netecho.elf
[ ${#net[@]} != 0 ] || image=$EXAMPLES/hello.elf
limit=$([ "$slow" ] && echo 200000 || echo 12000) # microseconds
"${with[@]}" "$TOOLS/kill_at" $times "$limit" "$RANDOM" "$UKVM" run "${net[@]}" "$image" >one.out 2>one.err &
one=$!
"$TOOLS/kill_at" $times "$limit" "$RANDOM" "$UKVM" run --disk data=kill.img "$EXAMPLES/blk.elf" >two.out 2>two.err
status=$?
is "$times guests with a disk killed: $(tail -n 1 two.out)" "$status" 0
wait $one
status=$?
is "$times guests on a network killed: $(tail -n 1 one.out)" "$status" 0
is "no guest had another's disk or interface in its way" "$(cat one.err two.err)" ""
is "no process is left" "$(pgrep -fc "disk data=kill.img")" 0
run_ukvm --disk data=kill.img "$EXAMPLES/blk.elf"
is "no lock is left: the disk is free at once" "$status" 0
is "no mount is left" "$(wc -l </proc/self/mounts)" "$mounts"
if [ ${#net[@]} != 0 ]; then
    "${with[@]}" timeout 1 "$UKVM" run "${net[@]}" "$image" >last.out 2>last.err
    is "no interface is left in use" "$? $(<last.err)" "124 "
    is "no process is left in its namespace" "$(ip netns pids "$NS")" ""
fi

done_testing
