#!/usr/bin/perl
# What a contender of the soak and of the fault tests runs under the lock. It uses a counter that all
# holders of the lock share, and journals each deed with the monotonic time. It never looks whether it
# still holds the lock.
#
#   worker.pl JOURNAL COUNTER CONTENDER START MODE WORK_MS [ACCESS]
#
# ACCESS: exclusive, the default (increments the counter, in the way that loses updates when two do it
# at once: read, wait a little, write); shared (only reads it); permit (does not touch it).
# MODE: plain; stubborn (ignores TERM); family, loner (start a child that goes on alone: loner's has
# an empty environment, a session and a parent of its own, and ignores TERM).
# It ends with 0 after WORK_MS milliseconds, or with 3 when a file fails it.
use strict;
use warnings;
use Fcntl qw(O_RDONLY O_WRONLY O_APPEND O_RDWR SEEK_SET);
use POSIX ();
use Time::HiRes qw(clock_gettime usleep CLOCK_MONOTONIC);

# A kill can cut a write(2) short where two pages meet: lines that divide the page never cross one.
use constant LINE => 256;
# Nothing here outlives this, whatever happens to those who should stop it.
use constant LONGEST_LIFE_S => 60;

my ($journal_path, $counter_path, $contender, $start, $mode, $work_ms, $access) = @ARGV;
$access //= 'exclusive';
my $token = $ENV{LOCKEX_FENCING_TOKEN};
my $run = "$contender.$start.$$";
# How the child of a loner, which has no environment, knows whose it is.
($token, $run) = @ARGV[7, 8] if $mode eq 'child';
my %work = (exclusive => \&increment, shared => \&look, permit => \&step);
my $work = $work{$access} // exit 3;

sysopen(my $journal, $journal_path, O_WRONLY | O_APPEND) or exit 3;

sub now { return int(clock_gettime(CLOCK_MONOTONIC) * 1e6) }

sub deed {
    my ($event, $value) = @_;
    my $format = '{"at":%d,"event":"%s","contender":"%s","run":"%s","pid":%d,"token":%s'
        . ',"access":"%s"%s}';
    my $line = sprintf $format, now(), $event, $contender, $run, $$, $token, $access,
        defined $value ? ",\"value\":$value" : '';
    my $padded = sprintf "%-*s\n", LINE - 1, $line;
    exit 3 if length $padded != LINE;
    (syswrite($journal, $padded) // -1) == LINE or exit 3;
}

sub go_on_alone {
    my $until = now() + LONGEST_LIFE_S * 1e6;
    while (now() < $until) {
        deed('step');
        usleep(10_000);
    }
    exit 0;
}

sub start_family {
    my $pid = fork() // exit 3;
    return if $pid;
    POSIX::setsid();
    go_on_alone();
}

sub start_loner {
    my $pid = fork() // exit 3;
    if ($pid) {
        waitpid $pid, 0;
        return;
    }
    POSIX::setsid();
    my $grandchild = fork() // exit 3;
    POSIX::_exit(0) if $grandchild;
    $SIG{TERM} = 'IGNORE';
    exec '/usr/bin/env', '-i', $^X, $0, @ARGV[0 .. 3], 'child', 0, $access, $token, $run;
    exit 3;
}

sub wait_a_little { usleep(2_000 + int(rand(18_000))) }

sub look {
    sysopen(my $counter, $counter_path, O_RDONLY) or exit 3;
    sysread($counter, my $text, 64) or exit 3;
    close $counter;
    deed('read', $text + 0);
    wait_a_little();
}

sub step {
    deed('step');
    wait_a_little();
}

sub increment {
    sysopen(my $counter, $counter_path, O_RDWR) or exit 3;
    sysread($counter, my $text, 64) or exit 3;
    my $value = $text + 1;
    wait_a_little();
    deed('write', $value);
    sysseek($counter, 0, SEEK_SET) // exit 3;
    # As wide as the last one: nothing is to be truncated, and one write(2) does it.
    (syswrite($counter, sprintf("%015d\n", $value)) // -1) == 16 or exit 3;
    deed('wrote', $value);
    close $counter;
}

go_on_alone() if $mode eq 'child';

my $until = now() + $work_ms * 1000;
deed('begin');
$SIG{TERM} = 'IGNORE' if $mode eq 'stubborn';
start_family() if $mode eq 'family';
start_loner() if $mode eq 'loner';
$work->() while now() < $until;
deed('end');
exit 0;
