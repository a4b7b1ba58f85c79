# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# tcp-stream send|receive: one TCP stream from the client to a guest, or back, against the same program behind a veth pair.
need_kvm
need_network
need_file "$bin/tcp_stream.elf" "$bin/tcp_stream"
way=$1

load() { # ADDRESS
    local line
    line=$("${in_clients[@]}" "$client_cpu" timeout --foreground 30 "$bin/tcp_stream" "$way" 1 "$1" 5001)
    field gbit "$line"
}
take_turns 5001 Gbit/s load "$bin/tcp_stream.elf" "$bin/tcp_stream" serve 5001
