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
like "UKVM-CON-01 a closed stream is an error" "${PIPESTATUS[0]}" "^4[1-7]\$"

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

done_testing
