#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Limits of the host that are too low: one line that says which one and what to do, with status 125, or a guest that runs
# and loses nothing. What is tried again has a bound, and can be ended by a signal meanwhile. ukvm-faults is the monitor
# with tests/faults/inject.c around some of its functions.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
FAULTS=$BUILD/tests/ukvm-faults

# Copies that any user can reach.
chmod 711 .
mkdir -m 755 public
cp "$UKVM" public/ukvm
cp "$EXAMPLES/hello.elf" "$GUESTS/blkio.elf" public
hello=$("$UKVM" run public/hello.elf one two)

# whole REGEX: the last run, whose output went to the file `written`, has said everything, or was refused with one line
# that matches.
# shellcheck disable=SC2317 # called by ok
whole() {
    local line
    line="$status $(tr '\n' '|' <"$SCRATCH/.err")"
    [ "$line" != "0 " ] || [ "$(<written)" != "$hello" ] || return 0
    [[ $line =~ ^125\ ukvm:\ [^|]*\|$ && $line =~ $1 && ! -s written ]] && return 0
    printf '%s\n' "$line" "written:" "$(<written)"
    return 1
}

# to_a_file COMMAND...: `COMMAND... ukvm run hello.elf one two >written`
to_a_file() {
    # shellcheck disable=SC2016 # for the inner shell
    RUN_SECONDS=20 run bash -c 'exec "$@" >written' - "$@" public/ukvm run public/hello.elf one two
}

# ---- processes and threads

processes='processes.*ulimit -u.*pids\.max'
to_a_file prlimit --nproc=1
ok "no process more: everything is written to a file, or one line says why not" whole "$processes"
if [ "$(id -u)" = 0 ]; then
    for count in 1 2 3; do
        to_a_file prlimit --nproc=$count setpriv --reuid=4711 --regid=4711 --clear-groups
        ok "a user with $count processes: the same" whole "$processes"
    done
else
    skip "a user with few processes" "being another user needs root"
fi
group=/sys/fs/cgroup/ukvm-test-$$
if [ "$(id -u)" = 0 ] && { echo +pids >/sys/fs/cgroup/cgroup.subtree_control; } 2>/dev/null && mkdir $group 2>/dev/null; then
    at_end "rmdir $group"
    for count in 1 2 3; do
        echo $count >$group/pids.max
        # shellcheck disable=SC2016 # for the inner shell
        to_a_file bash -c 'echo $$ >"$0"/cgroup.procs && exec "$@"' $group
        ok "a cgroup with pids.max $count: the same" whole "$processes"
    done
else
    skip "a cgroup with few processes" "this host lets nobody make a cgroup here"
fi

# ---- descriptors and memory

refused=
for ((n = 3; n < 24; n++)); do
    to_a_file prlimit --nofile=$n
    whole "ulimit -n" >>wrong || refused+=" $n"
done
is "few descriptors: everything is written, or one line names the limit" "$refused$(head -n 4 wrong)" ""
truncate -s 1M disk.img
chmod 666 disk.img
if [ "$(id -u)" = 0 ]; then
    for kib in 0 64 512 1024 1088; do
        run prlimit --memlock=$((kib * 1024)) setpriv --reuid=4711 --regid=4711 --clear-groups public/ukvm run \
            --disk data=disk.img public/blkio.elf info
        like "$kib KiB of locked memory: one line names the limit, or enough" "$status $err" "^0 |^125 ukvm: .*ulimit -l"
    done
else
    skip "little locked memory" "being another user needs root"
fi
wrong=
for kib in 4000 16000 64000 100000 200000; do
    { run bash -c "ulimit -v $kib && exec \"\$@\"" - "$UKVM" run public/hello.elf; } 2>/dev/null
    [[ "$status $err" =~ ^0\ |^125\ ukvm:\ .*ulimit\ -v ]] || wrong+="$kib KiB: $status $err"$'\n'
done
is "little address space: one line names the limit, or enough" "$wrong" ""

# ---- a host that says "try again"

for what in RUN SUBMIT; do
    export "UKVM_REFUSE_$what=2 5"
    RUN_SECONDS=20 run "$FAULTS" run public/hello.elf one two
    is "$what: refused five times, and then not: nothing is lost" "$status $out$err" "0 $hello"
    export "UKVM_REFUSE_$what=2 1000000000"
    RUN_SECONDS=20 run "$FAULTS" run public/hello.elf one two
    like "$what: refused for ever: one line says why" "$status $err" "^125 ukvm: .*Resource temporarily unavailable: .*"
    ok "... and only one" test "$(wc -l <"$SCRATCH/.err")" = 1
    UKVM_REFUSE_SIGNAL=1 RUN_SECONDS=20 run "$FAULTS" run --no-sandbox public/hello.elf
    is "$what: refused for ever: SIGTERM ends it" "$status" 143
    unset "UKVM_REFUSE_$what"
done

done_testing
