#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A few of the mutants, for `make test`; it gives what they are built with.
if [ -z "${MUTANT_CC:-}" ]; then
    echo "1..0 # SKIP run make test, or make mutants"
    exit
fi
if [ ! -w /dev/kvm ]; then
    echo "1..0 # SKIP there is no /dev/kvm to use, and no mutant runs"
    exit
fi
exec "$(dirname "$0")/run.sh" --sample
