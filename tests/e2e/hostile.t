#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Guests that attack (tests/hostile/). Each must end in a clean report or find what it asked for refused, with the monitor
# unharmed and no byte changed that is not its own. Everything runs twice: on the real monitor in its sandbox, and on one
# built with ASan and UBSan, without the sandbox, in which a finding could not be printed.
#
# Not covered: of the 65,536 ports those above 0x100 only at random, and below it one of the five forms beside a 32-bit
# `out`; operands of the privileged instructions beyond one or two each.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
HOSTILE=$BUILD/tests/hostile
export ASAN_OPTIONS=detect_leaks=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:exitcode=99
SEED=${HOSTILE_SEED:-$RANDOM$RANDOM}
RANDOM=$SEED
echo "# HOSTILE_SEED=$SEED"
# An emulated machine starts a guest in a tenth of a second: it gets a part of the lists.
share=${UKVM_TEST_EMULATED:+12}

# monitor MODE: the command that runs a guest.
monitor() {
    case $1 in
    sandbox) MONITOR=("$UKVM" run) ;;
    sanitized) MONITOR=("$BUILD/tests/ukvm-asan" run --no-sandbox) ;;
    esac
}

# some N: of the lines on standard input one in N, from a random one on.
some() { awk -v n="$1" -v from="$((RANDOM % $1))" 'NR % n == from'; }

# each_guest IMAGE: runs it with the words of each line of standard input; a line for each into results.
each_guest() { "$TOOLS/each" 2 20 "${MONITOR[@]}" "$HOSTILE/$1.elf" >results; }

# What a guest that was ended has to leave: one of the statuses of ABI.md, FAULT, and a report.
clean='^(13[2359]|136|159) [^:]*: .*ukvm: guest (fault|ended): .*backtrace:'
finding='runtime error|Sanitizer'

# all_end NAME: each of the results is a clean end.
all_end() {
    ok "$1: $(wc -l <results) guests ran" test -s results
    is "$1: each ends in a report" "$(grep -avE "$clean" results | cut -c1-200 | head -n 5)" ""
    is "$1: no finding" "$(grep -aoE ".*($finding).{0,200}" results | head -n 3)" ""
}

# ---- one guest for each

instructions() {
    "$UKVM" run "$HOSTILE/instruction.elf" >list
    awk '$2 == "ends" { print $1 }' list | some "$1" | each_guest instruction
    all_end "$mode: instructions that end a guest"
    awk '$2 == "may" { print $1 }' list | some "${share:-1}" | each_guest instruction
    is "$mode: others end it or do not" "$(grep -avE "$clean" results | grep -av '^1 .*survived' | cut -c1-200)" ""
}

accesses() {
    "$UKVM" run "$HOSTILE/access.elf" | some "$1" | each_guest access
    all_end "$mode: memory that is not the guest's"
}

# What a guest has in its registers when the monitor's stub runs in ring 0.
edits() {
    "$UKVM" run "$HOSTILE/protect.elf" >list
    cut -d' ' -f1 list | each_guest protect
    is "$mode: a page is protected whatever is in the registers, or the guest ends" \
        "$(grep -avE '^1 [^:]*: .*survived' results | grep -avE "$clean" | cut -c1-200)" ""
    is "$mode: ... and it ends by its own flags only" \
        "$(grep -aoE '^133 [^:]*' results | cut -d' ' -f2 | sort | xargs)" "$(awk '$2 == "ends" { print $1 }' list | sort | xargs)"
    awk '$2 != "ends" { print $1, "write" }' list | each_guest protect
    is "$mode: ... and it is protected then" "$(grep -avE '^139 .*MEM_PROTECT has made read-only' results | cut -c1-200)" ""
}

# ports N: all up to 0x100, or one in N of these, and some of the others.
ports() {
    local port hows=("out 1" "out 2" "in 1" "in 2" "in 4" "outs 4" "ins 1" "outs 2")
    {
        for ((port = 0; port <= 0x100; port++)); do
            case $port in 16 | 17 | 18) ;; *) echo "out 4 $port" ;; esac
            # repeated `outl` to a hypercall's port is as many hypercalls
            case $port in 16 | 17 | 18) echo "in 4 $port" ;; *) echo "${hows[RANDOM % 8]} $port" ;; esac
        done | some "$1"
        for port in 16 17 18; do printf '%s\n' "out 1 $port" "out 2 $port" "in 1 $port" "ins 4 $port" "outs 2 $port"; done
        for port in 0x3f8 0xcf8 0xcfc 0x5658 0xfffc 0xfffd 0xfffe 0xffff; do echo "out 4 $port"; done
        for ((port = 0; port < 60 / $1; port++)); do echo "${hows[RANDOM % 8]} $(((RANDOM * 2 + RANDOM % 2) & 0xffff | 0x200))"; done
    } | each_guest port
    all_end "$mode: ports"
}

# Handlers of exceptions: where there is none, and on a stack that is none; then ones that are right, and all else wrong.
handlers() {
    local seed=$((RANDOM + 1))
    "$UKVM" run "$HOSTILE/handler.elf" | some "$1" | each_guest handler
    all_end "$mode: handlers of exceptions"
    run "${MONITOR[@]}" "$HOSTILE/handler.elf" storm $seed
    like "$mode: a storm of exceptions, seed $seed" "$status $(grep -aE "survived|$finding" "$SCRATCH/.err")" \
        "^0 survived 0 wrong$"
    told_to_end "an exception in each handler" "${MONITOR[@]}" "$HOSTILE/handler.elf" spin
}

indices() {
    local case
    {
        printf '%s\n' sq-ahead sq-back sq-half sq-last cq-ahead cq-back cq-half at-exit
        for case in 1 2 3 4 5 6; do echo "noise $((RANDOM + 1))"; done
    } | each_guest rings
    all_end "$mode: ring indices"
    is "$mode: ring indices: each for breaking RING-02" "$(grep -avc '^159 .*UKVM-RING-02' results)" 0
}

# ---- what a guest may do, and too much of it

# survives NAME CASE... [-- OPTION...]: the case ends by itself, with nothing found.
survives() {
    local name=$1 words=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do words+=("$1") && shift; done
    [ $# = 0 ] || shift
    timeout 60 "${MONITOR[@]}" "$@" "$HOSTILE/rings.elf" "${words[@]}" >flood.out 2>flood.err </dev/null
    like "$mode: $name" "$? $(grep -aE "survived|$finding" flood.err)" "^0 survived$"
}

storms() {
    local n=${share:+100}
    survives "the monitor's own indices overwritten" foreign 7
    survives "completions that are never taken" hoard
    survives "a storm of kicks" storm "${n:-4000}"
    survives "a storm of waits" wait-storm "${n:-4000}"
    survives "a flood of returned memory" flood-return "${n:-4000}"
    survives "a flood of protected memory" flood-protect 40
    survives "all memory and all of the arena touched" exhaust
    survives "a flood of console writes" flood-console 600
    is "$mode: ... all of which arrive" "$(stat -c %s flood.out)" $((600 * 16384))
    truncate -s 256K flood.img
    survives "a flood of discards" flood-discard "${n:-2000}" -- --disk d=flood.img
    survives "a flood of flushes" flood-flush 300 -- --disk d=flood.img
    survives "reads and writes of one buffer and one block, written meanwhile" flood-disk 20 -- --disk d=flood.img

    "${MONITOR[@]}" "$HOSTILE/rings.elf" flood-console 600 2>slow.err | { sleep 0.3; wc -c; } >slow.out
    like "$mode: a slow reader gets all of it" "${PIPESTATUS[0]} $(<slow.out) $(<slow.err)" \
        "^0 $((600 * 16384)) .*survived"
    "${MONITOR[@]}" "$HOSTILE/rings.elf" flood-console 600 2>closed.err | true
    like "$mode: a closed reader ends nothing" "${PIPESTATUS[0]} $(<closed.err)" "^0 .*flood: [1-9].*survived"
}

# told_to_end NAME COMMAND...: a guest that never ends by itself, and SIGTERM after a while.
told_to_end() {
    local name=$1
    shift
    timeout --signal=TERM --kill-after=5 1 "$@" >/dev/null 2>end.err </dev/null
    status=$?
    is "$mode: $name: SIGTERM ends it" "$status $(grep -aE "$finding" end.err)" "${want:-124} "
}

endless() {
    local case guest
    "${MONITOR[@]}" "$HOSTILE/rings.elf" told-protect 40 2>told.err &
    guest=$!
    wait_for 10 grep -q ready told.err
    kill -TERM $guest
    wait $guest
    like "$mode: a signal for the guest while page tables change" "$? $(tr '\n' ' ' <told.err)" "^0 .*flood: 0 errors survived $"
    for case in spin-kick spin-quiet spin-flood spin-protect; do
        told_to_end "$case" "${MONITOR[@]}" "$HOSTILE/rings.elf" "$case"
    done
}

# What a socket's other end does is the network's business.
sockets() {
    local n=${share:+200}
    peer() {
        local how=$1
        shift
        run "$TOOLS/socket_peer" "$how" "${MONITOR[@]}" --net net=fd:3 "$HOSTILE/rings.elf" "$@"
        like "$mode: $*, the other end a $how" "$status $(grep -aE "survived|$finding" "$SCRATCH/.err")" "^0 survived$"
    }
    peer reader flood-net "${n:-5000}"
    peer closed flood-net "${n:-5000}"
    peer closed flood-receive "${n:-5000}"
    peer writer flood-receive "${n:-5000}"
    "$TOOLS/socket_peer" deaf "${MONITOR[@]}" --net net=fd:3 "$HOSTILE/rings.elf" flood-net 5000 2>deaf.err &
    local tool=$!
    sleep 0.5
    kill -TERM "$(ps -o pid= --ppid $tool)"
    wait $tool
    is "$mode: a peer that reads nothing: SIGTERM ends the wait" "$? $(grep -aE "$finding" deaf.err)" "143 "
}

interface() {
    if [ "$(id -u)" != 0 ] || [ ! -c /dev/net/tun ] || ! ip netns add "$NS" 2>/dev/null; then
        skip "$mode: floods of a TAP" "making a network namespace needs root and /dev/net/tun"
        return
    fi
    ip -n "$NS" tuntap add tap0 mode tap
    ip -n "$NS" link set tap0 up
    run ip netns exec "$NS" "${MONITOR[@]}" --net net=tap:tap0 "$HOSTILE/rings.elf" flood-net 3000
    like "$mode: frames of one byte, a TAP full" "$status $(grep -aE "survived|$finding" "$SCRATCH/.err")" "^0 survived$"
    ip netns exec "$NS" "${MONITOR[@]}" --net net=tap:tap0,mac=02:00:00:00:00:02 "$HOSTILE/rings.elf" flood-receive 2000 \
        2>receive.err &
    local guest=$!
    wait_for 5 bash -c "ip -n $NS link show tap0 | grep -q LOWER_UP"
    # until it has its share: a busy host drops frames before the guest is there to read them
    local tries
    for ((tries = 0; tries < 20; tries++)); do
        ip netns exec "$NS" "$TOOLS/raw_frames" tap0 10.77.0.2 02:00:00:00:00:02
        kill -0 $guest 2>/dev/null || break
    done
    kill -TERM $guest 2>/dev/null
    wait $guest
    like "$mode: malformed frames into one buffer" "$? $(grep -aE "survived|$finding" receive.err)" "^0 survived$"
    ip netns del "$NS"
}

# ---- every field

# The disk grows by a guard behind its end while the guest runs, whose geometry is frozen.
fields() {
    local few=${share:+100}
    truncate -s 1M own.img
    head -c 65536 /dev/urandom >guard
    cp guard read-only.img
    cp guard other.img
    "$TOOLS/socket_peer" reader "${MONITOR[@]}" --disk rw=own.img --disk ro=read-only.img,ro --net net=fd:3 \
        "$HOSTILE/fields.elf" "$SEED" "${few:-4000}" </dev/null >/dev/null 2>fields.err &
    local guest=$!
    wait_for 10 grep -q "WRITE.*:$(stat -c %i own.img) " /proc/locks
    cat guard >>own.img
    wait $guest
    is "$mode: every field at its extremes: exit status" "$?" 0
    like "$mode: every field at its extremes: as the ABI says" "$(<fields.err)" "tried [0-9]{4}.* wrong 0"
    is "$mode: every field at its extremes: no finding" "$(grep -aE "$finding" fields.err)" ""
    ok "$mode: behind the disk's end nothing changed" cmp -i 1048576:0 own.img guard
    ok "$mode: a read-only disk did not change" cmp read-only.img guard
    ok "$mode: another disk did not change" cmp other.img guard
}

NS=ukvm-hostile-$$
at_end "ip netns del $NS 2>/dev/null"
for mode in sandbox sanitized; do
    monitor $mode
    # under the sanitizers a guest takes three times as long to start
    part=$([ $mode = sandbox ] && echo 1 || echo 3)
    instructions $((${share:-1} * part))
    accesses $((${share:-1} * part))
    edits
    ports $((${share:-1} * part))
    handlers $((${share:-1} * part))
    indices
    fields
    storms
    endless
    sockets
    interface
done

done_testing
