#!/usr/bin/env perl
# SPDX-License-Identifier: MIT
#
# Who may know whom. Run by `make lint` after `make all`, from the top of the repository.
#
# 1. An include never points up: a file includes headers of its own layer and of those below.
# 2. No files of one program call each other in a circle, as far as the objects in build/obj/ tell, but those that are
#    listed here with a reason.
#
# It prints a line for each breach and ends with status 1 if there is one.

use strict;
use warnings;

my $build = $ENV{BUILD} // 'build';

# From the lowest layer to the highest. The longest path that a file's name begins with says where the file is.
my @layers = (
    ['guest-abi/'],
    ['seccomp/', 'monitor/base/', 'guest-kernel/include/', 'guest-kernel/core/', 'guest-kernel/musl/'],
    ['monitor/image/', 'guest-kernel/posix/', 'guest-kernel/toolchain/'],
    ['monitor/machine/', 'guest-kernel/net/'],
    ['monitor/io/'],
    ['monitor/'],
    ['monitor/cli/'],
    ['monitor/main.c', 'monitor/cmd_run.c'],
);

# Where an include that names a folder is looked for: the roots of the two worlds, which must not know each other.
my %roots = (
    'monitor' => ['monitor', 'seccomp', 'guest-abi'],
    'seccomp' => ['seccomp', 'guest-abi'],
    'guest-kernel' => ['guest-kernel', 'guest-kernel/include', 'guest-kernel/net/lwip', 'guest-abi'],
    'guest-abi' => ['guest-abi'],
);

# Calls that never return come from everywhere and bring nothing back.
my %never_return = map { $_ => 1 } qw(uk_panic __stack_chk_fail);

# Circles that stay, with the reason.
my @circles = (
    # The assembly of a switch or of an exception jumps to the C function that goes on, which called it.
    [qw(guest-kernel/posix/threads/switch guest-kernel/posix/threads/thread)],
    [qw(guest-kernel/posix/signals/fault_entry guest-kernel/posix/signals/fault)],
    # Entering the monitor hands over what the console has gathered; the console waits for a buffer by entering it.
    [qw(guest-kernel/core/console guest-kernel/core/wait)],
    # A socket is made by its protocol and has the protocol's operations; protocols make sockets for connections.
    # What is written is flushed, and lwIP's output asks the socket what may wait.
    [
        map { "guest-kernel/net/$_" }
            qw(netlink option socket stack tcp tcp_connect tcp_end tcp_flush tcp_listen tcp_option tcp_output udp unix)
    ],
);

my $breaches = 0;

sub breach {
    print "structure: @_\n";
    $breaches++;
}

sub layer {
    my ($file) = @_;
    my ($longest, $found) = (-1, undef);
    for my $i (0 .. $#layers) {
        for my $prefix (@{ $layers[$i] }) {
            next if index($file, $prefix) != 0 || length $prefix <= $longest;
            ($longest, $found) = (length $prefix, $i);
        }
    }
    return $found;
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "structure: $file: $!\n";
    local $/;
    return <$in>;
}

# ---- includes

sub find_include {
    my ($file, $name) = @_;
    my ($folder) = $file =~ m{^(.*)/};
    my ($world) = $file =~ m{^([^/]+)/};
    for my $root ($folder, @{ $roots{$world} }) {
        my $path = "$root/$name";
        1 while $path =~ s{[^/]+/\.\./}{};
        return $path if -e $path;
    }
    return undef;    # a library's, or made by the build
}

sub check_includes {
    for my $file (@_) {
        my $from = layer($file) // next;
        for my $name (slurp($file) =~ /^#include "([^"]+)"/mg) {
            my $header = find_include($file, $name) // next;
            my $to = layer($header);
            breach("$file includes $header, which is in no layer: name it in $0") unless defined $to;
            breach("$file includes $header, which is above it") if defined $to && $to > $from;
        }
    }
}

# ---- calls

# Symbols of each object: which object defines a name, and what each object needs.
sub read_symbols {
    my (%definer, %needs);
    -e or die "structure: $_ is not there; run make\n" for @_;
    for (`nm -A @_`) {
        my ($name, $type, $symbol) = m{^\Q$build\E/obj/(.*)\.o:.*\b([A-Za-z]) (\S+)$} or next;
        $needs{$name}{$symbol} = 1 if $type =~ /[Uwv]/ && !$never_return{$symbol};
        $definer{$symbol} = $name if $type =~ /[A-TV-Z]/;
    }
    my %edges;
    for my $name (keys %needs) {
        my %to = map { $_ => 1 } grep { defined } map { $definer{$_} } keys %{ $needs{$name} };
        delete $to{$name};
        $edges{$name} = [sort keys %to];
    }
    return \%edges;
}

# Everything that `start` reaches by its edges.
sub reach {
    my ($edges, $start) = @_;
    my %seen;
    my @next = @{ $edges->{$start} // [] };
    while (defined(my $name = shift @next)) {
        push @next, @{ $edges->{$name} // [] } unless $seen{$name}++;
    }
    return \%seen;
}

sub is_listed {
    my ($circle) = @_;
    for my $listed (@circles) {
        my %in = map { $_ => 1 } @$listed;
        return 1 unless grep { !$in{$_} } @$circle;
    }
    return 0;
}

sub check_circles {
    my ($edges) = @_;
    my %reached = map { $_ => reach($edges, $_) } keys %$edges;
    my %done;
    for my $name (sort keys %$edges) {
        next if $done{$name} || !$reached{$name}{$name};
        my @circle = grep { $reached{$name}{$_} && $reached{$_}{$name} } sort keys %$edges;
        @done{@circle} = (1) x @circle;
        breach("these call each other in a circle: @circle") unless is_listed(\@circle);
    }
}

check_includes(grep { m{^(?:monitor|seccomp|guest-kernel|guest-abi)/.*\.[chS]$} && !m{/musl/} && -e }
        split /\n/, `git ls-files`);
for my $world ('monitor', 'guest-kernel') {
    # By the sources that are there: the folder may still hold the object of one that is not.
    my @sources = grep { m{^$world/.*\.[cS]$} && !m{/musl/} && -e } split /\n/, `git ls-files`;
    my @objects = map { s/\.[cS]$//r } @sources;
    check_circles(read_symbols(map { "$build/obj/$_.o" } @objects));
}
exit($breaches ? 1 : 0);
