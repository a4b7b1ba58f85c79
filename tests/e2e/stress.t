#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Servers that run out of memory, clients that send garbage, and clocks that go on by days: afterwards they still answer.
# shellcheck disable=SC2016 # the dollars are Perl's
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

for tool in curl perl redis-cli; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
done
need_network
FAULTS=$BUILD/tests/ukvm-faults
address=10.77.0.2
url=http://$address:8080
redis=(--save "" --protected-mode no)

# start READY COMMAND...: runs it in the namespace until `stop`; READY is a command that succeeds once it is there.
start() {
    local ready=$1
    shift
    ip netns exec "$NS" "$@" >server.out 2>&1 &
    guest=$!
    wait_for 20 "$ready" || { sed 's/^/# /' server.out >&2; done_testing; }
}
stop() {
    kill "$guest" 2>/dev/null
    wait "$guest" 2>/dev/null
    return 0
}
guest=
at_end stop
net="net=tap:tap0,ip=$address/24"

status() { in_ns curl -s -m 20 -o /dev/null -w '%{http_code}' "$@"; }
rest_is_there() { [ "$(status "$url/")" = 200 ]; }
cli() { ip netns exec "$NS" timeout 20 redis-cli -h "$address" "$@"; }
redis_is_there() { [ "$(cli ping)" = PONG ]; }

# noise PORT: 100 connections with nonsense, some of it after a beginning that makes sense
noise() {
    ip netns exec "$NS" timeout 60 perl -MIO::Socket::INET -e '
        use strict; use warnings; $SIG{PIPE} = "IGNORE"; srand(1);
        my @begin = ("", "*3\r\n\$3\r\nSET\r\n\$", "*-1\r\n", "*1048577\r\n", "\$-5\r\n", "GET / HTTP/1.1\r\n", "POST /todos HTTP/1.1\r\n");
        for (1..100) {
            my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 5) or die;
            print $s $begin[rand @begin], map { chr rand 256 } 1..rand 3000; $s->flush; shutdown($s, 1);
            1 while sysread($s, my $some, 65536);
        }' "$address" "$1"
}

# ---- memory

start rest_is_there "$UKVM" run --mem 16M --net "$net" "$BUILD/examples/rest.elf"
title=$(printf '%0240d' 0)
for i in {1..1001}; do
    [ "$i" = 1 ] || echo next
    printf 'url = "%s/todos"\ndata = "{\\"title\\": \\"%s\\"}"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\n' \
        "$url" "$title"
done >requests
is "rest: 1000 to-dos, and no room for another" "$(in_ns curl -s -K requests | sort | uniq -c | tr -s ' \n' ' ')" " 1000 201 1 507 "
is "rest: it still answers" "$(status "$url/todos/1000") $(status -X DELETE "$url/todos/1") $(status -d '{"title": "x"}' "$url/todos")" \
    "200 204 201"
ok "rest: 200 connections of 8 KB that go nowhere, in 16 MB" ip netns exec "$NS" perl -MIO::Socket::INET -e '
    my @all = map { IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080, Timeout => 10) or die } 1..200;
    for my $s (@all) { print $s "POST /todos HTTP/1.1\r\nContent-Length: 8000\r\n\r\n", "x" x 4000; $s->flush } sleep 1' "$address"
ok "rest: it answers after them" rest_is_there
ok "rest: noise" noise 8080
ok "rest: it answers after noise" rest_is_there
stop

start redis_is_there "$UKVM" run --mem 48M --net "$net" "$BUILD/examples/redis.elf" "${redis[@]}" --maxmemory 16mb
# megabytes COUNT: what comes of setting so many values of a megabyte
megabytes() {
    local i
    for ((i = 1; i <= $1; i++)); do
        head -c 1000000 /dev/zero | tr '\0' x | cli -x set "key$i" || break
    done | grep . | cut -c 1-11 | sort | uniq -c | tr -s ' \n' ' '
}
like "redis: values that do not fit are refused" "$(megabytes 40)" "^ [0-9]+ OK [0-9]+ OOM command $"
is "redis: what is there can be read" "$(cli strlen key1)" 1000000
is "redis: and room be made" "$(cli flushall) $(cli set key value) $(cli get key)" "OK OK value"
cli config set maxmemory-policy allkeys-lru >/dev/null
is "redis: or old values give way to new ones" "$(megabytes 40)" " 40 OK "
ok "redis: noise" noise 6379
ok "redis: it answers after noise" redis_is_there
stop
# Without the test of the memory that Redis makes then: it writes to guard pages, too.
start redis_is_there "$UKVM" run --mem 32M --net "$net" "$BUILD/examples/redis.elf" "${redis[@]}" --crash-memcheck-enabled no
cli eval 'for i = 1, 100 do redis.call("set", "key" .. i, string.rep("x", 1000000)) end' 0 >/dev/null 2>&1 &
wait_for 10 bash -c "! kill -0 $guest 2>/dev/null"
wait "$guest"
is "redis: without a limit of its own it gives up by abort(), as anywhere" $? 134
like "redis: and says why" "$(<server.out)" "Out Of Memory allocating"
kill $! 2>/dev/null

# ---- time: a day, and as many milliseconds as do not fit 32 bits

for seconds in 86400 4300000; do
    start rest_is_there env UKVM_JUMP="3000 $seconds" "$FAULTS" run --net "$net" "$BUILD/examples/rest.elf"
    ip netns exec "$NS" timeout 30 perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080, Timeout => 5) or die;
        print $s "GET / HTTP/1.1\r\nHost: a\r\n\r\n"; $s->flush; while (sysread($s, my $some, 65536)) {} print "closed"' "$address" >idle &
    idle=$!
    before=$(date +%s)
    date_of() { date +%s -d "$(in_ns curl -s -m 20 -i "$url/" | sed -n 's/^Date: \(.*\)\r$/\1/p')"; }
    jumped() { [ $(($(date_of) - before)) -ge "$seconds" ]; }
    ok "rest: the clock goes on by $seconds s" wait_for 20 jumped
    ok "rest: it answers afterwards" rest_is_there
    wait "$idle"
    is "rest: a connection idle for so long is closed" "$(<idle)" closed
    is "rest: a request in pieces" "$(ip netns exec "$NS" perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080, Timeout => 5) or die;
        for ("GET / HT", "TP/1.0\r\n", "\r\n") { syswrite($s, $_); select(undef, undef, undef, 0.3) }
        sysread($s, my $answer, 15); print $answer' "$address")" "HTTP/1.1 200 OK"
    stop
done
start redis_is_there env UKVM_JUMP="3000 86400" "$FAULTS" run --mem 64M --net "$net" "$BUILD/examples/redis.elf" "${redis[@]}"
is "redis: one key for an hour, one for good" "$(cli set short 1 ex 3600) $(cli set long 2) $(cli get short)" "OK OK 1"
expired() { [ -z "$(cli get short)" ]; }
ok "redis: a day later the one is gone" wait_for 20 expired
is "redis: and the other is not" "$(cli get long)" 2
stop
done_testing
