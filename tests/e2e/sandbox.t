#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The locked-down monitor in an attacker's hands: ukvm-probe is the monitor with an attempt in the place of the guest's run
# (tests/sandbox/probe.c). Everything that seccomp/policy.c does not list must be refused, and everything that it lists
# must be refused as soon as one checked argument is another.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
PROBE=$BUILD/tests/ukvm-probe
truncate -s 1M disk.img disk2.img

# probe WHAT: leaves $status and $err; 159 is SIGSYS.
probe() {
    UKVM_PROBE=$1 run "$PROBE" run --disk data=disk.img "$GUESTS/blkio.elf"
} 2>/dev/null # bash's own "Bad system call"

probe calls
is "the probe sees the policy" "$status" 0
calls=$(grep -c "^call .* used$" "$SCRATCH/.err")
ok "at most 8 system calls" test "$calls" -le 8
ok "at most 8 io_uring operations" test "$(grep -c "^operation .* 1$" "$SCRATCH/.err")" -le 8
is "every one with its arguments checked" "$(grep -c "^call [0-9]* 0 used" "$SCRATCH/.err")" 0
mapfile -t rows < <(grep "^call" "$SCRATCH/.err")
mapfile -t operations < <(sed -n 's/^operation \([0-9]*\) 1$/\1/p' "$SCRATCH/.err")

# Every other system call, but uretprobe and uprobe (335, 336), which the kernel answers before it asks seccomp, and which
# do nothing outside a probe's trampoline. The numbers end where the kernel's do; what lies beyond is killed just as well.
listed=" $(printf '%s\n' "${rows[@]}" | awk '$4 == "used" { printf "%s ", $2 }')335 336 "
allowed=
for ((number = 0; number < 470; number++)); do
    [[ $listed == *" $number "* ]] && continue
    probe "syscall $number"
    [ "$status" = 159 ] || allowed+=" $number:$status"
done
is "every system call that is not listed kills" "$allowed" ""

for row in "${!rows[@]}"; do
    read -r _ number checks used <<<"${rows[row]}"
    probe "row $row"
    if [ "$used" = unused ]; then
        is "row $row (system call $number) is not for this command line" "$status" 159
        continue
    fi
    is "row $row (system call $number) is allowed" "$status" 0
    for ((check = 0; check < checks; check++)); do
        probe "row $row $check"
        is "row $row (system call $number) with check $check broken kills" "$status" 159
    done
done

probe opcodes
refused=0
for ((operation = 0; operation < 256; operation++)); do
    result=$(awk -v n="$operation" '$1 == "opcode" && $2 == n { print $3 }' "$SCRATCH/.err")
    if [[ " ${operations[*]} " == *" $operation "* ]]; then
        ok "io_uring operation $operation is allowed" test "$result" != -13
    elif [ "${result:-0}" -lt 0 ]; then
        refused=$((refused + 1))
    fi
done
is "every io_uring operation that is not listed is refused" "$((refused + ${#operations[@]}))" 256
is "every flag but that of registered files is refused" "$(grep -c "^flag [0-9] -" "$SCRATCH/.err")" 8
ok "an operation on a file that is not registered is refused for that reason (EACCES)" \
    grep -q "^flag 0 -13$" "$SCRATCH/.err"

# The attempts above follow the table, so a weaker table would pass them. This is what it must say, for any guest.
run "$UKVM" policy --disk data=x --net net=tap:x "$EXAMPLES/hello.elf"
is "the policy is the one that was reviewed" "$(grep -oE "^    [a-zA-Z_0-9]+|argument .*" "$SCRATCH/.out" | tr -d ' ')" "ioctl
argument0,descriptor,isthevCPU
argument1,request,is0xae80
argument2,argument,is0x0
io_uring_enter
argument0,ring,isthering
argument1,to_submit,isatmosttheslotsofthering
argument2,min_complete,isatmost0x1
argument3,flags,hasnobitsbut0x19
madvise
argument0,address,iswithinguestmemory
argument1,length,isatmostthesizeofguestmemory
argument2,advice,is0x4
write
argument0,descriptor,is0x2
argument2,count,isatmost0x2000
pread64
argument0,descriptor,istheimage
argument2,count,isatmost0x2000
exit_group
argument0,status,isatmost0xff
WRITE_FIXED
POLL_ADD
READ_FIXED
FSYNC
FALLOCATE"

# What the host sees of a running guest
echo canary >canary
exec 9<canary 8<disk.img
echo input >guest.in
"$UKVM" run --disk data=disk.img "$GUESTS/blkio.elf" info wait 20000 <guest.in >guest.out 2>guest.err &
guest=$!
exec 9<&- 8<&-
at_end "kill -9 $guest 2>/dev/null"
wait_for 10 test -s guest.out
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$guest/status"; }
is "seccomp filters" "$(field Seccomp)" 2
is "no new privileges" "$(field NoNewPrivs)" 1
is "no capabilities" "$(field CapEff) $(field CapPrm) $(field CapInh) $(field CapAmb)" \
    "0000000000000000 0000000000000000 0000000000000000 0000000000000000"
is "one thread, but for io_uring's and KVM's own in the kernel" "$(cat /proc/$guest/task/*/comm | grep -vcE "^(iou|kvm)-")" 1
if [ "$(id -u)" = 0 ]; then
    like "an unprivileged user" "$(printf %x "$(field Uid | cut -f 1)")" "^7[0-9a-f]{7}$"
    is "no groups" "$(field Groups)" ""
    fds=$(for fd in "/proc/$guest/fd"/*; do target=$(readlink "$fd"); echo "${target##*/}"; done | sort | tr '\n' ' ')
    is "descriptors: the vCPU, the image, the disk, the standard streams, and no other" "$fds" \
        "anon_inode:kvm-vcpu:0 blkio.elf disk.img guest.err guest.in guest.out "
    is "limits: no further descriptor" "$(awk '/^Max open files/ { print $4 }' "/proc/$guest/limits")" 0
    is "limits: no core file" "$(awk '/^Max core file size/ { print $5 }' "/proc/$guest/limits")" 0
    if grep -q "empty root" guest.err; then
        skip "an empty root" "this host allows no mount namespace"
    else
        is "an empty root" "$(ls -A "/proc/$guest/root/")" ""
    fi
else
    skip "user, groups, descriptors, limits, root" "only root may look at a process that is not dumpable"
fi
# The test had the disk open itself; that must not have cost the lock.
run_ukvm --disk data=disk.img "$EXAMPLES/blk.elf"
is "the disk is locked" "$status" 125
# Nor must a standard stream that is the disk.
# shellcheck disable=SC2094 # that is the point
"$UKVM" run --disk data=disk2.img "$GUESTS/blkio.elf" wait 20000 <disk2.img >>disk2.img 2>/dev/null &
second=$!
at_end "kill -9 $second 2>/dev/null"
wait_for 10 grep -q "^Seccomp:.2" "/proc/$second/status"
run_ukvm --disk data=disk2.img "$EXAMPLES/blk.elf"
is "a disk that is also a standard stream is locked" "$status" 125
kill $second
kill -STOP $guest
sleep 0.2
kill -CONT $guest
sleep 0.2
ok "stopped and continued, the guest goes on" kill -0 $guest
kill $guest
wait $guest
is "and ends by SIGTERM" $? 143

# The number of a process is the same in many containers; its user must not be.
if [ "$(id -u)" = 0 ] && unshare -p --fork true 2>/dev/null; then
    users=()
    for i in 1 2; do
        unshare -p --fork --kill-child "$UKVM" run --disk "d=disk.img,ro" "$GUESTS/blkio.elf" info wait 20000 >ns$i.out 2>&1 &
        outer=$!
        at_end "kill -9 $outer 2>/dev/null"
        wait_for 20 test -s ns$i.out
        guest=$(cat "/proc/$outer/task/$outer/children")
        guest=${guest% }
        users+=("$(field NSpid | cut -f 2) $(field Uid | cut -f 1)")
    done
    is "two monitors with the same number in their namespaces" "${users[0]% *}" "${users[1]% *}"
    ok "have different users: ${users[*]}" test "${users[0]}" != "${users[1]}"
else
    skip "two monitors with the same number in their namespaces" "needs root and namespaces of processes"
    skip "have different users" "needs root and namespaces of processes"
fi

run_ukvm --no-sandbox "$EXAMPLES/hello.elf"
like "--no-sandbox says so" "$err" "^ukvm: --no-sandbox: "
is "--no-sandbox runs" "$status" 0

done_testing
