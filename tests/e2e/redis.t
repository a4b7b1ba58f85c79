#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Redis by Redis's own test suite, which talks to a server that is there already: as a unikernel, and, with REDIS_NATIVE=1,
# as an ordinary program, to tell the suite's failures from ours. REDIS_UNITS="unit/type/list ..." runs only these; without
# it, those that take a few seconds each, and with REDIS_UNITS=all every unit of which something can run.
# shellcheck disable=SC2016 # the dollars are Perl's
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

# examples/redis/README.md says why the others cannot.
quick="unit/protocol unit/keyspace unit/info-command unit/type/incr unit/multi unit/quit unit/latency-monitor unit/pubsub
    unit/slowlog unit/scripting unit/functions unit/introspection unit/bitops unit/bitfield unit/lazyfree unit/pause
    unit/tracking unit/replybufsize unit/violations"
slow="unit/dump unit/scan unit/type/string unit/type/hash unit/sort unit/introspection-2 unit/querybuf unit/type/list
    unit/type/list-2 unit/type/list-3 unit/type/set unit/type/zset unit/type/stream unit/type/stream-cgroups unit/expire
    unit/other unit/geo unit/hyperloglog"
units=${REDIS_UNITS:-$quick}
[ "$units" != all ] || units="$quick $slow"

PORT=6399
options=(--port "$PORT" --save "" --protected-mode no --enable-debug-command yes --enable-protected-configs yes)
suite=$(echo "$BUILD"/third-party/redis-*/)
from=() # how a client is started

for tool in perl redis-cli redis-benchmark tclsh; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
done
[ -x "$suite/runtest" ] || skip_all "Redis's source is not there"

cli() { "${from[@]}" timeout 20 redis-cli -h "$address" -p $PORT "$@"; }
answers() { [ "$(cli ping)" = PONG ]; }

run_unit() { # UNIT
    # What a test leaves behind is its own.
    cp -a "$suite" suite
    local tags="-needs:repl -needs:save -needs:other-server -large-memory"
    # In these two the tests of the append-only file are a block that starts with it.
    [[ $1 != unit/type/stream* ]] || tags+=" -needs:debug"
    (cd suite && "${from[@]}" timeout 300 ./runtest --host "$address" --port "$PORT" --single "$1" --tags "$tags" \
        --skipfile "$TOP/examples/redis/tests-not-run" </dev/null >../unit.out 2>&1)
    local status=$?
    rm -rf suite
    [ "$status" = 0 ] || grep -aE -A8 '\[(.\[[0-9;]*m)?(err|exception)' unit.out
    return "$status"
}

check() {
    local t=$1 unit
    is "$t: SET and GET" "$(cli set key value) $(cli get key)" "OK value"
    is "$t: a value of 16 MB" "$(head -c 16000000 /dev/zero | tr '\0' x | cli -x set big) $(cli strlen big) $(cli get big | wc -c)" \
        "OK 16000000 16000001"
    is "$t: a Lua script" "$(cli eval 'return redis.call("incrby", KEYS[1], 41) + 1' 1 n)" 42
    like "$t: what needs fork says so" "$(cli bgsave 2>&1)" "started|ERR"
    ok "$t: redis-benchmark" "${from[@]}" timeout 60 redis-benchmark -h "$address" -p $PORT -q -n 20000 -c 50 -P 16 \
        -t set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100,mset
    like "$t: pub/sub" "$(cli --csv subscribe news 2>&1 & sleep 1; cli publish news hi >/dev/null; sleep 0.5
        cli client kill type pubsub >/dev/null; wait)" '"subscribe","news",1.*"message","news","hi"'
    is "$t: a client that writes all before it reads" "$("${from[@]}" timeout 40 perl -MSocket -e '
        socket(my $s, PF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, $_, 20000) for SO_RCVBUF, SO_SNDBUF;
        connect($s, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die;
        my ($all, $n, $got) = ("GET n\r\n" x 100000, 0, 0);
        # The answers close the window; it is probed; and what is written then must arrive all the same.
        for my $part (1, 2) { for (my $at = 0; $at < length $all; $at += $n) { $n = syswrite($s, $all, 65536, $at) } sleep 3 }
        while ($got < 200000 * 8 && sysread($s, my $some, 65536)) { $got += length $some } print $got' "$address" $PORT)" 1600000
    cli flushall >/dev/null
    for unit in $units; do
        ok "$t: $unit" run_unit "$unit"
    done
    is "$t: it is there to the end" "$(cli ping)" PONG || tail -n 40 server.out | sed 's/^/# /' >&2
    answers || kill "$server"
    cli shutdown nosave
    wait "$server"
    is "$t: SHUTDOWN ends it" $? 0
}

if [ -n "${REDIS_NATIVE:-}" ]; then
    address=127.0.0.1
    "$BUILD/native/redis" "${options[@]}" >server.out 2>&1 &
    server=$!
    at_end "kill $server 2>/dev/null"
    ok "native: it starts" wait_for 10 answers && check native
fi

if [ -e "$EXAMPLES/redis.elf" ]; then
    need_network
    address=10.77.0.2
    from=(ip netns exec "$NS")
    ip netns exec "$NS" "$UKVM" run --mem 512M --net "net=tap:tap0,ip=$address/24,gw=10.77.0.1" "$EXAMPLES/redis.elf" \
        "${options[@]}" >server.out 2>&1 &
    server=$!
    at_end "kill $server 2>/dev/null; wait $server 2>/dev/null"
    ok "unikernel: it starts" wait_for 20 answers && check unikernel
else
    skip "unikernel" "there is no redis.elf"
fi
done_testing
