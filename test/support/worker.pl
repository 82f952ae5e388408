#!/usr/bin/perl
# The command that the soak and the fault tests run under the lock. It uses a counter that all holders
# of the lock share, and writes each operation to a journal with the monotonic time. It never checks
# that it still holds the lock.
#
#   worker.pl JOURNAL COUNTER CONTENDER START MODE WORK_MS [ACCESS]
#
# ACCESS: exclusive, the default (increments the counter non-atomically: read, wait, write, so that two
# processes at once lose updates); shared (only reads it); permit (does not use it).
# MODE: plain; stubborn (ignores TERM); background (starts a child in its own session that continues
# after it); detached (like background, but the child also has an empty environment and another parent,
# and ignores TERM).
# Exits with 0 after WORK_MS milliseconds, or with 3 after an error of a file.
use strict;
use warnings;
use Fcntl qw(O_RDONLY O_WRONLY O_APPEND O_RDWR SEEK_SET);
use POSIX ();
use Time::HiRes qw(clock_gettime usleep CLOCK_MONOTONIC);

# A kill can truncate a write(2) at a page boundary; lines of this length never cross one.
use constant LINE => 256;
# No process lives longer, even if nothing stops it.
use constant MAX_LIFE_S => 60;

my ($journal_path, $counter_path, $contender, $start, $mode, $work_ms, $access) = @ARGV;
$access //= 'exclusive';
my $token = $ENV{LOCKEX_FENCING_TOKEN};
my $run = "$contender.$start.$$";
# The child of a detached run has no environment: it gets these as arguments.
($token, $run) = @ARGV[7, 8] if $mode eq 'child';
my %work = (exclusive => \&increment, shared => \&read_counter, permit => \&step);
my $work = $work{$access} // exit 3;

sysopen(my $journal, $journal_path, O_WRONLY | O_APPEND) or exit 3;

sub now { return int(clock_gettime(CLOCK_MONOTONIC) * 1e6) }

sub record {
    my ($event, $value) = @_;
    my $format = '{"at":%d,"event":"%s","contender":"%s","run":"%s","pid":%d,"token":%s'
        . ',"access":"%s"%s}';
    my $line = sprintf $format, now(), $event, $contender, $run, $$, $token, $access,
        defined $value ? ",\"value\":$value" : '';
    my $padded = sprintf "%-*s\n", LINE - 1, $line;
    exit 3 if length $padded != LINE;
    (syswrite($journal, $padded) // -1) == LINE or exit 3;
}

sub continue_alone {
    my $until = now() + MAX_LIFE_S * 1e6;
    while (now() < $until) {
        record('step');
        usleep(10_000);
    }
    exit 0;
}

sub start_background {
    my $pid = fork() // exit 3;
    return if $pid;
    POSIX::setsid();
    continue_alone();
}

sub start_detached {
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

sub pause { usleep(2_000 + int(rand(18_000))) }

sub read_counter {
    sysopen(my $counter, $counter_path, O_RDONLY) or exit 3;
    sysread($counter, my $text, 64) or exit 3;
    close $counter;
    record('read', $text + 0);
    pause();
}

sub step {
    record('step');
    pause();
}

sub increment {
    sysopen(my $counter, $counter_path, O_RDWR) or exit 3;
    sysread($counter, my $text, 64) or exit 3;
    my $value = $text + 1;
    pause();
    record('write', $value);
    sysseek($counter, 0, SEEK_SET) // exit 3;
    # Always of the same length, so that one write(2) replaces the whole content.
    (syswrite($counter, sprintf("%015d\n", $value)) // -1) == 16 or exit 3;
    record('wrote', $value);
    close $counter;
}

continue_alone() if $mode eq 'child';

my $until = now() + $work_ms * 1000;
record('begin');
$SIG{TERM} = 'IGNORE' if $mode eq 'stubborn';
start_background() if $mode eq 'background';
start_detached() if $mode eq 'detached';
$work->() while now() < $until;
record('end');
exit 0;
