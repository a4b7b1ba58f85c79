#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, "Entry and memory", ENTRY: the processor at the first instruction, and what it may do.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

inside UKVM-ENTRY-01 boot
inside UKVM-ENTRY-02 boot
inside UKVM-ENTRY-03 boot

for instruction in int80 int13 syscall sysenter; do
    ends "UKVM-ENTRY-03 $instruction ends the guest" "132|139" instruction $instruction
done
for instruction in hlt cr0 cr3 cr4 dr7 rdmsr wrmsr lgdt lidt ltr invlpg wbinvd clts swapgs iretq-to-0; do
    ends "UKVM-ENTRY-03 $instruction ends the guest" 139 instruction $instruction
done

done_testing
