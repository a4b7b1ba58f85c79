#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Writes docs/SYSCALLS.md from the table that the kernel is compiled from: `make docs`. A test holds the two together.
set -euo pipefail
cd "$(dirname "$0")/.."

cat <<'END'
# System calls

What an ordinary C program finds in a guest, made by `make docs` from `guest-kernel/posix/syscalls.def`. A call that is not
in this table fails with `ENOSYS`, and the first time that a program makes it, the console says so.

*complete* means: as far as one process, one user and one processor can tell. A bad pointer ends the program where Linux
returns `EFAULT`. The last column names the programs in `tests/posix/` that test the call, on Linux and in a guest.

| call | | | tests |
|---|---|---|---|
END
sed -n 's/^UK_SYSCALL\(_WEAK\)*(\([a-z0-9_]*\), [a-z0-9_]*, \([A-Z]*\), "\(.*\)", "\(.*\)")$/\2|\3|\4|\5/p' guest-kernel/posix/syscalls.def |
    LC_ALL=C sort | awk -F'|' '{ printf "| `%s` | %s | %s | %s |\n", $1, tolower($2), $3, $4 }'
cat <<'END'

There are no processes: `fork`, `vfork`, `clone` for a process, and `execve` are absent by design. So are System V IPC,
message queues, `ptrace`, `inotify`, `io_uring`, namespaces, mounts and everything that administers a machine.
END
