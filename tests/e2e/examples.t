#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each example runs by the command at the top of its source, as it is written there.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
[ -f "$TOP/examples/hello/hello.c" ] || skip_all "the sources of the examples are not here"
need_kvm

# command FILE: the first that it has.
command_of() { sed -n 's/^\(#\| \*\|\) \{4,\}\(.*build\/ukvm run .*\)/\2/p' "$TOP/examples/$1" | head -n 1; }

# A folder that looks like the repository, for what the commands make.
mkdir build
ln -s "$UKVM" build/ukvm
ln -s "$EXAMPLES" build/examples

# shows FILE PATTERN: its command ends with status 0, and prints that.
shows() {
    local command
    command=$(command_of "$1")
    if [[ $command =~ (build/examples/[a-z]+\.elf) && ! -e ${BASH_REMATCH[1]} ]]; then
        skip "$1" "${BASH_REMATCH[1]} is not built"
        return
    fi
    run sh -c "$command"
    is "$1: $command" "$status" 0
    like "$1: says what it should" "$out" "$2"
}

shows smallest/smallest.c "^Hello from a guest without a kernel\.$"
shows hello/hello.c "argv\[2\] = two.*env PLACE=here"
shows clock/clock.c "^[0-9]{4}-"
shows blk/blk.c "verified"
shows lua/build.mk "^Lua 5\.[0-9]"$'\t'"42$"
shows sqlite/build.mk "^42$"

need_network
ip -n "$NS" addr add 10.0.0.1/24 dev tap0

# answers FILE COMMAND...: its command serves a network, and COMMAND gets an answer there.
answers() {
    local command name=$1
    command=$(command_of "$1")
    shift
    ip netns exec "$NS" sh -c "exec $command" >guest.out 2>&1 &
    guest=$!
    at_end "kill -9 $guest 2>/dev/null"
    ok "$name: $command" wait_for 60 in_ns "$@"
    kill "$guest" 2>/dev/null
    wait "$guest" 2>/dev/null
    # The kernel keeps the TAP for a moment after the monitor has ended.
    wait_for 10 in_ns sh -c '! ip -o link show tap0 | grep -q LOWER_UP'
}

answers netecho/netecho.c ping -q -c 1 -W 2 10.0.0.2
if command -v curl >/dev/null; then
    answers rest/main.c curl -s -f -m 5 http://10.0.0.2:8080/todos
else
    skip "rest/main.c" "curl is not installed"
fi

done_testing
