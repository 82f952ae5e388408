# The init process in Perl, for Linux; init-runtime.ts describes its protocol. It uses no module: it
# needs only perl-base, and starts in about 2 ms. System calls without a Perl function are made by
# `syscall`, with the numbers from the variable `calls`.

my ($prctl, $sigprocmask, $signalfd4, $execve, $close, $setsid) = split / /, $ENV{calls};
my $kill_signal = $ENV{signal};
open CHANNEL, '+<&=4' or exit 1;
sub report { my $line = "$_[0]\n"; syswrite CHANNEL, $line }
sub unfit { report("unfit $_[0]"); exit 1 }

# With SIGCHLD ignored the kernel would discard the exit status of children (wait(2)).
$SIG{CHLD} = 'DEFAULT';
# Signals are blocked, not ignored: the first process would inherit ignored signals (execve(2)).
length pack('p', '') == 8 or unfit('32-bit perl');
my ($all, $inherited) = (pack('Q', ~0), "\0" x 8);
syscall($sigprocmask, 2, $all, $inherited, 8) == 0 or unfit("rt_sigprocmask: $!");
# PR_SET_CHILD_SUBREAPER; PR_GET_CHILD_SUBREAPER proves that the system call is prctl.
my $is_set = pack 'i', 0;
syscall($prctl, 36, 1, 0, 0, 0) == 0 or unfit("PR_SET_CHILD_SUBREAPER: $!");
syscall($prctl, 37, $is_set, 0, 0, 0) == 0 && unpack('i', $is_set) == 1
  or unfit("PR_GET_CHILD_SUBREAPER: $!");
# SIGCHLD (17) and the kill signal; SFD_CLOEXEC | SFD_NONBLOCK.
my $wanted = pack 'Q', 1 << 16 | 1 << $kill_signal - 1;
my $signalfd = syscall $signalfd4, -1, $wanted, 8, 0x80000 | 0x800;
$signalfd >= 0 && open SIGNALS, "<&=$signalfd" or unfit("signalfd4: $!");

# A /proc of another pid namespace shows other pids: it is not used at all.
my $has_proc = (readlink('/proc/self') || '') eq $$;
my $has_children = $has_proc && open OWN, '<', "/proc/self/task/$$/children";

my ($input, $eof) = ('', 0);
my $watched = '';
vec($watched, 4, 1) = 1;
vec($watched, $signalfd, 1) = 1;

# A read error other than EAGAIN and EINTR counts as an end of file: a Unix socket whose peer closed
# it before reading everything returns ECONNRESET.
sub receive {
  my $got = sysread CHANNEL, $input, 65536, length $input;
  return if defined $got ? $got > 0 : $! == 11 || $! == 4;
  $eof = 1;
  vec($watched, 4, 1) = 0;
}

my (@arguments, @variables);
until (@arguments) {
  my $ready = '';
  vec($ready, 4, 1) = 1;
  select $ready, undef, undef, undef;
  receive();
  exit 1 if $eof;
  next unless $input =~ /\A(\d+) (\d+)\n/ && length $input >= $+[0] + $1;
  @variables = split /\0/, substr($input, $+[0], $1 - 1), -1;
  substr($input, 0, $+[0] + $1) = '';
  @arguments = splice @variables, 0, $2;
}

my $first = fork;
unless (defined $first) { report('failed ' . ($! + 0)); exit 1 }
if ($first == 0) {
  syscall $setsid;
  # perl itself ignores SIGFPE (PERL_FPU_INIT in perl.h).
  $SIG{FPE} = 'DEFAULT';
  syscall $sigprocmask, 2, $inherited, 0, 8;
  # By the system call, which passes the environment unchanged; %ENV does not.
  my ($argv, $envp) = (pack('p*', @arguments, undef), pack('p*', @variables, undef));
  syscall $execve, $arguments[0], $argv, $envp;
  report('failed ' . ($! + 0));
  exit 125;
}

# Returns parent, group, threads and start time from /proc/PID/stat; nothing if there is no such
# process.
sub status {
  open my $file, '<:unix', "/proc/$_[0]/stat" or return;
  my $text = '';
  sysread $file, $text, 4096;
  my @fields = split / /, $text =~ /.*\) (.*)/s ? $1 : '';
  return @fields > 19 ? @fields[1, 2, 17, 19] : ();
}

report("started $first " . ($has_proc ? (status($first))[3] || 0 : 0));
@arguments = @variables = ();
syscall $close, 3;
open STDIN, '<', '/dev/null' or close STDIN;
open STDOUT, '>', '/dev/null' or close STDOUT;
open STDERR, '>', '/dev/null' or close STDERR;
# Other inherited descriptors, such as that of a flock(1) that lockex runs under.
if ($has_proc && opendir my $directory, '/proc/self/fd') {
  my @own = (0 .. 2, 4, $signalfd, fileno $directory, $has_children ? fileno OWN : ());
  my %is_own = map { $_ => 1 } @own;
  $is_own{$_} or syscall $close, $_ + 0 for grep /^\d+$/, readdir $directory;
  closedir $directory;
}
chdir '/';
# Succeeds only as root. Between sessions in one cgroup, the nice value of the autogroup decides
# (sched(7), "The autogroup feature").
setpriority 0, 0, -20;
if ($has_proc && open AUTOGROUP, '>', '/proc/self/autogroup') {
  syswrite AUTOGROUP, '-20';
  close AUTOGROUP;
}

# A scan and a list of children can both miss a process that is forked at the same time. They are
# repeated until no process is left.
my %children;
sub scan {
  %children = ();
  opendir my $directory, '/proc' or return;
  for my $pid (grep /^\d+$/, readdir $directory) {
    my ($parent) = status($pid) or next;
    push @{$children{$parent}}, $pid;
  }
}
sub read_all {
  my ($file, $text) = ($_[0], '');
  1 while sysread $file, $text, 65536, length $text;
  return split ' ', $text;
}
sub children_of {
  my ($pid, $threads) = @_;
  return @{$children{$pid} || []} unless $has_children;
  # Each thread has its own list (fs/proc/array.c, get_children_pid).
  my @tasks = ($pid);
  if ($threads > 1 && opendir my $directory, "/proc/$pid/task") {
    @tasks = grep /^\d+$/, readdir $directory;
  }
  my @found;
  for my $task (@tasks) {
    # A separate statement: a variable is visible only after the statement that declares it.
    open my $file, '<:unix', "/proc/$pid/task/$task/children" or next;
    push @found, read_all($file);
  }
  return @found;
}
sub own_children {
  return children_of($$, 1) unless $has_children;
  sysseek OWN, 0, 0;
  return read_all(*OWN);
}

my ($has_exited, $is_empty, $is_killing, $pause) = (0, 0, 0, 0);
sub reap {
  while (!$is_empty) {
    my $pid = waitpid -1, 1;
    last if $pid == 0;
    if ($pid < 0) {
      $is_empty = 1;
      report('empty');
    } elsif ($pid == $first && !$has_exited) {
      $has_exited = 1;
      report('exited ' . ($? >> 8) . ' ' . ($? & 127));
    }
  }
}

my %signalled;

# Sends SIGKILL to the children of this process that have not received it. Only this process reaps
# them, so their pids can't be reused.
sub kill_own {
  # Only with an up-to-date list: the pids of a scan must not be freed before they are used.
  reap() if $has_children;
  my @own = own_children();
  my @new = grep { !$signalled{$_} } @own;
  kill 9, @new;
  %signalled = map { $_ => 1 } @own;
  return map { [$_, $$] } @new;
}

# Finds, for each descendant that this user has no permission to signal, the nearest ancestor that
# it can signal: a relay, which may forward SIGTERM, as sudo does, if it is not killed first. Each
# relay gets one SIGTERM. root needs no relays. Only some rounds search for them, because that takes
# as long as reading all descendants.
my ($rounds, $is_asking, %asked) = (0, 0);
sub find_relays {
  return if $> == 0 || !$is_asking && $rounds++ % 64;
  my (%parent, %is_foreign, %is_relay);
  my @found = own_children();
  while (defined(my $pid = shift @found)) {
    if (!kill(0, $pid) && $! == 1) {
      $is_foreign{$pid} = 1;
      my $up = $parent{$pid};
      $up = $parent{$up} while $up && $is_foreign{$up};
      $is_relay{$up} = 1 if $up && !$asked{$up};
    }
    my (undef, undef, $threads) = status($pid) or next;
    for my $child (children_of($pid, $threads)) {
      next if exists $parent{$child};
      $parent{$child} = $pid;
      push @found, $child;
    }
  }
  # A process that is adopted during this walk is missed: the search must find no relay several
  # times.
  $is_asking = %is_relay ? 3 : $is_asking ? $is_asking - 1 : 0;
  return %is_relay;
}

# Sends SIGTERM to each relay and gives it time to forward it; sends SIGKILL to all other
# descendants. In the next round the relays are among the latter.
sub ask_relays {
  my %is_relay = @_;
  for my $pid (keys %is_relay) {
    $asked{$pid} = 1;
    kill 15, $pid;
    kill 18, $pid;
  }
  my @found = map { [$_, $$] } own_children();
  while (@found) {
    my ($pid, $parent) = @{shift @found};
    my ($actual, undef, $threads) = status($pid) or next;
    next unless $actual == $parent || $actual == $$;
    push @found, map { [$_, $pid] } children_of($pid, $threads);
    kill 9, $pid unless $is_relay{$pid};
  }
  select undef, undef, undef, 0.1;
  return 0;
}

# Sends SIGKILL to every descendant once. Returns the seconds until the next round.
#
# A kill is far cheaper than a fork, but finding descendants is not. So the children of this process
# are killed first and repeatedly: the last process of a chain whose parents exit is one of them.
sub kill_descendants {
  scan() unless $has_children || !$has_proc;
  my %relays = find_relays();
  return ask_relays(%relays) if %relays;
  return 0.02 if $is_asking;
  # Its pid can't be reused, for a process or for a group, until it has been reaped.
  if (!$has_exited) { kill -9, $first; kill 9, $first; }
  my @found = my @new = kill_own();
  push @found, @new = kill_own() while @new > 15 && @found < 2000 && $has_children;
  my ($has_new, $examined, %groups) = (scalar @found, 0);
  while (@found && $examined++ < 2000) {
    push @found, kill_own() if $examined % 32 == 0;
    my ($pid, $parent) = @{pop @found};
    my ($actual, $group, $threads) = status($pid) or next;
    # The pid may have been reused since it was listed, unless the parent is still the same.
    next unless $actual == $parent || $actual == $$;
    kill 9, $pid;
    # One signal to the whole group gives none of its processes time to fork (kernel/fork.c restarts
    # a fork while a signal is pending). This process keeps the group's id in use.
    kill -9, $group unless $group < 2 || $group == $$ || $groups{$group}++;
    push @found, map { [$_, $pid] } children_of($pid, $threads);
  }
  # Signal all of them again in the next round: new children may have reused their pids.
  %signalled = () if @found || !$has_new;
  return $pause = $has_new ? 0 : $pause ? $pause < 0.25 ? 2 * $pause : 0.5 : 0.001;
}

until ($is_empty && $eof) {
  reap();
  last if $is_empty && $eof;
  # The message may have arrived together with the request, before this loop.
  $is_killing = 1 if $eof || $input =~ s/^kill\n//m;
  my $seconds = $is_killing && !$is_empty ? kill_descendants() : undef;
  my $ready = $watched;
  select $ready, undef, undef, $seconds;
  if (vec($ready, $signalfd, 1) && sysread SIGNALS, my $records, 64 * 128) {
    # struct signalfd_siginfo: 128 bytes; the signal number comes first.
    for (my $at = 0; $at < length $records; $at += 128) {
      $is_killing = 1 if unpack('L', substr $records, $at, 4) == $kill_signal;
    }
  }
  receive() if !$eof && vec($ready, 4, 1);
}
exit 0;
