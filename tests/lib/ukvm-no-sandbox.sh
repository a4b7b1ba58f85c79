#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The monitor without its sandbox, for `make coverage`: in the sandbox it could not write its counters.
if [ "${1:-}" = run ]; then
    shift
    set -- run --no-sandbox "$@"
fi
exec "$BUILD/ukvm" "$@"
