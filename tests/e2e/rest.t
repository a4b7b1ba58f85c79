#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/rest by curl, wrk and clients that mean no good: as an ordinary program, and as a unikernel.
# shellcheck disable=SC2016 # the dollars are Perl's
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

for tool in curl socat perl awk; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
done
perl -MIO::Socket::INET -e 1 2>/dev/null || skip_all "Perl's IO::Socket is not installed"

PORT=8099
from=() # how a client is started

body() { "${from[@]}" curl -s -m 20 "$@"; }
status() { "${from[@]}" curl -s -m 20 -o /dev/null -w '%{http_code}' "$@"; }
# raw BYTES: sent as printf's format says, then the end of the client's side; prints what comes back
raw() {
    # shellcheck disable=SC2059
    printf "$1" | "${from[@]}" socat -t5 - "TCP:$address:$PORT" 2>/dev/null | tr -d '\r'
}
raw_status() { raw "$1" | sed -n '1s/^HTTP.1.1 \([0-9]*\) .*/\1/p'; }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }

# hostile PERL: a client in Perl; connect() gives a new connection, answers($socket) what came on it until its end.
hostile() {
    "${from[@]}" timeout 60 perl -MIO::Socket::INET -e '
        use strict; use warnings; $SIG{PIPE} = "IGNORE"; $| = 1;
        our ($address, $port) = (shift, shift);
        sub connection { IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port, Timeout => 5) }
        sub answers { my ($s) = @_; my $all = ""; while (sysread($s, my $some, 65536)) { $all .= $some } $all }
        sub count { my $n = () = $_[0] =~ /HTTP\/1\.1 200 OK\r\n/g; $n }
        my $get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"; my $last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        '"$1" "$address" "$PORT"
}

check() {
    local t=$1 url=http://$address:$PORT
    # A client that never ends its request: it takes ten seconds to see what it gets.
    hostile 'my $s = connection(); print $s "GET / HT"; print answers($s)' >late 2>&1 &
    local late=$!

    is "$t: GET /" "$(status "$url/")" 200
    is "$t: an empty list" "$(body "$url/todos")" "[]"
    is "$t: POST" "$(body -d '{"title": "buy \"milk\"\u00e9"}' "$url/todos")" '{"id":1,"title":"buy \"milk\"é","completed":false}'
    like "$t: POST says where" "$(body -i -d '{"title": "b", "completed": true, "x": [1]}' "$url/todos")" $'^HTTP/1.1 201 Created.*\nLocation: /todos/2\r'
    is "$t: GET" "$(body "$url/todos/2")" '{"id":2,"title":"b","completed":true}'
    is "$t: PUT" "$(body -X PUT -d '{"title": "c"}' "$url/todos/2")" '{"id":2,"title":"c","completed":false}'
    is "$t: PATCH" "$(body -X PATCH -d '{"completed": true}' "$url/todos/2")" '{"id":2,"title":"c","completed":true}'
    is "$t: the list" "$(body "$url/todos")" \
        '[{"id":1,"title":"buy \"milk\"é","completed":false},{"id":2,"title":"c","completed":true}]'
    is "$t: the list, HTTP/1.0" "$(body -0 "$url/todos")" "$(body "$url/todos")"
    is "$t: DELETE" "$(status -X DELETE "$url/todos/1") $(status "$url/todos/1") $(status -X DELETE "$url/todos/1")" "204 404 404"
    is "$t: a chunked body" "$(body -H 'Transfer-Encoding: chunked' -d '{"title": "d"}' "$url/todos")" \
        '{"id":3,"title":"d","completed":false}'
    like "$t: sort" "$(body -d '{"size": 1000}' "$url/sort")" '^\{"size":1000,"nanoseconds":[0-9]+\}$'
    is "$t: sort: 0, too many, no number, none" "$(for n in 0 10001 '"x"' '{}'; do status -d "{\"size\": $n}" "$url/sort"; done)" \
        400400400400
    is "$t: HEAD" "$(raw 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' | sed '/^Date:/d')" \
        $'HTTP/1.1 200 OK\nConnection: close\nContent-Type: text/plain\nContent-Length: 39'
    like "$t: HEAD of the list has no body" "$(raw 'HEAD /todos HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')" "chunked$"
    like "$t: Date" "$(body -i "$url/")" $'\nDate: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} GMT\r'
    is "$t: two requests on one connection" \
        "$("${from[@]}" curl -s -o one -o two -w '%{num_connects}' "$url/" "$url/todos")" 10
    like "$t: 100-continue" "$(raw 'POST /todos HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n')" \
        "^HTTP/1.1 100 Continue"
    is "$t: curl that expects 100-continue" "$(status -H 'Expect: 100-continue' -d '{"title": "e"}' "$url/todos")" 201

    is "$t: 400 for no JSON" "$(status -d '{"title": ' "$url/todos")" 400
    is "$t: 400 without a title" "$(status -d '{}' "$url/todos")" 400
    is "$t: 400 for a title too long" "$(status -d "{\"title\": \"$(printf '%0241d' 0)\"}" "$url/todos")" 400
    is "$t: 404" "$(status "$url/nothing") $(status "$url/todos/x") $(status "$url/todos/99999999999") $(status "$url/todos/02")" \
        "404 404 404 404"
    like "$t: 405 says what is allowed" "$(body -i -X DELETE "$url/todos")" $'^HTTP/1.1 405 .*\nAllow: GET, HEAD, POST\r'
    is "$t: 400 for noise" "$(raw_status '\x16\x03\x01\x02\x00\x01\r\n')" 400
    is "$t: 411" "$(raw_status 'POST /todos HTTP/1.1\r\nHost: a\r\n\r\n')" 411
    is "$t: 413" "$(head -c 100000 /dev/zero | "${from[@]}" curl -s -o /dev/null -w '%{http_code}' --data-binary @- "$url/todos")" 413
    is "$t: 414" "$(status "$url/$(printf '%02000d' 0)")" 414
    is "$t: 431" "$(status -H "A: $(printf '%09000d' 0)" "$url/")" 431
    is "$t: 501" "$(status -X BREW "$url/")" 501
    is "$t: 505" "$(raw_status 'GET / HTTP/3.0\r\nHost: a\r\n\r\n')" 505
    is "$t: two requests, the first of which is the last" \
        "$(raw 'GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n' | grep -c ^HTTP)" 1

    is "$t: byte by byte" "$(hostile 'my $s = connection(); $s->sockopt(Socket::TCP_NODELAY, 1);
        for (split //, $last) { syswrite($s, $_); select(undef, undef, undef, 0.001) } print count(answers($s))')" 1
    is "$t: 5000 requests at once" "$(hostile 'my $s = connection(); my $all = ($get x 4999) . $last;
        my $pid = fork(); if (!$pid) { while (length $all) { my $n = syswrite($s, $all); substr($all, 0, $n) = "" } exit }
        print count(answers($s))')" 5000
    body -d '{"title": "'"$(printf '%0200d' 0)"'"}' "$url/todos" >/dev/null
    is "$t: 800 more to-dos" "$(hostile 'my $s = connection(); my $b = "{\"title\": \"" . ("x" x 200) . "\"}";
        for (1..800) { print $s "POST /todos HTTP/1.1\r\nHost: a\r\nContent-Length: ", length $b, "\r\n\r\n$b"; sysread($s, my $r, 4096) }
        print "made"')" made
    like "$t: a long list is whole" "$(body "$url/todos" | tr '{' '\n' | grep -c '"id"')" '^80[0-9]$'
    is "$t: a client that is slow to read" "$(hostile 'my $s = connection();
        my $list = "GET /todos HTTP/1.1\r\nHost: a\r\n\r\n"; print $s $list x 20, $last; $s->flush;
        select(undef, undef, undef, 0.5); my $all = answers($s); my $lists = () = $all =~ /\r\n0\r\n\r\nHTTP/g;
        print "$lists lists, ", count($all), " answers"')" "20 lists, 21 answers"

    # Many connections that say nothing, and clients that go away at every moment
    hostile 'my @all = map { connection() } 1..300; sleep 1; print scalar(grep { defined } @all)' >many &
    local many=$!
    sleep 0.5
    is "$t: an answer beside 300 silent connections" "$(status "$url/")" 200
    wait "$many"
    # More than the server takes: the others wait until there is room.
    is "$t: 700 connections" "$(hostile 'my @all = map { connection() } 1..700;
        for my $s (@all) { print $s $last; $s->flush }
        my $n = 0; for my $s (@all) { $n += count(answers($s)) } print $n')" 700
    is "$t: clients that reset" "$(hostile 'for my $i (1..300) { my $s = connection() or next;
        setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)); syswrite($s, substr("GET /todos HTTP/1.1\r\nHost: a\r\n\r\n" x 3, 0, $i)); close $s }
        print "gone"')" gone
    is "$t: an answer after them" "$(status "$url/")" 200
    is "$t: noise" "$(hostile 'srand(1); for (1..200) { my $s = connection() or next;
        print $s join "", map { chr rand 256 } 1..rand 2000; $s->flush; shutdown($s, 1); answers($s) } print "gone"')" gone
    is "$t: an answer after noise" "$(status "$url/")" 200

    if command -v wrk >/dev/null; then
        "${from[@]}" wrk -t1 -c64 -d1 "$url/" >/dev/null
        local before
        before=$(memory)
        "${from[@]}" wrk -t1 -c64 -d2 "$url/" >wrk.out
        ok "$t: wrk finds no errors" bash -c "! grep -E 'Non-2xx|Socket errors' wrk.out"
        ok "$t: no memory is left behind: $before kB, $(memory) kB" [ "$(memory)" -le $((before + 200)) ]
    else
        skip "$t: wrk" "wrk is not installed"
    fi

    wait "$late"
    like "$t: a request that does not end gets 408" "$(<late)" "^HTTP/1.1 408 "
    hostile 'my $s = connection(); print $s $get; sysread($s, my $r, 65536); print "open "; alarm 20;
        print "closed" if defined(sysread($s, $r, 1))' >idle 2>&1 &
    local idle=$!
    wait_for 10 grep -q open idle
    ok "$t: the server is there to the end" kill "$server"
    wait "$server" 2>/dev/null
    is "$t: SIGTERM ends it" $? 143
    wait "$idle"
    is "$t: and its clients are told" "$(<idle)" "open closed"
}

# ready: the server's port answers
ready() { [ "$(status "http://$address:$PORT/")" = 200 ]; }

if "$BUILD/native/rest" --help 2>&1 | grep -q usage; then
    address=127.0.0.1
    "$BUILD/native/rest" --port $PORT --bind $address >rest.out 2>&1 &
    server=$!
    at_end "kill $server 2>/dev/null"
    ok "native: it starts" wait_for 10 ready && check native
    run "$BUILD/native/rest" --port 0
    is "native: a wrong option" "$status $err" "2 usage: rest [--port N] [--bind ADDRESS]"
else
    skip "native" "there is no build/native/rest that runs"
fi

if [ -e "$EXAMPLES/rest.elf" ]; then
    need_network
    address=10.77.0.2
    from=(ip netns exec "$NS")
    ip netns exec "$NS" "$UKVM" run --net "net=tap:tap0,ip=$address/24,gw=10.77.0.1" "$EXAMPLES/rest.elf" --port $PORT \
        >guest.out 2>&1 &
    server=$!
    at_end "kill $server 2>/dev/null; wait $server 2>/dev/null"
    ok "unikernel: it starts" wait_for 10 ready && check unikernel
else
    skip "unikernel" "there is no rest.elf"
fi
done_testing
