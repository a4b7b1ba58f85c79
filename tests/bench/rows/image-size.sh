# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# The image of a program that calls printf, without symbols.
need_command strip
need_file "$bin/hello_libc.elf"
strip -o "$scratch/hello.elf" "$bin/hello_libc.elf"
result "$(jq -n "$(stat -c %s "$scratch/hello.elf") / 1000")" kB "" "hello with printf, stripped"
