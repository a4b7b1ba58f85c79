#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SQLite on a raw disk through examples/sqlite/vfs.c: as an ordinary program on a file, and as a unikernel on a disk. What
# counts is what a transaction that was cut off leaves behind.
# shellcheck disable=SC2016 # the dollars are Perl's
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
[ -z "${UKVM_TEST_EMULATED:-}" ] || skip_all "what is killed after some milliseconds has not even started on an emulated machine"

new_disk() { rm -f disk.img && truncate -s "${1:-64M}" disk.img; }
native=("$BUILD/native/sqlite" -vfs rawdisk disk.img)
unikernel=("$UKVM" run --mem 256M --disk data=disk.img "$EXAMPLES/sqlite.elf" -vfs rawdisk /dev/data)

# Every transaction adds 1 to each of 500 values and a row to `done`; so at any moment all values are the number of rows.
setup='create table v(n); create table done(i, pad);
    insert into v select 0 from (with recursive c(i) as (select 1 union all select i + 1 from c where i < 500) select i from c);'
transaction='begin; update v set n = n + 1; insert into done select count(*), randomblob(2000) from done; commit;'
transactions() { # COUNT
    local i all=
    for ((i = 0; i < $1; i++)); do all+=$transaction; done
    echo "$all"
}
verdict="pragma integrity_check; select min(n) = max(n) and min(n) = (select count(*) from done) from v;"

check() {
    local t=$1
    local -n sql=$1
    new_disk
    is "$t: an empty disk is formatted" "$("${sql[@]}" "$setup select count(*) from v")" 500
    is "$t: it is there the next time" "$("${sql[@]}" "select sum(n) from v")" 0
    is "$t: rolled back" "$("${sql[@]}" "begin; update v set n = 5; rollback; select sum(n) from v; pragma integrity_check")" $'0\nok'
    is "$t: write-ahead log" "$("${sql[@]}" "pragma locking_mode=exclusive; pragma journal_mode=wal; $(transactions 3) $verdict")" \
        $'exclusive\nwal\nok\n1'
    is "$t: and back" "$("${sql[@]}" "pragma locking_mode=exclusive; pragma journal_mode=delete; $verdict")" $'exclusive\ndelete\nok\n1'
    like "$t: the disk is full" "$("${sql[@]}" "create table big as select zeroblob(40000000)" 2>&1)" "full"
    is "$t: as before" "$("${sql[@]}" "$verdict")" $'ok\n1'
    is "$t: vacuum" "$("${sql[@]}" "vacuum; $verdict")" $'ok\n1'

    local i killed=0 wrong=0 mode
    for i in {1..30}; do
        mode=$( ((i % 3)) && echo delete || echo persist)
        "${sql[@]}" "pragma journal_mode=$mode; pragma cache_size=5; $(transactions 300)" >/dev/null 2>&1 &
        sleep "0.0$((RANDOM % 90 + 10))"
        kill -KILL $! && killed=$((killed + 1))
        wait $! 2>/dev/null
        [ "$("${sql[@]}" "$verdict" 2>&1)" = $'ok\n1' ] || wrong=$((wrong + 1))
    done 2>/dev/null
    is "$t: whole after each of 30 times SIGKILL" "$wrong" 0
    ok "$t: which cut something off" [ $killed -gt 20 ]

    "${sql[@]}" "$(transactions 300)" >/dev/null 2>&1 &
    sleep 0.2
    like "$t: a disk in use is refused" "$("${sql[@]}" "select 1 from v" 2>&1)" "locked|in use|busy"
    kill -KILL $!
    wait $! 2>/dev/null

    head -c 1M /dev/urandom >disk.img
    like "$t: a disk with something else on it is refused" "$("${sql[@]}" "select 1 from v" 2>&1)" "not a database"
}

# A power cut: of what was written since the last fsync, each block of 4096 bytes has reached the disk or not, by chance.
# strace keeps the record of a run, from which the disk at any moment is made again.
power_cuts() {
    new_disk 4M
    "${native[@]}" "$setup"
    cp disk.img start.img
    strace -f -qq -xx -s 100000 -e trace=pwrite64,fsync -o record "${native[@]}" \
        "pragma journal_mode=$1; pragma cache_size=5; $(transactions 8)" >/dev/null
    perl -e '
        use strict; use warnings; srand(7);
        my (@steps, %at);
        open(my $record, "<", "record") or die;
        while (<$record>) {
            if (/pwrite64\(\d+, "([^"]*)", \d+, (\d+)\)/) {
                my ($data, $offset) = ($1, $2);
                $data =~ s/\\x(..)/chr hex $1/ge;
                push @steps, [$offset, $data];
            } elsif (/fsync/) { push @steps, undef }
        }
        open(my $f, "<", "start.img") or die; local $/; my $synced = <$f>;
        sub put { substr($_[0], $_[1], length $_[2]) = $_[2] }
        sub save { open(my $o, ">", $_[0]) or die; print $o $_[1]; close $o }
        my $n = 0; my @open;
        for my $i (0 .. $#steps) {
            if (defined $steps[$i]) { push @open, $steps[$i] }
            if (!defined $steps[$i] || rand() < 0.02 || $i == $#steps) {
                my $torn = $synced;
                for my $w (@open) {
                    my ($offset, $data) = @$w;
                    while (length $data) {
                        my $k = 4096 - $offset % 4096;
                        put($torn, $offset, substr($data, 0, $k)) if rand() < 0.5;
                        $data = length $data > $k ? substr($data, $k) : ""; $offset += $k;
                    }
                }
                save("cut.$n.synced", $synced); save("cut.$n.torn", $torn); $n++;
            }
            if (!defined $steps[$i]) { put($synced, @$_) for @open; @open = () }
        }'
    local cut torn synced cuts=0 wrong=0
    for cut in cut.*.torn; do
        cp "$cut" disk.img
        torn=$("${native[@]}" "$verdict select count(*) from done" 2>&1)
        cp "${cut%torn}synced" disk.img
        synced=$("${native[@]}" "$verdict select count(*) from done" 2>&1)
        cuts=$((cuts + 1))
        # whole, and nothing is lost that was there at the last fsync
        if [[ $torn != $'ok\n1\n'* || $synced != $'ok\n1\n'* || ${torn##*$'\n'} -lt ${synced##*$'\n'} ]]; then
            wrong=$((wrong + 1))
            echo "# $cut: ${torn//$'\n'/, }; without the cut: ${synced//$'\n'/, }"
        fi
    done
    is "native: whole after each of the power cuts, journal_mode=$1" "$wrong" 0
    ok "native: there were some: $cuts" [ $cuts -gt 20 ]
    rm -f cut.*
}

if "$BUILD/native/sqlite" -version >/dev/null 2>&1; then
    check native
    if command -v strace >/dev/null && command -v perl >/dev/null; then
        power_cuts delete
        power_cuts persist
        power_cuts truncate
    else
        skip "power cuts" "strace or Perl is not installed"
    fi
    new_disk
    # A URI, for speedtest1 deletes the file of the name that it is given.
    ok "native: speedtest1" "$BUILD/native/speedtest1" --size 2 --verify --vfs rawdisk file:disk.img
    is "native: whole after it" "$("${native[@]}" "pragma integrity_check")" ok
else
    skip "native" "there is no build/native/sqlite that runs"
fi

if [ -e "$EXAMPLES/sqlite.elf" ] && [ -e /dev/kvm ] && "${unikernel[@]}" .quit >/dev/null 2>&1; then
    check unikernel
    ok "unikernel: speedtest1 in memory" "$UKVM" run --mem 256M "$EXAMPLES/speedtest1.elf" --size 2 --memdb
    new_disk
    ok "unikernel: speedtest1 on a disk" "$UKVM" run --mem 256M --disk data=disk.img "$EXAMPLES/speedtest1.elf" --size 2 \
        --vfs rawdisk file:/dev/data
    is "unikernel: whole after it" "$("${unikernel[@]}" "pragma integrity_check")" ok
else
    skip "unikernel" "there is no sqlite.elf that runs"
fi
done_testing
