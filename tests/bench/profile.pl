#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Where the time of a guest goes: in which of its own functions, and what its monitor and the host's kernel do meanwhile.
#
#     tests/bench/profile.pl [-w SECONDS] [-t SECONDS] build/ukvm run OPTION... IMAGE ARG...
#
# Starts the guest, waits for -w seconds (default 3) in which you start some load, looks for -t seconds (default 2) where
# it is 4,000 times a second, ends it, and prints shares. Needs perf (Debian: linux-perf), nm and readelf, and a user who
# may profile the kernel; the image needs its symbols.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Getopt::Std;
no warnings 'portable'; # addresses have 64 bits

my %option = (w => 3, t => 2);
getopts('+w:t:', \%option) && @ARGV >= 3 && $ARGV[1] eq 'run'
    or die "usage: $0 [-w SECONDS] [-t SECONDS] build/ukvm run OPTION... IMAGE ARG...\n";
my $scratch = tempdir(CLEANUP => 1);

# The image is the first argument that is an ELF file.
my ($image) = grep { -f && `head -c 4 \Q$_\E` eq "\x7fELF" } @ARGV[2 .. $#ARGV];
die "profile: no image in: @ARGV\n" unless $image;

# ---- the guest, and the samples

my $guest = fork // die "fork: $!\n";
if (!$guest) {
    open STDERR, '>', "$scratch/trace" or die;
    exec @ARGV[0, 1], '--trace=boot', @ARGV[2 .. $#ARGV];
    die "exec: $!\n";
}
sleep $option{w};
system("perf kvm --guest --host record -q -g -e cpu-clock:GH -F 4000 -p $guest -o $scratch/data sleep $option{t} "
        . ">$scratch/perf.log 2>&1") == 0
    or warn "profile: perf: ", `tail -n 1 $scratch/perf.log`;
kill 'TERM', $guest;
waitpid $guest, 0;
my $trace = do { local (@ARGV, $/) = "$scratch/trace"; <> };
$trace =~ /guest at (0x[0-9a-f]+)/ or die "profile: the guest did not start: $trace";
my $start = hex $1;

# ---- names of addresses

sub symbols { # COMMAND: "ADDRESS TYPE NAME" lines, sorted by address
    my (@addresses, @names);
    open my $lines, '-|', shift or die;
    while (<$lines>) {
        my ($address, $type, $name) = split or next;
        next unless defined $name && $type =~ /^[tTwW]$/;
        push @addresses, hex $address;
        push @names, $name;
    }
    return {addresses => \@addresses, names => \@names};
}

sub name { # SYMBOLS ADDRESS
    my ($symbols, $address) = @_;
    my ($low, $high) = (0, scalar @{$symbols->{addresses}});
    while ($low < $high) {
        my $middle = int(($low + $high) / 2);
        if ($symbols->{addresses}[$middle] <= $address) { $low = $middle + 1 } else { $high = $middle }
    }
    return $low ? $symbols->{names}[$low - 1] : '?';
}

my ($entry) = `readelf -hW \Q$image\E` =~ /Entry point address:\s+(0x[0-9a-f]+)/;
my $bias = $start - hex $entry;
my $in_guest = symbols("nm -n \Q$image\E");
my $in_kernel = symbols('sort /proc/kallsyms');

# What the kernel does for the monitor, by the innermost of these functions in the chain of calls.
my @work = (
    [qr/^io_write$/, 'kernel: io_uring writes: frames sent, disk, console'],
    [qr/^io_read$/, 'kernel: io_uring reads: frames received, disk'],
    [qr/^kvm_arch_vcpu_ioctl_run$/, 'kernel: in and out of the guest'],
    [qr/^io_(submit_sqes|cqring_wait|run_.*work.*)$/, 'kernel: other work of io_uring'],
);

sub work_of { # CALL CHAIN, innermost first
    for my $name (map { name($in_kernel, $_) } @_) {
        $name =~ $_->[0] && return $_->[1] for @work;
    }
    return 'kernel: the rest';
}

# ---- counting

my (%places, %functions, $total, $misc, $ip, @chain);

sub count {
    return unless defined $misc;
    $total++;
    my $mode = $misc & 7; # PERF_RECORD_MISC_CPUMODE_MASK
    if ($mode == 5) {
        $places{guest}++;
        $functions{name($in_guest, $ip - $bias)}++;
    } elsif ($mode == 2) {
        $places{monitor}++;
    } else {
        $places{work_of($ip, @chain)}++;
    }
}

open my $dump, '-|', "perf report -D -i $scratch/data 2>/dev/null" or die;
while (<$dump>) {
    if (/PERF_RECORD_SAMPLE\(IP, (0x[0-9a-f]+)\): \d+\/\d+: (0x[0-9a-f]+)/) {
        count();
        ($misc, $ip, @chain) = (hex $1, hex $2);
    } elsif (/^\.+\s+\d+: ([0-9a-f]+)$/) {
        push @chain, hex $1;
    }
}
count();
die "profile: no samples\n" unless $total;

printf "%d samples, %.0f %% of the time\n\n", $total, 100 * $total / (4000 * $option{t});
printf "%5.1f %%  %s\n", 100 * $places{$_} / $total, $_ for sort { $places{$b} <=> $places{$a} } keys %places;
print "\nOf it, in the guest:\n";
my @names = sort { $functions{$b} <=> $functions{$a} } keys %functions;
for (@names[0 .. ($#names < 29 ? $#names : 29)]) {
    printf "%5.1f %%  %s\n", 100 * $functions{$_} / $total, $_;
}
