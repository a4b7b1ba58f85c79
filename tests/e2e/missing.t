#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What there cannot be in a guest is said so, and OpenMP computes with one thread what it computes with many.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

run_ukvm "$BUILD/tests/servers/missing.elf"
is "no shell, no processes, no libraries to load" "$status $out" "0 system(NULL) 0
system -1 Function not implemented
popen 0 Function not implemented
posix_spawn Function not implemented
dlopen 0 Dynamic loading not supported"

run "$BUILD/tests/programs/openmp"
want="$status $out"
run_ukvm "$BUILD/tests/programs/openmp.elf"
is "OpenMP" "$status $out" "$want"

done_testing
