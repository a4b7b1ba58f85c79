# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Requests per second: wrk, one thread, 64 connections that stay, GET / of examples/rest in a guest behind a TAP, against
# the same server behind a veth pair.
need_kvm
need_network
need_command wrk
need_file "$examples/rest.elf" "$native/rest"

load() { # ADDRESS: one second
    local out
    out=$("${in_clients[@]}" "$client_cpu" timeout --foreground 30 wrk -t1 -c64 -d1s "http://$1:8080/")
    ! grep -E 'Non-2xx|Socket errors' <<<"$out" >&2 || die "not every request got its answer"
    awk '$1 == "Requests/sec:" { print $2 }' <<<"$out"
}
take_turns 8080 requests/s load "$examples/rest.elf" "$native/rest"
