#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# monitor_size.sh: the monitor's own lines of code that run after lock-down, by file, and their sum.
#
# The linker says which they are: with a section for each function and each table, it drops what run_guest() does not
# reach, calls through tables included. The debug information says where the rest is defined, and those lines are counted,
# without blank ones and comments. No optimisation, so that no function is merged into another.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

for source in monitor/*.c monitor/*/*.c seccomp/policy.c; do
    gcc -std=gnu11 -O0 -g -D_GNU_SOURCE -Iguest-abi -Iseccomp -ffunction-sections -fdata-sections \
        -c -o "$objects/${source//\//-}.o" "$source"
done
gcc -r -nostdlib -Wl,--gc-sections,--entry=run_guest -o "$objects/all" "$objects"/*.o

# "FILE LINE" of each definition, once: an inline function has a symbol in every object that uses it. What is a
# function's own variable, which has a number behind its name, is counted with the function.
nm --line-numbers --defined-only "$objects/all" | awk '$2 ~ /^[tTrRdDbB]$/ && $3 !~ /[.]/ && NF == 4 { print $4 }' |
    sed "s|^$PWD/||; s/:/ /" | grep -E '^(monitor|seccomp)/' | sort -u >"$objects/definitions"

# A definition ends with the first line that starts with a brace, or, if it opens none, with a semicolon.
while read -r file line; do
    awk -v file="$file" -v first="$line" '
        NR < first { next }
        { code = $0 }
        comment { if (!sub(/.*\*\//, "", code)) next; comment = 0 }
        { gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", code) }
        sub(/\/\*.*/, "", code) { comment = 1 }
        code ~ /[^ ]/ { lines++ }
        /\{/ { braces = 1 }
        /^}/ || (!braces && /;$/) { print file, lines; exit }' "$file"
done <"$objects/definitions" |
    awk '{ lines[$1] += $2; sum += $2 }
        END {
            for (file in lines)
                printf "%-22s %5d\n", file, lines[file] | "sort"
            close("sort")
            printf "%-22s %5d\n", "total", sum
        }'
