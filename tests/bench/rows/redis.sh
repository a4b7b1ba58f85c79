# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# redis get|set PIPELINE: requests per second by redis-benchmark with 50 clients, of Redis in a guest behind a TAP, against
# the same version behind a veth pair.
need_kvm
need_network
need_command redis-benchmark
need_file "$examples/redis.elf" "$native/redis"
command=$1 pipeline=$2
# About a second natively.
requests=$((pipeline > 1 ? 500000 : 60000))

benchmark() { # ADDRESS OPTION...: requests per second
    "${in_clients[@]}" "$client_cpu" timeout --foreground 60 redis-benchmark -h "$1" --csv -c 50 "${@:2}" |
        awk -F '"' '$2 != "test" { print $4 }'
}
load() { # ADDRESS
    benchmark "$1" -t set -n 50 >/dev/null # so that GET finds something
    benchmark "$1" -t "$command" -P "$pipeline" -n "$requests"
}
stop_status=0
ukvm_memory=(--mem 256M)
take_turns 6379 requests/s load "$examples/redis.elf" "$native/redis" --save "" --protected-mode no
