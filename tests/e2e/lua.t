#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Lua interpreter as a unikernel does what it does as an ordinary program.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

lua=$BUILD/native/lua
"$lua" -v >/dev/null 2>&1 || skip_all "there is no build/native/lua that runs"
cp "$TOP"/examples/lua/*.lua .
run "$lua" check.lua .
native=$out
is "native: status" "$status" 7
like "native: runs to its end" "$native" $'\ndone$'

if [ -e "$EXAMPLES/lua.elf" ] && [ -x "$UKVM" ] && "$UKVM" run --help 2>&1 | grep -q -- --initrd; then
    tar -cf scripts.tar ./*.lua
    lua=("$UKVM" run --initrd scripts.tar "$EXAMPLES/lua.elf")
    run "${lua[@]}" /check.lua /tmp
    is "unikernel: status" "$status" 7
    is "unikernel: the same output" "$out" "${native//.\//\/tmp\/}"
    run "${lua[@]}" -e 'print(#arg, arg[0])' /module.lua
    is "unikernel: -e" "$status" 0
    run "${lua[@]}" -e 'error("no")'
    is "unikernel: an error is status 1" "$status" 1
    like "unikernel: and says where" "$err" "no"
    run "${lua[@]}" -e 'print(io.popen("ls"))'
    is "unikernel: no popen, and no crash" "$status $out" $'0 nil\tls: Function not implemented\t38'
else
    skip "unikernel" "there is no lua.elf that runs, or no --initrd"
fi
done_testing
