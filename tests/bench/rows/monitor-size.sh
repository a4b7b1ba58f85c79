# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Lines of the monitor that run after lock-down: monitor_size.sh says how they are counted.
need_command gcc nm
"$here/monitor_size.sh" >"$scratch/size"
result "$(awk '$1 == "total" { print $2 }' "$scratch/size")" lines "" \
    "$(awk '$1 != "total" { sub(/.*\//, "", $1); printf "%s%s %s", sep, $1, $2; sep = ", " }' "$scratch/size")"
