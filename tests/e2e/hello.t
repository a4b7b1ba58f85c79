#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Arguments, environment, console, exit status: what a first guest does.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

run_ukvm -e GREETING=hi -e EMPTY= "$EXAMPLES/hello.elf" one "two words" ""
is "hello: exit status 0" "$status" 0
like "hello: arguments arrive" "$out" "two words"
like "hello: environment arrives" "$out" "GREETING=hi"
like "hello: an empty variable arrives" "$out" "EMPTY="
is "hello: nothing on standard error" "$err" ""

run_ukvm "$EXAMPLES/hello.elf" --exit 42
is "hello: the guest's exit status" "$status" 42
run_ukvm "$EXAMPLES/hello.elf" --exit 255
is "hello: the highest exit status" "$status" 255

run_ukvm "$EXAMPLES/hello.elf" --help --version --mem 1
is "options after IMAGE are the guest's" "$status" 0
like "options after IMAGE arrive" "$out" "--help"

run_ukvm --mem=1G "$EXAMPLES/hello.elf"
is "--mem=1G" "$status" 0
run_ukvm --mem 2M "$EXAMPLES/hello.elf"
is "--mem 2M is enough for hello" "$status" 0

run_ukvm -- "$EXAMPLES/hello.elf" one
is "-- ends the options" "$status" 0

# A blob of arguments larger than a page
long=$(printf 'x%.0s' {1..5000})
run_ukvm -e LONG="$long" "$EXAMPLES/hello.elf" "$long"
is "long arguments: exit status" "$status" 0
ok "long arguments arrive whole" grep -q "$long" "$SCRATCH/.out"

run_ukvm "$EXAMPLES/hello.elf"
cp "$SCRATCH/.out" first
run "$BUILD/ukvm" run "$EXAMPLES/hello.elf"
ok "two runs print the same" cmp first "$SCRATCH/.out"

# Two at once
"$UKVM" run "$EXAMPLES/hello.elf" a >a.out 2>&1 &
one=$!
"$UKVM" run "$EXAMPLES/hello.elf" b >b.out 2>&1
is "two at once: the second" $? 0
wait $one
is "two at once: the first" $? 0

# Output that cannot be written is the guest's error, not the end of the monitor
if [ -c /dev/full ]; then
    timeout 20 "$UKVM" run "$EXAMPLES/hello.elf" --exit 3 >/dev/full 2>err
    is "full standard output: the guest ends as it likes" $? 3
fi
timeout 20 "$UKVM" run "$EXAMPLES/hello.elf" --exit 4 | true
is "closed pipe: the guest ends as it likes" "${PIPESTATUS[0]}" 4

run "$UKVM" --version
like "--version" "$out" "^ukvm [0-9]+\.[0-9]+\.[0-9]+, guest ABI 1$"
run "$UKVM" --help
like "--help lists the commands" "$out" "ukvm run"
run_ukvm --help
like "run --help lists the options" "$out" "--disk NAME=PATH"
for option in --mem -e --disk --net --trace --no-sandbox; do
    ok "run --help and the manual page both have $option" \
        grep -q -- "${option//-/\\\\-}" "$TOP/monitor/cli/ukvm.1"
done

run "$UKVM" doctor
is "doctor: this host runs guests" "$status" 0
like "doctor: names /dev/kvm" "$out" "ok +/dev/kvm"
run "$UKVM" policy "$EXAMPLES/hello.elf"
is "policy: exit status" "$status" 0
like "policy: names the system calls" "$out" "io_uring_enter"
is "policy: a guest without devices has no operations of a disk" "$(grep -cE "FSYNC|FALLOCATE" "$SCRATCH/.out")" 0
run "$UKVM" policy --disk data=x "$EXAMPLES/hello.elf"
like "policy: one with a disk does" "$out" "READ_FIXED.*FALLOCATE"
run "$UKVM" policy --disk data=x,ro "$EXAMPLES/hello.elf"
is "policy: a read-only disk cannot discard" "$(grep -c FALLOCATE "$SCRATCH/.out")" 0

run_ukvm --trace "$EXAMPLES/hello.elf"
like "--trace shows the start" "$err" "ukvm: boot: "
like "--trace shows exits" "$err" "ukvm: exits: .*port 0x12"
like "--trace shows the ring" "$err" "ukvm: ring: .*take console-write"
run_ukvm --trace=boot "$EXAMPLES/hello.elf"
is "--trace=boot shows no exits" "$(grep -c "ukvm: exits" "$SCRATCH/.err")" 0

done_testing
