#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Names, resolved by a server of the test's own whose answers do not all fit a datagram.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
need_network
command -v perl >/dev/null || skip_all "perl is not installed"
ip -n "$NS" addr add 10.77.0.3/24 dev tap0

# For a.test as many addresses as the server's own ends with; for sN.test N addresses by UDP; for bN.test none, but N over TCP; for x.test over TCP only half of an answer.
cat >server.pl <<'END'
use strict; use warnings; use IO::Socket::INET; use IO::Select;
my ($address) = @ARGV;
my @common = (LocalAddr => $address, LocalPort => 53, ReuseAddr => 1);
my $udp = IO::Socket::INET->new(@common, Proto => "udp") or die "udp: $!";
my $tcp = IO::Socket::INET->new(@common, Proto => "tcp", Listen => 5) or die "tcp: $!";
sub answer {
    my ($query, $stream) = @_;
    my ($kind, $count) = substr($query, 13) =~ /^([a-z])(\d*)/ or return "";
    my ($end) = index($query, "\0", 12) + 5;
    my $cut = !$stream && $kind =~ /[bx]/;
    ($count) = $address =~ /(\d+)$/ if $kind eq "a";
    my $records = $cut || $kind eq "x" ? 0 : $count;
    my $all = substr($query, 0, 2) . pack("nnnnn", $cut ? 0x8780 : 0x8580, 1, $records, 0, 0) . substr($query, 12, $end - 12);
    $all .= pack("nnnNnC4", 0xc00c, 1, 1, 60, 4, 10, 0, $_ >> 8, $_ & 255) for 1 .. $records;
    return $all;
}
my $select = IO::Select->new($udp, $tcp);
$| = 1; print "ready\n";
while (my @ready = $select->can_read) {
    for my $socket (@ready) {
        if ($socket == $udp) {
            my $from = $udp->recv(my $query, 512);
            $udp->send(answer($query, 0), 0, $from);
        } else {
            my $client = $tcp->accept or next;
            my $query = "";
            1 while (length($query) < 2 || length($query) < 2 + unpack("n", $query)) && sysread($client, $query, 512, length $query);
            my $answer = answer(substr($query, 2), 1);
            syswrite($client, pack("n", length($answer) + ($answer =~ /\x01x\x04test/ ? 9 : 0)) . $answer);
        }
    }
}
END
for address in 10.77.0.1 10.77.0.3; do
    ip netns exec "$NS" perl server.pl $address >"server.$address" 2>&1 &
    at_end "kill $! 2>/dev/null"
    wait_for 20 grep -q ready "server.$address"
done

# resolve NAME...: in a guest whose gateway is the server
resolve() {
    run ip netns exec "$NS" "$UKVM" run --net net=tap:tap0,ip=10.77.0.2/24,gw=10.77.0.1 "$BUILD/tests/servers/resolve.elf" "$@"
}

resolve s1.test s20.test
is "answers in a datagram" "$out" "s1.test: 1, 1
s20.test: 20, 20"
resolve b2.test b25.test
is "answers that came over TCP" "$out" "b2.test: 2, 2
b25.test: 25, 25"
resolve b60.test b200.test
is "of a long one getaddrinfo() takes as many as fit its 512 bytes, and others get all" "$out" "b60.test: 30, 60
b200.test: 30, 200"
resolve x.test s1.test
is "half of an answer is none" "$out" "x.test: -1, -1
s1.test: 1, 1"

resolve a.test
is "without a name server the gateway is asked" "$out" "a.test: 1, 1"
mkdir -p files/etc
echo nameserver 10.77.0.3 >files/etc/resolv.conf
(cd files && find . | cpio -o -H newc --quiet) >files.cpio
run ip netns exec "$NS" "$UKVM" run --initrd files.cpio --net net=tap:tap0,ip=10.77.0.2/24,gw=10.77.0.1 \
    "$BUILD/tests/servers/resolve.elf" a.test
is "and with one in the archive, that one" "$out" "a.test: 3, 3"

done_testing
